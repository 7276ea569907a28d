"""The values of the card are those of the artifacts."""

import dataclasses
import json
import pathlib
import re

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
from models.reducers.registry import ControlReducer

DASH = "–"  # noqa: RUF001 (a cell that does not apply)


def _format(measure: Measure) -> list[str]:
    return [f"{measure.value:.1%}", f"{measure.low:.1%} to {measure.high:.1%}"]


def test_accuracy_overall_and_by_slice(text: str, facts: Facts) -> None:
    scorecard = facts.verdict.candidate
    rows = {row[0]: row[1:] for row in read_rows(text, "Accuracy")}
    for name in ("accuracy", "top_5_accuracy", "expected_calibration_error"):
        assert rows[name.replace("top_5", "top-5").replace("_", " ")] == _format(getattr(scorecard.overall, name))
    entropy = scorecard.overall.cross_entropy
    assert rows["cross-entropy, nats"] == [f"{entropy.value:.3f}", f"{entropy.low:.3f} to {entropy.high:.3f}"]
    assert len(scorecard.slices) == 18
    for found in scorecard.slices:
        precision = f"{found.precision.value:.1%}" if found.precision else "never predicted"
        expected = [f"{found.images:,}", *_format(found.accuracy), precision if found.feature == "label" else DASH]
        assert rows[found.name] == expected
    for rule in facts.verdict.rules:
        assert f": {rule.message}\n" in text


def test_data_and_architecture(text: str, sources: CardSources, facts: Facts) -> None:
    assert read_rows(text, "Training data") == [
        ["train", "400", "40", "2,250", "fits the weights"],
        ["valid", "100", "10", "2,250", "selects the network and the epoch"],
        ["test", "200", "20", "2,250", "measures the final model, selects nothing"],
    ]
    assert (
        "2 images have the same pixels as another one (also in another split: 1 of test, 1 of train): "
        "test_1 (test) = train_2 (train)." in text
    )
    winner = json.loads((sources.model_run / "winner.json").read_text())
    rows = {row[0]: row[1:] for row in read_rows(text, "Architecture")}
    assert rows["placement"] == ["after block 1 of 2"]
    assert rows["tokens"] == ["4 instead of 16 patches"]
    parts = ("stem", "1 block on 16 patches", "token reducer", "1 block on 4 tokens", "classifier")
    for part, macs in zip(parts, list(winner["macs"].values())[:-1], strict=True):
        assert rows[part][-2:] == [f"{macs / 1e6:.2f}", f"{macs / winner['macs']['total']:.1%}"], part
    assert rows["total"] == [f"{winner['macs']['total'] / 1e6:.2f}", "100.0%"]
    assert "| parameters | 161,018 |" in text
    network = facts.results.winner.network
    backbone = dataclasses.replace(network, token_reducer=None, blocks_before_token_learner=None, num_tokens=None)
    needs = count_macs(backbone).total
    assert (
        f"The same network without a token reducer needs {needs / 1e6:.2f} million MACs; "
        f"this one needs {winner['macs']['total'] / needs:.1%} of that." in text
    )


def test_the_search_and_the_lead_of_the_winner(text: str, facts: Facts, tmp_path: pathlib.Path) -> None:
    assert (
        "For comparison, it also tried the network without token reducer and controls (average pooling); the "
        "controls were not allowed to win.\n" in text
    )
    assert "- token_learner-4@1 wins.\n" in text
    assert read_rows(text, "The search") == [
        ["token_learner-4@1", "4.60", "33.0%", "1", "the winner", "+2.0 ± 3.5, within the noise", DASH],
        ["no_reducer", "11.90", "31.0%", "1", "+2.0 ± 3.5, within the noise", DASH, DASH],
    ]
    # Of 100 images, the best finalist classifies 62 correctly, the winner 61, within one standard error; the last 50.
    networks = [dataclasses.replace(facts.results.winner.network, num_tokens=tokens) for tokens in (16, 8, 4)]
    candidates = [
        Candidate(network=network, correct=np.arange(100)[np.newaxis] < right)
        for network, right in zip(networks, (62, 61, 50), strict=True)
    ]
    choice = choose(candidates, contenders=("token_learner",), assumed_seed_deviation=0.0)
    results = dataclasses.replace(facts.results, search=describe_search(choice, [], 1))
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
        (("top_k_norm",), "controls (top-k by norm); the controls were not allowed to win."),
        ((), "it also tried the network without token reducer.\n"),
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


def test_hyperparameters(text: str) -> None:
    rows = dict(row for row in read_rows(text, "Training"))
    # 400 images in batches of 40 are 10 steps per epoch, 70 in 7 epochs; a tenth of them is the warm-up.
    assert rows["learning rate"] == "linear from 0 to 0.002 in 7 steps, then along a cosine to 0 in 63"
    assert rows["weight decay"].startswith("0.07, multiplied by the learning rate")
    assert rows["β₁, β₂, ε"] == "0.9, 0.999, 1e-07"
    assert rows["batch size"] == "40"
    assert rows["epochs"].startswith("7 of 10 steps; the weights are from epoch 2,")
    assert rows["loss"] == "cross-entropy, label smoothing 0.1"
    assert "4 pixels of reflection padding, flipped with probability 0.5" in rows["augmentation"]
    assert rows["seed"].startswith("5;")


def test_latencies_and_lite_models(text: str, sources: CardSources) -> None:
    assert sources.serving
    serving, lite = read_findings(sources.serving), read_comparison(sources.verdict)
    assert lite
    assert read_rows(text, "Compute and latency") == [
        ["serving_default", "1", "2.0", "3.5", "40"],
        ["SavedModel", "1,638", "60.0%", "53.0% to 67.0%", DASH, "10.0", "20.0", "this model"],
        ["TFLite float32", "728", "60.0%", "53.0% to 67.0%", "+0.0 (-1.0 to +1.0)", "0.4", "0.8",
         "lite/model_float32.tflite"],
        ["TFLite int8", "242", "56.9%", "49.9% to 63.9%", "-3.1 (-4.1 to -2.1)", "0.3", "0.6", "no"],
    ]  # fmt: skip
    assert "The model loads in 1.5 seconds." in text
    assert "600 MiB, including TensorFlow 2.0." in text
    assert "above -3.0 points" in text
    for message in (
        *(check.message for check in serving.checks),
        *(f"- {FORM_NAMES[lite_model.name]}: {lite_model.message}" for lite_model in lite.variants[1:]),
    ):
        assert f"{message}\n" in text


def test_the_card_names_no_path_of_this_machine_and_leaves_lineage_to_the_manifest(text: str) -> None:
    assert "`manifest.json`, next to this file, contains the run, the lineage" in text
    assert not re.search(r"/tmp/|/home/|jane|[0-9a-f]{64}", text)
