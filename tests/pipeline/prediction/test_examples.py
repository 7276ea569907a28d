"""`tokenlearner predict --examples`: Beam answers as the model does, whatever else is in the files."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from commands import Command

from components import features
from components.errors import ExitCode
from pipeline.prediction.inference import answer
from pipeline.prediction.model import Model
from pipeline.prediction.records import Record, read_records

from .conftest import IMAGES, Pushed


def _write(path: pathlib.Path, records: list[bytes]) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP" if path.suffix == ".gz" else None) as writer:
        for record in records:
            writer.write(record)
    return path


def _id_of(record: bytes) -> str:
    return tf.train.Example.FromString(record).features.feature[features.ID].bytes_list.value[0].decode()


def _read(folder: pathlib.Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.glob(f"{kind}-*.jsonl")) for line in file.open()]


def _with_image(record: bytes, image: bytes) -> bytes:
    example = tf.train.Example.FromString(record)
    example.features.feature[features.IMAGE].bytes_list.value[:] = [image]
    return example.SerializeToString()


@pytest.fixture(scope="module")
def examples(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """An Examples artifact as ExampleGens leave it: splits, of which one is packed, and a file that is none of it."""
    folder = tmp_path_factory.mktemp("examples")
    _write(folder / "Split-test" / "data_tfrecord-00000-of-00001.gz", records[:4])
    _write(folder / "Split-valid" / "cifar10.tfrecord-00000-of-00001", records[4:])
    (folder / "Split-valid" / "notes.txt").write_text("no records")
    return folder


def test_every_record_is_answered_as_the_model_answers_it(
    tokenlearner: Command, pushed: Pushed, examples: pathlib.Path, records: list[bytes], tmp_path: pathlib.Path
) -> None:
    output = tmp_path / "answers"
    done = tokenlearner("predict", "--examples", examples, "--root", pushed.root, "--output", output)
    assert (done.code, done.out) == (ExitCode.OK, "")
    assert f"Scored {IMAGES} records" in done.words
    lines = {line["id"]: line for line in _read(output, "predictions")}
    assert set(lines) == {_id_of(record) for record in records}
    told = np.array(
        [[lines[_id_of(record)]["probabilities"][name] for name in features.CLASS_NAMES] for record in records]
    )
    told = told.astype(np.float32)  # [records, classes]
    # Each file is a batch, or, to newer Beams, both are one, in either order; batches of other sizes round otherwise.
    first, second = records[:4], records[4:]
    by_batches = [
        np.concatenate([pushed.ask(first), pushed.ask(second)]),
        pushed.ask(records),
        np.roll(pushed.ask(second + first), len(first), axis=0),
    ]
    assert any(np.array_equal(told, expected) for expected in by_batches)
    for record, row, position in zip(records, told, [*range(len(first)), *range(len(second))], strict=True):
        line = lines[_id_of(record)]
        assert line["class"] == features.CLASS_NAMES[row.argmax()]
        assert np.float32(line["probability"]) == row.max()
        assert line["record"] == position
        assert pathlib.Path(line["file"]).is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["answers"]
    assert not list(output.glob("failures*"))


def test_without_an_output_lines_go_to_stdout_and_options_to_beam(
    tokenlearner: Command, pushed: Pushed, examples: pathlib.Path, records: list[bytes]
) -> None:
    arguments = ("predict", "--examples", f"{examples}/*valid/*tfrecord*", "--root", pushed.root)
    done = tokenlearner(*arguments, "--beam.runner", "BundleBasedDirectRunner")
    assert done.code == ExitCode.OK
    assert sorted(json.loads(line)["id"] for line in done.out.splitlines()) == sorted(map(_id_of, records[4:]))
    wrong = tokenlearner(*arguments, "--beam.runner=Nonsense")
    assert wrong.code == ExitCode.USAGE
    assert "Beam takes no --beam.runner=Nonsense: " in wrong.words
    assert wrong.out == ""


def test_damaged_records_are_listed_and_the_others_answered(
    tokenlearner: Command, pushed: Pushed, records: list[bytes], tmp_path: pathlib.Path
) -> None:
    small = tf.io.encode_png(tf.zeros([28, 28, 3], tf.uint8)).numpy()
    damaged = [b"garbage", b"", _with_image(records[1], b"no PNG"), _with_image(records[2], small)]
    mixed = _write(tmp_path / "mixed.tfrecord", [records[0], *damaged[:2], records[3], *damaged[2:], records[4]])
    cut = tmp_path / "cut.tfrecord"
    cut.write_bytes(_write(tmp_path / "whole", records[4:]).read_bytes()[:-100])
    output = tmp_path / "answers"
    done = tokenlearner("predict", "--examples", mixed, cut, "--root", pushed.root, "--output", output)
    assert done.code == ExitCode.BAD_DATA
    assert "Scored 4 records" in done.words
    assert "5 could not be scored; see" in done.words
    answered = sorted((line["id"], pathlib.Path(line["file"]).name) for line in _read(output, "predictions"))
    whole = [(records[0], mixed), (records[3], mixed), (records[4], mixed), (records[4], cut)]
    assert answered == sorted((_id_of(record), file.name) for record, file in whole)
    failures = {(line["record"], pathlib.Path(line["file"]).name): line for line in _read(output, "failures")}
    assert {place: line["error"] for place, line in failures.items()} == {
        (1, mixed.name): "it is no tf.Example",
        (2, mixed.name): "it has 0 values instead of one as its feature image",
        (4, mixed.name): "its image cannot be decoded",
        (5, mixed.name): "its image came as 28x28x3 instead of 32x32x3",
        (1, cut.name): "the file is truncated or corrupt from here on",
    }
    assert failures[4, mixed.name]["id"] == _id_of(records[1])
    assert failures[1, mixed.name]["id"] is None


def test_each_half_of_a_rejected_batch_is_asked_by_itself_and_order_is_kept(
    pushed: Pushed, records: list[bytes]
) -> None:
    held = [b"garbage" if at in (0, 3, 4) else records[at % IMAGES] for at in range(9)]
    batch = [Record(file="f", position=at, example=example) for at, example in enumerate(held)]
    lines = answer(batch, Model(pushed.newest))
    assert [line["record"] for line in lines] == list(range(9))
    assert [line["record"] for line in lines if "error" in line] == [0, 3, 4]


@pytest.mark.parametrize("name", ["r.tfrecord", "r.tfrecord.gz"])
def test_a_file_that_is_cut_off_anywhere_is_never_taken_for_whole(
    records: list[bytes], tmp_path: pathlib.Path, name: str
) -> None:
    file = _write(tmp_path / name, records)
    content = file.read_bytes()
    ends = np.cumsum([len(record) + 16 for record in records])
    assert [record.example for record in read_records("r", str(file))] == records
    near_ends = {int(ends[1]) + offset for offset in (-1, 1, 7, 8, 11, 12)}
    cuts = {1, 8, 11, 12, *near_ends, len(content) // 2, *(len(content) - missing for missing in (1, 4, 8, 9, 20))}
    for cut in sorted(cuts):
        file.write_bytes(content[:cut])
        assert list(read_records("r", str(file)))[-1].flaw == "the file is truncated or corrupt from here on", cut


def test_a_flipped_bit_in_a_record_is_found(records: list[bytes], tmp_path: pathlib.Path) -> None:
    file = _write(tmp_path / "r.tfrecord", records)
    content = bytearray(file.read_bytes())
    content[len(records[0]) + 16 + 500] ^= 1
    file.write_bytes(content)
    read = list(read_records("r", str(file)))
    assert [record.example for record in read] == [records[0], b""]
    assert "corrupt" in read[1].flaw


def test_wrong_usage_is_one_sentence_and_nothing_is_overwritten(
    tokenlearner: Command, pushed: Pushed, examples: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").touch()
    (tmp_path / "text").write_text("")
    root = ("--root", pushed.root)
    for arguments, code, words in (
        (("--examples", tmp_path / "missing", *root), ExitCode.USAGE, "missing does not exist."),
        (("--examples", tmp_path / "full", *root), ExitCode.USAGE, "full holds no such file."),
        (("--examples", tmp_path / "text", *root), ExitCode.BAD_DATA, "there is no record in"),
        (("--examples", examples, "--output", tmp_path / "full", *root), ExitCode.USAGE, "which is there already"),
        (("--examples", examples, "--output", tmp_path / "text" / "a", *root), ExitCode.USAGE, "Not a directory"),
    ):
        done = tokenlearner("predict", *arguments)
        assert (done.code, done.out) == (code, "")
        assert words in done.words
        assert len(done.err.splitlines()) == 1, done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "text"]
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["precious"]


def test_a_pipeline_that_fails_leaves_no_output(
    tokenlearner: Command,
    pushed: Pushed,
    examples: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the worker fell over")

    monkeypatch.setattr("pipeline.prediction.inference.answer", fail)
    output = tmp_path / "answers"
    done = tokenlearner("predict", "--examples", examples, "--root", pushed.root, "--output", output)
    assert done.code == ExitCode.STEP_FAILED
    assert "the Beam pipeline failed: RuntimeError: the worker fell over" in done.words
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []
