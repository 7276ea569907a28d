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
from components.trainer.read import Examples, count_batches, crop_and_flip, training_batches

_CONFIG = FitConfig(
    epochs=1,
    batch_size=4,
    learning_rate=1e-3,
    warmup_share=0.1,
    weight_decay=0.0,
    gradient_clip_norm=1.0,
    label_smoothing=0.0,
    crop_padding=1,
    seed=1,
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Images whose pixels are all distinct, [batch, height, width, channels]."""
    return np.arange(11 * 7 * 6 * 2, dtype=np.float32).reshape(11, 7, 6, 2)


@pytest.fixture(scope="module")
def examples(images: np.ndarray) -> Examples:
    """The images, each labelled with its position."""
    return Examples(images=tf.constant(images), labels=tf.constant(np.arange(len(images))))


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


def read_epochs(
    examples: Examples, config: FitConfig, *, seed: int, epochs: int, first_epoch: int = 0
) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Returns the images and the labels of each epoch, batch by batch."""
    size = count_batches(examples, config)
    stream = training_batches(examples, config, seed=seed, first_epoch=first_epoch).take(epochs * size)
    pairs = list(stream.as_numpy_iterator())
    by_epoch = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    return [([images for images, _ in epoch], [labels for _, labels in epoch]) for epoch in by_epoch]


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


def test_each_epoch_trains_on_every_image_at_most_once_in_whole_batches(examples: Examples) -> None:
    assert count_batches(examples, _CONFIG) == 2
    for images, labels in read_epochs(examples, _CONFIG, seed=7, epochs=3):
        assert [batch.shape for batch in images] == [(4, 7, 6, 2)] * 2
        assert len(set(np.concatenate(labels))) == 8


def test_over_many_epochs_every_image_has_its_turn(examples: Examples) -> None:
    labels = [np.concatenate(labels) for _, labels in read_epochs(examples, _CONFIG, seed=7, epochs=40)]
    counts = np.bincount(np.concatenate(labels), minlength=11)
    assert counts.sum() == 40 * 8
    assert counts.min() > 40 * 8 / 11 - 12  # each is left out of 3 epochs in 11


def test_images_keep_their_labels(examples: Examples, images: np.ndarray) -> None:
    for batches, labels in read_epochs(examples, _CONFIG, seed=7, epochs=2):
        for image, label in zip(np.concatenate(batches), np.concatenate(labels), strict=True):
            find_crop(image, images[label], padding=1)


def test_epochs_differ_in_order_and_in_crops(examples: Examples, images: np.ndarray) -> None:
    config = dataclasses.replace(_CONFIG, batch_size=11)
    orders, crops = set(), set()
    for (batch,), (labels,) in read_epochs(examples, config, seed=7, epochs=3):
        orders.add(tuple(labels))
        found = {label: find_crop(image, images[label], 1) for image, label in zip(batch, labels, strict=True)}
        crops.add(tuple(found[label] for label in range(11)))
    assert (len(orders), len(crops)) == (3, 3)


def test_batches_of_one_epoch_are_cropped_by_seeds_of_their_own(images: np.ndarray) -> None:
    same = Examples(images=tf.constant(np.stack([images[0]] * 16)), labels=tf.zeros(16, tf.int64))
    ((batches, _),) = read_epochs(same, _CONFIG, seed=7, epochs=1)
    assert len({batch.tobytes() for batch in batches}) == 4


def test_an_epoch_is_fed_to_the_bit_as_ever_wherever_training_begins(examples: Examples) -> None:
    uninterrupted = read_epochs(examples, _CONFIG, seed=7, epochs=6)
    for first_epoch in range(6):
        resumed = read_epochs(examples, _CONFIG, seed=7, epochs=6 - first_epoch, first_epoch=first_epoch)
        for (images, labels), (same_images, same_labels) in zip(uninterrupted[first_epoch:], resumed, strict=True):
            np.testing.assert_array_equal(same_images, images)
            np.testing.assert_array_equal(same_labels, labels)


def test_another_seed_feeds_another_order_and_other_crops(examples: Examples, images: np.ndarray) -> None:
    config = dataclasses.replace(_CONFIG, batch_size=11)
    orders, crops = set(), set()
    for seed in range(5):
        (((batch,), (labels,)),) = read_epochs(examples, config, seed=seed, epochs=1)
        orders.add(tuple(labels))
        found = {label: find_crop(image, images[label], 1) for image, label in zip(batch, labels, strict=True)}
        crops.add(tuple(found[label] for label in range(11)))
    assert (len(orders), len(crops)) == (5, 5)


def test_the_digest_tells_any_pixel_and_any_label(images: np.ndarray) -> None:
    labels = np.arange(11)
    digests = {Examples(images=tf.constant(images), labels=tf.constant(labels)).digest()}
    for position in ((0, 0, 0, 0), (5, 3, 3, 1), (10, 6, 5, 1)):
        changed = images.copy()
        changed[position] = np.nextafter(changed[position], np.float32(np.inf))
        digests.add(Examples(images=tf.constant(changed), labels=tf.constant(labels)).digest())
    for example in (0, 10):
        relabelled = labels.copy()
        relabelled[example] += 1
        digests.add(Examples(images=tf.constant(images), labels=tf.constant(relabelled)).digest())
    digests.add(Examples(images=tf.constant(images[:10]), labels=tf.constant(labels[:10])).digest())
    assert len(digests) == 7
    again = Examples(images=tf.constant(images.copy()), labels=tf.constant(labels.copy())).digest()
    assert again in digests
    assert len(again) == 64


def test_raw_examples_are_read_in_order_through_the_transform_graph(
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
    assert len(examples) == len(sample.records)
    np.testing.assert_allclose(examples.images, sample.normalised, atol=1e-5)
    np.testing.assert_array_equal(examples.labels, [row[features.LABEL] for row in sample.rows])
    assert read.read_examples(fn_args, files, transform).digest() == examples.digest()
