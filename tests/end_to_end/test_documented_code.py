"""The Python code of the docs runs on a model that a run has pushed."""

import pathlib
import re
from typing import Any

import pytest
from documents import find_blocks, find_commands
from sample_slice import PROJECT
from workplace import Workplace

from components.image_dataset import CIFAR10

_GUIDES = PROJECT / "docs" / "how-to"


@pytest.fixture
def _folder(workplace: Workplace, first: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert first
    (tmp_path / "pipeline_root").mkdir()
    (tmp_path / "pipeline_root" / "quick").symlink_to(workplace.root)
    (tmp_path / "data").symlink_to(PROJECT / "data")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_folder")
def test_the_guide_to_serving_prints_ten_probabilities(capsys: pytest.CaptureFixture[str]) -> None:
    [command] = [each for each in find_commands(_GUIDES / "serve.md") if each.startswith("python -")]
    exec(command.partition("\n")[2].removesuffix("END"), {})
    assert len(re.findall(r"\d\.\d*", capsys.readouterr().out)) == len(CIFAR10.class_names)


@pytest.mark.usefixtures("_folder")
def test_the_guide_to_tensorflow_lite_prints_three_classes(capsys: pytest.CaptureFixture[str]) -> None:
    [code] = find_blocks(_GUIDES / "tensorflow-lite.md", "python")
    exec(code, {})
    assert len(re.findall(rf"^\d+% ({'|'.join(CIFAR10.class_names)})$", capsys.readouterr().out, re.MULTILINE)) == 3
