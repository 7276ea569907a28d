"""A stratified sample of the prepared dataset, as a TFDS dataset of its own."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import rich.progress

from components.errors import DataFailure
from components.image_dataset import CIFAR10
from pipeline.dataset.console import CONSOLE
from pipeline.dataset.prepare import DATASET
from pipeline.dataset.workspace import open_workspace
from pipeline.quiet import start_tensorflow

_SEED = 10
_INFO_FILE = "dataset_info.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamplePlan:
    """How many images of each class are chosen, and from where."""

    first_train_images: int = 40_000  # of the train split in the authors' order; valid is cut from the others
    train_per_class: int = 400  # from those first images
    valid_per_class: int = 100  # from the images after them
    test_per_class: int = 100  # from the test split


def make_sample(
    *, data_dir: pathlib.Path, output: pathlib.Path, seed: int = _SEED, plan: SamplePlan | None = None
) -> pathlib.Path:
    """Writes the sample's TFDS files into a folder; other files there, such as a README, stay.

    Args:
        data_dir: Root folder of TFDS datasets that holds the prepared dataset.
        output: Folder to write to, made if it does not exist.
        seed: The same seed chooses the same images and gives the same bytes.
        plan: How many images of which kind; None: the shipped sample's.

    Returns:
        The output folder, which `tfds.builder_from_directory` reads.

    Raises:
        DataFailure: The prepared dataset is missing, damaged or too small, or the output cannot be written.
        LockedError: Another process is writing to the output.
    """
    source = data_dir / DATASET
    if not (source / _INFO_FILE).exists():
        raise DataFailure(f"there is no {source}; make it with `tokenlearner data prepare --data-dir {data_dir}`.")
    with open_workspace(output) as workspace:
        start_tensorflow()
        _install(_build(source, workspace, plan or SamplePlan(), np.random.default_rng(seed)), output)
    CONSOLE.print(f"Made {output} with seed {seed}.")
    return output


def choose(labels: Sequence[int], *, per_class: int, rng: np.random.Generator) -> np.ndarray:
    """Chooses the same number of examples of each class at random, without repetition.

    Args:
        labels: Class of each example.
        per_class: How many to choose of each class.
        rng: Source of randomness.

    Returns:
        Sorted positions, shape [number of classes * per_class].

    Raises:
        DataFailure: A class has too few examples.
    """
    chosen = []
    for label in range(len(CIFAR10.class_names)):
        positions = np.flatnonzero(np.asarray(labels) == label)
        if len(positions) < per_class:
            raise DataFailure(f"class {label} has {len(positions)} images, but the sample takes {per_class}.")
        chosen.append(rng.choice(positions, size=per_class, replace=False))
    return np.sort(np.concatenate(chosen))


def _build(source: pathlib.Path, folder: pathlib.Path, plan: SamplePlan, rng: np.random.Generator) -> pathlib.Path:
    """Builds the sample in a folder and returns its version folder."""
    import tensorflow_datasets as tfds

    from pipeline.dataset.builder import build

    try:
        dataset = tfds.builder_from_directory(source)
    except Exception as error:  # of protobuf, JSON or TFDS
        raise DataFailure(f"{source / _INFO_FILE} is damaged; delete {source}, then prepare it again.") from error
    train, test = (_read(dataset, split) for split in ("train", "test"))
    pick = functools.partial(choose, rng=rng)
    first = plan.first_train_images
    labels = [example["label"] for example in train]
    of_train = pick(labels[:first], per_class=plan.train_per_class).tolist()
    of_valid = pick(labels[first:], per_class=plan.valid_per_class) + first
    of_test = pick([example["label"] for example in test], per_class=plan.test_per_class)
    splits = {
        "train": [(position, train[position]) for position in (*of_train, *of_valid.tolist())],
        "test": [(position, test[position]) for position in of_test.tolist()],
    }
    return build(folder, splits)


def _read(dataset: Any, split: str) -> list[dict[str, Any]]:
    """Reads a split of a TFDS builder in the authors' order, with its images still encoded."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    examples = tfds.as_numpy(dataset.as_dataset(split=split, decoders={"image": tfds.decode.SkipDecoding()}))
    total = dataset.info.splits[split].num_examples
    try:
        rows = list(rich.progress.track(examples, f"Reading {split}", total, console=CONSOLE))
    except tf.errors.OpError as error:
        raise DataFailure(
            f"the {split} records of {dataset.data_dir} are damaged; delete that folder, then prepare it again."
        ) from error
    return sorted(rows, key=lambda row: row["id"])


def _install(built: pathlib.Path, output: pathlib.Path) -> None:
    """Moves the files to the output; dataset_info.json is last, since without it a partial sample is no dataset."""
    output.mkdir(exist_ok=True)
    (output / _INFO_FILE).unlink(missing_ok=True)
    for outdated in output.glob("*.tfrecord-*"):
        outdated.unlink()
    for file in sorted(built.iterdir(), key=lambda file: file.name == _INFO_FILE):
        file.replace(output / file.name)
