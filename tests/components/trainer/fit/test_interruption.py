"""A training that was interrupted is, to the bit, the training that was not."""

import dataclasses
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from trainings import FitterIn, assert_same, train_up_to

from components.trainer.config import FitConfig, TrainerConfig
from components.trainer.fit import checkpoint
from components.trainer.fit.checkpoint import Checkpoint
from components.trainer.fit.fitter import Fitter
from components.trainer.read import Examples
from models.vit_config import CONTROL_REDUCERS, ViTConfig


def test_a_network_goes_on_after_any_epoch_though_another_seed_was_trained_in_between(
    network: ViTConfig, fitter_in: FitterIn, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "whole").mkdir()
    whole = train_up_to(fitter_in(tmp_path / "whole"), network, 4)
    for epochs in (1, 2, 3, 4):
        stopped = train_up_to(fitter_in(tmp_path), network, epochs)
        train_up_to(fitter_in(tmp_path), network, epochs, seed=2)
        assert len(stopped.epochs) == epochs
    assert_same(stopped, whole)


@pytest.mark.parametrize("reducer", [None, *CONTROL_REDUCERS])
def test_every_kind_of_network_goes_on_to_the_bit(
    reducer: str | None, config: TrainerConfig, fitter_in: FitterIn, tmp_path: pathlib.Path
) -> None:
    points = [point for point in config.space().points() if point.token_reducer == reducer]
    (tmp_path / "whole").mkdir()
    whole = train_up_to(fitter_in(tmp_path / "whole"), points[-1], 3)
    train_up_to(fitter_in(tmp_path), points[-1], 1)
    assert_same(train_up_to(fitter_in(tmp_path), points[-1], 3), whole)


def test_a_fitter_that_has_trained_nothing_goes_on_likewise(
    network: ViTConfig,
    fitter_in: FitterIn,
    fit_config: FitConfig,
    train: Examples,
    valid: Examples,
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / "whole").mkdir()
    whole = train_up_to(fitter_in(tmp_path / "whole"), network, 4)
    train_up_to(fitter_in(tmp_path), network, 2)
    fresh = Fitter(fit_config, train, valid, tmp_path)
    assert_same(train_up_to(fresh, network, 4), whole)


def test_each_seed_is_a_training_of_its_own(network: ViTConfig, fitter_in: FitterIn, tmp_path: pathlib.Path) -> None:
    first, second = (train_up_to(fitter_in(tmp_path), network, 1, seed=seed) for seed in (1, 2))
    assert first.epochs[0].train_loss != second.epochs[0].train_loss
    assert not np.array_equal(first.state[0], second.state[0])
    assert len(list(tmp_path.iterdir())) == 2


_CHILD = """
import json, os, pathlib, signal
import numpy as np, pydantic
from components.trainer.config import FitConfig
from components.trainer.fit.fitter import Fitter
from components.trainer.progress import EpochReporter
from components.trainer.read import Examples
from models.vit_config import ViTConfig

class Killer(EpochReporter):
    def on_train_batch_end(self, batch, logs=None):
        if (self._epoch, batch) == (2, 1):
            os.kill(os.getpid(), signal.SIGKILL)

def read(name):
    arrays = np.load(name)
    return Examples.from_arrays(arrays["images"], arrays["labels"])

told = json.loads(pathlib.Path("told.json").read_text())
config, network = (pydantic.TypeAdapter(t).validate_python(told[t.__name__]) for t in (FitConfig, ViTConfig))
fitter = Fitter(config, read("train.npz"), read("valid.npz"), pathlib.Path("state"))
fitter.fit(network, seed=2, epochs=4, schedule_epochs=4, reporter=Killer("training", 4, 0, 4))
"""


def test_what_another_process_trained_until_it_was_killed_goes_on_here(
    network: ViTConfig,
    fitter_in: FitterIn,
    fit_config: FitConfig,
    train: Examples,
    valid: Examples,
    tmp_path: pathlib.Path,
) -> None:
    """That process traced the network for this seed alone; here it has been traced, and trained, for another one."""
    for folder in ("state", "whole"):
        (tmp_path / folder).mkdir()
    for name, examples in (("train", train), ("valid", valid)):
        images = examples.pixels.gather(np.arange(len(examples)))
        np.savez(tmp_path / f"{name}.npz", images=images, labels=examples.labels)
    told = {type(value).__name__: dataclasses.asdict(value) for value in (fit_config, network)}
    (tmp_path / "told.json").write_text(json.dumps(told))
    child = subprocess.run([sys.executable, "-c", _CHILD], cwd=tmp_path, capture_output=True, text=True)
    assert child.returncode == -9, child.stderr

    (file,) = (tmp_path / "state").glob("*.checkpoint")
    left = checkpoint.load(file)
    assert left is not None
    assert len(left.epochs) == 2
    whole: Checkpoint = train_up_to(fitter_in(tmp_path / "whole"), network, 4, seed=2)
    assert_same(train_up_to(fitter_in(tmp_path / "state"), network, 4, seed=2), whole)
