"""The command line `tokenlearner`: parses the arguments, runs the command, and exits with its code."""

import dataclasses
import importlib.metadata
import itertools
import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import tyro
from rich.console import Console

from components.errors import ExitCode, Failure, UsageFailure
from pipeline.beam_options import split_arguments
from pipeline.cli.bless import BlessCommand
from pipeline.cli.compile import CompileCommand
from pipeline.cli.config import ConfigCommand, ConfiguredCommand
from pipeline.cli.dataset import DataCommand
from pipeline.cli.inspect import InspectCommand, complete_arguments
from pipeline.cli.predict import PredictCommand
from pipeline.cli.report import ReportCommand
from pipeline.cli.run import RunCommand
from pipeline.cli.usage import REGISTRY, parse
from pipeline.cli.versions import PublishCommand, VersionsCommand
from pipeline.config import PROFILES, PipelineConfig

_COMMANDS: dict[str, Callable[..., Any]] = {
    "run": RunCommand,
    "compile": CompileCommand,
    "config": ConfigCommand,
    "inspect": InspectCommand,
    "report": ReportCommand,
    "predict": PredictCommand,
    "bless": BlessCommand,
    "versions": VersionsCommand,
    "publish": PublishCommand,
    "data": DataCommand,
}
_DESCRIPTION = """Searches where to place a TokenLearner in a mini Vision Transformer, and how many tokens it emits.

Exit codes: 0 done (`run`: pushed), 2 wrong usage, 3 bad data or a damaged version, 4 not blessed or not fit to
serve, 5 a step failed, 130 interrupted.

`tokenlearner --version` prints the version, `tokenlearner --tyro-print-completion bash` (or zsh, fish, tcsh) a script
that completes commands and options; `eval "$(tokenlearner --tyro-print-completion bash)"` turns it on."""


def read_command(arguments: Sequence[str]) -> Any:
    """Parses the command line; Beam's options go, as they are, to the commands whose steps use Beam."""
    others, beam_options = split_arguments(arguments)
    command = parse(_rename(complete_arguments(others)), _parse_with_tyro)
    if not beam_options:
        return command
    if not hasattr(command, "beam_options"):
        raise UsageFailure("--beam.… are Beam's options, which only run, compile and predict use.")
    return dataclasses.replace(command, beam_options=beam_options)


def _rename(arguments: list[str]) -> list[str]:
    """Replaces the commands that had other names until version 0.2."""
    if arguments[:1] != ["push"]:
        return arguments
    renamed = ["publish" if arguments[1:2] == ["hub"] else "versions", *arguments[1:]]
    words = f"`{' '.join(arguments[:2])}` is deprecated; use `{' '.join(renamed[:2])}`"
    Console(stderr=True).print(f"tokenlearner: {words}.", highlight=False, soft_wrap=True)
    return renamed


def _parse_with_tyro(arguments: Sequence[str]) -> Any:
    """Parses all but Beam's options with tyro, each command by itself: its messages then name the command."""
    name, options = " ".join(arguments[:1]), arguments[1:]
    settings: dict[str, Any] = {"registry": REGISTRY, "config": (tyro.conf.PositionalMetavarFromFieldName,)}
    if name not in _COMMANDS:
        return tyro.extras.subcommand_cli_from_dict(
            _COMMANDS, args=arguments, prog="tokenlearner", description=_DESCRIPTION, **settings
        )
    command = _COMMANDS[name]
    if isinstance(command, type) and issubclass(command, ConfiguredCommand):
        settings["default"] = command(configuration=_read_configuration(options))
    return tyro.cli(command, args=options, prog=f"tokenlearner {name}", **settings)


def _read_configuration(options: Sequence[str]) -> PipelineConfig:
    """Returns the values of the options that are not given: those of the last profile, then those of the file."""
    words = [part for option in options for part in (option.split("=", 1) if option.startswith("--") else [option])]
    values = dict(itertools.pairwise(words))  # the last one of each option
    config = PROFILES.get(values.get("--profile", "quick"), PROFILES["quick"])
    if "--config" not in values:
        return config
    from pipeline.config_file import read_config

    return read_config(pathlib.Path(values["--config"]), config)


def main() -> None:
    """Runs the command that the arguments name and exits with its code."""
    if sys.stdout is None:  # closed, as by `>&-`
        os.set_inheritable(os.open(os.devnull, os.O_WRONLY), True)
        sys.stdout = os.fdopen(1, "w")
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(importlib.metadata.version("tokenlearner"))
        return
    try:
        code = read_command(arguments)()
        sys.stdout.flush()
        sys.exit(code)
    except Failure as failure:
        _fail(failure, failure.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted", ExitCode.INTERRUPTED)
    except (BrokenPipeError, SystemExit) as end:  # Rich turns the former into the latter
        if not isinstance(end, BrokenPipeError) and not isinstance(end.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `| head` has read enough
        sys.exit(ExitCode.INTERRUPTED if arguments[:1] == ["run"] else ExitCode.OK)


def _fail(reason: object, code: ExitCode) -> None:
    Console(stderr=True).print(f"tokenlearner: {reason}", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
