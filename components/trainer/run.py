"""run_fn: read, search, fit, export; TFX reloads this module, so it holds functions only."""

import dataclasses
import pathlib
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pydantic
import tensorflow_transform as tft

from components.artifacts.network_weights import write_weights
from components.artifacts.search_outcome import write_search
from components.artifacts.winner import Winner, write_winner
from components.lock import hold_lock
from components.trainer import export, outputs
from components.trainer.assignment import Assignment
from components.trainer.config import Schedule, TrainerConfig
from components.trainer.data.examples import count_records
from components.trainer.data.pixel_file import check_room
from components.trainer.listener import Listener, Training
from components.trainer.mlflow_tracker import track
from components.trainer.progress import EpochReporter, report_notice
from components.trainer.search.chief import count_processes, start_chief
from components.trainer.search.search import Search
from components.trainer.tensorboard_logs import TensorBoardLogs
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.folding import fold_batch_norm
from models.macs import count_macs
from models.search_space import describe_point


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
    images = sum(map(count_records, (assignment.train_files, assignment.valid_files)))
    report_notice(check_room(images, config.task.image_size, count_processes(config)))
    with assignment.open_fitter() as fitter:
        if len(fitter.train) < config.fit.batch_size:
            raise ValueError(
                f"--fit.batch-size is {config.fit.batch_size}, which is more than there are training images"
            )
        state = fitter.folder
        assignment = dataclasses.replace(assignment, state=str(state))
        with (
            hold_lock(state / "lock", f"another search works in {state}; wait until it has ended, or end it"),
            track(config, state) as trackers,
        ):
            listeners = [TensorBoardLogs(folder / "tensorboard"), *trackers]
            winner, training = _search_and_fit(assignment, fitter, folder, listeners)
            write_winner(winner, folder)
            model = fitter.best_model(winner.network, training)
            model.save(folder / export.NETWORK_FILE)
            metrics = {name: getattr(winner, name) for name in ("valid_accuracy", "best_epoch", "parameters")}
            for listener in listeners:
                listener.end_search(winner.point, {**metrics, "mmacs": winner.macs.total / 1e6}, folder)
    folded = fold_batch_norm(winner.network, model)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    export.export_model(transform, folded, config.task, fn_args.serving_model_dir)
    weights = {variable.path: np.array(variable) for variable in model.variables}
    write_weights(winner.network, weights, fn_args.serving_model_dir)


def _search_and_fit(
    assignment: Assignment, fitter: Fitter, folder: pathlib.Path, listeners: Sequence[Listener]
) -> tuple[Winner, Checkpoint]:
    config = assignment.config
    minutes = config.search.max_minutes
    assignment = dataclasses.replace(assignment, deadline=None if minutes is None else time.time() + 60 * minutes)
    with start_chief(assignment, pathlib.Path(config.state.folder)) as chief:
        search = Search(config, fitter, folder, chief, assignment.deadline, listeners)
        choice = search.run()
    write_search(outputs.describe_search(choice, search.trials, config.search.max_epochs, search.notes), folder)
    name, network, seed, epochs = choice.winner.name, choice.winner.network, config.fit.seed, config.fit.epochs
    macs = count_macs(network)
    final_fit = Training(name="final_fit", network=name, macs=macs.total, config=describe_point(network), seed=seed)
    training = fitter.fit(
        network,
        seed=seed,
        schedule=Schedule(cycles=(epochs,)),
        reporter=EpochReporter(search.progress, f"final fit of {name}", final_fit, epochs),
    )
    best = training.best_epoch
    result = {"point": name, "status": "completed", "epochs": epochs, "best_epoch": dataclasses.asdict(best)}
    search.progress.end_training(final_fit, training.epochs, result)
    winner = Winner(
        point=name,
        network=network,
        valid_accuracy=best.valid_accuracy,
        valid_images=len(fitter.valid),
        best_epoch=best.epoch,
        epochs=training.epochs,
        macs=macs,
        parameters=training.parameters,
        initial_model=config.initial_model.title if config.initial_model else None,
    )
    return winner, training
