"""The process that runs the DAG: what it says of an error, and what it holds as a step begins."""

import contextlib
import dataclasses
import errno
import logging
import pathlib
import platform
import traceback

import numpy as np
import pytest
from commands import Mount
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2
from tfx.proto.orchestration import pipeline_pb2

from components.errors import BadDataError, DataFailure, ExitCode, UsageFailure
from components.lock import LockedError
from components.metadata.records import connect
from components.report.memory import read_peak, read_peaks, reset_peak
from pipeline.config import QUICK
from pipeline.runner.child import RunObserver, classify, describe_cause, find_cause
from pipeline.runner.events import Event, StepBegan, StepEnded

METADATA = pathlib.Path("metadata.sqlite")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadDataError("x"), ExitCode.BAD_DATA),
        (DataFailure("x"), ExitCode.BAD_DATA),
        (UsageFailure("x"), ExitCode.USAGE),
        (LockedError("x"), ExitCode.USAGE),
        (RuntimeError("x"), ExitCode.STEP_FAILED),
    ],
)
def test_an_error_has_the_exit_code_of_its_kind(error: Exception, code: ExitCode) -> None:
    assert classify(error) == code


def test_the_cause_is_the_first_line_of_the_message() -> None:
    assert describe_cause(RuntimeError("The disk is full\n  at line 3\n")) == "RuntimeError: The disk is full."


def test_a_finding_of_ours_needs_no_name_of_its_class() -> None:
    assert describe_cause(BadDataError("3 images do not decode")) == "3 images do not decode."


def test_a_finding_of_a_worker_elsewhere_is_taken_out_of_the_runners_traceback() -> None:
    try:
        raise BadDataError("a.tfrecord is truncated")
    except BadDataError:
        told = traceback.format_exc().rstrip()
    failed = RuntimeError(f"Pipeline job-1 failed in state FAILED: Error.\n{told} [while running 'Copy']\n")
    cause = find_cause(failed, METADATA)
    assert classify(cause) == ExitCode.BAD_DATA
    assert describe_cause(cause) == "a.tfrecord is truncated."
    other = RuntimeError(f"{failed}".replace("components.errors.BadDataError", "OSError"))
    assert find_cause(other, METADATA) is other
    assert describe_cause(other) == "RuntimeError: OSError: a.tfrecord is truncated."


def test_an_error_without_words_still_has_a_name() -> None:
    assert describe_cause(MemoryError()) == "MemoryError."


def test_a_full_disk_that_ml_metadata_meets_is_told_without_sql(mount: Mount) -> None:
    disk = mount("size=400k")
    path = disk / "metadata.sqlite"
    path.touch()
    store = connect(path, is_read_only=False)
    kind = store.put_execution_type(metadata_store_pb2.ExecutionType(name="Trainer"))
    [execution] = store.put_executions([metadata_store_pb2.Execution(type_id=kind)])
    with contextlib.suppress(OSError), (disk / "other").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    with pytest.raises(errors.StatusError) as failed:
        store.put_executions([metadata_store_pb2.Execution(id=execution, type_id=kind, last_known_state=4)])
    assert "UPDATE" in str(failed.value)
    cause = find_cause(failed.value, path)
    assert classify(cause) == ExitCode.STEP_FAILED
    assert describe_cause(cause) == (
        f"{path} could not be written: database or disk is full; make sure that its disk has room and that no other "
        "process holds it, and run the same command again: it goes on from the last finished step."
    )


def test_a_file_that_gets_damaged_during_a_run_is_told_as_such() -> None:
    failed = RuntimeError("Error when executing query: database disk image is malformed query:  UPDATE `Execution` SET")
    cause = find_cause(failed, METADATA)
    assert classify(cause) == ExitCode.BAD_DATA
    assert describe_cause(cause) == (
        "metadata.sqlite is damaged (database disk image is malformed); put a copy of it back, or move it away: the "
        "next run starts a new one."
    )


def test_a_full_disk_that_a_step_meets_is_told_with_what_to_do() -> None:
    cause = find_cause(OSError(errno.ENOSPC, "No space left on device", "/disk/model.keras"), METADATA)
    assert describe_cause(cause) == (
        "no space is left on the disk of /disk/model.keras; free some, and run the same command again: it goes on from "
        "the last finished step."
    )
    other = OSError(errno.EACCES, "Permission denied", "/disk/model.keras")
    assert find_cause(other, METADATA) is other


def _log(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("absl", logging.INFO, "launcher.py", 1, message, arguments, None)


def _log_node(run_id: str) -> logging.LogRecord:
    node = pipeline_pb2.PipelineNode()
    for kind, name in (("pipeline", "tokenlearner-quick"), ("pipeline_run", run_id)):
        context = node.contexts.contexts.add()
        context.type.name, context.name.field_value.string_value = kind, name
    return _log("Running launcher for %s", node)


def test_a_step_is_cached_when_tfx_says_so_and_its_memory_is_of_the_run(tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(QUICK, root=tmp_path)
    events: list[Event] = []
    observer = RunObserver(config, events.append)
    for step, cached in (("ExampleGen", True), ("Trainer", False)):
        observer.emit(_log("Component %s is running.", step))
        observer.emit(_log_node("run-1"))
        if cached:
            observer.emit(_log("A cached execution %d is used.", 7))
        observer.emit(_log("Component %s is finished.", step))
    assert events == [
        *(StepBegan("ExampleGen"), StepEnded("ExampleGen", is_cached=True)),
        *(StepBegan("Trainer"), StepEnded("Trainer", is_cached=False)),
    ]
    if reset_peak():
        assert set(read_peaks(config.memory_path)) == {("run-1", "ExampleGen"), ("run-1", "Trainer")}


def test_what_the_observer_cannot_do_is_logged_once_and_ends_no_run(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    def send(event: Event) -> None:
        raise RuntimeError(f"no room for {event}")

    observer = RunObserver(dataclasses.replace(QUICK, root=tmp_path / "missing"), send)
    for step in ("ExampleGen", "Trainer"):
        observer.emit(_log("Component %s is running.", step))
        observer.emit(_log("Component %s is finished.", step))
    [record] = caplog.records
    assert record.getMessage() == "The display of the run's progress failed; the run goes on."
    assert record.exc_info is not None
    assert "no room for" in str(record.exc_info[1])


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator than glibc's")
@pytest.mark.skipif(not reset_peak(), reason="this kernel does not let a process reset its peak memory")
def test_what_earlier_steps_left_with_the_allocator_goes_back_before_a_step_begins(tmp_path: pathlib.Path) -> None:
    events: list[Event] = []
    observer = RunObserver(dataclasses.replace(QUICK, root=tmp_path), events.append)
    arrays = [np.ones(2**16, np.uint8) for _ in range(3200)]  # 200 MiB, each too small for a mapping of its own
    kept = arrays[::100]  # lie between the others, so that the heap cannot shrink from its end
    del arrays
    high = _read_resident()
    message = "Component %s is running."
    observer.emit(logging.LogRecord("absl", logging.INFO, "launcher.py", 1, message, ("Trainer",), None))
    assert events == [StepBegan("Trainer")]
    assert high - _read_resident() > 150 * 2**20
    assert all(array[0] == 1 for array in kept)


def _read_resident() -> int:
    assert reset_peak()
    resident = read_peak()
    assert resident is not None
    return resident
