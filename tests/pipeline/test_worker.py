"""The process that runs the DAG: what it says of an error, and what it holds as a step begins."""

import dataclasses
import logging
import pathlib
import platform
import traceback

import numpy as np
import pytest

from components.bad_data import BadDataError
from components.lock import LockedError
from components.report.memory import read_peak, reset_peak
from pipeline.config import QUICK
from pipeline.events import Event, StepBegan
from pipeline.failures import DataFailure, ExitCode, UsageFailure
from pipeline.worker import RunObserver, classify, describe_cause, find_cause


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
    cause = find_cause(failed)
    assert classify(cause) == ExitCode.BAD_DATA
    assert describe_cause(cause) == "a.tfrecord is truncated."
    other = RuntimeError(f"{failed}".replace("components.bad_data.BadDataError", "OSError"))
    assert find_cause(other) is other
    assert describe_cause(other) == "RuntimeError: OSError: a.tfrecord is truncated."


def test_an_error_without_words_still_has_a_name() -> None:
    assert describe_cause(MemoryError()) == "MemoryError."


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
