"""The command `tokenlearner report`."""

import dataclasses
import pathlib

from rich.console import Console

from components.errors import ExitCode
from pipeline.cli.profile import ProfileCommand
from pipeline.config import PROFILES


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportCommand(ProfileCommand):
    """Opens the page about a run, or renders it again."""

    run: str | None = None  # the id of a run, or how it begins; None: the newest
    output: pathlib.Path | None = None  # render the page again, into this file
    open: bool = True  # in a browser; its address is printed in any case

    def __call__(self) -> ExitCode:
        from pipeline.report import report

        config = dataclasses.replace(PROFILES[self.profile], root=self.root_path)
        report(config, self.run, self.output, Console(), should_open=self.open)
        return ExitCode.OK
