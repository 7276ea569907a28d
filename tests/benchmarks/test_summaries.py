"""The conclusions of each benchmark from its rows."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest
from recorded_root import FIRST, KILLED, MACS, RecordedRoot

from benchmarks import full_run, latency, recipes, reducers, search_scores, training_speed
from benchmarks.benchmark import Benchmark, run
from benchmarks.map import BENCHMARK as MAP
from benchmarks.networks import EXAMPLE, OURS, find_network
from benchmarks.result import Row, read_results
from benchmarks.trainings import pack
from components.errors import UsageFailure
from models.macs import count_macs
from models.reducers.registry import REDUCERS
from models.search_space import name_point, strip_reducer
from pipeline.config import FULL, QUICK

WINNER = find_network(None)


def test_training_speed_is_compared_round_by_round_and_as_a_share_of_sgemm() -> None:
    facts = {"point": "p", f"{OURS}, MACs": 20e6, f"{EXAMPLE}, MACs": 80e6}
    facts |= {f"{OURS}, batch size": 128, f"{EXAMPLE}, batch size": 256}
    rows = [{**facts, OURS: 1000.0 * n, EXAMPLE: 100.0 * n, "sgemm": 240e9 * n} for n in (1, 2, 3)]
    summary = training_speed.summarize(rows)
    ours, example, ratio = summary.tables[0].rows
    assert ours[-1] == "50% (50% to 50%)"  # 20e6 x 3 x 2 x 1000 / 240e9
    assert example == (EXAMPLE, "80.00", "256", "200 (100 to 300)", "20% (20% to 20%)")
    assert ratio[-2] == "10.0x (10.0x to 10.0x)"


def test_training_speed_is_compared_with_the_faster_setting_of_pytorch() -> None:
    facts = {"point": "p", f"{OURS}, MACs": 20e6, f"{EXAMPLE}, MACs": 80e6, EXAMPLE: 100.0, "sgemm": 240e9}
    facts |= {f"{OURS}, batch size": 128, f"{EXAMPLE}, batch size": 256, OURS: 1300.0}
    facts |= {"PyTorch, eager, processes: 1": 900.0, "PyTorch, eager, processes: 2": 1000.0}
    summary = training_speed.summarize([facts, facts])
    *_, first, _, ratio = summary.tables[0].rows
    assert first[:4] == ("PyTorch, eager, processes: 1", "", "", "900 (900 to 900)")
    assert (ratio[0], ratio[3]) == ("ours / PyTorch, eager, processes: 2", "1.30x (1.30x to 1.30x)")


def test_latency_is_compared_at_each_size_of_a_request() -> None:
    rows = [
        {"engine": engine, "batch": batch, "requests": 9, "round": n, OURS: 2.0 * n, EXAMPLE: factor * n}
        for engine, batch, factor in (("SavedModel", 1, 8.0), ("SavedModel", 32, 2.0), ("TFLite float32", 1, 20.0))
        for n in (1, 2, 3)
    ]
    summary = latency.summarize(rows)
    first, _, lite_model = summary.tables[0].rows
    assert first == ("SavedModel", "1", "4.00 (2.00 to 6.00)", "16.00 (8.00 to 24.00)", "4.0x (4.0x to 4.0x)")
    assert (lite_model[0], lite_model[-1]) == ("TFLite float32", "10.0x (10.0x to 10.0x)")


def test_without_a_root_our_network_is_the_winner_of_the_recorded_run_and_each_reducer_is_trained_once() -> None:
    winner = read_results()["full_run"].rows[0]["winner"]
    assert name_point(WINNER) == winner["point"] == "token_learner_v11-8@1"
    assert count_macs(WINNER).total == winner["macs"]["total"]
    names = [name_point(network) for network in reducers.list_networks(None, reducers.BENCHMARK.full.others)]
    assert names[:2] == ["token_learner_v11-8@1", "no_reducer"]
    assert sorted(names) == sorted(["no_reducer", *(f"{name}-8@1" for name in REDUCERS)])


def make_reducer_rows(share_of_backbone: float) -> list[Row]:
    draw = np.random.default_rng(1)
    trainings = [
        {
            "kind": "training",
            "point": name_point(network),
            "network": dataclasses.asdict(network),
            "fit": {"epochs": 30},
            "seed": seed,
            "revision": "0123456789",
            "train_images": 40_000,
            "parameters": 300_000,
            "test_images": 2000,
            "test_correct": pack(draw.random(2000) < share),
        }
        for seed in (1, 2, 3)
        for network, share in ((WINNER, 0.8), (strip_reducer(WINNER), share_of_backbone))
    ]
    return [*trainings, {"kind": "speed", "round": 1, name_point(WINNER): 900.0, "no_reducer": 500.0}]


def test_learned_tokens_beat_the_others_if_they_are_clearly_better() -> None:
    rows = make_reducer_rows(0.6)
    rows[-2]["revision"] = "abcdef0123"
    summary = reducers.summarize(rows)
    note, revisions = summary.notes
    assert note.startswith(f"{name_point(WINNER)} beats no_reducer on test: +")
    assert revisions == "Trained at the revisions 0123456, abcdef0."
    learned, backbone = summary.tables[0].rows
    assert learned[1].startswith(("79.", "80."))
    assert learned[2] == ""
    assert backbone[3].count("(") == 3  # a paired interval for each seed
    assert backbone[4:] == ("16.61", "300,000", "500 (500 to 500)")
    [note] = reducers.summarize(make_reducer_rows(0.8)).notes
    assert f"{name_point(WINNER)} is statistically indistinguishable from no_reducer on test" in note


def test_with_one_seed_the_seed_deviation_of_the_profile_is_assumed_and_mentioned() -> None:
    rows = [row for row in make_reducer_rows(0.6) if row.get("seed", 1) == 1]
    assumed = f"assume a standard deviation of {100 * QUICK.search.seed_deviation:.2f} points from seed to seed"
    assert reducers.summarize(rows).notes[-1] == f"Each point was trained once; the intervals {assumed}."


def test_a_finished_run_shows_accuracy_and_cost(tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(KILLED)
    with pytest.raises(UsageFailure, match="has left no verdict"):
        full_run.measure(full_run.Effort(root=root.path))
    with pytest.raises(UsageFailure, match="has left no winner"):
        find_network(root.path)
    root.record(FIRST)
    run, *steps = rows = full_run.measure(full_run.Effort(root=root.path))
    assert run["winner"]["point"] == "token_learner-8@2"
    assert run["epoch_seconds"] == 3.0  # two trials of 1.5
    assert [step["step"] for step in steps][-1] == "Pusher"
    summary = full_run.summarize(rows)
    shown = {row[0]: row[1] for row in summary.tables[0].rows}
    assert shown["test top-1, 200 images"].startswith("60.0% (95%: 53.")
    assert (shown["true MACs"], shown["search and final fit"]) == (f"{MACS / 1e6:.2f} million", "0.1 min")
    assert summary.notes == ("token_learner-8@2 wins.",)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("benchmark", "options"),
    [
        (training_speed.BENCHMARK, ["--rounds", "1", "--seconds", "0.1"]),
        (latency.BENCHMARK, ["--rounds", "1", "--requests", "1"]),
        (reducers.BENCHMARK, ["--rounds", "1"]),
        (MAP, []),
    ],
)
def test_a_benchmark_runs_in_its_short_form(
    benchmark: Benchmark[Any], options: list[str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reducers, "_SECONDS", 0.1)
    state = ["--state", str(tmp_path)] if benchmark in (reducers.BENCHMARK, MAP) else []
    assert run(benchmark, [*options, *state], tmp_path).summary.tables[0].rows


def test_scores_are_correlated_with_the_ranking_after_full_training_seed_by_seed() -> None:
    """The full training has another order on valid than on test; the short one ranks all but one pair of four."""
    test, short = (0.7, 0.71, 0.72, 0.73), ((0.4, 0.41, 0.42, 0.43), (0.4, 0.42, 0.41, 0.43))
    rows: list[Row] = []
    for seed, scores in enumerate(short, 1):
        for i, (accuracy, score) in enumerate(zip(test, scores, strict=True)):
            facts = {"point": f"p{i}", "seed": seed, "macs": 10**6, "backbone_images": 0, "seconds": 1.0}
            whole = {"way": "full training", "images": 600, "valid_accuracy": 1 - accuracy, "test_accuracy": accuracy}
            rows += [facts | whole, facts | {"way": "short", "images": 100, "valid_accuracy": score}]
    summary = search_scores.summarize(rows)
    lines = {line[0]: line for line in summary.tables[0].rows}
    assert lines["full training"][2:] == ("-1.00, -1.00", "100%")
    assert lines["short"][1].startswith("0.83 (")
    assert lines["short"][2:] == ("1.00, 0.67", "17%")
    assert summary.tables[1].rows[0] == ("p0", "1.00", "70.0%", "30.0%", "40.0%")


def test_the_points_of_search_scores_are_those_of_full_and_of_one_token() -> None:
    points = {name_point(point) for point in search_scores.list_points(search_scores.BENCHMARK.full)}
    assert {name_point(point) for point in FULL.trainer(code_digest="").affordable_points()} < points
    assert "token_learner_v11-1@0" in points


def test_recipes_are_compared_with_that_of_quick_seed_by_seed() -> None:
    facts = {"point": "p", "train_images": 4000, "valid_images": 10_000}
    rows = [
        {**facts, "recipe": name, "seed": seed, "macs": macs, "fit": {"epochs": epochs}, "valid_accuracy": accuracy}
        for name, macs, epochs, accuracies in (("quick", 10, 20, (0.60, 0.62)), ("long", 10, 30, (0.61, 0.64)))
        for seed, accuracy in enumerate(accuracies)
    ]
    (table,) = recipes.summarize(rows).tables
    assert table.rows == (("quick", "61.0%", "", "1.00x"), ("long", "62.5%", "+1.0, +2.0", "1.50x"))


def test_the_recipes_with_as_many_macs_as_quick_have() -> None:
    networks = {name: recipes.make_point(recipe) for name, recipe in recipes.RECIPES.items()}
    cost = {
        name: count_macs(networks[name]).total * recipe.fit.get("epochs", QUICK.fit.epochs)
        for name, recipe in recipes.RECIPES.items()
    }
    assert cost["convolution stem, 38 epochs"] == pytest.approx(cost["quick"], rel=0.01)
    assert networks["quick"] in QUICK.trainer(code_digest="").affordable_points()
