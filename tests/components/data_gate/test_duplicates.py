"""Which duplicates are counted, named and rejected."""

import pathlib

import pytest

from components.artifacts.duplicates import (
    Duplicates,
    Member,
    describe_shared_ids,
    describe_shared_images,
    encode_group,
    read_duplicates,
)


def group(*names: str) -> tuple[Member, ...]:
    """Makes a group of images named as in "test/7"."""
    return tuple(Member(*name.split("/")) for name in names)


WITHIN = group("train/1", "train/2")
ACROSS = group("test/7", "train/3", "train/4")
FOUND = Duplicates(groups=(ACROSS, WITHIN))


def test_images_count_once_however_many_they_are_identical_to() -> None:
    assert FOUND.images == 5
    assert FOUND.shared_images() == {"test": 1, "train": 2}
    assert FOUND.describe_counts() == (
        "5 images have the same pixels as another one (also in another split: 1 of test, 2 of train)"
    )
    assert Duplicates(groups=(WITHIN,)).describe_counts() == (
        "2 images have the same pixels as another one (none in another split)"
    )
    assert FOUND.describe() == "7 (test) = 3 (train) = 4 (train); 1 (train) = 2 (train)"


def test_at_most_twenty_images_are_named_and_no_group_is_cut_but_the_first() -> None:
    pairs = tuple(group(f"test/b{n}", f"train/c{n}") for n in "12")
    large = Duplicates(groups=(group(*(f"train/a{n}" for n in range(17))), *pairs))
    assert large.describe().startswith("a0 (train) = a1 (train) = ")
    assert large.describe().endswith("a16 (train); b1 (test) = c1 (train) and 2 more")
    one = Duplicates(groups=(group(*(f"train/a{n}" for n in range(30))), *pairs))
    assert one.describe().endswith("= a19 (train) and 14 more")


def test_a_share_at_the_limit_is_allowed_and_one_more_image_is_not() -> None:
    assert describe_shared_images(FOUND, {"train": 200, "valid": 1, "test": 100}, 0.01) == []
    assert describe_shared_images(FOUND, {"train": 199, "valid": 1, "test": 100}, 0.01) == [
        "2 of 199 images of split train also occur in another split, and at most 1.0% may "
        "(--data.max-duplicate-share): 7 (test) = 3 (train) = 4 (train)"
    ]
    assert describe_shared_images(Duplicates(groups=(WITHIN,)), {"train": 2}, 0.0) == []


def test_shared_ids_are_named_with_their_splits() -> None:
    assert describe_shared_ids({}) == []
    assert describe_shared_ids({"b": ["train", "test", "train"], "a": ["valid", "valid"]}) == [
        "2 ids stand for more than one record: a (2 in valid); b (1 in test, 2 in train)"
    ]
    [many] = describe_shared_ids({f"id_{n:02d}": ["train", "train"] for n in range(23)})
    assert many.startswith("23 ids stand for more than one record: id_00 (2 in train); ")
    assert many.endswith("id_19 (2 in train) and 3 more")


def test_groups_are_read_from_all_files_in_the_order_of_their_images(tmp_path: pathlib.Path) -> None:
    (tmp_path / "duplicates-1.jsonl").write_text(encode_group(reversed(WITHIN)) + "\n")
    (tmp_path / "duplicates-2.jsonl").write_text(encode_group(ACROSS) + "\n")
    (tmp_path / "shared_ids-1.jsonl").write_text("[]\n")
    found = read_duplicates(tmp_path)
    assert (found, found.folder) == (FOUND, tmp_path)


def test_a_folder_without_the_file_is_not_one_without_duplicates(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no duplicates"):
        read_duplicates(tmp_path)
