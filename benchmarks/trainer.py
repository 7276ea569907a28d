"""The Trainer by itself, without the steps around it: it searches, fits and exports."""

import contextlib
import dataclasses
import io
import pathlib
import time
import types
from typing import Any

from benchmarks.splits import Splits
from components import features
from components.source_digest import digest_sources
from components.trainer.config import TrainerConfig
from components.trainer.run import run_fn
from components.trainer.training.fitter import Fitter
from pipeline.config import QUICK

MODEL_RUN = "model_run"  # in the folder that a Trainer writes into


def configure(state: pathlib.Path, *, every_point: bool, **search: Any) -> TrainerConfig:
    """Makes a search of the profile quick, with a final fit of one epoch.

    Args:
        state: Folder in which an interrupted training is found again.
        every_point: Of the profile; False: five points of a small network, in which the search is most of the work.
        **search: Other settings than those of the profile, by name.
    """
    quick = QUICK.trainer(code_digest=digest_sources(Fitter.__module__))
    backbone, fit = quick.backbone, dataclasses.replace(quick.fit, epochs=1)
    if not every_point:
        backbone = dataclasses.replace(backbone, dim=32, depth=1, mlp_dims=(32,))
        fit = dataclasses.replace(fit, batch_size=256)
        search = {"placements": (0,), "token_counts": (4,), "reducers": ("token_learner",), **search}
    return dataclasses.replace(
        quick,
        backbone=backbone,
        search=dataclasses.replace(quick.search, **search),
        fit=fit,
        state=dataclasses.replace(quick.state, folder=str(state)),
    )


def train(config: TrainerConfig, splits: Splits, folder: pathlib.Path) -> float:
    """Runs the Trainer to its end.

    Args:
        config: What is searched and fitted.
        splits: To read from.
        folder: Gets the model run, under `MODEL_RUN`, and the model.

    Returns:
        Seconds.
    """
    begin = time.monotonic()
    _run(_make_fn_args(config, splits, folder))
    return time.monotonic() - begin


def _run(fn_args: types.SimpleNamespace) -> None:
    with contextlib.redirect_stdout(io.StringIO()):  # KerasTuner prints
        run_fn(fn_args)


def _make_fn_args(config: TrainerConfig, splits: Splits, folder: pathlib.Path) -> types.SimpleNamespace:
    """Makes what TFX's Trainer would pass on."""
    return types.SimpleNamespace(
        custom_config={"trainer": dataclasses.asdict(config)},
        model_run_dir=str(folder / MODEL_RUN),
        serving_model_dir=str(folder / "model"),
        transform_output=str(splits.graph_dir),
        train_files=[splits.locate(features.TRAIN_SPLIT)],
        eval_files=[splits.locate(features.VALID_SPLIT)],
    )
