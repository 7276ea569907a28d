"""What a network is fed: every image once an epoch, cropped and mirrored as the seed says.

Axes: batch, height, width, channels.
"""

import dataclasses
import pathlib
import types
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx_bsl.tfxio.tf_example_record import TFExampleRecord

from components import features
from components.trainer import read
from components.trainer.config import FitConfig
from components.trainer.read import crop_and_flip, training_batches, validation_batches

_CONFIG = FitConfig(
    epochs=1,
    batch_size=4,
    learning_rate=1e-3,
    warmup_share=0.1,
    weight_decay=0.0,
    gradient_clip_norm=1.0,
    label_smoothing=0.0,
    crop_padding=1,
    shuffle_buffer=100,
    seed=7,
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Images whose pixels are all distinct, [batch, height, width, channels]."""
    return np.arange(11 * 7 * 6 * 2, dtype=np.float32).reshape(11, 7, 6, 2)


@pytest.fixture(scope="module")
def examples(images: np.ndarray) -> tf.data.Dataset:
    """The images, each labelled with its position."""
    return tf.data.Dataset.from_tensor_slices((images, np.arange(len(images))))


def find_crop(image: np.ndarray, original: np.ndarray, padding: int) -> tuple[int, int, bool]:
    """Returns (row, column, mirrored) of the only crop of the reflected original that the image is."""
    height, width, _ = original.shape
    reflected = np.pad(original, ((padding, padding), (padding, padding), (0, 0)), mode="reflect")
    found = [
        (row, column, mirrored)
        for row in range(2 * padding + 1)
        for column in range(2 * padding + 1)
        for mirrored in (False, True)
        if np.array_equal(image, reflected[row : row + height, column : column + width][:, :: -1 if mirrored else 1])
    ]
    (crop,) = found
    return crop


def read_epoch(batches: tf.data.Dataset) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns the images and the labels, each batch by batch."""
    pairs = list(batches.as_numpy_iterator())
    return [images for images, _ in pairs], [labels for _, labels in pairs]


def test_each_image_becomes_a_crop_of_its_own_reflected_surroundings(images: np.ndarray) -> None:
    crops = [
        find_crop(image, original, padding=2)
        for seed in range(12)
        for image, original in zip(crop_and_flip(images, 2, tf.constant([seed, 5])).numpy(), images, strict=True)
    ]
    assert {row for row, _, _ in crops} == {0, 1, 2, 3, 4}
    assert {column for _, column, _ in crops} == {0, 1, 2, 3, 4}
    assert 0.3 < np.mean([mirrored for _, _, mirrored in crops]) < 0.7
    assert len(set(crops)) > 25  # of 50: rows, columns and mirroring are drawn apart


def test_the_same_seed_crops_and_flips_the_same(images: np.ndarray) -> None:
    first, again, other = (crop_and_flip(images, 2, tf.constant(seed)) for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_padding_images_are_only_mirrored(images: np.ndarray) -> None:
    flipped = crop_and_flip(images, 0, tf.constant([3, 4])).numpy()
    mirrored = [find_crop(image, original, padding=0)[2] for image, original in zip(flipped, images, strict=True)]
    assert set(mirrored) == {False, True}


def test_each_epoch_trains_on_every_image_at_most_once_in_whole_batches(examples: tf.data.Dataset) -> None:
    batches = training_batches(examples, _CONFIG)
    for _ in range(3):
        images, labels = read_epoch(batches)
        assert [batch.shape for batch in images] == [(4, 7, 6, 2)] * 2
        assert len(set(np.concatenate(labels))) == 8


def test_the_batches_of_an_epoch_are_known_beforehand(examples: tf.data.Dataset) -> None:
    for batches in (training_batches(examples, _CONFIG), validation_batches(examples, _CONFIG)):
        assert int(batches.cardinality()) == len(list(batches))


def test_images_keep_their_labels(examples: tf.data.Dataset, images: np.ndarray) -> None:
    for batch, labels in training_batches(examples, _CONFIG).as_numpy_iterator():
        for image, label in zip(batch, labels, strict=True):
            find_crop(image, images[label], padding=1)


def test_epochs_differ_in_order_and_in_crops(examples: tf.data.Dataset, images: np.ndarray) -> None:
    batches = training_batches(examples, dataclasses.replace(_CONFIG, batch_size=11))
    orders, crops = set(), set()
    for _ in range(3):
        (batch,), (labels,) = read_epoch(batches)
        orders.add(tuple(labels))
        crops.add(tuple(find_crop(image, images[label], 1) for image, label in zip(batch, labels, strict=True)))
    assert (len(orders), len(crops)) == (3, 3)


def test_batches_of_one_epoch_are_cropped_by_seeds_of_their_own(images: np.ndarray) -> None:
    same = tf.data.Dataset.from_tensor_slices((np.stack([images[0]] * 16), np.zeros(16)))
    batches, _ = read_epoch(training_batches(same, _CONFIG))
    assert len({batch.tobytes() for batch in batches}) == 4


def test_the_same_seed_feeds_the_same_epochs(examples: tf.data.Dataset) -> None:
    first, again = training_batches(examples, _CONFIG), training_batches(examples, _CONFIG)
    other = training_batches(examples, dataclasses.replace(_CONFIG, seed=8))
    for _ in range(2):
        images, labels = read_epoch(first)
        images_again, labels_again = read_epoch(again)
        np.testing.assert_array_equal(images_again, images)
        np.testing.assert_array_equal(labels_again, labels)
        assert not np.array_equal(read_epoch(other)[1], labels)


def test_validation_goes_through_all_images_in_order_and_unchanged(
    examples: tf.data.Dataset, images: np.ndarray
) -> None:
    batches, labels = read_epoch(validation_batches(examples, _CONFIG))
    assert [len(batch) for batch in batches] == [4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(batches), images)
    np.testing.assert_array_equal(np.concatenate(labels), np.arange(11))


def test_raw_examples_are_read_in_order_through_the_transform_graph_once(
    sample: Any, transform: Any, tmp_path: pathlib.Path
) -> None:
    files = [str(tmp_path / name) for name in ("a.tfrecord", "b.tfrecord")]
    for file, records in zip(files, (sample.records[:40], sample.records[40:]), strict=True):
        with tf.io.TFRecordWriter(file) as writer:
            for record in records:
                writer.write(record)
    fn_args = types.SimpleNamespace(
        data_accessor=types.SimpleNamespace(
            tf_dataset_factory=lambda files, options, schema: TFExampleRecord(files, schema=schema).TensorFlowDataset(
                options
            )
        )
    )
    examples = read.read_examples(fn_args, files, transform)
    assert int(examples.cardinality()) == len(list(examples))

    images, labels = zip(*examples.as_numpy_iterator(), strict=True)
    np.testing.assert_allclose(np.stack(images), sample.normalised, atol=1e-5)
    np.testing.assert_array_equal(labels, [row[features.LABEL] for row in sample.rows])

    for file in files:
        pathlib.Path(file).unlink()
    again = [label for _, label in examples.as_numpy_iterator()]
    np.testing.assert_array_equal(again, labels)
