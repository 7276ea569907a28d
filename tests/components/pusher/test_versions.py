"""Which versions exist, which number comes next and which may be removed."""

import pathlib

import pytest
from pushes import make_draft

from components.pusher.versions import choose_outdated, find_versions


def test_only_folders_named_by_an_integer_are_versions(tmp_path: pathlib.Path) -> None:
    for name in ("20", "3", "v4", "5.incoming", "-6", "²", "99999999999999999999"):
        (tmp_path / name).mkdir()
    (tmp_path / "7").write_text("a file")
    assert find_versions(tmp_path) == {3: tmp_path / "3", 20: tmp_path / "20"}
    assert list(find_versions(tmp_path)) == [3, 20]
    assert find_versions(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("keep", "baseline", "expected"),
    [
        (3, None, [1, 2]),
        (9, None, []),
        (2, 10, [2, 3]),
        (2, 50, [1, 2, 3]),
        (1, 77, [1, 2, 3, 4]),
        (0, None, [1, 2, 3, 4]),
    ],
    ids=["three", "more than all", "oldest", "newest", "baseline gone", "never the newest"],
)
def test_outdated_versions_are_old_and_not_the_baseline(keep: int, baseline: int | None, expected: list[int]) -> None:
    manifests = {version: make_draft(10 * version) for version in (5, 1, 4, 2, 3)}
    assert choose_outdated(manifests, keep, baseline) == expected


def test_of_several_versions_with_the_baselines_model_the_newest_stays() -> None:
    manifests = {version: make_draft(7 if version < 4 else version) for version in range(1, 7)}
    assert choose_outdated(manifests, 2, 7) == [1, 2, 4]
