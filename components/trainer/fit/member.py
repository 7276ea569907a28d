"""A member of a team: trains with the others what it is told to, until there is nothing more.

`python -m components.trainer.fit.member FOLDER`, with the folder of the search below the pipeline root and TensorFlow's
variable TF_CONFIG. The first member is started by the Trainer; it prints its progress as lines of JSON.
"""

import pathlib
import sys
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

_CHECKPOINT_SECONDS = 60  # until which a shared folder has to show what the first member wrote


def work(folder: pathlib.Path, lines: child.JsonLines) -> None:
    """Trains with the others for the Trainer that left its assignment in a folder.

    Raises:
        ValueError: If this process does not see the data that the Trainer sees, or TF_CONFIG makes no sense.
        ConnectionError: If the first member has gone while there was nothing to do.
    """
    team = cluster.read_cluster()
    leads = team.is_leader
    strategy = make_strategy("multi_worker")  # before anything else of TensorFlow
    assert strategy
    # Whoever came too early would read the orders of an earlier team.
    strategy.reduce("SUM", strategy.run(lambda: tf.ones([])), axis=None)
    with open_fitter(Assignment.load(folder), strategy=strategy, keeps=leads) as fitter:
        for order in orders.follow(folder, lambda: _look_for(team.leader)):
            failure = _carry_out(order, fitter)
            if leads:
                lines.tell({"failure": failure})


def _look_for(leader: str) -> None:
    """Raises a ConnectionError if the first member has gone: of what is not being trained TensorFlow tells nobody."""
    if not cluster.answers(leader):
        raise ConnectionError(f"the first member of the team does not answer at {leader} any more")


def _carry_out(order: Order, fitter: Fitter) -> str | None:
    """Returns why a training came to nothing, which it does for all members alike; None if it did not."""
    deadline = time.monotonic() + _CHECKPOINT_SECONDS
    while not _is_at(order, fitter):
        if time.monotonic() > deadline:
            raise FileNotFoundError(
                f"{fitter.folder} does not show the checkpoint of {order.phase} that all go on from"
            )
        time.sleep(1)
    reporter = EpochReporter(order.phase, order.epochs, order.epochs_before, order.epochs_in_step)
    schedule = {"seed": order.seed, "epochs": order.epochs, "schedule_epochs": order.schedule_epochs}
    try:
        fitter.fit(order.network, reporter=reporter, **schedule)
    except TrainingFailedError as error:
        return str(error)
    return None


def _is_at(order: Order, fitter: Fitter) -> bool:
    done = fitter.find(order.network, seed=order.seed, schedule_epochs=order.schedule_epochs)
    return order.epochs_done == (len(done.epochs) if done else 0)


if __name__ == "__main__":
    child.end_with_input()
    work(pathlib.Path(sys.argv[1]), child.tell_progress())
