"""The gain of learned token reducers: one backbone with no reducer, each learned reducer and each control, on test.

All stand at one place, emit as many tokens, and are trained alike; the short form has one of the controls. Every
training is kept epoch by epoch in `--state`: the same command goes on where a killed one stopped. The test split is
read when all trainings have ended, not before. Rows of `--known`, a result file, are taken over: seeds may be added on
another day, and on another machine.
"""

import dataclasses
import json
import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from benchmarks.answers import pack_answers
from benchmarks.benchmark import Benchmark, main
from benchmarks.circumstances import look_around
from benchmarks.dataset import ALL_IMAGES, SAMPLE
from benchmarks.kept_training import KeptTrainings, Planned
from benchmarks.networks import find_learned
from benchmarks.reducer_table import summarize
from benchmarks.result import FOLDER, Row, read_result
from benchmarks.training import measure_speeds
from components.trainer.data.examples import Examples
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.macs import count_macs
from models.reducers.registry import REDUCERS, TokenReducer
from models.search_space import name_point, strip_reducer
from models.vit_config import ViTConfig
from pipeline.config import FULL

_BATCH_SIZE = 500  # test images asked at once
_MOST_SEEDS = 3
_EPOCHS = 20  # as many as the Keras example; those of full would take days on 2 cores


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # whose winner tells place and token count; None: the run in results/
    others: tuple[TokenReducer, ...] = (
        "average_pooling",
    )  # in its reducer's place; the backbone without one always is
    tfds_dir: pathlib.Path = SAMPLE
    state: pathlib.Path = pathlib.Path("pipeline_root/reducers-short")  # outlives kills
    known: pathlib.Path | None = None  # result file whose trainings are not done again, if it is there
    epochs: int = 1
    seeds: int = 1
    most_images: int | None = 640  # of the train split; None: all
    rounds: int = 0  # in which training speed is measured
    seconds: float = 1.0  # of each network in a round


def list_networks(root: pathlib.Path | None, others: Sequence[TokenReducer]) -> tuple[ViTConfig, ...]:
    """Lists the networks, the learned one that the others are compared with first.

    Args:
        root: Of a finished search; None: the run of full that `results/` tells of.
        others: Reducers that stand in its reducer's place.

    Returns:
        The winner, or the first learned point of full where nothing learned won; the backbone; the others.
    """
    learned = find_learned(root)
    replaced = (dataclasses.replace(learned, token_reducer=reducer) for reducer in others)
    return tuple(dict.fromkeys((learned, strip_reducer(learned), *replaced)))


def measure(effort: Effort) -> list[Row]:
    """Trains what is not trained yet, then looks at test, then measures speed in turns."""
    fit = dataclasses.replace(FULL.fit, epochs=effort.epochs)
    networks = list_networks(effort.root, effort.others)
    # Seed by seed, so that a part of the trainings, too, is a fair comparison.
    plan = [
        Planned(name=name_point(network), network=network, fit=fit, seed=fit.seed + i)
        for i in range(effort.seeds)
        for network in networks
    ]
    kept = KeptTrainings(effort.tfds_dir, effort.state, effort.most_images)
    rows = {
        planned: row
        for row in _read_known(effort.known)
        for planned in plan
        if _tells_of(row, planned, kept.train_images)
    }
    missing = [planned for planned in plan if planned not in rows]
    trainings = kept.run(missing)
    test, revision = kept.read_test(), look_around().revision
    for planned, training in zip(missing, trainings, strict=True):
        fitter = kept.find_fitter(planned.network, fit)
        rows[planned] = _describe(fitter, planned, training, test) | {"revision": revision}
    trained = {name_point(network): (network, FULL.fit) for network in networks}
    return [*(rows[planned] for planned in plan), *measure_speeds(trained, effort.rounds, effort.seconds)]


def _read_known(path: pathlib.Path | None) -> list[Row]:
    rows = read_result(path).rows if path and path.is_file() else ()
    return [row for row in rows if row["kind"] == "training"]


def _tells_of(row: Row, planned: Planned, train_images: int) -> bool:
    """Tells whether a row is of a planned training, as far as it knows the settings: later ones had no say in it."""
    fit = {name: getattr(planned.fit, name) for name in row["fit"]}
    wanted = [dataclasses.asdict(planned.network), fit, planned.seed, train_images]
    return json.dumps([row[name] for name in ("network", "fit", "seed", "train_images")]) == json.dumps(wanted)


def _describe(fitter: Fitter, planned: Planned, training: Checkpoint, test: Examples) -> Row:
    correct = _find_correct(fitter.best_model(planned.network, training), test)
    return {
        "kind": "training",
        "point": planned.name,
        "network": dataclasses.asdict(planned.network),
        "fit": dataclasses.asdict(planned.fit),
        "seed": planned.seed,
        "epochs": planned.fit.epochs,
        "train_images": len(fitter.train),
        "macs": count_macs(planned.network).total,
        "parameters": training.parameters,
        "valid_accuracy": training.best_epoch.valid_accuracy,
        "best_epoch": training.best_epoch.epoch,
        "epoch_seconds": [epoch.seconds for epoch in training.epochs],
        "test_images": len(test),
        "test_correct": pack_answers(correct),
    }


def _find_correct(model: keras.Model, test: Examples) -> np.ndarray:
    logits = model.predict(test.stream_images(_BATCH_SIZE), verbose=0)  # [examples, classes]
    return np.argmax(logits, axis=-1) == tf.cast(test.labels, tf.int64).numpy()


BENCHMARK = Benchmark(
    name="reducers",
    short=Effort(),
    full=Effort(
        others=tuple(REDUCERS),
        tfds_dir=ALL_IMAGES,
        state=pathlib.Path("pipeline_root/reducers"),
        known=FOLDER / "reducers.json",
        epochs=_EPOCHS,
        seeds=_MOST_SEEDS,
        most_images=None,
        rounds=9,
        seconds=5.0,
    ),
    seeds=tuple(FULL.fit.seed + i for i in range(_MOST_SEEDS)),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
