"""Runs `tokenlearner` within the process of a test."""

import dataclasses
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
