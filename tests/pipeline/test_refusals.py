"""How often a model was found not to serve, which keeps refusals out of the cache."""

import pathlib

from recorded_root import Plan, RecordedRoot

from pipeline.refusals import count_refusals


def test_refusals_are_counted_once_and_blessings_are_not(tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    metadata_path = root.path / "metadata.sqlite"
    assert count_refusals(metadata_path) == 0
    root.record(Plan(run_id="r1"))
    assert count_refusals(metadata_path) == 0
    root.record(Plan(run_id="r2", serves=False, cached_until="Gate"))
    root.record(Plan(run_id="r3", cached_until="Pusher"))
    assert count_refusals(metadata_path) == 1
    root.record(Plan(run_id="r4", serves=False, cached_until="Gate"))
    assert count_refusals(metadata_path) == 2


def test_a_root_without_metadata_has_none(tmp_path: pathlib.Path) -> None:
    assert count_refusals(tmp_path / "metadata.sqlite") == 0
    (tmp_path / "metadata.sqlite").touch()
    assert count_refusals(tmp_path / "metadata.sqlite") == 0
