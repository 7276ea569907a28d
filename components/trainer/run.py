"""run_fn: read, search, fit, export; TFX reloads this module, so it holds functions only."""

import dataclasses
import json
import pathlib
from typing import Any

import pydantic
import tensorflow_transform as tft

from components.trainer import export, fit, read, search
from components.trainer.config import TrainerConfig
from components.trainer.progress import EpochReporter
from models.macs import count_macs


def run_fn(fn_args: Any) -> None:
    """Trains the best TokenLearner placement and token count, and exports it.

    Leaves in the model run folder `trials.jsonl` (one line a trial), `winner.json`, TensorBoard logs and KerasTuner's
    own files.

    Args:
        fn_args: Of TFX's Trainer; `custom_config["trainer"]` is a TrainerConfig as JSON.
    """
    config = pydantic.TypeAdapter(TrainerConfig).validate_python(fn_args.custom_config["trainer"])
    folder = pathlib.Path(fn_args.model_run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    valid_examples = read.read_examples(fn_args, fn_args.eval_files, transform)
    train = read.training_batches(read.read_examples(fn_args, fn_args.train_files, transform), config.fit)
    valid = read.validation_batches(valid_examples, config.fit)
    if not int(train.cardinality()):
        raise ValueError(f"fit.batch_size is {config.fit.batch_size}, which is more than there are training images")

    trials = search.search(config, train, valid, folder)
    vit_config = search.winning_config(config, trials)
    searched = len(trials) * config.search.epochs
    reporter = EpochReporter("final fit", config.fit.epochs, searched, searched + config.fit.epochs)
    fitted = fit.fit_model(vit_config, config.fit, train, valid, reporter, str(folder / "tensorboard"))

    winner = {
        "network": dataclasses.asdict(vit_config),
        "valid_accuracy": fitted.valid_accuracy,
        "valid_images": int(valid_examples.cardinality()),
        "best_epoch": fitted.best_epoch,
        "macs": dataclasses.asdict(count_macs(vit_config)) | {"total": count_macs(vit_config).total},
        "parameters": fitted.model.count_params(),
    }
    (folder / "winner.json").write_text(json.dumps(winner, indent=2))
    export.export_model(transform, fitted.model, fn_args.serving_model_dir)
