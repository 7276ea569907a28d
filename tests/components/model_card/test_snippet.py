"""The code in the card, run as it stands: from the Hub, with nothing of this project at hand, and from the folder."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from components import features
from components.artifacts.predictions import Predictions, stream_predictions
from components.model_card.card import write_card
from components.model_card.facts import CardSources, Facts
from components.model_card.figures import AttentionPicture
from components.report.pictures import read_records

NOTHING_OF_OURS = """
import sys
assert not {"components", "models", "pipeline", "tfx", "tensorflow_transform"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def version(
    sources: CardSources, facts: Facts, attention: AttentionPicture, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """A pushed version: the SavedModel and its card."""
    folder = tmp_path_factory.mktemp("serving") / "10"
    shutil.copytree(sources.model, folder)
    write_card(facts, attention, folder)
    return folder


@pytest.fixture
def first(sources: CardSources) -> Predictions:
    """The predictions for the test images."""
    return next(stream_predictions(sources.verdict))


@pytest.fixture
def workplace(sources: CardSources, first: Predictions, tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with the first test image, as the snippet names it."""
    name = str(first.ids[0])
    [(_, image)] = read_records(sources.test_split, [name]).values()
    (tmp_path / "image.png").write_bytes(image)
    return tmp_path


@pytest.fixture
def snippets(version: pathlib.Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (version / "README.md").read_text(), re.DOTALL)


def _answer(first: Predictions) -> tuple[str, float]:
    probabilities = first.candidate[0]
    return features.CLASS_NAMES[probabilities.argmax()], float(probabilities.max())


def test_the_code_of_the_card_runs_from_the_hub_and_gives_the_models_answer(
    version: pathlib.Path, workplace: pathlib.Path, snippets: list[str], first: Predictions
) -> None:
    cached = workplace / "hub" / "models--USER--REPO"  # as the Hub's client stores a download
    shutil.copytree(version, cached / "snapshots" / "1")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("1")
    (workplace / "snippet.py").write_text("\n".join(snippets) + NOTHING_OF_OURS)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "snippet.py"],
        cwd=workplace,
        env=environment | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(workplace / "hub")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, probability = _answer(first)
    assert done.stdout.split() == [name, f"{probability:.3f}"]


def test_the_code_of_the_card_runs_from_the_folder(
    version: pathlib.Path,
    workplace: pathlib.Path,
    snippets: list[str],
    first: Predictions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(workplace)
    names: dict[str, Any] = {"folder": str(version)}
    exec(snippets[1], names)
    assert capsys.readouterr().out.split()[0] == _answer(first)[0]
    np.testing.assert_allclose(names["probabilities"], first.candidate[0], atol=1e-6)
