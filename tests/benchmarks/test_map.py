"""The map grows from command to command, and its summary shows what was planted in its rows.

Axes: images.
"""

import dataclasses
import json
import pathlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from benchmarks.map import Cell, Effort, list_cells, measure
from benchmarks.map_summary import compare_with_pooling, correct, summarize
from benchmarks.result import Result, Row, Summary, write_result
from benchmarks.trainings import pack, read_candidates
from components.errors import UsageFailure
from models.search_space import name_point
from pipeline.config import FULL


class KilledError(Exception):
    """The process ended in the middle of a training."""


def make_row(cell: Cell, images: np.ndarray) -> Row:
    """Returns the row of a training that is right on certain test images, bool [images]."""
    epochs, seed, network = cell
    return {
        "kind": "training",
        "network": dataclasses.asdict(network),
        "fit": {**dataclasses.asdict(FULL.fit), "epochs": epochs},
        "seed": seed,
        "revision": "0123456789",
        "train_images": 40_000,
        "valid_accuracy": 0.5,
        "test_images": len(images),
        "test_correct": pack(images),
    }


def list_names(cells: Sequence[Cell]) -> list[tuple[int, int, str]]:
    return [(seed, network.num_patches, name_point(network)) for _, seed, network in cells]


def test_cells_are_trained_seed_by_seed_with_the_reducers_of_a_cell_side_by_side(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reducers = ("no_reducer", "evit", "average_pooling")
    effort = Effort(reducers=reducers, placements=(0, 1), tokens=(2, 5), patch_sizes=(4, 2), seeds=(2, 1))
    names = list_names(list_cells(effort))
    of_64 = ["no_reducer", "average_pooling-2@0", "evit-2@1", "average_pooling-2@1", "evit-5@1"]
    assert names == [(seed, patches, name) for seed in (2, 1) for patches in (64, 256) for name in of_64]
    left_out = capsys.readouterr().out.splitlines()
    assert len(left_out) == 2 * 4
    assert left_out[1].startswith("Left out: evit-5@0 with patch size 4, as blocks_before_token_learner is 0; it must")


def test_the_map_goes_on_after_a_kill_and_keeps_the_rows_of_other_commands(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Cell] = []

    def train(_: Effort, cells: Sequence[Cell]) -> Iterator[Row]:
        for number, cell in enumerate(cells, 1):
            if number == lives:
                raise KilledError
            trained.append(cell)
            yield make_row(cell, np.ones(8, bool))

    monkeypatch.setattr("benchmarks.map.train", train)
    effort = Effort(tokens=(1, 2, 4), state=tmp_path / "state", results=tmp_path)
    lives = 3
    with pytest.raises(KilledError):
        measure(effort)
    lives = 0
    rows = measure(effort)
    assert trained == list_cells(effort)
    write_result(Result("map", "", {}, (), tuple(rows), Summary(())), tmp_path)
    longer = dataclasses.replace(effort, tokens=(4,), epochs=2, state=tmp_path / "elsewhere")
    assert len(measure(longer)) == 4
    assert list_names(trained[3:]) == [(1, 64, "average_pooling-4@1")]
    assert len(measure(dataclasses.replace(longer, seeds=()))) == 4
    file = next((tmp_path / "state" / "rows").iterdir())
    file.write_text(json.dumps({**rows[0], "fit": {**rows[0]["fit"], "learning_rate": 1.0}}))
    with pytest.raises(UsageFailure, match=r"with other values of fit\.learning_rate; name another --state"):
        measure(effort)
    with pytest.raises(UsageFailure, match="--epochs is 0, --seeds"):
        measure(dataclasses.replace(effort, epochs=0))


def make_rows(lead: float, per_block: float, per_doubling: float) -> list[Row]:
    """Returns rows of two seeds with a lead of v1.1 at one token before block 1 that changes over the map."""
    effort = Effort(
        reducers=("no_reducer", "token_learner_v11", "average_pooling"),
        placements=(0, 1, 3),
        tokens=(1, 4, 16),
        seeds=(1, 2),
        epochs=6,
    )
    draw = np.random.default_rng(3)
    difficulty = draw.random(10_000)
    rows = []
    for cell in list_cells(effort):
        network, share = cell[-1], 0.7
        if network.token_reducer == "token_learner_v11":
            assert network.num_tokens
            assert network.blocks_before_token_learner is not None
            share += lead + per_block * network.blocks_before_token_learner + per_doubling * np.log2(network.num_tokens)
        noise = draw.normal(0, 0.05, 10_000)
        rows.append(make_row(cell, difficulty + noise < share))
    return rows


def test_the_summary_shows_the_lead_of_learned_tokens_cell_by_cell_and_its_trend() -> None:
    rows = make_rows(0.06, -0.02, -0.01)
    leads = compare_with_pooling(read_candidates(rows), deviation=0.003)
    assert leads
    assert leads.trend
    np.testing.assert_allclose(leads.trend.slopes, [-0.02, -0.01], atol=0.002)
    assert leads.trend.p_value < 1e-6
    of_images = leads.errors[0] ** 2 - 2 * 0.003**2 / 2
    pairs = [each for each in read_candidates(rows) if each.network.blocks_before_token_learner == 0][:2]
    paired = pairs[0].correct.mean(axis=0) - pairs[1].correct.mean(axis=0)
    assert of_images == pytest.approx(paired.var(ddof=1) / 10_000)
    summary = summarize(rows)
    tables = {table.title: table for table in summary.tables}
    accuracies = tables["TokenLearner v1.1, 64 patches, 6 epochs: test top-1 (million MACs)"]
    assert accuracies.columns == ("tokens", "before block 1", "after block 1", "after block 3")
    assert re.fullmatch(r"7[56]\.\d% ± 0\.\d \(6\.52\)", accuracies.rows[0][1])
    ahead = tables["TokenLearner v1.1 ahead of average pooling, 64 patches, 6 epochs: points"]
    assert [row[0] for row in ahead.rows] == ["1", "4", "16"]
    assert re.fullmatch(r"\+[56]\.\d ± 0\.\d \*", ahead.rows[0][1])
    first, no_reducer, *_, smallest, revisions = summary.notes
    assert first.startswith("After 6 epochs (40,000 training and 10,000 test images; seeds a cell: 2).")
    assert re.match(r"No reducer, 64 patches: \d\d\.\d% ± 0\.\d with 16\.61 million", no_reducer)
    assert re.search(r"a true difference of [01]\.\d points in one cell", smallest)
    assert revisions == "Trained at 0123456."


def test_without_a_difference_nothing_is_found_and_a_part_of_a_map_has_no_trend() -> None:
    rows = make_rows(0, 0, 0)
    notes = "\n".join(summarize(rows).notes)
    assert "Learned tokens beat average pooling in 0 of 9 cells, with Holm's correction (*).\n" in notes
    some = [row for row in rows if row["network"]["num_tokens"] in (None, 1)]
    leads = compare_with_pooling(read_candidates(some), deviation=0.003)
    assert leads
    assert (len(leads.networks), leads.trend) == (3, None)
    assert compare_with_pooling(read_candidates(some[:2]), deviation=0.003) is None
    assert len(summarize(some[:3]).tables) == 3


def test_holms_correction_multiplies_each_p_value_by_the_number_of_those_that_are_no_smaller() -> None:
    np.testing.assert_allclose(correct(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    assert correct(np.array([0.6, 0.9])).tolist() == [1, 1]
