"""The batches of a training: every image at most once an epoch, cropped and mirrored by the seed.

Axes: batch, height, width, channels.
"""

import dataclasses
import hashlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from trainings import make_examples

from components import features
from components.trainer.config import FitConfig
from components.trainer.data.examples import (
    Examples,
    crop_and_flip,
    read_examples,
    training_batches,
)


@pytest.fixture(scope="module")
def config(fit_config: FitConfig) -> FitConfig:
    return dataclasses.replace(fit_config, batch_size=4)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Images without any symmetry, [batch, height, width, channels]."""
    return np.random.default_rng(0).integers(256, size=(11, 7, 6, 2), dtype=np.uint8)


def label_images(images: np.ndarray) -> Examples:
    """Labels each image with its position; the network sees half the value of each pixel."""
    return make_examples(images, np.arange(len(images)), lambda pixels: tf.cast(pixels, tf.float32) / 2)


@pytest.fixture(scope="module")
def examples(images: np.ndarray) -> Examples:
    return label_images(images)


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
    """Returns the pixels and the labels of each epoch, batch by batch."""
    size = config.count_steps(len(examples))
    stream = training_batches(examples, config, seed=seed, first_epoch=first_epoch).take(epochs * size)
    pairs = list(stream.as_numpy_iterator())
    by_epoch = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    return [([2 * images for images, _ in epoch], [labels for _, labels in epoch]) for epoch in by_epoch]


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
    flipped = crop_and_flip(images, 0, tf.constant([3, 4])).numpy()
    mirrored = [find_crop(image, original, padding=0)[2] for image, original in zip(flipped, images, strict=True)]
    assert set(mirrored) == {False, True}
    np.testing.assert_array_equal(crop_and_flip(images, 0, tf.constant([3, 4]), flip=False), images)


def test_each_epoch_trains_on_every_image_at_most_once_in_whole_batches_with_their_labels(
    examples: Examples, images: np.ndarray, config: FitConfig
) -> None:
    assert config.count_steps(len(examples)) == 2
    epochs = read_epochs(examples, config, seed=7, epochs=40)
    for batches, labels in epochs:
        assert [batch.shape for batch in batches] == [(4, 7, 6, 2)] * 2
        assert len(set(np.concatenate(labels))) == 8
    for image, position in zip(np.concatenate(epochs[0][0]), np.concatenate(epochs[0][1]), strict=True):
        find_crop(image, images[position], padding=1)
    counts = np.bincount(np.concatenate([np.concatenate(labels) for _, labels in epochs]), minlength=11)
    assert counts.min() > 40 * 8 / 11 - 12  # each is left out of 3 epochs in 11


def test_seeds_epochs_and_batches_differ_in_order_and_in_crops(
    examples: Examples, images: np.ndarray, config: FitConfig
) -> None:
    whole = dataclasses.replace(config, batch_size=11)
    orders, crops = set(), set()
    epochs = [epoch for seed in (1, 7) for epoch in read_epochs(examples, whole, seed=seed, epochs=2)]
    for (batch,), (labels,) in epochs:
        orders.add(tuple(labels))
        found = {label: find_crop(image, images[label], 1) for image, label in zip(batch, labels, strict=True)}
        crops.add(tuple(found[label] for label in range(11)))
    assert (len(orders), len(crops)) == (4, 4)
    same = label_images(np.stack([images[0]] * 16))
    ((batches, _),) = read_epochs(same, config, seed=7, epochs=1)
    assert len({batch.tobytes() for batch in batches}) == 4


def test_an_epoch_of_two_passes_has_the_batches_of_two_epochs(examples: Examples, config: FitConfig) -> None:
    whole = read_epochs(examples, config, seed=7, epochs=4)
    twice = dataclasses.replace(config, passes_per_epoch=2)
    assert twice.count_steps(len(examples)) == 4
    [second] = read_epochs(examples, twice, seed=7, epochs=1, first_epoch=1)
    for part in (0, 1):
        np.testing.assert_array_equal(second[part], whole[2][part] + whole[3][part])


def test_an_epoch_has_the_same_batches_wherever_training_begins(examples: Examples, config: FitConfig) -> None:
    uninterrupted = read_epochs(examples, config, seed=7, epochs=4)
    for first_epoch in (1, 3):
        resumed = read_epochs(examples, config, seed=7, epochs=4 - first_epoch, first_epoch=first_epoch)
        for (batches, labels), (same, same_labels) in zip(uninterrupted[first_epoch:], resumed, strict=True):
            np.testing.assert_array_equal(same, batches)
            np.testing.assert_array_equal(same_labels, labels)


def test_the_digest_depends_on_any_pixel_and_any_label(examples: Examples, images: np.ndarray) -> None:
    digests = {examples.digest(), examples.first(10).digest()}
    for position in ((0, 0, 0, 0), (5, 3, 3, 1), (10, 6, 5, 1)):
        changed = images.copy()
        changed[position] ^= 1
        digests.add(label_images(changed).digest())
    for example in (0, 10):
        digests.add(
            dataclasses.replace(examples, labels=examples.labels + tf.one_hot(example, 11, dtype=tf.int64)).digest()
        )
    assert len(digests) == 7
    assert label_images(images.copy()).digest() in digests
    assert examples.first(5).digest() == label_images(images[:5]).digest()


@pytest.fixture(scope="module")
def transformed(sample: Any, transform: Any) -> np.ndarray:
    """The sample, whole through the whole Transform graph, float32 [examples, height, width, channels]."""
    raw = {features.IMAGE: tf.constant([row[features.IMAGE] for row in sample.rows]), features.LABEL: sample.labels}
    return transform.transform_features_layer()(raw)[features.IMAGE].numpy()


def test_raw_examples_are_read_in_order_and_streamed_as_the_whole_transform_graph_makes_them(
    sample: Any, transform: Any, record_files: tuple[str, str], transformed: np.ndarray
) -> None:
    with read_examples(record_files, transform) as examples:
        np.testing.assert_array_equal(examples.labels, sample.labels)
        np.testing.assert_array_equal(examples.pixels.gather(np.arange(len(examples))), sample.pixels)
        for batch_size in (1, 7, 256):
            batches = list(examples.stream_images(batch_size).as_numpy_iterator())
            assert {len(batch) for batch in batches[:-1]} <= {batch_size}
            np.testing.assert_array_equal(np.concatenate(batches), transformed)
        digest, normalize = examples.digest(), examples.normalize
        slightly_brighter = dataclasses.replace(examples, normalize=lambda pixels: normalize(pixels) + 1e-6)
        assert slightly_brighter.digest() != digest
    np.testing.assert_allclose(transformed, sample.normalized, atol=1e-5)
    assert digest == hashlib.sha256(transformed.tobytes() + sample.labels.tobytes()).hexdigest()
