"""What a search takes: rungs, epochs, compute and processes; without KerasTuner and TensorFlow."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from components.machine import count_cpus, measure_free_memory
from components.trainer.config import SearchConfig, TrainerConfig
from models.macs import count_macs

_WORKER_BYTES = 1.25 * 2**30  # a worker's peak with the images and networks of `full`, about
_MOST_REFERENCES = 3  # besides the best points, about: the best learned one, the backbone, a control


class Rung(NamedTuple):
    """How many points halving trains up to which epoch."""

    points: int
    epochs: int


def plan_rungs(points: int, config: SearchConfig) -> list[Rung]:
    """Plans successive halving: each rung keeps one point of `reduction_factor`, rounded up, and trains it on.

    Args:
        points: Of the first rung.
        config: Epochs of the first and the last rung, reduction factor.

    Returns:
        The rungs; the last one has `max_epochs`, and at least `finalists` points if there are as many.
    """
    size, rungs = points, []
    for epochs in config.rungs:
        rungs.append(Rung(size, epochs))
        size = min(points, max(math.ceil(size / config.reduction_factor), config.finalists))
    return rungs


def plan_epochs(points: int, config: SearchConfig) -> int:
    """Returns the epochs that the first stage will take: exactly but for failures."""
    if config.tuner == "halving":
        rungs = plan_rungs(points, config)
        begins = (0, *(rung.epochs for rung in rungs))
        return sum(rung.points * (rung.epochs - begin) for rung, begin in zip(rungs, begins, strict=False))
    return config.max_epochs * count_tried(points, config)


def count_tried(points: int, config: SearchConfig) -> int:
    """Returns how many of the points the first stage tries."""
    return min(points, config.max_trials) if config.tuner in ("random", "bayesian") else points


def plan_finalist_epochs(points: int, config: SearchConfig) -> int:
    """Returns the epochs, about, that the finalists take after the first stage."""
    finalists, trained = min(points, config.finalists + _MOST_REFERENCES), config.finalists  # fully, with one seed
    if config.tuner in ("halving", "grid"):
        trained = points if config.tuner == "grid" else plan_rungs(points, config)[-1].points
    return (finalists * config.seeds - min(finalists, trained)) * config.max_epochs


def plan_work(config: TrainerConfig) -> float:
    """Estimates the multiply-accumulates of one image times epochs that the whole Trainer takes, final fit included."""
    search, points = config.search, config.affordable_points()
    mean = sum(count_macs(point).total for point in points) / len(points)
    epochs = plan_epochs(len(points), search) + plan_finalist_epochs(len(points), search) + config.fit.epochs
    backbones = sum(count_macs(backbone).total for backbone in config.backbones())
    return epochs * mean + search.seeds * search.backbone_epochs * backbones


def count_workers(config: TrainerConfig) -> int:
    """Returns how many processes without a GPU train points in parallel: as many as have CPUs and memory for it.

    The replicas of a training have a CPU each: on two CPUs one process with two replicas trains as many images a second
    as two processes, and needs half of the memory.

    Args:
        config: Of the Trainer.

    Returns:
        At least 1.
    """
    if config.fit.strategy != "default":
        return 1
    free = measure_free_memory()
    limits = [count_cpus() // config.fit.replicas, len(config.affordable_points())]
    return max(1, min(limits if free is None else [*limits, int(free / _WORKER_BYTES)]))


def describe_found(epochs: Sequence[int], config: SearchConfig) -> str:
    """Describes how many trainings of a search exist already; a point has one for each rung.

    Args:
        epochs: Of each point's training, 0 if there is none.
        config: Of the search.
    """
    ends = tuple(itertools.accumulate(config.schedule.cycles))
    found = sum(count >= end for count in epochs for end in ends)
    planned = sum(rung.points for rung in plan_rungs(count_tried(len(epochs), config), config)[: len(ends)])
    return f"{found} of {max(found, planned)} trainings found"
