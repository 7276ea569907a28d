"""A team: processes of several machines that train one network at a time together, and the process that leads them."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import keras_tuner

from components.trainer import child
from components.trainer.assignment import Assignment
from components.trainer.fit import cluster, member, orders
from components.trainer.fit.checkpoint import Checkpoint
from components.trainer.fit.fitter import Fitter, TrainingFailedError
from components.trainer.fit.orders import Order
from components.trainer.progress import LOGGER, EpochReporter
from components.trainer.read import Examples
from models.vit_config import ViTConfig

_END_SECONDS = 60  # for the first member, when it has heard that there is nothing more to do


class TeamLostError(keras_tuner.errors.FatalError):
    """A member has gone, and the others can train nothing without it; no trial is to blame."""


class TeamFitter(Fitter):
    """A Fitter that has a team train, and finds in its folder what that came to.

    The first member is a process of its own: TensorFlow wants to hear of the others before it does anything else, and
    the pipeline has done much by then. Keras cannot fit on several machines; `ReplicaLoop` can.

    Args:
        assignment: What the team is told.
        train: As read by this process.
        valid: As read by this process.

    Raises:
        ValueError: If TF_CONFIG does not make this the first process.
    """

    def __init__(self, assignment: Assignment, train: Examples, valid: Examples) -> None:
        cluster.require_leader()
        super().__init__(assignment.config.fit, train, valid, pathlib.Path(assignment.state))
        self._orders = pathlib.Path(assignment.config.state.folder)
        assignment.save(self._orders)
        orders.begin(self._orders)
        self._leader = subprocess.Popen(
            [sys.executable, "-m", member.__name__, str(self._orders), child.ENDS_WITH_INPUT],
            env=os.environ | {"PYTHONPATH": child.find_sources()},
            stdin=subprocess.PIPE,  # which closes when this process ends, however that happens
            stdout=subprocess.PIPE,
            text=True,
        )

    def fit(
        self, network: ViTConfig, *, seed: int, epochs: int, schedule_epochs: int, reporter: EpochReporter
    ) -> Checkpoint:
        """Has the team train, as `Fitter.fit` tells.

        Raises:
            TrainingFailedError: If the loss is not a finite number.
            TeamLostError: If a member has gone.
        """
        done = self.find(network, seed=seed, schedule_epochs=schedule_epochs)
        if done is not None and len(done.epochs) >= epochs:
            return done
        order = Order(
            network=network,
            seed=seed,
            epochs=epochs,
            schedule_epochs=schedule_epochs,
            epochs_done=len(done.epochs) if done else 0,
            phase=reporter.phase,
            epochs_before=reporter.epochs_before,
            epochs_in_step=reporter.epochs_in_step,
        )
        orders.give(order, self._orders)
        self._wait()
        training = self.find(network, seed=seed, schedule_epochs=schedule_epochs)
        assert training is not None
        return training

    def _wait(self) -> None:
        """Passes the first member's progress on until it has carried an order out."""
        assert self._leader.stdout
        for line in self._leader.stdout:
            told: dict[str, Any] = json.loads(line)
            if "failure" not in told:
                LOGGER.info(
                    "%s, epoch %d of %d", told["phase"], told["epoch"], told["epochs"], extra={"progress": told}
                )
            elif told["failure"] is None:
                return
            else:
                raise TrainingFailedError(told["failure"])
        end = child.describe_end(self._leader.wait())
        raise TeamLostError(
            f"the first member of the team {end}, as each does when another is lost; the log tells why. Start the "
            "others again, and this run: it goes on from the last epoch"
        )

    def dismiss(self) -> None:
        """Lets the team go."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            orders.give(None, self._orders)
            self._leader.wait(_END_SECONDS)

    def end(self) -> None:
        """Ends the first member, wherever it is; checkpoints are whole or absent whenever that is."""
        self._leader.kill()
        self._leader.communicate()


@contextlib.contextmanager
def start_fitter(assignment: Assignment, train: Examples, valid: Examples) -> Iterator[Fitter]:
    """Starts what trains for an assignment: this process, or a team.

    Args:
        assignment: Of the Trainer.
        train: What fits weights.
        valid: What chooses.

    Raises:
        ValueError: If there is to be a team, and TF_CONFIG does not make this its first process.
    """
    if assignment.config.fit.strategy != "multi_worker":
        yield Fitter(assignment.config.fit, train, valid, pathlib.Path(assignment.state))
        return
    team = TeamFitter(assignment, train, valid)
    try:
        yield team
        team.dismiss()
    finally:
        team.end()
