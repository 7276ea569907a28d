"""A member of a team: trains with the others what it is told to, until there is nothing more.

`python -m components.trainer.fit.member FOLDER`, with the folder of the search below the pipeline root and TensorFlow's
variable TF_CONFIG. The first member is started by the Trainer; it prints its progress as lines of JSON.
"""

import os
import pathlib
import time

import tensorflow as tf

from components.trainer import child
from components.trainer.assignment import Assignment
from components.trainer.fit import cluster, orders
from components.trainer.fit.fitter import Fitter, TrainingFailedError
from components.trainer.fit.loops import make_strategy
from components.trainer.fit.orders import Order
from components.trainer.fit.sharing import open_fitter
from components.trainer.progress import EpochReporter

_CHECKPOINT_SECONDS = 180  # until which a shared folder has to show what the first member wrote


def work(folder: pathlib.Path, lines: child.JsonLines) -> None:
    """Trains with the others for the Trainer that left its assignment in a folder.

    Raises:
        ValueError: If this process does not see the Trainer's code and data, or TF_CONFIG makes no sense.
        OSError: If this process does not see the Trainer's folder, or the first member has gone between trainings.
        RuntimeError: If a training broke off, as all do when a member is lost.
    """
    team = cluster.read_cluster()
    if team.is_first and not child.has_parent():
        raise ValueError(
            f"{cluster.VARIABLE} is {os.environ[cluster.VARIABLE]}; the pipeline starts the first member, so this one "
            "needs another index"
        )
    strategy = make_strategy("multi_worker")  # before anything else of TensorFlow
    assert strategy
    # Whoever came too early would read the orders of an earlier team.
    strategy.reduce("SUM", strategy.run(lambda: tf.ones([])), axis=None)
    with open_fitter(Assignment.load(folder), strategy=strategy, keeps=team.is_first) as fitter:
        # Of what is not being trained TensorFlow tells nobody.
        for order in orders.follow(folder, lambda: not team.is_first and not cluster.answers(team.addresses[0])):
            _wait_for_checkpoint(order, fitter)
            try:
                failure = _carry_out(order, fitter)
            except Exception as error:
                if team.is_first:
                    lines.tell({"error": f"{order.phase} ({type(error).__name__}: {str(error).partition(chr(10))[0]})"})
                raise RuntimeError(f"{order.phase} broke off") from error
            if team.is_first:
                lines.tell({"failure": failure})


def _wait_for_checkpoint(order: Order, fitter: Fitter) -> None:
    deadline = time.monotonic() + _CHECKPOINT_SECONDS
    while not _is_at(order, fitter):
        if time.monotonic() > deadline:
            raise FileNotFoundError(
                f"{fitter.folder} does not show the checkpoint of {order.phase} that all go on from"
            )
        time.sleep(1)


def _is_at(order: Order, fitter: Fitter) -> bool:
    done = fitter.find(order.network, seed=order.seed, schedule_epochs=order.schedule_epochs)
    return order.epochs_done == (len(done.epochs) if done else 0)


def _carry_out(order: Order, fitter: Fitter) -> str | None:
    """Returns why a training came to nothing, which it does for all members alike; None if it did not."""
    reporter = EpochReporter(order.phase, order.epochs, order.epochs_before, order.epochs_in_step)
    schedule = {"seed": order.seed, "epochs": order.epochs, "schedule_epochs": order.schedule_epochs}
    try:
        fitter.fit(order.network, reporter=reporter, **schedule)
    except TrainingFailedError as error:
        return str(error)
    return None


if __name__ == "__main__":
    child.run(work)
