"""The winner of a search after its final fit: `winner.json` in the Trainer's model run folder."""

import dataclasses
import json
import pathlib

import pydantic

from components.artifacts.epoch import Epoch
from models.macs import Macs
from models.vit_config import ViTConfig

WINNER_FILE = "winner.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Winner:
    """The network that the search chose, trained to the end."""

    point: str  # such as "token_learner-8@2"
    network: ViTConfig
    valid_accuracy: float  # of the exported weights, 0..1
    valid_images: int
    best_epoch: int  # of the final fit, whose weights are exported
    epochs: tuple[Epoch, ...]  # of the final fit
    macs: Macs
    parameters: int
    initial_model: str | None = None  # whose weights all trainings started from, such as "version 7 of CIFAR-10"

    def describe(self) -> dict[str, object]:
        """Returns its fields as JSON, with the total of the MACs."""
        fields = dataclasses.asdict(self)
        return {**fields, "macs": {**fields["macs"], "total": self.macs.total}}


_WINNER = pydantic.TypeAdapter(Winner)


def write_winner(winner: Winner, folder: pathlib.Path) -> None:
    """Writes `winner.json` into the model run folder."""
    (folder / WINNER_FILE).write_text(json.dumps(winner.describe(), indent=2))


def read_winner(folder: pathlib.Path) -> Winner:
    """Reads `winner.json`.

    Args:
        folder: The Trainer's model run folder.

    Returns:
        The winner.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: This version's `write_winner` did not write it.
    """
    return decode_winner((folder / WINNER_FILE).read_bytes())


def decode_winner(content: bytes) -> Winner:
    """Returns the winner that `winner.json` describes."""
    return _WINNER.validate_json(content)
