"""What processes that train for a Trainer are told by it, as a file that each of them can read."""

import dataclasses
import pathlib

import pydantic

from components.trainer.config import TrainerConfig

FILE = "assignment.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Assignment:
    """A Trainer's work, as whoever shares it has to know it."""

    config: TrainerConfig
    train_files: tuple[str, ...]  # patterns of TFRecords
    valid_files: tuple[str, ...]
    transform_output: str  # folder of the Transform graph
    state: str  # folder of the trainings, by the digest of all that they depend on

    def save(self, folder: pathlib.Path) -> None:
        """Writes the file into a folder."""
        (folder / FILE).write_bytes(_ASSIGNMENT.dump_json(self, indent=2))

    @classmethod
    def load(cls, folder: pathlib.Path) -> "Assignment":
        """Reads it out of a folder."""
        return _ASSIGNMENT.validate_json((folder / FILE).read_bytes())


_ASSIGNMENT = pydantic.TypeAdapter(Assignment)
