"""The command `tokenlearner bless`."""

import dataclasses

from rich.console import Console

from components.errors import ExitCode
from pipeline.cli.profile import ProfileCommand


@dataclasses.dataclass(frozen=True, kw_only=True)
class BlessCommand(ProfileCommand):
    """Blesses the model of a run that the Evaluator rejected; the next `run` with the same settings pushes it."""

    run: str  # the id of a run, or how it begins; see `inspect runs`
    reason: str  # recorded with your login name and the time, and shown by `inspect`

    def __call__(self) -> ExitCode:
        from pipeline.bless import bless

        bless(self.root_path, self.run, self.reason, Console())
        return ExitCode.OK
