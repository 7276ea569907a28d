"""`tokenlearner predict --examples`: Beam predicts as the model does, and damaged records stop nothing."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from commands import Command

from components import features
from components.errors import ExitCode
from components.image_dataset import CIFAR10
from pipeline.prediction.records import read_records

from .conftest import ROUNDING, ask

_UNREADABLE = "the file cannot be read from here on: it is truncated, corrupt or protected"


def _write(path: pathlib.Path, records: list[bytes]) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP" if path.suffix == ".gz" else None) as writer:
        for record in records:
            writer.write(record)
    return path


def _id_of(record: bytes) -> str:
    return tf.train.Example.FromString(record).features.feature[features.ID].bytes_list.value[0].decode()


def _read(folder: pathlib.Path, kind: str) -> dict[tuple[str, int], dict[str, Any]]:
    lines = [json.loads(line) for file in folder.glob(f"{kind}-*.jsonl") for line in file.open()]
    return {(pathlib.Path(line["file"]).name, line["record"]): line for line in lines}


def _with_image(record: bytes, image: bytes) -> bytes:
    example = tf.train.Example.FromString(record)
    example.features.feature[features.IMAGE].bytes_list.value[:] = [image]
    return example.SerializeToString()


@pytest.fixture(scope="module")
def examples(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """An Examples artifact as ExampleGens write it: splits, one of them packed, and a file without records."""
    folder = tmp_path_factory.mktemp("examples")
    _write(folder / "Split-test" / "tfrecord.gz", records[:4])
    _write(folder / "Split-valid" / "cifar10.tfrecord", records[4:])
    (folder / "Split-valid" / "notes.txt").write_text("no records")
    return folder


def test_records_are_classified_as_by_the_model_and_damaged_ones_are_listed(
    predict: Command, versions: pathlib.Path, examples: pathlib.Path, records: list[bytes], tmp_path: pathlib.Path
) -> None:
    small = tf.io.encode_png(tf.zeros([28, 28, 3], tf.uint8)).numpy()
    damaged = [b"garbage", b"", _with_image(records[1], b"no PNG"), _with_image(records[2], small)]
    mixed = _write(tmp_path / "mixed", [records[0], *damaged[:2], records[3], *damaged[2:], records[4]])
    cut = tmp_path / "cut"
    cut.write_bytes(_write(tmp_path / "whole", records[4:]).read_bytes()[:-100])
    output = tmp_path / "new" / "predictions"
    done = predict("--examples", examples, mixed, cut, "--output", output)
    assert (done.code, done.out) == (ExitCode.BAD_DATA, "")
    assert "Scored 11 records" in done.words
    assert "4 could not be scored." in done.words
    whole = {("tfrecord.gz", position): records[position] for position in range(4)}
    whole |= {("cifar10.tfrecord", position): records[4 + position] for position in range(2)}
    whole |= {("mixed", 0): records[0], ("mixed", 3): records[3], ("mixed", 6): records[4], ("cut", 0): records[4]}
    whole["mixed", 5] = damaged[3]  # of another size
    lines = _read(output, "predictions")
    assert lines.keys() == whole.keys()
    for (place, record), row in zip(whole.items(), ask(versions / "10", list(whole.values())), strict=True):
        line = lines[place]
        assert line["id"] == _id_of(record)
        probabilities = [line["probabilities"][name] for name in CIFAR10.class_names]
        np.testing.assert_allclose(probabilities, row, atol=ROUNDING)
        assert (line["class"], line["probability"]) == (CIFAR10.class_names[row.argmax()], max(probabilities))
    failures = _read(output, "failures")
    assert {place: line["error"] for place, line in failures.items()} == {
        ("mixed", 1): "it is not a tf.Example",
        ("mixed", 2): "its feature image has 0 values instead of one",
        ("mixed", 4): "its image cannot be decoded",
        ("cut", 1): _UNREADABLE,
    }
    assert failures["mixed", 4]["id"] == _id_of(records[1])
    assert failures["mixed", 1]["id"] is None
    assert list(output.parent.iterdir()) == [output]


def test_without_an_output_lines_go_to_stdout_and_options_to_beam(
    predict: Command, examples: pathlib.Path, records: list[bytes]
) -> None:
    arguments = ("--examples", f"{examples}/*valid/*tfrecord*", "--beam.runner")
    done = predict(*arguments, "BundleBasedDirectRunner")
    assert done.code == ExitCode.OK
    assert sorted(json.loads(line)["id"] for line in done.out.splitlines()) == sorted(map(_id_of, records[4:]))
    wrong = predict(*arguments, "Nonsense")
    assert (wrong.code, wrong.out) == (ExitCode.USAGE, "")
    assert "Beam rejects --beam.runner=Nonsense: " in wrong.words


@pytest.mark.parametrize("name", ["r.tfrecord", "r.tfrecord.gz"])
def test_records_before_any_damage_are_read_and_a_damaged_file_never_seems_whole(
    records: list[bytes], tmp_path: pathlib.Path, name: str
) -> None:
    file = _write(tmp_path / name, records)
    content = file.read_bytes()
    assert [record.example for record in read_records("r", str(file))] == records
    end = sum(len(record) + 16 for record in records[:2])  # of the second record
    cuts = [1, 8, 11, 12, *(end + offset for offset in (-1, 1, 7, 8, 11, 12)), *(len(content) - n for n in (1, 8, 20))]
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    for damaged in (*(content[:cut] for cut in cuts), bytes(flipped)):
        file.write_bytes(damaged)
        *read, last = read_records("r", str(file))
        assert (last.example, last.error) == (b"", _UNREADABLE)
        assert [record.example for record in read] == records[: len(read)]


def test_a_pipeline_that_fails_leaves_no_output(
    predict: Command, examples: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("pipeline.prediction.inference.classify")
    done = predict("--examples", examples, "--output", tmp_path / "predictions")
    assert done.code == ExitCode.STEP_FAILED
    assert "the Beam pipeline failed: NameError: name 'classify' is not defined" in done.words
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []
