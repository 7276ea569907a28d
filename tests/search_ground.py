"""What a search by several processes stands on: files, of which each process reads for itself."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pydantic
import tensorflow_transform as tft
from trainings import Searched, search_in

from components.trainer.assignment import Assignment
from components.trainer.config import TrainerConfig
from components.trainer.data.examples import read_examples
from components.trainer.search.chief import start_chief
from components.trainer.state import locate_state
from components.trainer.training.fitter import Fitter


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ground:
    """A small search, and its data."""

    config: TrainerConfig
    train_files: tuple[str, ...]
    valid_files: tuple[str, ...]
    transform_output: str

    @contextlib.contextmanager
    def open(self, folder: pathlib.Path, workers: int = 1) -> Iterator[tuple[Assignment, Fitter]]:
        """Opens a folder, which may hold the trainings of an earlier search, as the Trainer does."""
        state = dataclasses.replace(self.config.state, folder=str(folder))
        search = dataclasses.replace(self.config.search, workers=workers)
        config = dataclasses.replace(self.config, state=state, search=search)
        transform = tft.TFTransformOutput(self.transform_output)
        with read_examples(self.train_files, transform) as train, read_examples(self.valid_files, transform) as valid:
            assignment = Assignment(
                config=config,
                train_files=self.train_files,
                valid_files=self.valid_files,
                transform_output=self.transform_output,
                state=str(locate_state(config, train, valid)),
            )
            yield assignment, Fitter(config.fit, train, valid, pathlib.Path(assignment.state))

    def search(
        self, folder: pathlib.Path, workers: int, listen: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> Searched:
        """Searches in a folder."""
        run = folder / "run"
        run.mkdir(exist_ok=True)
        with self.open(folder, workers) as (assignment, fitter), start_chief(assignment, folder) as chief:
            return search_in(assignment.config, fitter, run, chief, listen)

    def save(self, path: pathlib.Path) -> None:
        """Writes all of it to a file."""
        path.write_bytes(_GROUND.dump_json(self))

    @classmethod
    def load(cls, path: pathlib.Path) -> "Ground":
        """Reads it again, in another process."""
        return _GROUND.validate_json(path.read_bytes())


_GROUND = pydantic.TypeAdapter(Ground)


def find_processes(module: str, folder: pathlib.Path) -> list[psutil.Process]:
    """Returns the processes that still train for a search in a folder, by the module that they were started with."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if {module, str(folder)} <= set(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
