"""Runs `tokenlearner` within the process of a test, on disks of the test's own."""

import dataclasses
import pathlib
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """What it wrote, with single spaces."""
        return " ".join((self.out + self.err).split())


Command = Callable[..., Done]
Mount = Callable[[str], pathlib.Path]  # from options such as "size=1m" to an empty file system in memory
