"""The rules behind the defaults of own images, by value."""

import dataclasses

import pytest

from components.image_dataset import CIFAR10
from components.scaled_defaults import choose_calibration_images, choose_min_accuracy, choose_passes
from pipeline.config import FULL, QUICK, PipelineConfig
from pipeline.config_file import resolve_defaults

_FLOWERS = dataclasses.replace(
    CIFAR10, name="flowers", class_names=("daisy", "tulip"), images={"train": 1200}, has_ids=False
)


def resolve(config: PipelineConfig) -> dict[str, float]:
    """Returns the defaults of a configuration but for those of the image size."""
    names = ("fit.passes_per_epoch", "evaluation.", "push.")
    return {name: value for name, value in resolve_defaults(config).items() if name.startswith(names)}


@pytest.mark.parametrize(
    ("config", "images", "values"),
    [
        (QUICK, {"train": 5000, "test": 1000}, (1, 0.5, 0.06, 0.25, 0.03, 200)),
        (FULL, {"train": 50_000, "test": 10_000}, (1, 0.8, 0.02, 0.12, 0.01, 200)),
    ],
    ids=["quick", "full"],
)
def test_cifar_10_has_the_values_that_its_profiles_were_measured_with(
    config: PipelineConfig, images: dict[str, int], values: tuple[float, ...]
) -> None:
    config = dataclasses.replace(config)
    config.__dict__["dataset"] = dataclasses.replace(CIFAR10, images=images)
    assert tuple(resolve(config).values()) == values


def test_other_images_have_values_by_their_number_and_classes() -> None:
    config = dataclasses.replace(QUICK)
    config.__dict__["dataset"] = _FLOWERS
    assert config.data.count_images(_FLOWERS) == {"train": 960, "valid": 120, "test": 120}
    assert resolve(config) == {
        "fit.passes_per_epoch": 4,  # of 960 // 64 = 15 steps
        "evaluation.min_accuracy": 0.694,  # 0.5 + 4.25 sqrt(0.25 / 120)
        "evaluation.max_accuracy_drop": 0.17,  # 4.25 sqrt(0.2 / 120)
        "evaluation.max_class_accuracy_drop": 0.31,  # 0.06 + 4.25 sqrt(0.2 / 60)
        "push.int8_margin": 0.09,  # 7 sqrt(0.02 / 120)
        "push.calibration_images": 200,
    }


def test_the_rules_have_limits() -> None:
    assert [choose_passes(steps) for steps in (0, 1, 7, 30, 59, 60, 1000)] == [10, 10, 9, 2, 2, 1, 1]
    assert [choose_calibration_images(classes) for classes in (2, 200, 1000)] == [200, 200, 1000]
    assert choose_min_accuracy("flowers", 50, 0.9) == 0.95  # half of the way to 1
    assert choose_min_accuracy("flowers", 100_000, 0.9) == 0.904
