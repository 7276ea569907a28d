"""The networks that are compared: our winner, and the one of the Keras example with 8 tokens."""

import pathlib

import pydantic

from benchmarks.result import read_results
from components.metadata.run_record import read_run
from models.presets import PRESETS
from models.vit_config import ViTConfig

OURS = "ours"
EXAMPLE = "Keras example, 8 tokens"
EXAMPLE_NETWORK = PRESETS["keras_example_8_tokens"]

parse_network = pydantic.TypeAdapter(ViTConfig).validate_python


def find_network(root: pathlib.Path | None) -> ViTConfig:
    """Finds our network.

    Args:
        root: Pipeline root, whose latest run counts; None: take the run of `results/full_run.json`.

    Returns:
        The winner of the run.

    Raises:
        UsageFailure: If the run has no winner yet.
    """
    if root is None:
        return parse_network(read_results()["full_run"].rows[0]["winner"]["network"])
    record = read_run(root)
    record.require("winner", record.winner)
    assert record.winner
    return record.winner.network
