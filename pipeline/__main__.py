"""The command line `tokenlearner`: parses the arguments, runs the command, and exits with its code."""

import dataclasses
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import tyro
from rich.console import Console

from components.errors import ExitCode, Failure, UsageFailure
from pipeline.beam_options import split_arguments
from pipeline.cli.bless import BlessCommand
from pipeline.cli.compile import CompileCommand
from pipeline.cli.dataset import DataCommand
from pipeline.cli.inspect import InspectCommand, complete_arguments
from pipeline.cli.predict import PredictCommand
from pipeline.cli.push import PushCommand
from pipeline.cli.report import ReportCommand
from pipeline.cli.run import RunCommand
from pipeline.config import PROFILES
from pipeline.kubeflow.options import KubeflowTarget

_COMMANDS: dict[str, Callable[..., Any]] = {
    "run": RunCommand,
    "compile": CompileCommand,
    "inspect": InspectCommand,
    "bless": BlessCommand,
    "push": PushCommand,
    "report": ReportCommand,
    "predict": PredictCommand,
    "data": DataCommand,
}
_DESCRIPTION = """Searches where to place a TokenLearner in a mini Vision Transformer, and how many tokens it emits.

Exit codes: 0 done (`run`: pushed), 2 wrong usage, 3 bad data or a damaged version, 4 not blessed or not fit to
serve, 5 a step failed, 130 interrupted."""


def read_command(arguments: list[str]) -> Any:
    """Parses the command line; Beam's options go, as they are, to the commands whose steps use Beam."""
    others, beam_options = split_arguments(arguments)
    command = _parse(others)
    if not beam_options:
        return command
    if not hasattr(command, "beam_options"):
        raise UsageFailure("--beam.… are Beam's options, which only run, compile and predict use.")
    return dataclasses.replace(command, beam_options=beam_options)


def _parse(arguments: list[str]) -> Any:
    """Parses all but Beam's options; the profile, wherever it stands, gives the configuration its defaults."""
    profiles = re.findall(r"--profile[ =](\S+)", " ".join(arguments))
    config = PROFILES.get(profiles[-1] if profiles else "quick", PROFILES["quick"])
    target = KubeflowTarget(image=tyro.MISSING, pipeline_root=tyro.MISSING, output=tyro.MISSING)
    configured = {"run": RunCommand(config=config), "compile": CompileCommand(config=config, target=target)}
    name = next(iter(arguments), "")
    if name not in configured:
        arguments = complete_arguments(arguments)
        return tyro.extras.subcommand_cli_from_dict(
            _COMMANDS, args=arguments, prog="tokenlearner", description=_DESCRIPTION
        )
    try:  # by itself: as a subcommand, tyro 1.0 does not name the field of a ValueError
        default = configured[name]
        return tyro.cli(type(default), args=arguments[1:], prog=f"tokenlearner {name}", default=default)
    except ValueError as error:
        raise UsageFailure(f"{error}.") from None


def main() -> None:
    """Runs the command that the arguments name and exits with its code."""
    try:
        sys.exit(read_command(sys.argv[1:])())
    except Failure as failure:
        _fail(failure, failure.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(reason: object, code: ExitCode) -> None:
    Console(stderr=True).print(f"tokenlearner: {reason}", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
