"""A stratified sample of the prepared dataset, as a TFDS dataset of its own."""

import collections.abc
import dataclasses
import functools
import pathlib
import typing

import numpy as np
import rich.progress

from components.errors import DataFailure
from pipeline.dataset import display, wholeness, workspace
from pipeline.dataset.edition import CIFAR10, DATASET_NAME, Edition, version_folder

SEED = 10

_INFO_FILE = "dataset_info.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamplePlan:
    """How many images of each class are chosen, and from where."""

    first_train_images: int = 40_000  # of the train split in the authors' order; the rest is what valid is cut from
    train_per_class: int = 400  # from those first images
    valid_per_class: int = 100  # from the images after them
    test_per_class: int = 100  # from the test split


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Examples:
    """A split in the authors' order."""

    labels: np.ndarray  # [example]
    images: tuple[bytes, ...]  # encoded as they are stored
    ids: tuple[str, ...]

    def at(self, positions: np.ndarray) -> collections.abc.Iterator[tuple[int, dict[str, str | int | bytes]]]:
        """Yields the examples at these positions, each with its position as key."""
        for position in positions.tolist():
            features = {"id": self.ids[position], "image": self.images[position], "label": int(self.labels[position])}
            yield position, features


def make_sample(
    *,
    data_dir: pathlib.Path,
    output: pathlib.Path,
    seed: int = SEED,
    plan: SamplePlan | None = None,
    edition: Edition = CIFAR10,
) -> pathlib.Path:
    """Writes the sample's TFDS files into a folder; other files there, such as a README, stay.

    Args:
        data_dir: Root folder of TFDS datasets that holds the prepared dataset.
        output: Folder to write to, made when it is missing.
        seed: The same seed chooses the same images and gives the same bytes.
        plan: How many images of which kind.
        edition: What the prepared dataset should hold.

    Returns:
        The output folder, which `tfds.builder_from_directory` reads.

    Raises:
        DataFailure: The prepared dataset is missing or not whole, has too few images, or the disk cannot be written to.
        LockedError: Another process is writing to the output.
    """
    source = version_folder(data_dir)
    with workspace.tell_storage_failures(output.parent):
        flaw = wholeness.describe_flaw(source, edition.split_sizes) if source.exists() else "is not there"
        if flaw:
            raise DataFailure(f"{source} {flaw}; make it with `tokenlearner data prepare --data-dir {data_dir}`.")
        with (
            workspace.lend_workspace(output) as folder,
            display.open_display() as progress,
            display.quiet_tensorflow(progress),
        ):
            _install(_build(source, folder, plan or SamplePlan(), np.random.default_rng(seed), progress), output)
    display.say(f"Made {output} with seed {seed}.")
    return output


def choose(labels: np.ndarray, *, num_classes: int, per_class: int, rng: np.random.Generator) -> np.ndarray:
    """Chooses the same number of examples of each class at random, without repetition.

    Args:
        labels: Class of each example, shape [example].
        num_classes: Number of classes.
        per_class: How many to choose of each class.
        rng: Source of chance.

    Returns:
        Sorted positions, shape [num_classes * per_class].

    Raises:
        DataFailure: A class has too few examples.
    """
    chosen = []
    for label in range(num_classes):
        positions = np.flatnonzero(labels == label)
        if len(positions) < per_class:
            raise DataFailure(f"Class {label} has {len(positions)} images where the sample should take {per_class}.")
        chosen.append(rng.choice(positions, size=per_class, replace=False))
    return np.sort(np.concatenate(chosen))


def _build(
    source: pathlib.Path,
    folder: pathlib.Path,
    plan: SamplePlan,
    rng: np.random.Generator,
    progress: rich.progress.Progress,
) -> pathlib.Path:
    """Builds the sample inside the workspace and returns its version folder."""
    import tensorflow_datasets as tfds

    from pipeline.dataset.builder import ExamplesBuilder, build

    full = tfds.builder_from_directory(source)
    class_names = full.info.features["label"].names
    train, test = _read(full, "train", progress), _read(full, "test", progress)
    pick = functools.partial(choose, num_classes=len(class_names), rng=rng)
    first = plan.first_train_images
    positions = {
        "train": np.concatenate(
            [
                pick(train.labels[:first], per_class=plan.train_per_class),
                pick(train.labels[first:], per_class=plan.valid_per_class) + first,
            ]
        ),
        "test": pick(test.labels, per_class=plan.test_per_class),
    }
    splits = {"train": train.at(positions["train"]), "test": test.at(positions["test"])}
    return build(ExamplesBuilder(data_dir=folder, class_names=class_names, splits=splits))


def _read(dataset: typing.Any, split: str, progress: rich.progress.Progress) -> _Examples:
    """Reads a split of a TFDS builder with its images still encoded."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    count = dataset.info.splits[split].num_examples
    examples = tfds.as_numpy(dataset.as_dataset(split=split, decoders={"image": tfds.decode.SkipDecoding()}))
    rows = {}
    try:
        for example in progress.track(examples, total=count, description=f"Reading {split}"):
            example_id = example["id"].decode()
            rows[int(example_id.rpartition("_")[2])] = (example_id, int(example["label"]), example["image"])
    except tf.errors.OpError as error:
        records = f"The {split} records of {dataset.data_dir}"
        raise DataFailure(f"{records} are damaged; delete that folder, then prepare it again.") from error
    if sorted(rows) != list(range(count)):
        raise DataFailure(
            f"The {split} ids of {dataset.data_dir} are not numbered from 0 to {count - 1}; prepare it again."
        )
    ids, labels, images = zip(*(rows[position] for position in range(count)), strict=True)
    return _Examples(ids=ids, labels=np.array(labels), images=images)


def _install(built: pathlib.Path, output: pathlib.Path) -> None:
    """Moves the files to the output; without its dataset_info.json a half moved sample is none."""
    output.mkdir(exist_ok=True)
    info = output / _INFO_FILE
    info.unlink(missing_ok=True)
    for stale in output.glob(f"{DATASET_NAME}-*.tfrecord-*"):
        stale.unlink()
    for file in built.iterdir():
        if file.name != _INFO_FILE:
            file.replace(output / file.name)
    (built / _INFO_FILE).replace(info)
