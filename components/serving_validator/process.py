"""Starts the fresh process and reads back what it left.

Axes: batch, classes.
"""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf

from components.serving_validator import probe
from components.serving_validator.requests import Plan, write_plan

PROBE = pathlib.Path(probe.__file__)
_GRACE_SECONDS = 5  # after which it ends itself if nobody has ended it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answers:
    """What the fresh process wrote down."""

    answers: tuple[np.ndarray | str, ...]  # to each request: [batch, classes], or the error
    seconds: tuple[tuple[float, ...], ...]  # of each request of each timing; empty where it was not answered
    load_error: str | None  # None: loaded
    load_seconds: float | None
    peak_memory_bytes: int
    tensorflow_version: str
    modules: frozenset[str]  # top-level names of what it had imported at its end


@dataclasses.dataclass(frozen=True)
class Death:
    """The fresh process left nothing."""

    sentence: str


def ask(model: pathlib.Path, plan: Plan, time_limit_seconds: float) -> Answers | Death:
    """Lets a fresh process load a model and ask it.

    The process sees no module of this project, however that is installed: isolated (-I) it ignores environment
    variables and the folder of its script, without site (-S) also .pth files, and its path gets nothing but the
    standard library and the folders that numpy and tensorflow are imported from here. It computes on the processor,
    as whoever trains on an accelerator holds all the memory of that. What it prints goes where this process prints.

    Args:
        model: Folder of the SavedModel.
        plan: What it is asked.
        time_limit_seconds: After which it is killed.

    Returns:
        What it wrote down, or how it died.
    """
    packages = dict.fromkeys(str(pathlib.Path(file).parents[1]) for file in (np.__file__, tf.__file__))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_plan(plan, folder)
        command = [sys.executable, "-I", "-S", str(PROBE), str(model.resolve()), name]
        try:
            done = subprocess.run(
                [*command, str(time_limit_seconds + _GRACE_SECONDS), *packages],
                cwd=folder,
                env=_make_environment(),
                stdin=subprocess.DEVNULL,
                timeout=time_limit_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Death(
                f"the fresh process that loads and asks the model was not done after {time_limit_seconds:g} seconds "
                "(serving.time_limit_seconds) and was ended"
            )
        if done.returncode:
            return Death(_describe_end(done.returncode))
        return _read_answers(folder, len(plan.requests))


def _make_environment() -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"
    }  # set by TFX's libraries
    return kept | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}


def _describe_end(code: int) -> str:
    subject = "the fresh process that loads and asks the model"
    if code < 0:
        return f"{subject} was killed by signal {signal.Signals(-code).name} (SIGKILL often means out of memory)"
    return f"{subject} ended with exit code {code} and left no answers; the log of the run tells more"


def _read_answers(folder: pathlib.Path, requests: int) -> Answers:
    outcome = json.loads((folder / probe.OUTCOME_FILE).read_text())
    with np.load(folder / probe.ANSWERS_FILE) as arrays:
        answers = dict(arrays)
    said = {str(position): "not asked" for position in range(requests)} | outcome["errors"] | answers
    return Answers(
        answers=tuple(said[str(position)] for position in range(requests)),
        seconds=tuple(tuple(seconds) for seconds in outcome["seconds"]),
        load_error=outcome["load_error"],
        load_seconds=outcome["load_seconds"],
        peak_memory_bytes=outcome["peak_memory_bytes"],
        tensorflow_version=outcome["tensorflow_version"],
        modules=frozenset(outcome["modules"]),
    )
