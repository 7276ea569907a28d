"""What a root answers when it is empty, when a run is at work, and when its metadata is locked or damaged."""

import pathlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable

import pytest
from commands import Command
from ml_metadata.proto import metadata_store_pb2
from ml_metadata.proto.metadata_store_pb2 import Artifact, Execution
from recorded_root import Plan, RecordedRoot, copy_root

from components.errors import ExitCode
from components.lock import hold_lock


def test_an_unknown_run_is_told_with_the_latest(tokenlearner: Command, root_path: pathlib.Path) -> None:
    for view in ([], ["slices"], ["trials"], ["lineage"]):
        done = tokenlearner("inspect", *view, "--run", "2099", "--root", root_path)
        assert done.code == ExitCode.USAGE
        assert done.err.count("\n") == 1
        assert "holds no run '2099'; the latest are 2026-01-02T11:00:00, 2026-01-03" in done.err
    assert tokenlearner("inspect", "compare", "2099", "2026-01-04", "--root", root_path).code == ExitCode.USAGE


def test_a_beginning_that_several_runs_share_is_told(tokenlearner: Command, root_path: pathlib.Path) -> None:
    done = tokenlearner("inspect", "--run", "2026-01-02", "--root", root_path)
    assert done.code == ExitCode.USAGE
    assert "2 runs begin with '2026-01-02'; write more of the id, such as 2026-01-02T10:00:00" in done.err


@pytest.mark.parametrize("view", [[], ["runs"], ["lineage"]])
def test_an_empty_root_is_told_and_nothing_is_made(
    view: list[str], tokenlearner: Command, tmp_path: pathlib.Path
) -> None:
    done = tokenlearner("inspect", *view, "--root", tmp_path / "nowhere")
    assert done.code == ExitCode.USAGE
    assert "nowhere holds no run yet; start one with `tokenlearner run`" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_run_at_work_is_told_and_what_there_is_is_shown(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    with hold_lock(root.path / ".lock", "busy"):
        empty = tokenlearner("inspect", "--root", root.path)
        assert empty.code == ExitCode.USAGE
        assert "holds no run yet; the run at work in it has not reached its first step" in empty.err
        root.record(Plan(run_id="r1", stops_in="Trainer"))
        done = tokenlearner("inspect", "--root", root.path)
        assert done.code == ExitCode.OK
        assert "Run r1: in progress, in Trainer; below is what there is so far." in done.words
        assert "Trainer running" in done.words
        assert "in progress: Trainer" in tokenlearner("inspect", "runs", "--root", root.path).words
        trials = tokenlearner("inspect", "trials", "--root", root.path)
        assert "run r1 has left no trials: it is in Trainer" in trials.words
    assert "interrupted in Trainer" in tokenlearner("inspect", "--root", root.path).words


def test_a_run_that_has_just_begun_does_not_revive_the_one_before(
    tokenlearner: Command, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1", stops_in="Trainer"))
    began = "components.metadata.records.Records.began"
    monkeypatch.setattr(began, lambda *_: 1.0)  # long before the lock was taken
    with hold_lock(root.path / ".lock", "busy"):
        done = tokenlearner("inspect", "--root", root.path)
    assert "interrupted in Trainer" in done.words
    assert "Another run has begun; it has not reached its first step." in done.words


def test_a_locked_metadata_file_is_told_in_seconds(
    tokenlearner: Command, root_path: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "root"
    path.mkdir()
    (path / "metadata.sqlite").write_bytes((root_path / "metadata.sqlite").read_bytes())
    script = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1]);"
        "connection.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(path / "metadata.sqlite")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = tokenlearner("inspect", "--root", path)
        holder.communicate()
    assert done.code == ExitCode.USAGE
    assert "metadata.sqlite has been locked by another process for 2 seconds; try again later." in done.err
    assert tokenlearner("inspect", "runs", "--root", path).code == ExitCode.OK


def _truncate(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _overwrite_the_start(content: bytes) -> bytes:
    return b"\x00" * 200 + content[200:]


def _overwrite_pages(content: bytes) -> bytes:
    return content[:4096] + b"\xa5" * (len(content) - 4096)


def _overwrite_the_last_page(content: bytes) -> bytes:
    """Of an index, which none of our queries reads: only the check of the whole file finds it."""
    return content[:-4096] + b"\xff" * 8 + content[-4088:]


@pytest.mark.parametrize(
    "damage",
    [
        *(_truncate, _overwrite_the_start, _overwrite_pages, _overwrite_the_last_page),
        lambda _: b"not sqlite" * 500,
    ],
)
def test_a_damaged_metadata_file_is_told(
    damage: Callable[[bytes], bytes], tokenlearner: Command, recorded: RecordedRoot, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "root"
    path.mkdir()
    (path / "metadata.sqlite").write_bytes(damage((recorded.path / "metadata.sqlite").read_bytes()))
    before = (path / "metadata.sqlite").read_bytes()
    for view in ([], ["runs"]):
        done = tokenlearner("inspect", *view, "--root", path)
        assert done.code == ExitCode.BAD_DATA
        assert done.err.count("\n") == 1
        assert "metadata.sqlite is damaged (" in done.err
    assert (path / "metadata.sqlite").read_bytes() == before


@pytest.mark.parametrize("content", ["nothing", "another table"])
def test_a_file_without_ml_metadata_is_told(content: str, tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "metadata.sqlite"
    file.touch()
    if content == "another table":
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE t (a)")
    done = tokenlearner("inspect", "--root", tmp_path)
    assert done.code == ExitCode.BAD_DATA
    assert "holds no ML Metadata" in done.err


def test_inspecting_writes_nothing(tokenlearner: Command, recorded: RecordedRoot, tmp_path: pathlib.Path) -> None:
    path = copy_root(recorded, tmp_path / "root")
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}
    for view in ([], ["runs"], ["lineage"], ["slices"]):
        assert tokenlearner("inspect", *view, "--root", path).code == ExitCode.OK
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before


def test_a_fresh_process_imports_neither_tfx_nor_tensorflow(root_path: pathlib.Path) -> None:
    heavy = ("tensorflow", "tfx", "tensorflow_model_analysis", "tensorflow_data_validation", "keras", "apache_beam")
    script = f"""
import sys
from pipeline.__main__ import main
root = sys.argv[1]
for view in ("", "runs", "lineage", "slices", "trials", "compare 2026-01-02T10 2026-01-04"):
    sys.argv[1:] = ["inspect", *view.split(), "--root", root]
    try:
        main()
    except SystemExit as end:
        print(int(end.code), [name for name in {heavy} if name in sys.modules])
"""
    command = [sys.executable, "-c", script, str(root_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines().count("0 []") == 6


def test_a_failed_step_of_an_older_run_stays_failed(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1", stops_in="Trainer", state=Execution.FAILED))
    root.record(Plan(run_id="r2", cached_until="Transform"))
    assert "failed: Trainer" in tokenlearner("inspect", "runs", "--root", root.path).words


def test_a_root_of_an_older_version_is_rejected_in_one_sentence(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1"))
    type_id = root.store.put_artifact_type(metadata_store_pb2.ArtifactType(name="tokenlearner.GateVerdict"))
    root.store.put_artifacts([Artifact(type_id=type_id, uri="verdict")])
    for command in (["inspect"], ["push", "list"], ["run"]):
        done = tokenlearner(*command, "--root", root.path)
        assert done.code == ExitCode.BAD_DATA
        assert f"{root.path} was written by an older version of this project" in " ".join((done.out + done.err).split())
