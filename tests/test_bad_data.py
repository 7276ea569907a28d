"""Data in which much is amiss: the whole DAG runs as far as it may, and says all of it."""

import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf
from sample_slice import Copies, make_slice

from components.errors import BadDataError, ExitCode
from components.metadata.run_record import read_run
from pipeline.config import QUICK
from pipeline.definition import create_pipeline
from pipeline.local import run_locally
from pipeline.runner.child import classify, describe_cause, find_cause


def replace(values: Any, name: str, content: bytes) -> None:
    """Gives a feature another value."""
    values[name].bytes_list.value[0] = content


def test_bad_data_stop_a_run_before_the_trainer_and_all_that_is_amiss_is_told_at_once(tmp_path: pathlib.Path) -> None:
    """Single records of train and test; shared ids and pixels; half of the cats of valid, which become dogs."""
    gray = tf.io.encode_png(tf.zeros([28, 28, 1], tf.uint8)).numpy()
    edits: dict[tuple[str, int], Callable[[Any], None]] = {
        ("train", 103): lambda values: values["label"].int64_list.value.__setitem__(0, 12),
        ("train", 104): lambda values: values["image"].bytes_list.value.append(b"second"),
        ("train", 108): lambda values: replace(values, "image", gray),
        ("test", 105): lambda values: values["label"].int64_list.value.append(3),
        ("test", 106): lambda values: values.pop("image"),
        ("test", 107): lambda values: values["weight"].float_list.value.append(1.0),
        ("test", 108): lambda values: replace(values, "image", values["image"].bytes_list.value[0][:60]),
    }
    copies = Copies(25, shares_id=True)
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

    root = tmp_path / "root"
    data = dataclasses.replace(QUICK.data, tfds_dir=make_slice(tmp_path / "data", edit))
    with pytest.raises(BadDataError) as stopped:
        run_locally(create_pipeline(dataclasses.replace(QUICK, root=root, data=data)))
    assert {step.name: step.state for step in read_run(root).steps} == {
        **dict.fromkeys(("ExampleGen", "Schema", "StatisticsGen", "ExampleValidator"), "done"),
        "DataGate": "failed",
    }
    cause = find_cause(stopped.value, root / "metadata.sqlite")
    assert classify(cause) == ExitCode.BAD_DATA
    shown = describe_cause(cause)
    in_train, in_both = copies.images[29][0], copies.images[-1][0]
    shared = {in_train: ["train"] * 3, in_both: ["test", "train"]}
    told = {in_train: "3 in train", in_both: "1 in test, 1 in train"}
    pairs = sorted(copies.pairs)
    for finding in (
        "feature 'label' in split train: Unexpectedly large value: 12",
        "feature 'image' in split train: not every example has exactly one value",
        "feature 'label' in split test: not every example has exactly one value",
        "feature 'image' in split test: The feature was present in fewer examples than expected",
        "feature 'weight' in split test: the schema does not have this feature",
        "feature 'label' is balanced differently in train and valid: ",
        f"1 image of split train came as 28x28x1 instead of 32x32x3: {ids['train', 108]}",
        f"1 image of split test cannot be decoded: {ids['test', 108]}",
        "2 ids stand for more than one record: " + "; ".join(f"{each} ({told[each]})" for each in sorted(shared)),
    ):
        assert finding in shown
    assert shown.endswith(
        "; 25 of 400 images of split train, 25 of 200 images of split test also occur in another split, and at most "
        "1.0% may (--data.max-duplicate-share): "
        + "; ".join(f"{test} (test) = {train} (train)" for (_, test), (_, train) in pairs[:10])
        + f" and 30 more; all of them are listed in {root / 'duplicates.json'}."
    )
    assert json.loads((root / "duplicates.json").read_text()) == {"identical_images": pairs, "shared_ids": shared}
