"""The process that runs the DAG: its description of an error, and the memory that a step starts with."""

import contextlib
import errno
import logging
import os
import pathlib
import platform
import traceback

import numpy as np
import pytest
from commands import Mount
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.errors import BadDataError, DataFailure, ExitCode, UsageFailure
from components.lock import LockedError
from components.metadata.records import connect
from pipeline.runner.child import RunObserver, classify, describe_cause, find_cause
from pipeline.runner.events import Event, StepBegan, StepEnded

_RUN_AGAIN = "run the same command again: it resumes after the last finished step."


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BadDataError("3 images do not decode"), ExitCode.BAD_DATA, "3 images do not decode."),
        (DataFailure("x\nmore."), ExitCode.BAD_DATA, "x."),
        (UsageFailure("x"), ExitCode.USAGE, "x."),
        (LockedError("x"), ExitCode.USAGE, "x."),
        (MemoryError(), ExitCode.STEP_FAILED, "MemoryError."),
        (RuntimeError("Too much.\n  at line 3\n"), ExitCode.STEP_FAILED, "RuntimeError: Too much."),
        (OSError(errno.EACCES, "No", "/a"), ExitCode.STEP_FAILED, "PermissionError: [Errno 13] No: '/a'."),
        (
            OSError(errno.ENOSPC, "Full", "/disk/a"),
            ExitCode.STEP_FAILED,
            f"no space left on the disk of /disk/a; free some, and {_RUN_AGAIN}",
        ),
        (
            RuntimeError("Pipeline job-1 failed in state FAILED: no worker."),
            ExitCode.STEP_FAILED,
            "the Beam job failed without an error of a worker (no worker); if no worker connected, look at the "
            "output of the worker pool, which runs the first `python` on its PATH: start it with the environment of "
            "this project active.",
        ),
        (
            RuntimeError("Error when executing query: database disk image is malformed query:  UPDATE `Execution` SET"),
            ExitCode.BAD_DATA,
            "metadata.sqlite is damaged (database disk image is malformed); put a copy of it back, or move it away: "
            "the next run starts a new one.",
        ),
    ],
)
def test_an_error_has_a_code_and_one_line(error: Exception, code: ExitCode, message: str) -> None:
    cause = find_cause(error, pathlib.Path("metadata.sqlite"))
    assert (classify(cause), describe_cause(cause)) == (code, message)


def test_bad_data_that_a_worker_found_is_extracted_from_the_runners_traceback() -> None:
    try:
        raise BadDataError("a.tfrecord is truncated")
    except BadDataError:
        quoted = traceback.format_exc().rstrip()
    failed = RuntimeError(f"Pipeline job-1 failed in state FAILED: Error.\n{quoted} [while running 'Copy']\n")
    cause = find_cause(failed, pathlib.Path())
    assert (classify(cause), describe_cause(cause)) == (ExitCode.BAD_DATA, "a.tfrecord is truncated.")
    other = RuntimeError(f"{failed}".replace("components.errors.BadDataError", "OSError"))
    assert find_cause(other, pathlib.Path()) is other
    assert describe_cause(other) == "RuntimeError: OSError: a.tfrecord is truncated."


def test_a_full_disk_under_ml_metadata_is_described_without_sql(mount: Mount) -> None:
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
    cause = find_cause(failed.value, path)
    assert classify(cause) == ExitCode.STEP_FAILED
    assert describe_cause(cause) == (
        f"{path} cannot be written (database or disk is full); free its disk, end other writers, and {_RUN_AGAIN}"
    )


def _log(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("absl", logging.INFO, "launcher.py", 1, message, arguments, None)


def test_a_step_is_cached_if_tfx_logs_so() -> None:
    events: list[Event] = []
    observer = RunObserver(events.append)
    for step, cached in (("ExampleGen", True), ("Trainer", False)):
        observer.emit(_log("Component %s is running.", step))
        if cached:
            observer.emit(_log("A cached execution %d is used.", 7))
        observer.emit(_log("Component %s is finished.", step))
    assert events == [
        *(StepBegan("ExampleGen"), StepEnded("ExampleGen", is_cached=True)),
        *(StepBegan("Trainer"), StepEnded("Trainer", is_cached=False)),
    ]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator than glibc's")
def test_unused_memory_of_earlier_steps_is_released_before_a_step_begins() -> None:
    observer = RunObserver(lambda _: None)
    arrays = [np.ones(2**16, np.uint8) for _ in range(3200)]  # 200 MiB, each too small for a mapping of its own
    kept = arrays[::100]  # between the others, so that the heap cannot shrink from its end
    del arrays
    high = _read_resident()
    observer.emit(_log("Component %s is running.", "Trainer"))
    assert high - _read_resident() > 150 * 2**20
    assert all(array[0] == 1 for array in kept)


def _read_resident() -> int:
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
