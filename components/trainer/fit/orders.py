"""What a team is told to train, one order after the other, in a file that each of its members reads."""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Iterator

import pydantic

from models.vit_config import ViTConfig

FILE = "orders.jsonl"

_LOOK_SECONDS = 0.1
_LOOKS_A_CHECK = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """One call of `Fitter.fit`."""

    network: ViTConfig
    seed: int
    epochs: int
    schedule_epochs: int
    epochs_done: int  # that the checkpoint holds which they all go on from
    phase: str  # as the following, of the EpochReporter
    epochs_before: int
    epochs_in_step: int


def begin(folder: pathlib.Path) -> None:
    """Removes all orders that were given before."""
    (folder / FILE).write_text("")


def give(order: Order | None, folder: pathlib.Path) -> None:
    """Gives an order; None: the team may go."""
    with (folder / FILE).open("ab") as file:
        file.write(_ORDER.dump_json(order) + b"\n")


def follow(folder: pathlib.Path, check: Callable[[], None] = lambda: None) -> Iterator[Order]:
    """Yields orders as they are given, until the team may go.

    Args:
        folder: That holds the file.
        check: Is called now and then while there is no order; it raises what ends the waiting.
    """
    with (folder / FILE).open("rb") as file:
        line, looks = b"", 0
        while True:
            line += file.readline()
            if not line.endswith(b"\n"):
                time.sleep(_LOOK_SECONDS)
                looks += 1
                if looks % _LOOKS_A_CHECK == 0:
                    check()
                continue
            order = _ORDER.validate_json(line)
            if order is None:
                return
            yield order
            line = b""


_ORDER: pydantic.TypeAdapter[Order | None] = pydantic.TypeAdapter(Order | None)
