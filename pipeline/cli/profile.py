"""The options of all commands that read a pipeline root."""

import dataclasses
import pathlib
from typing import Literal

from components.errors import UsageFailure
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
        return check_readable(self.root or PROFILES[self.profile].root)


def check_readable(root: pathlib.Path) -> pathlib.Path:
    """Returns a pipeline root, which need not exist.

    Raises:
        UsageFailure: Its files may not be read.
    """
    try:
        (root / "metadata.sqlite").stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise UsageFailure(f"--root is {root}: {error.strerror}; name a folder that you may read.") from None
    return root
