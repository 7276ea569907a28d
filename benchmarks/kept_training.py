"""Trainings that are kept epoch by epoch: the same benchmark goes on where a killed one stopped."""

import dataclasses
import logging
import pathlib
from collections.abc import Iterator, Sequence

from benchmarks.splits import open_splits
from components import features
from components.lock import hold_lock
from components.source_digest import digest_sources
from components.trainer.config import FitConfig
from components.trainer.data.examples import Examples
from components.trainer.progress import LOGGER, EpochReporter
from components.trainer.state import locate_state
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.search_space import strip_reducer
from models.vit_config import ViTConfig
from pipeline.config import FULL


@dataclasses.dataclass(frozen=True, kw_only=True)
class Planned:
    """One training."""

    name: str  # in what is logged
    network: ViTConfig
    fit: FitConfig  # its epochs are those of the schedule, all of which are trained
    seed: int


class KeptTrainings:
    """Trains on the splits of a dataset.

    Args:
        tfds_dir: Version folder of the TFDS dataset.
        state: Folder that outlives kills.
        most_images: Of the train split; None: all.
    """

    def __init__(self, tfds_dir: pathlib.Path, state: pathlib.Path, most_images: int | None) -> None:
        self._splits = open_splits(tfds_dir)
        self._state = state
        train, self._valid = (self._splits.read(split) for split in (features.TRAIN_SPLIT, features.VALID_SPLIT))
        self._train = train if most_images is None else train.first(most_images)
        self._fitters: dict[tuple[ViTConfig, FitConfig], Fitter] = {}

    @property
    def train_images(self) -> int:
        """How many are trained on."""
        return len(self._train)

    def read_test(self) -> Examples:
        """Reads the test split, once everything is trained."""
        return self._splits.read(features.TEST_SPLIT)

    def find_fitter(self, network: ViTConfig, fit: FitConfig) -> Fitter:
        """Returns what trains networks of the same backbone in the same way."""
        key = (strip_reducer(network), fit)
        if key not in self._fitters:
            full = FULL.trainer(code_digest=digest_sources(Fitter.__module__))
            state = dataclasses.replace(full.state, folder=str(self._state.resolve()))
            config = dataclasses.replace(full, backbone=key[0], fit=fit, state=state)
            self._fitters[key] = Fitter(fit, self._train, self._valid, locate_state(config, self._train, self._valid))
        return self._fitters[key]

    def run(self, plan: Sequence[Planned]) -> list[Checkpoint]:
        """Trains what is not trained yet, in the order of the plan; each epoch is logged.

        Raises:
            Failure: If another process trains in the same folder.
        """
        _tell_progress()
        self._state.mkdir(parents=True, exist_ok=True)
        with hold_lock(
            self._state / "lock", f"another process trains in {self._state}; wait until it has ended, or end it"
        ):
            return list(self._run(plan))

    def _run(self, plan: Sequence[Planned]) -> Iterator[Checkpoint]:
        before, total = 0, sum(planned.fit.epochs for planned in plan)
        for number, planned in enumerate(plan, start=1):
            epochs = planned.fit.epochs
            phase = f"training {number} of {len(plan)}, {planned.name}, seed {planned.seed}"
            yield self.find_fitter(planned.network, planned.fit).fit(
                planned.network,
                seed=planned.seed,
                epochs=epochs,
                schedule_epochs=epochs,
                reporter=EpochReporter(phase, epochs, before, total),
            )
            before += epochs


def _tell_progress() -> None:
    """Logs each epoch as it ends: this may take hours."""
    if LOGGER.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    handler.addFilter(lambda record: vars(record)["progress"]["epoch_has_ended"])
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
