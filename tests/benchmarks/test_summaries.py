"""What each benchmark concludes from its rows."""

import dataclasses
import pathlib

import numpy as np
import pytest
from recorded_root import FIRST, KILLED, MACS, RecordedRoot

from benchmarks import full_run, latency, reducer_table, training_speed
from benchmarks.answers import pack_answers
from benchmarks.networks import EXAMPLE, EXAMPLE_NETWORK, OURS, describe_fit, find_network
from benchmarks.result import FOLDER, Row, read_result
from components.errors import UsageFailure
from models.macs import count_macs
from models.search_space import find_controls, is_learned, name_point
from pipeline.config import QUICK

LEARNED = find_network(None)


def make_speed_rows() -> list[Row]:
    facts = {"point": "p", f"{OURS}, MACs": 20e6, f"{EXAMPLE}, MACs": 80e6}
    facts |= {f"{OURS}, batch size": 128, f"{EXAMPLE}, batch size": 256}
    return [{**facts, "round": n, OURS: 1000.0 * n, EXAMPLE: 100.0 * n, "sgemm": 240e9 * n} for n in (1, 2, 3)]


def test_training_speed_is_compared_round_by_round_and_as_a_share_of_sgemm() -> None:
    summary = training_speed.summarize(make_speed_rows())
    ratio, share = summary.targets
    assert (ratio.measured, ratio.reached) == ("10.0x (10.0x to 10.0x)", "aim")
    assert (share.measured, share.reached) == ("50% (50% to 50%)", "aim")  # 20e6 x 3 x 2 x 1000 / 240e9
    assert summary.tables[0].rows[1] == (
        EXAMPLE,
        "80.00",
        "256",
        "200 (100 to 300)",
        "20% (20% to 20%)",
    )


def test_latency_is_compared_at_each_size_of_a_request() -> None:
    rows = [
        {"engine": engine, "batch": batch, "requests": 9, "round": n, OURS: 2.0 * n, EXAMPLE: factor * n}
        for engine, batch, factor in (("SavedModel", 1, 8.0), ("SavedModel", 32, 2.0), ("TFLite float32", 1, 20.0))
        for n in (1, 2, 3)
    ]
    summary = latency.summarize(rows)
    assert [target.reached for target in summary.targets] == ["floor", "neither"]
    first, _, lite_model = summary.tables[0].rows
    assert first == ("SavedModel", "1", "4.00 (2.00 to 6.00)", "16.00 (8.00 to 24.00)", "4.0x (4.0x to 4.0x)")
    assert (lite_model[0], lite_model[-1]) == ("TFLite float32", "10.0x (10.0x to 10.0x)")


def test_the_example_keeps_its_batch_and_ours_has_that_of_full() -> None:
    assert describe_fit(EXAMPLE_NETWORK).batch_size == 256
    assert describe_fit(LEARNED).batch_size != 256
    assert is_learned(LEARNED)


def test_without_a_root_our_network_is_the_winner_of_the_recorded_run_of_full() -> None:
    run, *_ = read_result(FOLDER / "full_run.json").rows
    assert name_point(find_network(None)) == run["winner"]["point"]
    assert count_macs(find_network(None)).total == run["winner"]["macs"]["total"]


def test_a_root_without_a_trainer_that_ended_has_no_winner(tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(KILLED)
    with pytest.raises(UsageFailure, match="no Trainer has finished in"):
        find_network(root.path)


def make_training(network: object, seed: int, correct: np.ndarray) -> Row:
    assert dataclasses.is_dataclass(network)
    return {
        "kind": "training",
        "point": name_point(network),  # type: ignore[arg-type]
        "network": dataclasses.asdict(network),  # type: ignore[arg-type]
        "seed": seed,
        "revision": "0123456789",
        "epochs": 30,
        "train_images": 40_000,
        "macs": 20_000_000,
        "parameters": 300_000,
        "test_images": len(correct),
        "test_correct": pack_answers(correct),
    }


def make_reducer_rows(share_of_control: float) -> list[Row]:
    backbone, *_ = find_controls(LEARNED)
    draw = np.random.default_rng(1)
    shares = {LEARNED: 0.8, backbone: share_of_control}
    trainings = [
        make_training(network, seed, draw.random(2000) < share)
        for seed in (1, 2, 3)
        for network, share in shares.items()
    ]
    speed = {"kind": "speed", "round": 1, name_point(LEARNED): 900.0, "no_reducer": 500.0}
    return [*trainings, speed]


def test_learned_tokens_that_are_clearly_better_are_said_to_beat_the_others() -> None:
    summary = reducer_table.summarize(make_reducer_rows(0.6))
    [note] = summary.notes
    assert note.startswith(f"{name_point(LEARNED)} beats no_reducer on test: +")
    learned, backbone = summary.tables[0].rows
    assert learned[1].startswith(("79.", "80."))
    assert learned[2] == ""
    assert backbone[3].count("(") == 3  # a paired interval for each seed
    assert backbone[4:] == ("20.00", "300,000", "500 (500 to 500)")


def test_learned_tokens_that_are_as_good_are_not_said_to_beat_the_others() -> None:
    [note] = reducer_table.summarize(make_reducer_rows(0.8)).notes
    assert f"{name_point(LEARNED)} is statistically indistinguishable from no_reducer on test" in note


def test_with_one_seed_the_spread_of_the_profile_is_assumed_and_said() -> None:
    rows = [row for row in make_reducer_rows(0.6) if row.get("seed", 1) == 1]
    assert reducer_table.summarize(rows).notes[-1] == (
        "Each point was trained once; the intervals assume that an accuracy has a standard deviation of "
        f"{100 * QUICK.search.seed_deviation:.2f} points from seed to seed."
    )


def test_trainings_of_several_revisions_are_said_to_be_such() -> None:
    rows = make_reducer_rows(0.6)
    rows[-2]["revision"] = "abcdef0123"
    assert reducer_table.summarize(rows).notes[-1] == "Trained at the revisions 0123456, abcdef0."


def test_a_finished_run_tells_what_it_reached_and_cost(tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    for plan in (KILLED, FIRST):
        root.record(plan)
    run, *steps = rows = full_run.measure(full_run.Effort(root=root.path))
    assert run["winner"]["point"] == "token_learner-8@2"
    assert run["epoch_seconds"] == 3.0  # two trials of 1.5
    assert [step["step"] for step in steps][-1] == "Pusher"
    summary = full_run.summarize(rows)
    accuracy, macs, training, _ = summary.targets
    assert accuracy.measured.startswith("60.0% (95 %: 53.")
    assert accuracy.reached == "neither"
    assert (macs.measured, macs.reached) == (f"{MACS / 1e6:.2f} million", "aim")
    assert training.measured == "0 min"
    assert summary.notes == ("token_learner-8@2 wins.",)


def test_a_run_that_stopped_before_its_verdict_is_not_finished(tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(KILLED)
    with pytest.raises(UsageFailure, match="has left no verdict"):
        full_run.measure(full_run.Effort(root=root.path))
