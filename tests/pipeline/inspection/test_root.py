"""Wrong usage, and roots that are empty, in use, of an older version, or whose metadata is locked or damaged."""

import contextlib
import pathlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable

import pytest
from commands import Command
from ml_metadata.proto import metadata_store_pb2
from ml_metadata.proto.metadata_store_pb2 import Artifact
from recorded_root import Plan, RecordedRoot, copy_root

from components.errors import ExitCode
from components.lock import hold_lock


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--run 2099", "holds no run '2099'; the latest are 2026-01-02T11:00:00, 2026-01-03"),
        ("compare 2099 2026-01-04", "holds no run '2099'"),
        ("--run 2026-01-02", "2 runs begin with '2026-01-02'; write more of the id, such as 2026-01-02T10:00:00"),
        ("slices --run 2026-01-01", "run 2026-01-01T10:00:00 has left no slices: it ended in Trainer"),
        ("trials --run 2026-01-01", "run 2026-01-01T10:00:00 has left no trials: it ended in Trainer"),
        ("compare 2026-01-01 2026-01-04", "run 2026-01-01T10:00:00 has left no verdict: it ended in Trainer"),
        ("lineage --run 2026-01-03", "has left no pushed version"),
        ("lineage --version 7", "has no pushed version '7'; choose one of"),
    ],
)
def test_wrong_usage_is_one_message(inspect: Command, arguments: str, words: str) -> None:
    done = inspect(*arguments.split())
    assert done.code == ExitCode.USAGE
    assert done.err.count("\n") == 1
    assert words in done.err


def test_an_empty_root_is_rejected_and_nothing_is_made(inspect: Command, tmp_path: pathlib.Path) -> None:
    for view in ("overview", "runs", "lineage"):
        done = inspect(view, root=tmp_path / "nowhere")
        assert done.code == ExitCode.USAGE
        assert "nowhere holds no run yet; start one with `tokenlearner run`" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_run_in_progress_is_shown_with_its_results_so_far(
    inspect: Command, root: RecordedRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold_lock(root.path / ".lock", "busy"):
        assert "the run at work in it has not reached its first step" in inspect(root=root.path).words
        root.record(Plan(run_id="r1", stops_in="Trainer"))
        shown = inspect(root=root.path).words
        assert "Run r1: in progress, in Trainer; below are its results so far." in shown
        assert "Trainer running" in shown
        assert "in progress: Trainer" in inspect("runs", root=root.path).words
        assert "run r1 has left no trials: it is in Trainer" in inspect("trials", root=root.path).words
        monkeypatch.setattr("components.metadata.records.Records.began", lambda *_: 1.0)  # long before the lock
        shown = inspect(root=root.path).words
        assert "interrupted in Trainer" in shown
        assert "Another run has begun; it has not reached its first step." in shown
    assert "interrupted in Trainer" in inspect(root=root.path).words


def test_a_locked_metadata_file_is_reported_in_seconds(
    inspect: Command, recorded: RecordedRoot, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "metadata.sqlite"
    file.write_bytes((recorded.path / "metadata.sqlite").read_bytes())
    with contextlib.closing(sqlite3.connect(file)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        done = inspect(root=tmp_path)
    assert done.code == ExitCode.USAGE
    assert "metadata.sqlite has been locked by another process for 2 seconds; try again later." in done.err
    assert inspect("runs", root=tmp_path).code == ExitCode.OK


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[: len(content) // 2], "is damaged ("),
        (lambda content: content[:4096] + b"\xa5" * (len(content) - 4096), "is damaged ("),
        # Of an index, which none of our queries reads: only the check of the whole file finds it.
        (lambda content: content[:-4096] + b"\xff" * 8 + content[-4088:], "is damaged ("),
        (lambda _: b"not sqlite" * 500, "is damaged ("),
        (lambda _: b"", "holds no ML Metadata"),
    ],
    ids=["truncated", "pages", "last page", "another format", "empty"],
)
def test_a_damaged_metadata_file_is_rejected_and_left_as_it_is(
    damage: Callable[[bytes], bytes], words: str, inspect: Command, recorded: RecordedRoot, tmp_path: pathlib.Path
) -> None:
    damaged = damage((recorded.path / "metadata.sqlite").read_bytes())
    (tmp_path / "metadata.sqlite").write_bytes(damaged)
    done = inspect(root=tmp_path)
    assert done.code == ExitCode.BAD_DATA
    assert done.err.count("\n") == 1
    assert f"metadata.sqlite {words}" in done.err
    assert (tmp_path / "metadata.sqlite").read_bytes() == damaged


def test_inspecting_writes_nothing(inspect: Command, recorded: RecordedRoot, tmp_path: pathlib.Path) -> None:
    path = copy_root(recorded, tmp_path / "root")
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}
    for view in ("overview", "runs", "lineage", "slices"):
        assert inspect(view, root=path).code == ExitCode.OK
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before


def test_a_fresh_process_imports_neither_tfx_nor_tensorflow(recorded: RecordedRoot) -> None:
    script = f"""
import sys
from pipeline.__main__ import main
heavy = {{"tensorflow", "tfx", "tensorflow_model_analysis", "tensorflow_data_validation", "keras", "apache_beam"}}
for view in ("", "runs", "lineage", "slices", "trials", "compare 2026-01-02T10 2026-01-04"):
    sys.argv[1:] = ["inspect", *view.split(), "--root", {str(recorded.path)!r}]
    try:
        main()
    except SystemExit as end:
        print(int(end.code), heavy & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines().count("0 set()") == 6


def test_a_root_of_an_older_version_is_rejected(tokenlearner: Command, root: RecordedRoot) -> None:
    root.record(Plan(run_id="r1"))
    type_id = root.store.put_artifact_type(metadata_store_pb2.ArtifactType(name="tokenlearner.GateVerdict"))
    root.store.put_artifacts([Artifact(type_id=type_id, uri="verdict")])
    for command in (["inspect"], ["push", "list"], ["run"]):
        done = tokenlearner(*command, "--root", root.path)
        assert done.code == ExitCode.BAD_DATA
        assert f"{root.path} was written by an older version of this project" in done.words
