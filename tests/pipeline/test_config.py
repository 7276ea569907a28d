"""Configuration: rejected values with their messages, and the profiles."""

import dataclasses
import re

import pytest

from components.trainer.config import name_option
from pipeline.config import FULL, QUICK

_NUMBERS = [
    (part, field.name)
    for part in ("data", "search", "fit", "evaluation", "serving", "push")
    for field in dataclasses.fields(getattr(FULL, part))
    if type(getattr(getattr(FULL, part), field.name)) in (int, float)
]
_SHARES = ("data.max_duplicate_share", "fit.learning_rate", "fit.label_smoothing", "evaluation.min_accuracy")
_MORE_SHARES = ("evaluation.max_accuracy_drop", "evaluation.max_class_accuracy_drop", "serving.tolerance")


@pytest.mark.parametrize(("part", "field"), _NUMBERS)
def test_a_negative_number_is_rejected(part: str, field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(name_option(f'{part}.{field}'))} is -1; it must be "):
        dataclasses.replace(getattr(QUICK, part), **{field: -1})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        *((name, 2, "is 2; it must be in 0..1") for name in (*_SHARES, *_MORE_SHARES, "push.int8_margin")),
        *((name, 0, "is 0; it must be at least 1") for name in ("fit.epochs", "serving.records", "push.keep_versions")),
        ("data.train_images", 50_000, "is 50000; it must be in 1..49999"),
        ("search.reduction_factor", 1, "is 1; it must be at least 2"),
        ("search.placements", (), "is empty; it must have at least one value and none twice"),
        ("search.token_counts", (4, 4), "is 4 4; it must have at least one value"),
    ],
)
def test_a_wrong_value_is_rejected_with_field_value_and_range(name: str, value: object, words: str) -> None:
    part, field = name.split(".")
    with pytest.raises(ValueError, match=rf"^{re.escape(name_option(name))} {words}"):
        dataclasses.replace(getattr(QUICK, part), **{field: value})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"placements": (QUICK.model.depth,)}, r"^--search.placements has 4; it must be in 0\.\.3"),
        ({"max_mmacs": 1.0}, r"^--search.max-mmacs is 1\.0; the cheapest candidate needs 6\.2"),
        ({"token_counts": (65,)}, r"^--search.token-counts has 65; it must be in 1\.\.64, the number of patches"),
    ],
)
def test_a_search_that_does_not_fit_the_model_is_rejected(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(QUICK, search=dataclasses.replace(QUICK.search, **changes))  # type: ignore[arg-type]


def test_profiles_share_neither_root_nor_name_nor_dataset() -> None:
    assert QUICK.root != FULL.root
    assert QUICK.name != FULL.name
    assert (str(QUICK.data.tfds_dir), str(FULL.data.tfds_dir)) == ("data/cifar10_sample", "data/cifar10/3.0.2")
