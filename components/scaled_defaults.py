"""Defaults that scale with the dataset; docs/how-to/own-images.md has them in a table.

The allowed drops follow the standard error of a difference of two accuracies on the same images, sqrt(share / images),
where `share` is the share of the images on which only one model is right: 20% for two trainings of one network, 2% for
a model and its int8 model. An equally accurate model needs 3.7 standard errors to pass 19 times in 20.
"""

import math

from components.image_dataset import CIFAR10

_CIFAR10_IMAGES = 10_000  # of its test split
_FEWEST_STEPS = 60  # of an epoch
_MOST_PASSES = 10


def choose_accuracy_drop(images: int) -> float:
    """Returns the allowed drop of the accuracy on so many test images: 4.25 standard errors, in whole points."""
    return _round(4.25 * _error(0.2, images))


def choose_class_accuracy_drop(images: int) -> float:
    """Returns the allowed drop of a class with so many test images: 6 points and 4.25 standard errors.

    All classes have to pass, so each needs more room.
    """
    return _round(0.06 + 4.25 * _error(0.2, images))


def choose_lite_drop(images: int) -> float:
    """Returns the allowed drop of a TensorFlow Lite model: 7 standard errors, because it may be a little worse."""
    return _round(7 * _error(0.02, images))


def choose_min_accuracy(dataset: str, images: int, largest_share: float) -> float:
    """Returns the accuracy below which no model is blessed.

    It is 4.25 standard errors above the accuracy of a model that always predicts the largest class, but at most half of
    the way from there to 1. Of CIFAR-10 more is known: 0.8, and 0.5 with the images of the sample.

    Args:
        dataset: Its name.
        images: Of the test split.
        largest_share: Of them, in the largest class, 0..1.
    """
    if dataset == CIFAR10.name:
        return 0.8 if images >= _CIFAR10_IMAGES else 0.5
    noise = 4.25 * _error(largest_share * (1 - largest_share), images)
    return round(largest_share + min(noise, (1 - largest_share) / 2), 3)


def choose_calibration_images(classes: int) -> int:
    """Returns the images that calibrate the int8 model: 200, and at least one of each class.

    TensorFlow advises 100 to 500; 1,000 gave no better model than 100.
    """
    return max(200, classes)


def choose_passes(steps: int) -> int:
    """Returns the passes over the train split in an epoch, if a pass has so many steps.

    They make at least 60 steps, but are at most 10: a small dataset is trained longer, on augmented images.
    """
    return min(_MOST_PASSES, math.ceil(_FEWEST_STEPS / max(1, steps)))


def _error(share: float, images: int) -> float:
    return math.sqrt(share / max(1, images))


def _round(drop: float) -> float:
    """Rounds to whole points, within 1..100."""
    return min(1.0, max(0.01, round(drop, 2)))
