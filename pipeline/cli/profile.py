"""The options of all commands that read a pipeline root."""

import dataclasses
import pathlib
from typing import Literal

from pipeline.config import PROFILES

Profile = Literal["quick", "full"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProfileCommand:
    """A command that reads a pipeline root."""

    profile: Profile = "quick"  # whose root is read
    root: pathlib.Path | None = None  # pipeline root; None: the profile's

    @property
    def root_path(self) -> pathlib.Path:
        """The pipeline root."""
        return self.root or PROFILES[self.profile].root
