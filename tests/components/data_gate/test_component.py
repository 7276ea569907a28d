"""Data gate: what is amiss in the data is found, counted and named; what is right passes."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import apache_beam as beam
import pytest
import tensorflow as tf
from sample_slice import Change, make_slice
from tfx.components.example_validator.executor import Executor as ExampleValidator
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.types import standard_artifacts

from components.bad_data import BadDataError
from components.data_gate.bad_image import BadImage
from components.data_gate.component import DataGate
from components.data_gate.findings import describe_bad_images
from components.example_gen.component import Cifar10ExampleGen
from components.schema import SCHEMA_FILE, CuratedSchema
from pipeline.beam_options import make_step_arguments


def _artifact(kind: Any, folder: pathlib.Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder / kind.TYPE_NAME)
    return artifact


def _pass_gate(folder: pathlib.Path, change: Change) -> dict[str, str]:
    """Drives the real steps from ExampleGen to the gate; returns what it writes, by the beginning of its files."""
    tfds_dir = make_slice(folder / "data", change)
    examples = _artifact(standard_artifacts.Examples, folder)
    statistics = _artifact(standard_artifacts.ExampleStatistics, folder)
    schema = _artifact(standard_artifacts.Schema, folder)
    anomalies = _artifact(standard_artifacts.ExampleAnomalies, folder)
    bad_images = _artifact(standard_artifacts.ExampleAnomalies, folder / "gate")
    duplicates = _artifact(standard_artifacts.ExampleAnomalies, folder / "duplicates")
    Cifar10ExampleGen.test_call(
        examples=examples,
        tfds_dir=str(tfds_dir),
        train_images=40_000,
        source_digest="",
        code_digest="",
        beam_pipeline=beam.Pipeline("FnApiRunner"),
    )
    beam_context = StatisticsGen.Context(beam_pipeline_args=make_step_arguments(()))
    StatisticsGen(beam_context).Do({"examples": [examples]}, {"statistics": [statistics]}, {})
    CuratedSchema.test_call(schema=schema, text=SCHEMA_FILE.read_text(), code_digest="")
    ExampleValidator().Do({"statistics": [statistics], "schema": [schema]}, {"anomalies": [anomalies]}, {})
    DataGate.test_call(
        examples=examples,
        statistics=statistics,
        schema=schema,
        anomalies=anomalies,
        bad_images=bad_images,
        duplicates=duplicates,
        max_duplicate_share=0.01,
        duplicates_path=str(folder / "duplicates.json"),
        code_digest="",
        beam_pipeline=beam.Pipeline("FnApiRunner"),
    )
    written = [file for output in (bad_images, duplicates) for file in pathlib.Path(output.uri).iterdir()]
    return {file.name.partition("-")[0]: file.read_text() for file in written}


def _replace(values: Any, name: str, content: bytes) -> None:
    values[name].bytes_list.value[0] = content


class _Copies:
    """Makes the first records of test show the pixels of train's first ones, encoded anew.

    Args:
        count: Of such records.
        shares_id: Whether two of train, and one of test, have the id of another one of train, besides.
    """

    def __init__(self, count: int, *, shares_id: bool = False) -> None:
        self.count = count
        self.shares_id = shares_id
        self.images: list[tuple[str, bytes]] = []
        self.pairs: list[list[list[str]]] = []

    def __call__(self, position: int, record: bytes) -> bytes:
        example = tf.train.Example.FromString(record)
        values = example.features.feature
        own, image = values["id"].bytes_list.value[0].decode(), values["image"].bytes_list.value[0]
        if own.startswith("test"):
            if position < self.count:
                name, other = self.images[position]
                _replace(values, "image", tf.io.encode_png(tf.io.decode_png(other), compression=0).numpy())
                self.pairs.append([["test", own], ["train", name]])
            elif self.shares_id and position == self.count:
                _replace(values, "id", self.images[-1][0].encode())
        elif own < "train_40000":
            self.images.append((own, image))
            if self.shares_id and len(self.images) in (31, 32):
                _replace(values, "id", self.images[29][0].encode())
        return example.SerializeToString()


def test_real_images_pass_and_as_many_as_may_occur_twice_are_listed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "duplicates.json").write_text("of an earlier run")
    copies = _Copies(2)  # 1 % of 200
    written = _pass_gate(tmp_path, copies)
    assert (written["bad_images"], written["shared_ids"]) == ("", "")
    assert sorted(json.loads(line) for line in written["duplicates"].splitlines()) == sorted(copies.pairs)
    assert not (tmp_path / "duplicates.json").exists()


def test_all_that_is_amiss_is_told_at_once(tmp_path: pathlib.Path) -> None:
    """Single records of train and test; shared ids and pixels; half of the cats of valid, which become dogs."""
    grey = tf.io.encode_png(tf.zeros([28, 28, 1], tf.uint8)).numpy()
    edits: dict[tuple[str, int], Callable[[Any], None]] = {
        ("train", 103): lambda values: values["label"].int64_list.value.__setitem__(0, 12),
        ("train", 104): lambda values: values["image"].bytes_list.value.append(b"second"),
        ("train", 108): lambda values: _replace(values, "image", grey),
        ("test", 105): lambda values: values["label"].int64_list.value.append(3),
        ("test", 106): lambda values: values.pop("image"),
        ("test", 107): lambda values: values["weight"].float_list.value.append(1.0),
        ("test", 108): lambda values: _replace(values, "image", values["image"].bytes_list.value[0][:60]),
    }
    copies = _Copies(25, shares_id=True)
    turned: list[bytes] = []
    ids: dict[tuple[str, int], str] = {}

    def edit(position: int, record: bytes) -> bytes:
        example = tf.train.Example.FromString(copies(position, record))
        values = example.features.feature
        own, label = values["id"].bytes_list.value[0], values["label"].int64_list.value
        split = own.decode().partition("_")[0]
        if own >= b"train_40000" and label[0] == 3 and len(turned) < 5:
            turned.append(own)
            label[0] = 5
        ids[split, position] = own.decode()
        edits.get((split, position), lambda _: None)(values)
        return example.SerializeToString()

    with pytest.raises(BadDataError) as stopped:
        _pass_gate(tmp_path, edit)
    in_train, in_both = copies.images[29][0], copies.images[-1][0]
    shared = {in_train: ["train"] * 3, in_both: ["test", "train"]}
    told = {in_train: "3 in train", in_both: "1 in test, 1 in train"}
    pairs = sorted(copies.pairs)
    for finding in (
        "feature 'label' in split train: Unexpectedly large value: 12",
        "feature 'image' in split train: not every example has exactly one value",
        "feature 'label' in split test: not every example has exactly one value",
        "feature 'image' in split test: The feature was present in fewer examples than expected",
        "feature 'weight' in split test: the schema does not know this feature",
        "feature 'label' is balanced differently in train and valid: ",
        f"1 image of split train came as 28x28x1 instead of 32x32x3: {ids['train', 108]}",
        f"1 image of split test cannot be decoded: {ids['test', 108]}",
        "2 ids stand for more than one record: " + "; ".join(f"{each} ({told[each]})" for each in sorted(shared)),
    ):
        assert finding in str(stopped.value)
    assert str(stopped.value).endswith(
        "; 25 of 400 images of split train, 25 of 200 images of split test also occur in another split, and at most "
        "1.0% may (--data.max-duplicate-share): "
        + "; ".join(f"{test} (test) = {train} (train)" for (_, test), (_, train) in pairs[:10])
        + f" and 30 more; all of them are listed in {tmp_path / 'duplicates.json'}"
    )
    assert json.loads((tmp_path / "duplicates.json").read_text()) == {"identical_images": pairs, "shared_ids": shared}


def test_many_bad_images_are_counted_and_the_first_ten_named() -> None:
    bad = [BadImage("train", f"train_{n:05d}", "cannot be decoded") for n in range(12)]
    [finding] = describe_bad_images(bad)
    assert finding.startswith("12 images of split train cannot be decoded: train_00000, train_00001,")
    assert finding.endswith("train_00009 and 2 more")
