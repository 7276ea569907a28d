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
    """Ends a command with one sentence on the screen: what is wrong, where, and what would be right."""

    exit_code = ExitCode.STEP_FAILED


class UsageFailure(Failure):
    """The command or the configuration asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class DataFailure(Failure):
    """The data is missing, incomplete or not what it claims to be."""

    exit_code = ExitCode.BAD_DATA


class BadDataError(ValueError):
    """Raised by a step whose data is not what it should be; the message says where and what is wrong."""

    exit_code = ExitCode.BAD_DATA
