"""The number of models that could not be served, which keeps rejections out of the cache."""

import contextlib
import pathlib
import tempfile

import pytest
from commands import Mount
from recorded_root import Plan, RecordedRoot

from components.errors import UsageFailure
from pipeline.rejections import count_rejections


def test_rejections_are_counted_once_and_blessings_are_not(tmp_path: pathlib.Path) -> None:
    metadata_path = tmp_path / "metadata.sqlite"
    assert count_rejections(metadata_path) == 0
    metadata_path.touch()  # as a kill in the first moment leaves it
    assert count_rejections(metadata_path) == 0
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


def test_a_full_folder_for_temporary_files_does_not_make_the_metadata_damaged(
    mount: Mount, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1"))
    disk = mount("size=64k")
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    with pytest.raises(
        UsageFailure, match=rf"metadata\.sqlite cannot be copied to {disk} \(.*full\); free space there"
    ):
        count_rejections(root.path / "metadata.sqlite")
    with contextlib.suppress(OSError), (disk / "other").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(512))
    with pytest.raises(UsageFailure, match=r"free space there"):
        count_rejections(root.path / "metadata.sqlite")
