"""What processes that train for a Trainer are told by it, as a file that each of them can read."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import pydantic
import tensorflow_transform as tft

from components.trainer.config import TrainerConfig
from components.trainer.fit.fitter import Fitter
from components.trainer.read import read_examples
from components.trainer.state import locate_state

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

    @contextlib.contextmanager
    def open_fitter(self, **settings: Any) -> Iterator[Fitter]:
        """Reads the data, and yields what trains on it.

        Args:
            **settings: Of the Fitter.

        Raises:
            ValueError: If this process does not see the data that the Trainer sees.
        """
        transform = tft.TFTransformOutput(self.transform_output)
        with (
            read_examples(self.train_files, transform) as train,
            read_examples(self.valid_files, transform) as valid,
        ):
            state = locate_state(self.config, train, valid)
            if str(state) != self.state:
                raise ValueError(
                    f"this worker's data, TensorFlow or Keras are not the chief's: the trainings would go to {state}, "
                    f"not to {self.state}"
                )
            yield Fitter(self.config.fit, train, valid, state, **settings)


_ASSIGNMENT = pydantic.TypeAdapter(Assignment)
