"""The command `tokenlearner config show`, and what it shares with other commands."""

import dataclasses
import pathlib
import sys
from typing import Annotated, Literal

import tyro

from components.errors import ExitCode
from pipeline.cli.profile import Profile
from pipeline.config import PipelineConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConfiguredCommand:
    """A command with all options of the configuration."""

    configuration: Annotated[PipelineConfig, tyro.conf.arg(name="")]
    profile: Profile = "quick"  # set of defaults: quick has 6,000 images, full all 60,000
    config: pathlib.Path | None = None  # YAML file with other defaults, see `config show`; options override it


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConfigCommand(ConfiguredCommand):
    """Shows the configuration with all given options as YAML, for `--config`."""

    action: tyro.conf.Positional[Annotated[Literal["show"], tyro.conf.arg(metavar="show")]] = tyro.MISSING

    def __call__(self) -> ExitCode:
        from pipeline.config_file import write_config

        sys.stdout.write(write_config(self.configuration.for_dataset()))
        return ExitCode.OK
