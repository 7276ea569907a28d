"""The work of a Trainer, as a file for the workers that share it."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator

import pydantic
import tensorflow_transform as tft

from components.trainer.config import TrainerConfig
from components.trainer.data.examples import read_examples
from components.trainer.initial_model import load_initial_weights
from components.trainer.state import locate_state
from components.trainer.training.fitter import Fitter

FILE = "assignment.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Assignment:
    """How to train, and on which data."""

    config: TrainerConfig
    train_files: tuple[str, ...]  # patterns of TFRecords
    valid_files: tuple[str, ...]
    transform_output: str  # folder of the Transform graph
    state: str = ""  # folder of the Trainer's trainings, which a worker has to agree on
    deadline: float | None = None  # `time.time()` after which no epoch of the search ends

    @contextlib.contextmanager
    def open_fitter(self) -> Iterator[Fitter]:
        """Reads the data, and yields the Fitter that trains on them.

        Raises:
            PixelFileError: If the folder for temporary files has no room for the decoded images.
        """
        transform = tft.TFTransformOutput(self.transform_output)
        with read_examples(self.train_files, transform) as train, read_examples(self.valid_files, transform) as valid:
            state = locate_state(self.config, train, valid)
            yield Fitter(self.config.fit, train, valid, state, load_initial_weights(self.config))

    def save(self, folder: pathlib.Path) -> None:
        """Writes the file into a folder."""
        (folder / FILE).write_bytes(_ASSIGNMENT.dump_json(self, indent=2))

    @classmethod
    def load(cls, folder: pathlib.Path) -> "Assignment":
        """Reads the file of a folder."""
        return _ASSIGNMENT.validate_json((folder / FILE).read_bytes())


_ASSIGNMENT = pydantic.TypeAdapter(Assignment)
