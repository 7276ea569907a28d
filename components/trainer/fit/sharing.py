"""What another process than the Trainer's opens to share its work."""

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow_transform as tft

from components.source_digest import digest_sources
from components.trainer.assignment import Assignment
from components.trainer.fit.fitter import Fitter
from components.trainer.read import read_examples
from components.trainer.state import locate_state


@contextlib.contextmanager
def open_fitter(assignment: Assignment, **settings: Any) -> Iterator[Fitter]:
    """Reads the data, and yields what trains on it.

    Args:
        assignment: Of the Trainer.
        **settings: Of the Fitter.

    Raises:
        ValueError: If this process does not see the Trainer's code and data.
    """
    if digest_sources(Fitter.__module__) != assignment.config.state.code_digest:
        raise ValueError("this process's code is not the Trainer's: install the same version of this project for both")
    config, transform = assignment.config, tft.TFTransformOutput(assignment.transform_output)
    with (
        read_examples(assignment.train_files, transform) as train,
        read_examples(assignment.valid_files, transform) as valid,
    ):
        state = locate_state(config, train, valid)
        if str(state) != assignment.state:
            raise ValueError(
                "this process's data, TensorFlow or Keras are not the Trainer's: the trainings would go to "
                f"{state}, not to {assignment.state}"
            )
        yield Fitter(config.fit, train, valid, state, **settings)
