"""The command `tokenlearner run`."""

import dataclasses

import tyro
from rich.console import Console

from components.errors import ExitCode
from pipeline.cli.config import ConfiguredCommand
from pipeline.cli.profile import check_readable


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunCommand(ConfiguredCommand):
    """Runs the pipeline: reads, validates, transforms, searches, fits, evaluates and pushes.

    `--beam.NAME VALUE` are Beam's own options, such as `--beam.runner FlinkRunner --beam.flink-master HOST:8081`.
    """

    dry_run: bool = False  # only show the candidates, their compute, what is cached and the estimated minutes
    verbose: bool = False  # also show the seconds of each step
    beam_options: tyro.conf.Suppress[tyro.conf.Fixed[tuple[str, ...]]] = ()  # of --beam.…, which tyro does not see

    def __call__(self) -> ExitCode:
        config = self.configuration.for_dataset()
        if self.dry_run:
            from pipeline.runner.dry_run import show_plan

            check_readable(config.root)
            show_plan(config, Console())
            return ExitCode.OK
        from pipeline.runner.parent import run

        return run(config, Console(), self.beam_options, is_verbose=self.verbose)
