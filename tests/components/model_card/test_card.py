"""The card: the Hub's library reads it, its code runs, and it is complete whichever network wins."""

import dataclasses
import pathlib
import re
from typing import Any, get_args

import huggingface_hub
import numpy as np
import PIL.Image
import pytest
from card_text import HOLES, read_body

from components.artifacts.predictions import stream_predictions
from components.image_dataset import CIFAR10
from components.model_card.card import write_card
from components.model_card.facts import CardSources, Facts
from components.model_card.figures import AttentionPicture
from components.report import canvas
from components.report.pictures import read_records
from models.macs import count_macs
from models.reducers.registry import REDUCERS
from models.vit_config import Stem, ViTConfig


def _change_network(facts: Facts, network: ViTConfig) -> Facts:
    winner = dataclasses.replace(facts.results.winner, network=network, macs=count_macs(network))
    return dataclasses.replace(facts, results=dataclasses.replace(facts.results, winner=winner))


def test_the_library_of_the_hub_reads_the_metadata_and_the_results(card: pathlib.Path, facts: Facts) -> None:
    data = huggingface_hub.ModelCard.load(card / "README.md").data
    overall = facts.verdict.candidate.overall
    assert (data.library_name, data.license, data.pipeline_tag) == (None, "apache-2.0", "image-classification")
    assert data.datasets == ["uoft-cs/cifar10"]
    assert {"image-classification", "cifar10", "vision-transformer", "tokenlearner", "tflite"} <= set(data.tags)
    assert data.metrics == [
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "top_5_accuracy",
        "cross_entropy",
        "expected_calibration_error",
    ]
    assert {result.metric_type: result.metric_value for result in data.eval_results} == {
        name: getattr(overall, name).value for name in data.metrics
    }
    assert {(r.dataset_type, r.dataset_split, r.dataset_name) for r in data.eval_results} == {
        ("uoft-cs/cifar10", "test", "CIFAR-10, 200 test images")
    }


def test_tables_are_well_formed_and_have_no_holes(text: str) -> None:
    assert not HOLES.findall(read_body(text))
    tables = re.findall(r"(?:^\|.*\n)+", read_body(text), re.MULTILINE)
    assert len(tables) == 11
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
        assert re.match(r"\|[-:|]+\|$", table.splitlines()[1])
        assert re.search(rf"\n\n{re.escape(table)}(\n|\Z)", text)  # else GitHub renders it as text


def test_pictures_are_linked_and_the_same_facts_make_the_same_card(
    card: pathlib.Path, text: str, facts: Facts, attention: AttentionPicture, tmp_path: pathlib.Path
) -> None:
    linked = re.findall(r"!\[.{20,}\]\((.+)\)", text)
    assert linked == ["search.png", "attention.png"]
    for file in linked:
        picture = PIL.Image.open(card / file)
        assert min(picture.size) > 400
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20
        assert (card / file).stat().st_size < 500_000
    write_card(facts, attention, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {
        file.name: file.read_bytes() for file in card.iterdir()
    }


CHOICES = {
    "stem": get_args(Stem),
    "token_reducer": tuple(REDUCERS),
    "use_token_fuser": (True,),
    "mlp_dims": ((8, 16),),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in CHOICES for value in CHOICES[field]])
def test_every_network_that_can_win_is_described(
    facts: Facts, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, field: str, value: Any
) -> None:
    network = dataclasses.replace(facts.results.winner.network, **{field: value})
    monkeypatch.setattr("components.model_card.card.draw_search_chart", lambda *_: canvas.Chart((100, 100)))
    write_card(_change_network(facts, network), None, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert not HOLES.findall(read_body(text))
    assert f"| **total** | **{count_macs(network).total / 1e6:.2f}** |" in text


def test_a_network_without_token_reducer_that_is_not_blessed(tmp_path: pathlib.Path, facts: Facts) -> None:
    plain = dataclasses.replace(
        facts.results.winner.network, token_reducer=None, blocks_before_token_learner=None, num_tokens=None
    )
    floor = dataclasses.replace(facts.verdict.rules[0], passed=False, message="accuracy is too low")
    verdict = dataclasses.replace(facts.verdict, is_blessed=False, rules=(floor, *facts.verdict.rules[1:]))
    write_card(dataclasses.replace(_change_network(facts, plain), verdict=verdict), None, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert not HOLES.findall(read_body(text))
    for expected in (
        f"{count_macs(plain).total / 1e6:.2f} million multiply-accumulates (MACs) per image, including attention.\n",
        "This network has no token reducer with attention maps.",
        "did not bless this model",
        "- failed: accuracy is too low\n",
        "- not applied: no other model was ever blessed\n",
    ):
        assert expected in text, expected
    assert "attention_maps" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "search.png"]
    assert "tokenlearner" not in huggingface_hub.ModelCard(text).data.to_dict()["tags"]


def test_usage_follows_the_numbers(text: str) -> None:
    headings = re.findall(r"^#+ .+", text.partition("\n---\n")[2], re.MULTILINE)
    assert headings[:3] == [
        "# Mini Vision Transformer for CIFAR-10: 4 learned tokens after block 1", "## Usage", "## Intended use",
    ]  # fmt: skip


def test_the_code_of_the_card_loads_the_model_and_predicts(
    text: str,
    sources: CardSources,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    predictions = next(stream_predictions(sources.verdict))
    [(_, image)] = read_records(sources.test_split, [str(predictions.ids[0])]).values()
    (tmp_path / "image.png").write_bytes(image)
    monkeypatch.chdir(tmp_path)
    downloads = {"USER/REPO": str(sources.model)}
    monkeypatch.setattr(huggingface_hub, "snapshot_download", downloads.__getitem__)
    names: dict[str, Any] = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), names)
    probabilities = predictions.candidate[0]
    np.testing.assert_allclose(names["probabilities"], probabilities, atol=1e-6)
    name = CIFAR10.class_names[probabilities.argmax()]
    assert capsys.readouterr().out.split() == [name, f"{probabilities.max():.3f}"]
