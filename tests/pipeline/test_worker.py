"""The process that runs the DAG: what it says of an error."""

import pytest

from components.bad_data import BadDataError
from components.lock import LockedError
from pipeline.failures import DataFailure, ExitCode, UsageFailure
from pipeline.worker import classify, describe_cause


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


def test_an_error_without_words_still_has_a_name() -> None:
    assert describe_cause(MemoryError()) == "MemoryError."
