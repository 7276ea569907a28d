"""The card: the Hub's library reads it, it has no holes, and it is whole whatever was not measured."""

import dataclasses
import pathlib
import re
import shutil
from typing import Any, get_args

import huggingface_hub
import PIL.Image
import pytest
from card_text import HOLES, read_body

from components.model_card.card import write_card
from components.model_card.facts import CardSources, Facts, read_facts
from components.model_card.figures import AttentionPicture
from models.macs import count_macs
from models.reducers.registry import REDUCERS
from models.vit_config import Pooling, Positions, Stem


def test_the_library_of_the_hub_reads_the_metadata_and_the_results(card: pathlib.Path, facts: Facts) -> None:
    data = huggingface_hub.ModelCard.load(card / "README.md").data
    overall = facts.verdict.candidate.overall
    assert data.library_name == "keras"
    assert data.license == "apache-2.0"
    assert data.pipeline_tag == "image-classification"
    assert data.datasets == ["uoft-cs/cifar10"]
    assert {"image-classification", "cifar10", "vision-transformer", "tokenlearner", "tflite"} <= set(data.tags)
    assert {result.metric_type: result.metric_value for result in data.eval_results} == {
        name: getattr(overall, name).value for name in data.metrics
    }
    assert data.metrics == ["accuracy", "top_5_accuracy", "cross_entropy", "expected_calibration_error"]
    assert {(r.dataset_type, r.dataset_split, r.dataset_name) for r in data.eval_results} == {
        ("uoft-cs/cifar10", "test", "CIFAR-10, 200 test images")
    }


def test_the_card_has_no_holes(text: str) -> None:
    assert not HOLES.findall(read_body(text))


@pytest.mark.parametrize("hole", ["| a | |\n| b | c |", "it is None.", "accuracy nan%", "[More Information Needed]"])
def test_a_hole_would_be_found(text: str, hole: str) -> None:
    assert HOLES.search(read_body(text + hole + "\n"))


def test_every_row_of_a_table_has_as_many_cells_as_its_head(text: str) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", read_body(text), re.MULTILINE)
    assert len(tables) == 14
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
        assert re.match(r"\|[-:|]+\|$", table.splitlines()[1])
        assert re.search(rf"\n\n{re.escape(table)}(\n|\Z)", text)  # else GitHub takes it for text


def test_every_picture_is_there_and_looks_like_something(card: pathlib.Path, text: str) -> None:
    linked = re.findall(r"!\[(.+)\]\((.+)\)", text)
    assert [file for _, file in linked] == ["search.png", "attention.png"]
    assert sorted(path.name for path in card.iterdir()) == ["README.md", "attention.png", "search.png"]
    for alternative, file in linked:
        assert len(alternative) > 20
        picture = PIL.Image.open(card / file)
        assert min(picture.size) > 400
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20
        assert (card / file).stat().st_size < 500_000


def test_the_same_facts_make_the_same_card(
    card: pathlib.Path, facts: Facts, attention: AttentionPicture, tmp_path: pathlib.Path
) -> None:
    write_card(facts, attention, tmp_path)
    for file in card.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_what_was_not_measured_or_recorded_leaves_no_hole(sources: CardSources, tmp_path: pathlib.Path) -> None:
    environment = dataclasses.replace(sources.environment, machine=None)
    verdict = shutil.copytree(sources.verdict, tmp_path / "verdict", ignore=shutil.ignore_patterns("lite.json"))
    less = dataclasses.replace(sources, serving=None, verdict=verdict, metadata_path=None, environment=environment)
    write_card(read_facts(less), None, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert not HOLES.findall(read_body(text))
    assert "TensorFlow Lite models" not in text
    assert "p95" not in text
    assert "ML Metadata could not be read where this card was written" in text
    assert "tflite" not in huggingface_hub.ModelCard(text).data.to_dict()["tags"]


CHOICES = {
    "stem": get_args(Stem),
    "positions": get_args(Positions),
    "pooling": get_args(Pooling),
    "token_reducer": tuple(REDUCERS),
    "use_token_fuser": (True,),
    "mlp_dims": ((8, 16),),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in CHOICES for value in CHOICES[field]])
def test_every_network_that_can_win_is_described(facts: Facts, tmp_path: pathlib.Path, field: str, value: Any) -> None:
    network = dataclasses.replace(facts.network, **{field: value})
    winner = dataclasses.replace(facts.results.winner, network=network)
    results = dataclasses.replace(facts.results, winner=winner, trials=())
    write_card(dataclasses.replace(facts, network=network, macs=count_macs(network), results=results), None, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert not HOLES.findall(read_body(text))
    assert f"| **all** | **{count_macs(network).total / 1e6:.2f}** |" in text
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_network_without_token_reducer_that_was_not_blessed_says_so(tmp_path: pathlib.Path, facts: Facts) -> None:
    plain = dataclasses.replace(facts.network, token_reducer=None, blocks_before_token_learner=None, num_tokens=None)
    macs = count_macs(plain)
    winner = dataclasses.replace(facts.results.winner, point="no_reducer", network=plain)
    floor = dataclasses.replace(facts.verdict.rules[0], passed=False, sentence="accuracy is too low")
    changed = dataclasses.replace(
        facts,
        network=plain,
        macs=macs,
        results=dataclasses.replace(facts.results, winner=winner),
        verdict=dataclasses.replace(facts.verdict, is_blessed=False, rules=(floor, *facts.verdict.rules[1:])),
    )
    write_card(changed, None, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert not HOLES.findall(read_body(text))
    assert "# No TokenLearner: 2 blocks on all patches, on CIFAR-10" in text
    assert (
        f"It needs {macs.total / 1e6:.2f} million multiply-accumulates (MACs) an image, attention included.\n" in text
    )
    assert "There is nothing to show" in text
    assert "attention_maps" not in text
    assert "did not bless this model" in text
    assert "- missed: accuracy is too low\n" in text
    assert "- not applied: no other model was ever blessed\n" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "search.png"]
    assert "tokenlearner" not in huggingface_hub.ModelCard(text).data.to_dict()["tags"]
