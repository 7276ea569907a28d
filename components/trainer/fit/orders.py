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


def follow(folder: pathlib.Path, is_alone: Callable[[], bool] = lambda: False) -> Iterator[Order]:
    """Yields orders as they are given, until the team may go.

    Args:
        folder: That holds the file.
        is_alone: Tells whether whoever gives orders has gone; asked now and then while there is none.

    Raises:
        ConnectionError: If there is no order, and will be none.
    """
    position = looks = 0
    while True:
        looks += 1
        is_last_look = looks % _LOOKS_A_CHECK == 0 and is_alone()  # who has gone may have let the team go before
        line = _read_line(folder / FILE, position)
        if line.endswith(b"\n"):
            order = _ORDER.validate_json(line)
            if order is None:
                return
            yield order
            position += len(line)
        elif is_last_look:
            raise ConnectionError(f"whoever writes orders to {folder / FILE} has gone")
        else:
            time.sleep(_LOOK_SECONDS)


def _read_line(path: pathlib.Path, position: int) -> bytes:
    """Opens the file anew, without which a network file system need not show what was added."""
    with path.open("rb") as file:
        file.seek(position)
        return file.readline()


_ORDER: pydantic.TypeAdapter[Order | None] = pydantic.TypeAdapter(Order | None)
