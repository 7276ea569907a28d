"""How often a model was found not to serve, which keeps rejections out of the cache."""

import contextlib
import pathlib
import tempfile

import pytest
from commands import Mount
from recorded_root import Plan, RecordedRoot

from components.errors import DataFailure, UsageFailure
from pipeline.rejections import count_rejections


def test_rejections_are_counted_once_and_blessings_are_not(tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    metadata_path = root.path / "metadata.sqlite"
    assert count_rejections(metadata_path) == 0
    root.record(Plan(run_id="r1"))
    assert count_rejections(metadata_path) == 0
    root.record(Plan(run_id="r2", serves=False, cached_until="Evaluator"))
    root.record(Plan(run_id="r3", cached_until="Pusher"))
    assert count_rejections(metadata_path) == 1
    root.record(Plan(run_id="r4", serves=False, cached_until="Evaluator"))
    assert count_rejections(metadata_path) == 2


def test_a_root_without_metadata_has_none(tmp_path: pathlib.Path) -> None:
    assert count_rejections(tmp_path / "metadata.sqlite") == 0
    (tmp_path / "metadata.sqlite").touch()  # as a kill in the first moment leaves it
    assert count_rejections(tmp_path / "metadata.sqlite") == 0


def test_damaged_metadata_is_no_root_without_rejections(tmp_path: pathlib.Path) -> None:
    (tmp_path / "metadata.sqlite").write_bytes(b"no sqlite at all" * 100)
    with pytest.raises(DataFailure, match=r"metadata\.sqlite is damaged \(file is not a database\)"):
        count_rejections(tmp_path / "metadata.sqlite")


def test_a_full_folder_for_temporary_files_does_not_make_the_metadata_damaged(
    mount: Mount, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1"))
    disk = mount("size=64k")
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    with pytest.raises(UsageFailure, match=rf"metadata\.sqlite cannot be copied to {disk} \(.*full\); make room there"):
        count_rejections(root.path / "metadata.sqlite")
    with contextlib.suppress(OSError), (disk / "other").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(512))
    with pytest.raises(UsageFailure, match=r"make room there"):
        count_rejections(root.path / "metadata.sqlite")
