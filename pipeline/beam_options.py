"""Beam's options: in memory by default, overridden on the command line by `--beam.…`."""

import argparse
import contextlib
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from components.errors import UsageFailure
from pipeline.quiet import quiet_beam, quiet_imports

if TYPE_CHECKING:  # it takes seconds
    import apache_beam as beam

# Beam's in-memory direct runner; by the name DirectRunner Beam first downloads another one, Prism, and tries that.
BEAM_ARGS = ["--runner=FnApiRunner"]

_PREFIX = "--beam."
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Separates Beam's options from a command line.

    Args:
        arguments: `--beam.flink-master host:8081` is Beam's `--flink_master=host:8081`. A value follows `=`, or is the
            next word unless that begins with a dash.

    Returns:
        The other arguments, and Beam's options in its own spelling, both in their order.

    Raises:
        UsageFailure: If an option has no name.
    """
    others: list[str] = []
    options: list[str] = []
    waiting = list(reversed(arguments))
    while waiting:
        argument = waiting.pop()
        if not argument.startswith(_PREFIX):
            others.append(argument)
            continue
        name, *value = argument.removeprefix(_PREFIX).split("=", 1)
        if not _NAME.fullmatch(name):
            raise UsageFailure(f"{argument} names no option of Beam; write it as --beam.runner FlinkRunner.")
        if not value and waiting and not waiting[-1].startswith("-"):
            value = [waiting.pop()]
        options.append("=".join(["--" + name.replace("-", "_"), *value]))
    return others, tuple(options)


def check_beam_options(options: Sequence[str]) -> None:
    """Checks Beam's options offline.

    Raises:
        UsageFailure: Beam does not know an option, rejects its value, or cannot import the runner. Runners behind a job
            server have options that only the server knows: unknown ones are passed on.
    """
    quiet_imports()
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners import create_runner
    from apache_beam.runners.portability.portable_runner import PortableRunner

    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    [parser] = parsers  # of all options that Beam knows
    parser.exit_on_error = False
    with _translate_errors(options):
        known, unknown = parser.parse_known_args([*BEAM_ARGS, *options])
        runner = create_runner(known.runner)
    if unknown and not isinstance(runner, PortableRunner):
        names = _spell(option.partition("=")[0] for option in unknown)
        raise UsageFailure(f"Beam has no option {names}.")


def runs_elsewhere(options: Iterable[str]) -> bool:
    """Whether options name another runner than ours, which may run on other machines."""
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

    runners = [PipelineOptions(each).view_as(StandardOptions).runner for each in (BEAM_ARGS, [*BEAM_ARGS, *options])]
    return runners[0] != runners[1]


def make_step_arguments(options: Sequence[str]) -> list[str]:
    """Returns all options of Beam for the steps of the DAG.

    Without the option for an image, TFX would pack itself for Beam's workers in each step, which takes seconds and
    leaves a copy of TFX in the temporary folder. The workers of our runner are threads of this process.
    """
    return [*BEAM_ARGS, *([] if runs_elsewhere(options) else ["--sdk_container_image=none"]), *options]


def make_beam_pipeline(options: Sequence[str]) -> "beam.Pipeline":
    """Makes an empty Beam pipeline.

    Raises:
        UsageFailure: As `check_beam_options`, or the options contradict each other; some runners call their service.
    """
    check_beam_options(options)
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    with _translate_errors(options), quiet_beam(unknown_options=logging.ERROR):
        return beam.Pipeline(options=PipelineOptions([*BEAM_ARGS, *options]))


@contextlib.contextmanager
def _translate_errors(options: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except (argparse.ArgumentError, ValueError, ImportError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())
        if isinstance(error, argparse.ArgumentError) and "expected one argument" in reason:
            name = str(error.argument_name).rpartition("--")[2]
            raise UsageFailure(f"--beam.{name} must have a value.") from None
        raise UsageFailure(f"Beam rejects {_spell(options)}: {reason.rstrip('.')}.") from None


def _spell(options: Iterable[str]) -> str:
    """Writes options as on the command line."""
    return " ".join(_PREFIX + option.removeprefix("--") for option in options)
