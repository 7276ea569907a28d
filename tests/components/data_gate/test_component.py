"""Data gate: what is amiss in the data is found, counted and named; what is right passes."""

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


def _artifact(kind: Any, folder: pathlib.Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder / kind.TYPE_NAME)
    return artifact


def _pass_gate(folder: pathlib.Path, change: Change) -> pathlib.Path:
    """Drives the real steps from ExampleGen to the gate; returns the folder that the gate writes."""
    tfds_dir = make_slice(folder / "data", change)
    examples = _artifact(standard_artifacts.Examples, folder)
    statistics = _artifact(standard_artifacts.ExampleStatistics, folder)
    schema = _artifact(standard_artifacts.Schema, folder)
    anomalies = _artifact(standard_artifacts.ExampleAnomalies, folder)
    bad_images = _artifact(standard_artifacts.ExampleAnomalies, folder / "gate")
    Cifar10ExampleGen.test_call(
        examples=examples,
        tfds_dir=str(tfds_dir),
        train_images=40_000,
        source_digest="",
        code_digest="",
        beam_pipeline=beam.Pipeline("FnApiRunner"),
    )
    beam_context = StatisticsGen.Context(beam_pipeline_args=["--runner=FnApiRunner"])
    StatisticsGen(beam_context).Do({"examples": [examples]}, {"statistics": [statistics]}, {})
    CuratedSchema.test_call(schema=schema, text=SCHEMA_FILE.read_text(), code_digest="")
    ExampleValidator().Do({"statistics": [statistics], "schema": [schema]}, {"anomalies": [anomalies]}, {})
    DataGate.test_call(
        examples=examples,
        statistics=statistics,
        schema=schema,
        anomalies=anomalies,
        bad_images=bad_images,
        code_digest="",
        beam_pipeline=beam.Pipeline("FnApiRunner"),
    )
    return folder / "gate" / "ExampleAnomalies"


def test_real_images_pass(tmp_path: pathlib.Path) -> None:
    written = _pass_gate(tmp_path, lambda _, record: record)
    assert [file.read_text() for file in written.iterdir()] == [""]


def test_examples_against_the_schema_stop_the_run(tmp_path: pathlib.Path) -> None:
    edits: dict[tuple[str, int], Callable[[Any], None]] = {
        ("train", 3): lambda values: values["label"].int64_list.value.__setitem__(0, 12),
        ("train", 4): lambda values: values["image"].bytes_list.value.append(b"second"),
        ("test", 5): lambda values: values["label"].int64_list.value.append(3),
        ("test", 6): lambda values: values.pop("image"),
        ("test", 7): lambda values: values["weight"].float_list.value.append(1.0),
    }

    def edit(position: int, record: bytes) -> bytes:
        example = tf.train.Example.FromString(record)
        values = example.features.feature
        split = values["id"].bytes_list.value[0].decode().partition("_")[0]
        edits.get((split, position), lambda _: None)(values)
        return example.SerializeToString()

    with pytest.raises(BadDataError) as stopped:
        _pass_gate(tmp_path, edit)
    for finding in (
        "feature 'label' in split train: Unexpectedly large value: 12",
        "feature 'image' in split train: not every example has exactly one value",
        "feature 'label' in split test: not every example has exactly one value",
        "feature 'image' in split test: The feature was present in fewer examples than expected",
        "feature 'weight' in split test: the schema does not know this feature",
    ):
        assert finding in str(stopped.value)


def test_a_class_that_is_half_gone_from_valid_stops_the_run(tmp_path: pathlib.Path) -> None:
    """Half of the cats of valid become dogs."""
    turned: list[bytes] = []

    def turn(_: int, record: bytes) -> bytes:
        example = tf.train.Example.FromString(record)
        values = example.features.feature
        example_id, label = values["id"].bytes_list.value[0], values["label"].int64_list.value
        if example_id >= b"train_40000" and label[0] == 3 and len(turned) < 5:
            turned.append(example_id)
            label[0] = 5
        return example.SerializeToString()

    with pytest.raises(BadDataError, match=r"'label' is balanced differently in train and valid: .* above the thresh"):
        _pass_gate(tmp_path, turn)


def test_images_that_do_not_decode_or_have_another_size_are_named(tmp_path: pathlib.Path) -> None:
    ids = []

    def corrupt(position: int, record: bytes) -> bytes:
        example = tf.train.Example.FromString(record)
        if position in (3, 8):
            values = example.features.feature
            ids.append(values["id"].bytes_list.value[0].decode())
            grey = tf.io.encode_png(tf.zeros([28, 28, 1], tf.uint8)).numpy()
            values["image"].bytes_list.value[0] = grey if position == 3 else values["image"].bytes_list.value[0][:60]
        return example.SerializeToString()

    with pytest.raises(BadDataError) as stopped:
        _pass_gate(tmp_path, corrupt)
    message = str(stopped.value)
    assert "came as 28x28x1 instead of 32x32x3: " in message
    assert "1 image of split test cannot be decoded: " in message
    assert all(example_id in message for example_id in ids)


def test_many_bad_images_are_counted_and_the_first_ten_named() -> None:
    bad = [BadImage("train", f"train_{n:05d}", "cannot be decoded") for n in range(12)]
    [finding] = describe_bad_images(bad)
    assert finding.startswith("12 images of split train cannot be decoded: train_00000, train_00001,")
    assert finding.endswith("train_00009 and 2 more")
