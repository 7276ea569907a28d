"""run_fn: read, search, fit, export; TFX reloads this module, so it holds functions only."""

import pathlib
from typing import Any

import pydantic
import tensorflow_transform as tft

from components.artifacts.search_outcome import write_search
from components.artifacts.winner import Winner, write_winner
from components.lock import hold_lock
from components.trainer import export, outputs
from components.trainer.assignment import Assignment
from components.trainer.config import TrainerConfig
from components.trainer.data.examples import count_batches, read_examples
from components.trainer.progress import EpochReporter
from components.trainer.search.chief import start_chief
from components.trainer.search.search import Search
from components.trainer.search.selection import Choice
from components.trainer.state import locate_state
from components.trainer.training.checkpoint import Checkpoint
from components.trainer.training.fitter import Fitter
from models.macs import count_macs
from models.search_space import name_point


def run_fn(fn_args: Any) -> None:
    """Trains the best TokenLearner placement and token count, and exports it.

    Leaves in the model run folder `trials.jsonl` (a line a trial and rung), `search.json` (who won, and how sure that
    is), `winner.json`, TensorBoard logs, KerasTuner's own files, and `model.keras`: the exported network
    by itself, from normalized images to logits.

    Args:
        fn_args: Of TFX's Trainer; `custom_config["trainer"]` is a TrainerConfig as JSON.

    Raises:
        LockedError: If another process trains with the same data, settings and code.
        PixelFileError: If the folder for temporary files has no room for the decoded images.
    """
    config = pydantic.TypeAdapter(TrainerConfig).validate_python(fn_args.custom_config["trainer"])
    folder = pathlib.Path(fn_args.model_run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    with (
        read_examples(fn_args.train_files, transform) as train,
        read_examples(fn_args.eval_files, transform) as valid,
    ):
        if not count_batches(train, config.fit):
            raise ValueError(f"fit.batch_size is {config.fit.batch_size}, which is more than there are training images")
        state = locate_state(config, train, valid)
        with hold_lock(state / "lock", f"another search works in {state}; wait until it has ended, or end it"):
            assignment = Assignment(
                config=config,
                train_files=tuple(fn_args.train_files),
                valid_files=tuple(fn_args.eval_files),
                transform_output=fn_args.transform_output,
                state=str(state),
            )
            fitter = Fitter(config.fit, train, valid, state)
            choice, training = _search_and_fit(assignment, fitter, folder)
    network = choice.winner.network
    winner = Winner(
        point=name_point(network),
        network=network,
        valid_accuracy=training.best_epoch.valid_accuracy,
        valid_images=len(valid),
        best_epoch=training.best_epoch.epoch,
        epochs=training.epochs,
        macs=count_macs(network),
        parameters=training.parameters,
    )
    write_winner(winner, folder)
    model = fitter.best_model(network, training)
    model.save(folder / export.NETWORK_FILE)
    export.export_model(transform, model, fn_args.serving_model_dir)


def _search_and_fit(assignment: Assignment, fitter: Fitter, folder: pathlib.Path) -> tuple[Choice, Checkpoint]:
    config = assignment.config
    with start_chief(assignment, pathlib.Path(config.state.folder)) as chief:
        search = Search(config, fitter, folder, chief)
        choice = search.run()
    write_search(outputs.describe_search(choice, search.trials, config.search.max_epochs), folder)
    outputs.write_tensorboard(search.trials, folder / "tensorboard")
    epochs = config.fit.epochs
    reporter = EpochReporter(
        f"final fit, {choice.winner.name}", epochs, search.epochs_done, search.epochs_done + epochs
    )
    training = fitter.fit(
        choice.winner.network, seed=config.fit.seed, epochs=epochs, schedule_epochs=epochs, reporter=reporter
    )
    outputs.write_curve(training.epochs, folder / "tensorboard" / "final_fit")
    return choice, training
