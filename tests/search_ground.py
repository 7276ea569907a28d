"""What a search by several processes stands on: files, of which each process reads for itself."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import pydantic
import tensorflow_transform as tft
from trainings import Searched, search_in

from components.trainer.assignment import Assignment
from components.trainer.chief import start_chief
from components.trainer.config import TrainerConfig
from components.trainer.fit import Fitter
from components.trainer.read import read_examples
from components.trainer.state import locate_state


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ground:
    """A small search, and its data."""

    config: TrainerConfig
    train_files: tuple[str, ...]
    valid_files: tuple[str, ...]
    transform_output: str

    def search(
        self, folder: pathlib.Path, workers: int, listen: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> Searched:
        """Searches in a folder, which may hold the trainings of an earlier search."""
        state = dataclasses.replace(self.config.state, folder=str(folder))
        search = dataclasses.replace(self.config.search, workers=workers)
        config = dataclasses.replace(self.config, state=state, search=search)
        transform = tft.TFTransformOutput(self.transform_output)
        with read_examples(self.train_files, transform) as train, read_examples(self.valid_files, transform) as valid:
            trainings = locate_state(config, train, valid)
            assignment = Assignment(
                config=config,
                train_files=self.train_files,
                valid_files=self.valid_files,
                transform_output=self.transform_output,
                state=str(trainings),
            )
            fitter, run = Fitter(config.fit, train, valid, trainings), folder / "run"
            run.mkdir(exist_ok=True)
            with start_chief(assignment, folder) as chief:
                return search_in(config, fitter, run, chief, listen)

    def save(self, path: pathlib.Path) -> None:
        """Writes all of it to a file."""
        path.write_bytes(_GROUND.dump_json(self))

    @classmethod
    def load(cls, path: pathlib.Path) -> "Ground":
        """Reads it again, in another process."""
        return _GROUND.validate_json(path.read_bytes())


_GROUND = pydantic.TypeAdapter(Ground)
