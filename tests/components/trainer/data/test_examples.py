"""What a network is fed: every image once an epoch, cropped and mirrored as the seed says.

Axes: batch, height, width, channels.
"""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components import features
from components.trainer.config import FitConfig
from components.trainer.data import examples as reading
from components.trainer.data.examples import Examples, count_batches, crop_and_flip, training_batches
from components.trainer.data.pixel_file import PixelFile

_CONFIG = FitConfig(
    epochs=1,
    batch_size=4,
    learning_rate=1e-3,
    warmup_share=0.1,
    weight_decay=0.0,
    gradient_clip_norm=1.0,
    label_smoothing=0.0,
    ema_momentum=0.0,
    crop_padding=1,
    strategy="default",
    seed=1,
)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Images whose pixels are all distinct, [batch, height, width, channels]."""
    return np.arange(11 * 7 * 6 * 2, dtype=np.float32).reshape(11, 7, 6, 2)


@pytest.fixture(scope="module")
def examples(images: np.ndarray) -> Examples:
    """The images, each labeled with its position."""
    return Examples.from_arrays(images, np.arange(len(images)))


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


def augment(images: np.ndarray, padding: int, seed: list[int]) -> np.ndarray:
    """Pads, cuts and mirrors images, [batch, height, width, channels], one by one, as the seed says."""
    draws = [2, len(images), 1]
    offsets = tf.random.stateless_uniform(draws, seed, maxval=2 * padding + 1, dtype=tf.int32).numpy()[..., 0]
    mirrored = tf.random.stateless_uniform([len(images), 1, 1, 1], [seed[0] + 1, seed[1] + 1]).numpy().ravel() < 0.5
    _, height, width, _ = images.shape
    reflected = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)), mode="reflect")
    return np.stack(
        [
            image[row : row + height, column : column + width][:, :: -1 if is_mirrored else 1]
            for image, row, column, is_mirrored in zip(reflected, *offsets, mirrored, strict=True)
        ]
    )


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
    same = Examples.from_arrays(np.stack([images[0]] * 16), np.zeros(16, np.int64))
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
    digests = {Examples.from_arrays(images, labels).digest()}
    for position in ((0, 0, 0, 0), (5, 3, 3, 1), (10, 6, 5, 1)):
        changed = images.copy()
        changed[position] = np.nextafter(changed[position], np.float32(np.inf))
        digests.add(Examples.from_arrays(changed, labels).digest())
    for example in (0, 10):
        relabeled = labels.copy()
        relabeled[example] += 1
        digests.add(Examples.from_arrays(images, relabeled).digest())
    digests.add(Examples.from_arrays(images[:10], labels[:10]).digest())
    assert len(digests) == 7
    again = Examples.from_arrays(images.copy(), labels.copy()).digest()
    assert again in digests
    assert len(again) == 64


def test_the_first_examples_are_those_of_a_split_that_is_cut_there(examples: Examples, images: np.ndarray) -> None:
    cut = Examples.from_arrays(images[:5], np.arange(5))
    first = examples.first(5)
    assert len(first) == 5
    assert first.digest() == cut.digest() != examples.digest()
    assert examples.first(None).digest() == examples.digest()
    for (batches, labels), (same, same_labels) in zip(
        read_epochs(first, _CONFIG, seed=7, epochs=2), read_epochs(cut, _CONFIG, seed=7, epochs=2), strict=True
    ):
        np.testing.assert_array_equal(batches, same)
        np.testing.assert_array_equal(labels, same_labels)


@pytest.fixture(scope="module")
def read_sample(sample: Any, transform: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Examples]:
    """Reads real images, out of two files."""
    folder = tmp_path_factory.mktemp("records")
    files = [str(folder / name) for name in ("a.tfrecord", "b.tfrecord")]
    for file, records in zip(files, (sample.records[:40], sample.records[40:]), strict=True):
        with tf.io.TFRecordWriter(file) as writer:
            for record in records:
                writer.write(record)
    return lambda: reading.read_examples(files, transform)


@pytest.fixture(scope="module")
def transformed(sample: Any, transform: Any) -> np.ndarray:
    """The sample, whole through the whole Transform graph, float32 [examples, height, width, channels]."""
    raw = {features.IMAGE: tf.constant([row[features.IMAGE] for row in sample.rows]), features.LABEL: sample.labels}
    return transform.transform_features_layer()(raw)[features.IMAGE].numpy()


def test_raw_examples_are_read_in_order_and_only_their_pixels_are_kept(
    sample: Any, read_sample: Callable[[], Examples]
) -> None:
    with read_sample() as examples:
        assert len(examples) == len(sample.records)
        np.testing.assert_array_equal(examples.labels, sample.labels)
        kept = examples.pixels.gather(np.arange(len(examples)))
        assert kept.dtype == np.uint8
        np.testing.assert_array_equal(kept, sample.pixels)


@pytest.mark.parametrize("batch_size", [1, 7, 60, 256])
def test_images_are_streamed_as_the_whole_transform_graph_makes_them_to_the_bit(
    sample: Any, read_sample: Callable[[], Examples], transformed: np.ndarray, batch_size: int
) -> None:
    with read_sample() as examples:
        batches = list(examples.stream_images(batch_size).as_numpy_iterator())
    assert {len(batch) for batch in batches[:-1]} <= {batch_size}
    np.testing.assert_array_equal(np.concatenate(batches), transformed)
    np.testing.assert_allclose(transformed, sample.normalized, atol=1e-5)


@pytest.mark.parametrize("seed", [1, 5])
def test_batches_are_to_the_bit_those_of_transformed_images_in_memory(
    sample: Any, read_sample: Callable[[], Examples], transformed: np.ndarray, seed: int
) -> None:
    """The straightforward way: normalize everything once, then gather, crop and mirror floats."""
    config = dataclasses.replace(_CONFIG, batch_size=16, crop_padding=4)
    batches = len(transformed) // 16
    with read_sample() as examples:
        stream = training_batches(examples, config, seed=seed, first_epoch=1)
        assert stream.element_spec == (tf.TensorSpec((16, 32, 32, 3), tf.float32), tf.TensorSpec((16,), tf.int64))
        fed = list(stream.take(2 * batches).as_numpy_iterator())
    for place, (images, labels) in enumerate(fed):
        epoch, batch = 1 + place // batches, place % batches
        order = tf.argsort(tf.random.stateless_uniform([len(transformed)], seed=[seed, epoch]), stable=True)
        chosen = order[16 * batch : 16 * (batch + 1)].numpy()
        expected = augment(transformed[chosen], 4, [seed, epoch * batches + batch])
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(labels, sample.labels[chosen])


def test_the_digest_is_that_of_what_the_network_sees(
    sample: Any, read_sample: Callable[[], Examples], transformed: np.ndarray
) -> None:
    with read_sample() as examples:
        digest = examples.digest()
        normalize = examples.normalize
        slightly_brighter = dataclasses.replace(examples, normalize=lambda pixels: normalize(pixels) + 1e-6)
        assert slightly_brighter.digest() != digest
    assert digest == hashlib.sha256(transformed.tobytes() + sample.labels.tobytes()).hexdigest()


def test_nothing_is_left_of_a_split_that_could_not_be_read_to_its_end(
    sample: Any, transform: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[PixelFile] = []

    def make(shape: tuple[int, ...]) -> PixelFile:
        made.append(PixelFile(shape))
        return made[0]

    monkeypatch.setattr(reading, "PixelFile", make)
    bad = tf.train.Example.FromString(sample.records[-1])
    bad.features.feature[features.IMAGE].bytes_list.value[:] = [b"no image"]
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        for record in (*sample.records, bad.SerializeToString()):
            writer.write(record)
    monkeypatch.setattr(reading, "_READ_BATCH_SIZE", len(sample.records))
    with pytest.raises(tf.errors.InvalidArgumentError):
        reading.read_examples([str(tmp_path / "records")], transform)
    with pytest.raises(ValueError, match="closed"):
        made[0].gather(np.array([0]))
