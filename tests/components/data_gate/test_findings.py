"""Bad images are counted and the first ones named; `tests/test_bad_data.py` shows the other findings."""

from components.data_gate.findings import BadImage, describe_bad_images, list_small_classes


def test_many_bad_images_are_counted_and_the_first_ten_named() -> None:
    bad = [BadImage("train", f"train_{n:05d}", "cannot be decoded") for n in range(12)]
    [finding] = describe_bad_images(bad)
    assert finding.startswith("12 images of split train cannot be decoded: train_00000, train_00001,")
    assert finding.endswith("train_00009 and 2 more")


def test_small_classes_are_counted_and_the_smallest_ten_named() -> None:
    names = [f"class {label}" for label in range(13)]
    assert list_small_classes({0: 30, 2: 9, **dict.fromkeys(range(3, 13), 10)}, names, 10) == "class 1 (0), class 2 (9)"
    assert list_small_classes({}, names, 1).endswith("class 6 (0) and 3 more")
    assert list_small_classes(dict.fromkeys(range(13), 10), names, 10) == ""
