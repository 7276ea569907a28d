"""A team: processes of several machines that train one network at a time, and the Trainer that directs them."""

import contextlib
import json
import pathlib
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import keras_tuner

from components.trainer import child
from components.trainer.assignment import Assignment
from components.trainer.fit import cluster, member, orders
from components.trainer.fit.checkpoint import Checkpoint
from components.trainer.fit.fitter import Fitter, TrainingFailedError
from components.trainer.fit.orders import Order
from components.trainer.progress import LOGGER, EpochReporter, tell_waiting
from components.trainer.read import Examples
from models.vit_config import ViTConfig

_GATHER_SECONDS = 3600  # until which all members have to be there: a cluster may start some long before the others
_LOOK_SECONDS = 1
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
        ValueError: If TF_CONFIG does not give this process the first member's place.
    """

    def __init__(self, assignment: Assignment, train: Examples, valid: Examples) -> None:
        self._cluster = cluster.require_first()
        super().__init__(assignment.config.fit, train, valid, pathlib.Path(assignment.state))
        self._orders = pathlib.Path(assignment.config.state.folder)
        assignment.save(self._orders)
        orders.begin(self._orders)
        self._first: subprocess.Popen[str] | None = None  # until there is something to train

    def fit(
        self, network: ViTConfig, *, seed: int, epochs: int, schedule_epochs: int, reporter: EpochReporter
    ) -> Checkpoint:
        """Has the team train, as `Fitter.fit` tells.

        Raises:
            TrainingFailedError: If the loss is not a finite number.
            TeamLostError: If a member has gone, or has not come.
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
        if self._first is None:
            self._wait_for_others()
            self._first = child.start(member.__name__, self._orders, {})
        orders.give(order, self._orders)
        self._listen(self._first)
        training = self.find(network, seed=seed, schedule_epochs=schedule_epochs)
        assert training is not None
        return training

    def _wait_for_others(self) -> None:
        """Waits until the other members listen, and tells for whom."""
        deadline = time.monotonic() + _GATHER_SECONDS
        for address in self._cluster.addresses[1:]:
            if cluster.answers(address):
                continue
            start = f"`python -m {member.__name__} {self._orders}` has to run there"
            tell_waiting(f"the member at {address}: {start}")
            while not cluster.answers(address):
                if time.monotonic() > deadline:
                    raise TeamLostError(f"no member answers at {address}: {start}, with the same {cluster.VARIABLE}")
                time.sleep(_LOOK_SECONDS)

    @staticmethod
    def _listen(first: "subprocess.Popen[str]") -> None:
        """Passes the first member's progress on until it has carried an order out."""
        assert first.stdout
        where = ""
        for line in first.stdout:
            told: dict[str, Any] = json.loads(line)
            if "error" in told:
                where = f" in {told['error']}"
            elif "failure" not in told:
                LOGGER.info(
                    "%s, epoch %d of %d", told["phase"], told["epoch"], told["epochs"], extra={"progress": told}
                )
            elif told["failure"] is None:
                return
            else:
                raise TrainingFailedError(told["failure"])
        raise TeamLostError(
            f"the first member of the team {child.describe_end(first.wait())}{where}, as all do when one does; the log "
            "tells why. Start the others again, and this run: it goes on from the last epoch"
        )

    def dismiss(self) -> None:
        """Lets the team go, those included who have waited for work though all of it was done before."""
        if self._first is None and all(map(cluster.answers, self._cluster.addresses[1:])):
            self._first = child.start(member.__name__, self._orders, {})
        if self._first:
            with contextlib.suppress(subprocess.TimeoutExpired):
                orders.give(None, self._orders)
                self._first.wait(_END_SECONDS)

    def end(self) -> None:
        """Ends the first member, wherever it is; checkpoints are whole or absent whenever that is."""
        if self._first:
            self._first.kill()
            self._first.communicate()


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
