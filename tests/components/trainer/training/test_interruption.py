"""A training that was interrupted is, to the bit, the training that was not."""

import dataclasses
import pathlib

import numpy as np
import pytest
from trainings import FitterIn, assert_same, train_up_to

from components.trainer.config import FitConfig
from components.trainer.data.examples import Examples
from components.trainer.progress import EpochReporter
from components.trainer.training.fitter import Fitter
from models.vit_config import ViTConfig


def test_a_network_goes_on_after_any_epoch_though_another_seed_was_trained_in_between(
    backbone: ViTConfig, fitter_in: FitterIn, tmp_path: pathlib.Path
) -> None:
    """With batch norm and without a reducer; a search that goes on with all reducers is in test_search_resume.py."""
    normalized = dataclasses.replace(backbone, stem="residual")
    (tmp_path / "whole").mkdir()
    whole = train_up_to(fitter_in(tmp_path / "whole"), normalized, 4)
    for epochs in (1, 2, 3, 4):
        stopped = train_up_to(fitter_in(tmp_path), normalized, epochs)
        train_up_to(fitter_in(tmp_path), normalized, epochs, seed=2)
        assert len(stopped.epochs) == epochs
    assert_same(stopped, whole)


def test_what_a_fitter_trained_until_it_broke_off_goes_on_in_another_one(
    network: ViTConfig,
    fitter_in: FitterIn,
    fit_config: FitConfig,
    train: Examples,
    valid: Examples,
    tmp_path: pathlib.Path,
) -> None:
    """Either has traced the network by itself, as processes do."""

    class Breaker(EpochReporter):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
            if (self._epoch, batch) == (2, 1):
                raise KeyboardInterrupt

    (tmp_path / "whole").mkdir()
    (tmp_path / "state").mkdir()
    whole = train_up_to(fitter_in(tmp_path / "whole"), network, 4)
    fresh = Fitter(fit_config, train, valid, tmp_path / "state")
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(network, seed=1, epochs=4, schedule_epochs=4, reporter=Breaker("training", 4, 0, 4))
    left = fresh.find(network, seed=1, schedule_epochs=4)
    assert left is not None
    assert len(left.epochs) == 2
    assert_same(train_up_to(fitter_in(tmp_path / "state"), network, 4), whole)


def test_each_seed_is_a_training_of_its_own(network: ViTConfig, fitter_in: FitterIn, tmp_path: pathlib.Path) -> None:
    first, second = (train_up_to(fitter_in(tmp_path), network, 1, seed=seed) for seed in (1, 2))
    assert first.epochs[0].train_loss != second.epochs[0].train_loss
    assert not np.array_equal(first.state[0], second.state[0])
    assert len(list(tmp_path.iterdir())) == 2
