"""run_fn: read, search, fit, export; TFX reloads this module, so it holds functions only."""

import dataclasses
import pathlib
import time
from typing import Any

import pydantic
import tensorflow_transform as tft

from components.artifacts.search_outcome import write_search
from components.artifacts.winner import Winner, write_winner
from components.lock import hold_lock
from components.trainer import export, outputs
from components.trainer.assignment import Assignment
from components.trainer.config import Schedule, TrainerConfig
from components.trainer.data.examples import count_batches
from components.trainer.progress import EpochReporter
from components.trainer.search.chief import start_chief
from components.trainer.search.search import Search
from components.trainer.search.selection import Choice
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.folding import fold_batch_norm
from models.macs import count_macs
from models.search_space import name_point


def run_fn(fn_args: Any) -> None:
    """Trains the best TokenLearner placement and token count, and exports it.

    Writes to the model run folder `trials.jsonl` (a line for each trial and rung), `search.json` (the winner, and how
    certain it is), `winner.json`, TensorBoard logs, KerasTuner's own files, and `model.keras`: the exported network
    without the Transform graph, from normalized images to logits.

    Args:
        fn_args: Of TFX's Trainer; `custom_config["trainer"]` is a TrainerConfig as JSON.

    Raises:
        LockedError: If another process trains with the same data, settings and code.
        PixelFileError: If the folder for temporary files has no room for the decoded images.
    """
    config = pydantic.TypeAdapter(TrainerConfig).validate_python(fn_args.custom_config["trainer"])
    folder = pathlib.Path(fn_args.model_run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    assignment = Assignment(
        config=config,
        train_files=tuple(fn_args.train_files),
        valid_files=tuple(fn_args.eval_files),
        transform_output=fn_args.transform_output,
    )
    with assignment.open_fitter() as fitter:
        if not count_batches(fitter.train, config.fit):
            raise ValueError(
                f"--fit.batch-size is {config.fit.batch_size}, which is more than there are training images"
            )
        state = fitter.folder
        with hold_lock(state / "lock", f"another search works in {state}; wait until it has ended, or end it"):
            choice, training = _search_and_fit(dataclasses.replace(assignment, state=str(state)), fitter, folder)
    network = choice.winner.network
    winner = Winner(
        point=name_point(network),
        network=network,
        valid_accuracy=training.best_epoch.valid_accuracy,
        valid_images=len(fitter.valid),
        best_epoch=training.best_epoch.epoch,
        epochs=training.epochs,
        macs=count_macs(network),
        parameters=training.parameters,
    )
    write_winner(winner, folder)
    model = fitter.best_model(network, training)
    model.save(folder / export.NETWORK_FILE)
    folded = fold_batch_norm(network, model)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    export.export_model(transform, folded, config.task, fn_args.serving_model_dir)


def _search_and_fit(assignment: Assignment, fitter: Fitter, folder: pathlib.Path) -> tuple[Choice, Checkpoint]:
    config = assignment.config
    minutes = config.search.max_minutes
    assignment = dataclasses.replace(assignment, deadline=None if minutes is None else time.time() + 60 * minutes)
    with start_chief(assignment, pathlib.Path(config.state.folder)) as chief:
        search = Search(config, fitter, folder, chief, assignment.deadline)
        choice = search.run()
    write_search(outputs.describe_search(choice, search.trials, config.search.max_epochs), folder)
    outputs.write_tensorboard(search.trials, folder / "tensorboard")
    winner, epochs = choice.winner, config.fit.epochs
    training = fitter.fit(
        winner.network,
        seed=config.fit.seed,
        schedule=Schedule(cycles=(epochs,)),
        reporter=EpochReporter(search.progress, f"final fit of {winner.name}", winner.name, winner.macs, epochs),
    )
    outputs.write_curve(training.epochs, folder / "tensorboard" / "final_fit")
    return choice, training
