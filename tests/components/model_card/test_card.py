"""The card: the Hub's library reads it, it has no holes, and what it says is what the artifacts say."""

import dataclasses
import json
import pathlib
import re
from typing import Any, get_args

import huggingface_hub
import PIL.Image
import pytest

from components.evaluator.verdict import Measure
from components.lite_converter.comparison import read_comparison
from components.model_card.card import write_card
from components.model_card.facts import CardSources, Facts, read_facts
from components.model_card.figures import AttentionPicture
from components.serving_validator.findings import read_findings
from models.macs import count_macs
from models.vit_config import CONTROL_REDUCERS, LEARNT_REDUCERS, Pooling, Positions, Stem

HOLES = re.compile(r"\b(None|nan|inf|undefined|True|False)\b|[Mm]ore [Ii]nformation|\|[ \t]*\||: \.|\( ?\)|, ,")
NOTHING = "–"  # noqa: RUF001 (a cell that does not apply)


@pytest.fixture(scope="module")
def folder(facts: Facts, attention: AttentionPicture, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("card")
    write_card(facts, attention, folder)
    return folder


@pytest.fixture(scope="module")
def text(folder: pathlib.Path) -> str:
    return (folder / "README.md").read_text()


def _body(text: str) -> str:
    """Leaves out the YAML and the code."""
    return re.sub(r"```.*?```", "", text.split("\n---\n", 1)[1], flags=re.DOTALL)


def _rows(text: str, heading: str) -> list[list[str]]:
    """Returns the cells of the tables of a section, without those of their heads."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section, heading
    lines = section[1].splitlines()
    heads = {n for n, line in enumerate(lines[1:]) if line.startswith("|--")}
    kept = [line for n, line in enumerate(lines) if line.startswith("| ") and n not in heads]
    return [[cell.strip(" *`") for cell in line.strip("|").split("|")] for line in kept]


def _interval(measure: Measure) -> str:
    return f"{measure.low:.1%} to {measure.high:.1%}"


def test_the_library_of_the_hub_reads_the_metadata_and_the_results(folder: pathlib.Path, facts: Facts) -> None:
    data = huggingface_hub.ModelCard.load(folder / "README.md").data
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
    assert not HOLES.findall(_body(text))


@pytest.mark.parametrize("hole", ["| a | |\n| b | c |", "it is None.", "accuracy nan%", "[More Information Needed]"])
def test_a_hole_would_be_found(text: str, hole: str) -> None:
    assert HOLES.search(_body(text + hole + "\n"))


def test_every_row_of_a_table_has_as_many_cells_as_its_head(text: str) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", _body(text), re.MULTILINE)
    assert len(tables) == 14
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table
        assert re.match(r"\|[-:|]+\|$", table.splitlines()[1])
        assert re.search(rf"\n\n{re.escape(table)}(\n|\Z)", text)  # else GitHub takes it for text


def test_every_picture_is_there_and_looks_like_something(folder: pathlib.Path, text: str) -> None:
    linked = re.findall(r"!\[(.+)\]\((.+)\)", text)
    assert [file for _, file in linked] == ["search.png", "attention.png"]
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "attention.png", "search.png"]
    for alternative, file in linked:
        assert len(alternative) > 20
        picture = PIL.Image.open(folder / file)
        assert min(picture.size) > 400
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20
        assert (folder / file).stat().st_size < 500_000


def test_accuracy_stands_as_in_the_verdict_overall_and_by_slice(text: str, facts: Facts) -> None:
    scorecard = facts.verdict.candidate
    rows = {row[0]: row[1:] for row in _rows(text, "Accuracy")}
    for name in ("accuracy", "top_5_accuracy", "expected_calibration_error"):
        measure = getattr(scorecard.overall, name)
        assert rows[name.replace("top_5", "top-5").replace("_", " ")] == [f"{measure.value:.1%}", _interval(measure)]
    entropy = scorecard.overall.cross_entropy
    assert rows["cross-entropy, nats"] == [f"{entropy.value:.3f}", f"{entropy.low:.3f} to {entropy.high:.3f}"]
    assert len(scorecard.slices) == 18
    for found in scorecard.slices:
        precision = f"{found.precision.value:.1%}" if found.precision else "never answered"
        assert rows[found.name] == [
            f"{found.images:,}",
            f"{found.accuracy.value:.1%}",
            _interval(found.accuracy),
            precision if found.feature == "label" else NOTHING,
        ]
    for rule in facts.verdict.rules:
        assert f": {rule.sentence}\n" in text


def test_the_data_are_counted_exactly_with_their_checksum(text: str) -> None:
    assert _rows(text, "Training data") == [
        ["train", "400", "40", "2,250", "fits the weights"],
        ["valid", "100", "10", "2,250", "chooses the network and the epoch"],
        ["test", "200", "20", "2,250", "measures, and decides nothing else"],
    ]
    assert f"SHA-256 of all records: `{'da7a' * 16}`." in text


def test_the_architecture_and_its_compute_stand_as_the_trainer_wrote_them(
    text: str, sources: CardSources, facts: Facts
) -> None:
    winner = json.loads((sources.model_run / "winner.json").read_text())
    rows = {row[0]: row[1:] for row in _rows(text, "Architecture")}
    assert rows["its place"] == ["after block 1 of 2"]
    assert rows["tokens"] == ["4 instead of 16 patches"]
    parts = ("stem", "1 block on 16 patches", "token reducer", "1 block on 4 tokens", "pooling and classifier")
    for part, macs in zip(parts, list(winner["macs"].values())[:-1], strict=True):
        assert rows[part][-2:] == [f"{macs / 1e6:.2f}", f"{macs / winner['macs']['total']:.1%}"], part
    assert rows["all"] == [f"{winner['macs']['total'] / 1e6:.2f}", "100.0%"]
    trunk = dataclasses.replace(facts.network, token_reducer=None, blocks_before_token_learner=None, num_tokens=None)
    assert rows["without token reducer"][0] == f"{count_macs(trunk).total / 1e6:.2f}"
    assert "| parameters | 161,018 |" in text


def test_the_search_stands_with_its_differences(text: str) -> None:
    assert "- token_learner-4@1 wins.\n" in text
    assert _rows(text, "The search") == [
        ["token_learner-4@1", "4.60", "33.0%", "1", "the winner"],
        ["none", "11.90", "31.0%", "1", "+2.0 ± 3.5, within the noise"],
    ]


def test_the_hyperparameters_are_those_that_the_trainer_was_given(text: str) -> None:
    rows = dict(row for row in _rows(text, "Training"))
    # 400 images in batches of 40 are 10 steps an epoch, 70 in 7 epochs; a tenth of them warms up.
    assert rows["learning rate"] == "linear from 0.0 to 0.002 in 7 steps, then along a cosine to 0.0 in 63"
    assert rows["weight decay"].startswith("0.07, times the learning rate")
    assert rows["β₁, β₂, ε"] == "0.9, 0.999, 1e-07"
    assert rows["batch size"] == "40"
    assert rows["epochs"].startswith("7 of 10 steps; the weights are those of epoch 2,")
    assert rows["loss"] == "cross-entropy, label smoothing 0.1"
    assert "reflected by 4 pixels" in rows["augmentation"]
    assert rows["seed"].startswith("5;")


def test_latencies_and_twins_stand_as_they_were_measured(text: str, sources: CardSources) -> None:
    assert sources.serving
    assert sources.lite_models
    serving, lite = read_findings(sources.serving), read_comparison(sources.lite_models)
    rows = _rows(text, "Compute and latency")
    assert [row[1:] for row in rows[:2]] == [["1", "4.2", "7.8", "200"], ["32", "31.1", "44.4", "50"]]
    assert rows[2:] == [
        ["SavedModel", "1,206", "40.0%", "35.0% to 45.0%", NOTHING, "1.6", "2.3", "this is it"],
        ["TFLite float32", "121", "39.9%", "34.9% to 44.9%", "-0.1 (-1.1 to +0.9)", "1.6", "2.3",
         "lite/model_float32.tflite"],
        ["TFLite int8", "121", "27.7%", "22.7% to 32.7%", "-12.3 (-13.3 to -11.3)", "1.6", "2.3", "no"],
    ]  # fmt: skip
    assert "It loads in 3.2 seconds." in text
    assert "437 MiB of memory at most, TensorFlow 2.16.2 included" in text
    assert "above -2.5 points" in text
    for sentence in (*(check.sentence for check in serving.checks), *(twin.sentence for twin in lite.variants[1:])):
        assert f"{sentence}\n" in text


def test_lineage_names_artifacts_runs_and_digests_but_no_place_on_this_machine(text: str, facts: Facts) -> None:
    assert facts.provenance
    rows = _rows(text, "Lineage")
    artifacts = [row for row in rows if len(row) == 5]
    assert [row[0] for row in artifacts] == [f"{each.id} {each.kind}" for each in facts.provenance.artifacts]
    assert {row[2] for row in artifacts} == {"2026-01-02T10:00:00.000001"}
    assert "Pusher" not in {row[1] for row in artifacts}  # it comes after the card
    assert dict(row for row in rows if len(row) == 2) == {
        "records of the TFDS dataset": "da7a" * 16,
        "sources of the step Transform": "7f" * 32,
        "sources of the step Trainer": "79" * 32,
        "sources of the step Gate": "6a" * 32,
    }
    for place in ("/tmp/", "/home/", "jane"):
        assert place not in text


def test_the_same_facts_make_the_same_card(
    folder: pathlib.Path, facts: Facts, attention: AttentionPicture, tmp_path: pathlib.Path
) -> None:
    write_card(facts, attention, tmp_path)
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_what_was_not_measured_or_recorded_leaves_no_hole(sources: CardSources, tmp_path: pathlib.Path) -> None:
    environment = dataclasses.replace(sources.environment, machine=None)
    less = dataclasses.replace(sources, serving=None, lite_models=None, metadata_path=None, environment=environment)
    write_card(read_facts(less), None, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert not HOLES.findall(_body(text))
    assert "Smaller twins" not in text
    assert "p95" not in text
    assert "ML Metadata could not be read where this card was written" in text
    assert "tflite" not in huggingface_hub.ModelCard(text).data.to_dict()["tags"]


CHOICES = {
    "stem": get_args(Stem),
    "positions": get_args(Positions),
    "pooling": get_args(Pooling),
    "token_reducer": (*LEARNT_REDUCERS, *CONTROL_REDUCERS),
    "use_token_fuser": (True,),
    "mlp_dims": ((8, 16),),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in CHOICES for value in CHOICES[field]])
def test_every_network_that_can_win_is_described(facts: Facts, tmp_path: pathlib.Path, field: str, value: Any) -> None:
    network = dataclasses.replace(facts.network, **{field: value})
    winner = {**facts.results.winner, "network": dataclasses.asdict(network)}
    results = dataclasses.replace(facts.results, winner=winner, trials=())
    write_card(dataclasses.replace(facts, network=network, macs=count_macs(network), results=results), None, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert not HOLES.findall(_body(text))
    assert f"| **all** | **{count_macs(network).total / 1e6:.2f}** |" in text
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_network_without_token_reducer_that_was_not_blessed_says_so(tmp_path: pathlib.Path, facts: Facts) -> None:
    plain = dataclasses.replace(facts.network, token_reducer=None, blocks_before_token_learner=None, num_tokens=None)
    macs = count_macs(plain)
    winner = {**facts.results.winner, "point": "none", "network": dataclasses.asdict(plain)}
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
    assert not HOLES.findall(_body(text))
    assert "# No TokenLearner: 2 blocks on all patches, on CIFAR-10" in text
    assert (
        f"It needs {macs.total / 1e6:.2f} million multiply-accumulates (MACs) an image, attention included.\n" in text
    )
    assert "There is nothing to show" in text
    assert "attention_maps" not in text
    assert "did not bless this model" in text
    assert "- missed: accuracy is too low\n" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "search.png"]
    assert "tokenlearner" not in huggingface_hub.ModelCard(text).data.to_dict()["tags"]
