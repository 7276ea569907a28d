"""Errors that are reported in one message, each with its own exit code."""

import enum


class ExitCode(enum.IntEnum):
    """What the process returns to the shell."""

    OK = 0
    USAGE = 2
    BAD_DATA = 3
    NOT_BLESSED = 4
    STEP_FAILED = 5
    INTERRUPTED = 130


class Failure(Exception):
    """Ends a command with one message: what is wrong, where, and what would be right."""

    exit_code = ExitCode.STEP_FAILED


class UsageFailure(Failure):
    """The command or the configuration is invalid."""

    exit_code = ExitCode.USAGE


class DataFailure(Failure):
    """The data is missing, incomplete or damaged."""

    exit_code = ExitCode.BAD_DATA


class BadDataError(ValueError):
    """Raised by a step that rejects its data; the message says what is wrong, and where."""

    exit_code = ExitCode.BAD_DATA
