"""What the card says is what the artifacts say."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
from card_text import read_rows

from components.artifacts.lite_comparison import FORM_NAMES, read_comparison
from components.artifacts.serving_findings import read_findings
from components.artifacts.verdict import Measure
from components.model_card.card import write_card
from components.model_card.facts import CardSources, Facts
from components.trainer.outputs import describe_search
from components.trainer.search.selection import Candidate, choose
from models.macs import count_macs
from models.reducers.registry import CONTROLS, ControlReducer

NOTHING = "–"  # noqa: RUF001 (a cell that does not apply)


def _interval(measure: Measure) -> str:
    return f"{measure.low:.1%} to {measure.high:.1%}"


def test_accuracy_stands_as_in_the_verdict_overall_and_by_slice(text: str, facts: Facts) -> None:
    scorecard = facts.verdict.candidate
    rows = {row[0]: row[1:] for row in read_rows(text, "Accuracy")}
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
    assert read_rows(text, "Training data") == [
        ["train", "400", "40", "2,250", "fits the weights"],
        ["valid", "100", "10", "2,250", "chooses the network and the epoch"],
        ["test", "200", "20", "2,250", "measures, and decides nothing else"],
    ]
    assert f"SHA-256 of all records: `{'da7a' * 16}`." in text


def test_the_architecture_and_its_compute_stand_as_the_trainer_wrote_them(
    text: str, sources: CardSources, facts: Facts
) -> None:
    winner = json.loads((sources.model_run / "winner.json").read_text())
    rows = {row[0]: row[1:] for row in read_rows(text, "Architecture")}
    assert rows["its place"] == ["after block 1 of 2"]
    assert rows["tokens"] == ["4 instead of 16 patches"]
    parts = ("stem", "1 block on 16 patches", "token reducer", "1 block on 4 tokens", "pooling and classifier")
    for part, macs in zip(parts, list(winner["macs"].values())[:-1], strict=True):
        assert rows[part][-2:] == [f"{macs / 1e6:.2f}", f"{macs / winner['macs']['total']:.1%}"], part
    assert rows["all"] == [f"{winner['macs']['total'] / 1e6:.2f}", "100.0%"]
    backbone = dataclasses.replace(facts.network, token_reducer=None, blocks_before_token_learner=None, num_tokens=None)
    assert (
        f"The same network without a token reducer needs {count_macs(backbone).total / 1e6:.2f} million MACs; "
        f"this one needs {winner['macs']['total'] / count_macs(backbone).total:.1%} of that." in text
    )
    assert "| parameters | 161,018 |" in text


def test_the_search_stands_with_its_differences(text: str) -> None:
    assert "- token_learner-4@1 wins.\n" in text
    assert read_rows(text, "The search") == [
        ["token_learner-4@1", "4.60", "33.0%", "1", "the winner", "+2.0 ± 3.5, within the noise", NOTHING],
        ["no_reducer", "11.90", "31.0%", "1", "+2.0 ± 3.5, within the noise", NOTHING, NOTHING],
    ]


def test_the_lead_is_the_winners_own_though_another_finalist_is_best(facts: Facts, tmp_path: pathlib.Path) -> None:
    """Of 100 images the best gets 62 right, the winner 61, within one standard error; the last 50."""
    networks = [dataclasses.replace(facts.network, num_tokens=tokens) for tokens in (16, 8, 4)]
    candidates = [
        Candidate(network=network, correct=np.arange(100)[np.newaxis] < right)
        for network, right in zip(networks, (62, 61, 50), strict=True)
    ]
    choice = choose(candidates, contenders=("token_learner",), assumed_seed_deviation=0.0)
    results = dataclasses.replace(facts.results, search=describe_search(choice, [], 1), trials=())
    write_card(dataclasses.replace(facts, results=results), None, tmp_path)
    rows = {row[0]: row[4] for row in read_rows((tmp_path / "README.md").read_text(), "The search")}
    assert rows == {
        "token_learner-16@1": "-1.0 ± 1.0, within the noise",
        "token_learner-8@1": "the winner",
        "token_learner-4@1": "+11.0 ± 3.1, more than the noise",
    }


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        (
            CONTROLS,
            "Beside them stood the network without token reducer and controls (average pooling, random selection, "
            "top-k by norm); the controls were not allowed to win.",
        ),
        (("top_k_norm",), "controls (top-k by norm); the controls were not"),
        ((), "Beside them stood the network without token reducer.\n"),
    ],
)
def test_the_controls_are_those_of_the_search(
    controls: tuple[ControlReducer, ...], words: str, facts: Facts, tmp_path: pathlib.Path
) -> None:
    assert facts.recipe
    config = facts.recipe.config
    config = dataclasses.replace(config, search=dataclasses.replace(config.search, controls=controls))
    recipe = dataclasses.replace(facts.recipe, config=config)
    write_card(dataclasses.replace(facts, recipe=recipe), None, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert words in text
    assert controls or "controls" not in text


def test_images_that_occur_more_than_once_are_named(text: str) -> None:
    assert (
        "2 images have the same pixels as another one (also in another split: 1 of test, 1 of train): "
        "test_1 (test) = train_2 (train)." in text
    )


def test_the_hyperparameters_are_those_that_the_trainer_was_given(text: str) -> None:
    rows = dict(row for row in read_rows(text, "Training"))
    # 400 images in batches of 40 are 10 steps an epoch, 70 in 7 epochs; a tenth of them warms up.
    assert rows["learning rate"] == "linear from 0 to 0.002 in 7 steps, then along a cosine to 0 in 63"
    assert rows["weight decay"].startswith("0.07, times the learning rate")
    assert rows["β₁, β₂, ε"] == "0.9, 0.999, 1e-07"
    assert rows["batch size"] == "40"
    assert rows["epochs"].startswith("7 of 10 steps; the weights are those of epoch 2,")
    assert rows["loss"] == "cross-entropy, label smoothing 0.1"
    assert rows["augmentation"] == (
        "random crops of the image reflected by 4 pixels, each mirrored with probability 0.5"
    )
    assert rows["seed"].startswith("5;")


def test_latencies_and_lite_models_stand_as_they_were_measured(text: str, sources: CardSources) -> None:
    assert sources.serving
    serving, lite = read_findings(sources.serving), read_comparison(sources.verdict)
    assert lite
    rows = read_rows(text, "Compute and latency")
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
    for sentence in (
        *(check.sentence for check in serving.checks),
        *(f"- {FORM_NAMES[lite_model.name]}: {lite_model.sentence}" for lite_model in lite.variants[1:]),
    ):
        assert f"{sentence}\n" in text


def test_lineage_names_artifacts_runs_and_digests_but_no_place_on_this_machine(text: str, facts: Facts) -> None:
    assert facts.provenance
    rows = read_rows(text, "Lineage")
    artifacts = [row for row in rows if len(row) == 5]
    assert [row[0] for row in artifacts] == [f"{each.id} {each.kind}" for each in facts.provenance.artifacts]
    assert {row[2] for row in artifacts} == {"2026-01-02T10:00:00.000001"}
    assert "Pusher" not in {row[1] for row in artifacts}  # it comes after the card
    assert dict(row for row in rows if len(row) == 2) == {
        "records of the TFDS dataset": "da7a" * 16,
        "sources of the step Transform": "7f" * 32,
        "sources of the step Trainer": "79" * 32,
        "sources of the step Evaluator": "6a" * 32,
    }
    for place in ("/tmp/", "/home/", "jane"):
        assert place not in text
