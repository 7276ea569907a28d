"""Configuration: what is rejected and in which words, and that profiles hold together."""

import dataclasses

import pytest

from pipeline.config import FULL, PROFILES, QUICK


@pytest.mark.parametrize(
    ("part", "field", "value", "message"),
    [
        ("data", "train_images", 0, "data.train_images is 0; it must be in 1..49999"),
        ("search", "max_trials", 0, "search.max_trials is 0; it must be at least 1"),
        ("search", "min_epochs", -1, "search.min_epochs is -1; it must be at least 1"),
        ("search", "max_epochs", 0, "search.max_epochs is 0; it must be at least 1"),
        ("search", "reduction_factor", 1, "search.reduction_factor is 1; it must be at least 2"),
        ("search", "placements", (), r"search.placements is \(\); it must hold at least one value and none twice"),
        ("search", "token_counts", (4, 4), r"search.token_counts is \(4, 4\); it must hold at least one value"),
        ("fit", "learning_rate", 1.5, "fit.learning_rate is 1.5; it must be in 0..1"),
        ("fit", "label_smoothing", -0.1, "fit.label_smoothing is -0.1; it must be in 0..1"),
        ("fit", "batch_size", 0, "fit.batch_size is 0; it must be at least 1"),
        ("evaluation", "min_accuracy", 1.01, "evaluation.min_accuracy is 1.01; it must be in 0..1"),
        ("evaluation", "max_accuracy_drop", -0.01, "evaluation.max_accuracy_drop is -0.01; it must be in 0..1"),
        ("evaluation", "max_class_accuracy_drop", 2, "evaluation.max_class_accuracy_drop is 2; it must be in 0..1"),
        ("push", "int8_margin", 1.5, "push.int8_margin is 1.5; it must be in 0..1"),
        ("evaluation", "max_mmacs", -1.0, "evaluation.max_mmacs is -1.0; it must be at least 0"),
        ("serving", "records", 0, "serving.records is 0; it must be at least 1"),
        ("serving", "timed_requests", 0, "serving.timed_requests is 0; it must be at least 1"),
        ("serving", "tolerance", 2.0, "serving.tolerance is 2.0; it must be in 0..1"),
        ("serving", "max_batch_1_p95_seconds", -0.1, "serving.max_batch_1_p95_seconds is -0.1; it must be at least 0"),
        ("serving", "max_memory_mib", -1, "serving.max_memory_mib is -1; it must be at least 0"),
        ("serving", "time_limit_seconds", -1.0, "serving.time_limit_seconds is -1.0; it must be at least 0"),
        ("push", "keep_versions", 0, "push.keep_versions is 0; it must be at least 1"),
    ],
)
def test_a_wrong_value_names_field_value_and_range(part: str, field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(getattr(QUICK, part), **{field: value})


def test_a_placement_behind_the_last_block_is_rejected_before_any_training() -> None:
    search = dataclasses.replace(QUICK.search, placements=(QUICK.model.depth,))
    with pytest.raises(ValueError, match=r"search.placements holds 4 .* it must be in 0\.\.3"):
        dataclasses.replace(QUICK, search=search)


def test_a_ceiling_below_the_cheapest_point_is_rejected() -> None:
    search = dataclasses.replace(QUICK.search, max_mmacs=1.0)
    with pytest.raises(ValueError, match=r"search.max_mmacs is 1\.0; the cheapest point needs 4\.4"):
        dataclasses.replace(QUICK, search=search)


def test_more_tokens_than_patches_are_rejected() -> None:
    search = dataclasses.replace(QUICK.search, token_counts=(65,))
    with pytest.raises(ValueError, match=r"token_counts 65, .* it must be in 1\.\.64, the number of patches"):
        dataclasses.replace(QUICK, search=search)


def test_profiles_do_not_share_a_root_or_a_name() -> None:
    assert PROFILES == {"quick": QUICK, "full": FULL}
    assert QUICK.root != FULL.root
    assert QUICK.name != FULL.name


def test_quick_reads_the_shipped_sample_and_full_the_prepared_dataset() -> None:
    assert str(QUICK.data.tfds_dir) == "data/cifar10_sample"
    assert str(FULL.data.tfds_dir) == "data/cifar10/3.0.2"
