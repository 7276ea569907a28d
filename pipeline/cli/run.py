"""The command `tokenlearner run`."""

import dataclasses
from typing import Annotated

import tyro
from rich.console import Console

from components.errors import ExitCode
from pipeline.cli.profile import Profile
from pipeline.config import PipelineConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Runs the pipeline: reads, validates, transforms, searches, fits, evaluates and pushes.

    `--beam.NAME VALUE` are Beam's own options, such as `--beam.runner FlinkRunner --beam.flink-master HOST:8081`.
    """

    config: Annotated[PipelineConfig, tyro.conf.arg(name="")]
    profile: Profile = "quick"  # quick: 6,000 images in minutes; full: all 60,000
    beam_options: tyro.conf.Suppress[tyro.conf.Fixed[tuple[str, ...]]] = ()  # of --beam.…, which tyro does not see

    def __call__(self) -> ExitCode:
        from pipeline.runner.parent import run

        return run(self.config, Console(), self.beam_options)
