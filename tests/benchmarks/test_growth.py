"""Growth is told from linear and flat, on datasets that repeat their images."""

import pathlib

import pytest
import tensorflow as tf

from benchmarks import growth
from benchmarks.growth import summarize
from benchmarks.repeated_dataset import repeat_dataset
from benchmarks.result import Row
from components.example_gen.component import list_shards
from components.example_gen.splits import copy_shard
from pipeline.failures import Failure

MIB = 2**20


def make_rows(*, seconds_an_image: float = 0.001, gate_bytes_an_image: int = 0) -> list[Row]:
    return [
        {"images": images, "step": step, "seconds": seconds, "began_bytes": 500 * MIB, "peak_bytes": peak}
        for images in (6_000, 60_000, 240_000)
        for step, seconds, peak in (
            ("ExampleGen", 1e-3 * images, 600 * MIB),
            ("Trainer", 1e-6 * images**2, 700 * MIB),
            (
                "Gate",
                (1e-3 if images < 240_000 else seconds_an_image) * images,
                600 * MIB + gate_bytes_an_image * images,
            ),
        )
    ]


def test_a_linear_step_with_flat_memory_reaches_what_was_asked_for_however_long_the_trainer_takes() -> None:
    summary = summarize(make_rows())
    assert summary.targets[0].reached == "aim"
    seconds, milliseconds, peaks, added = summary.tables
    assert seconds.rows[-1] == ("all but Trainer", "12.0", "120.0", "480.0")
    assert milliseconds.rows[0] == ("ExampleGen", "1.000", "1.000", "1.000")
    assert peaks.rows[0] == ("ExampleGen", "600", "600", "600")
    assert added.rows[0] == ("ExampleGen", "100", "100", "100")
    assert seconds.columns == ("step", "6,000 images", "60,000 images", "240,000 images")


def test_a_step_that_takes_longer_an_image_the_more_there_are_is_told() -> None:
    [target] = summarize(make_rows(seconds_an_image=0.002)).targets
    assert target.reached == "neither"
    assert target.measured.startswith("1.50 times the seconds an image, of a step at most 2.00 (Gate)")


def test_a_step_that_is_not_linear_does_not_hide_behind_the_start_of_others() -> None:
    start = [
        {"images": images, "step": "StatisticsGen", "seconds": 600.0, "began_bytes": 500 * MIB, "peak_bytes": 600 * MIB}
        for images in (6_000, 60_000, 240_000)
    ]
    [target] = summarize([*make_rows(seconds_an_image=0.002), *start]).targets
    assert target.measured.startswith("0.46 times the seconds an image, of a step at most 2.00 (Gate)")
    assert target.reached == "neither"


def test_a_step_of_less_than_a_second_is_all_start_up() -> None:
    short = [
        {"images": images, "step": "Baseline", "seconds": 1e-12 * images**2, "began_bytes": None, "peak_bytes": None}
        for images in (6_000, 60_000, 240_000)
    ]
    assert summarize([*make_rows(), *short]).targets[0].reached == "aim"


def test_a_step_whose_memory_grows_is_named() -> None:
    [target] = summarize(make_rows(gate_bytes_an_image=4096)).targets
    assert target.reached == "neither"
    assert "(Gate)" in target.measured


def test_data_steps_alone_are_not_judged() -> None:
    summary = summarize([row for row in make_rows() if row["step"] == "ExampleGen"])
    assert summary.targets == ()
    assert summary.tables[0].rows[-1] == ("all but Trainer", "6.0", "60.0", "240.0")


def test_a_kernel_that_does_not_tell_of_memory_leaves_cells_empty() -> None:
    rows = [{**row, "began_bytes": None, "peak_bytes": None} for row in make_rows()]
    summary = summarize(rows)
    assert summary.tables[2].rows[0] == ("ExampleGen", "", "", "")
    assert summary.targets[0].reached == "neither"


def test_no_figure_behind_the_trainer_is_of_the_trainers_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    killed = [{"step": step, "process": "killed"} for step in ("ExampleGen", "Trainer", "Baseline")]
    fresh = [{"step": step, "process": "fresh"} for step in ("ExampleGen", "Trainer", "Baseline", "Evaluator")]
    answers = iter([killed, fresh])
    monkeypatch.setattr(growth, "run_until_trainer", lambda *_: None)
    monkeypatch.setattr(growth, "run_dag", lambda *_: 1.0)
    monkeypatch.setattr(growth, "read_steps", lambda _: next(answers))
    assert growth._run(tmp_path, tmp_path, data_steps_only=False) == killed[:2] + fresh[2:]
    answers = iter([killed])
    assert growth._run(tmp_path, tmp_path, data_steps_only=True) == killed[:1]


def test_a_run_that_ends_before_its_trainer_is_a_failure(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Failure, match=r"Trainer or before; see why with `tokenlearner run --data\.tfds-dir"):
        growth._run(tmp_path / "root", tmp_path, data_steps_only=True)


def test_a_repeated_dataset_has_the_same_splits_so_many_times_and_no_id_twice(
    slice_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    folder = repeat_dataset(slice_dir, 3, tmp_path / "thrice")
    shards = list_shards(folder)
    assert [images for *_, images in shards] == [500] * 3 + [200] * 3
    counts = [copy_shard(*shard, str(tmp_path / "splits"), 40_000) for shard in shards]
    assert counts == [{"train": 400, "valid": 100, "test": 0}] * 3 + [{"train": 0, "valid": 0, "test": 200}] * 3
    records = tf.data.TFRecordDataset([path for path, *_ in shards]).as_numpy_iterator()
    ids = [tf.train.Example.FromString(record).features.feature["id"].bytes_list.value[0] for record in records]
    assert len(set(ids)) == len(ids) == 2100
