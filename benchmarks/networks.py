"""Which networks are measured: the winner of a finished root, or of the run in `results/`; and the example's."""

import dataclasses
import pathlib

import pydantic

from benchmarks.result import FOLDER, read_result
from components.artifacts.winner import read_winner
from components.errors import UsageFailure
from components.metadata.root import Root
from components.metadata.run_record import RunRecord
from components.trainer.config import FitConfig
from models.presets import PRESETS
from models.search_space import is_learned
from models.vit_config import ViTConfig
from pipeline.config import FULL

OURS = "ours"
EXAMPLE = "Keras example, 8 tokens"
EXAMPLE_NETWORK = PRESETS["keras_example_8_tokens"]
EXAMPLE_FIT = dataclasses.replace(FULL.fit, batch_size=256)  # of the example's script

_ENDED = ("COMPLETE", "CACHED")


def find_network(root: pathlib.Path | None) -> ViTConfig:
    """Finds our network.

    Args:
        root: Pipeline root with a finished Trainer; None: take the run of full that `results/full_run.json` tells of.

    Returns:
        The winner of the newest such run.

    Raises:
        UsageFailure: If no Trainer has finished in the root.
    """
    if root is not None:
        return read_winner(find_model_run(root)).network
    winner = read_result(FOLDER / "full_run.json").rows[0]["winner"]
    return pydantic.TypeAdapter(ViTConfig).validate_python(winner["network"])


def find_learned(root: pathlib.Path | None) -> ViTConfig:
    """Finds our network if it has a learned reducer, else the first learned point of the profile full."""
    winner = find_network(root)
    if is_learned(winner):
        return winner
    return next(point for point in FULL.trainer(code_digest="").affordable_points() if is_learned(point))


def find_model_run(root: pathlib.Path) -> pathlib.Path:
    """Finds what the newest finished Trainer of a root left.

    Raises:
        UsageFailure: If none has finished.
    """
    opened = Root(root)
    for run_id in reversed(opened.records.run_ids):
        model_run = RunRecord(opened, run_id).find_output("model_run")
        if model_run:
            return pathlib.Path(model_run.uri)
    raise UsageFailure(f"no Trainer has finished in {root}; start one with `tokenlearner run`.")


def describe_fit(network: ViTConfig) -> FitConfig:
    """Returns how a network of ours, or the example's, is trained."""
    return EXAMPLE_FIT if network == EXAMPLE_NETWORK else FULL.fit
