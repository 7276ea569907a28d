"""Starts the serving process and reads its outcome.

Axes: batch, classes.
"""

import dataclasses
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf

from components import signatures
from components.serving_validator import probe
from components.serving_validator.requests import Plan

PROBE = pathlib.Path(probe.__file__)
_GRACE_SECONDS = 5  # after the time limit the process ends itself, should this one be gone


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """The answers and measurements of the serving process."""

    answers: list[np.ndarray | str]  # to each request: [batch, classes], or the error; empty if loading failed
    seconds: list[list[float]]  # of each request of each timing; empty if one failed
    load_error: str | None
    load_seconds: float | None = None  # including a first request
    peak_memory_bytes: int
    tensorflow_version: str


def serve(model: pathlib.Path, plan: Plan, time_limit_seconds: float) -> Outcome | str:
    """Lets a fresh process load a model and answer requests.

    The process sees no module of this project, however that is installed: isolated (-I) it ignores environment
    variables and the folder of its script, without site (-S) also .pth files, and its path gets nothing but the
    standard library and the folders that numpy and tensorflow are imported from here. It computes on the CPU, since
    a training on an accelerator may hold all of its memory. It prints where this process prints.

    Args:
        model: Folder of the SavedModel.
        plan: The requests.
        time_limit_seconds: After which the process is killed.

    Returns:
        The outcome, or why there is none.
    """
    packages = dict.fromkeys(str(pathlib.Path(file).parents[1]) for file in (np.__file__, tf.__file__))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        content = {**dataclasses.asdict(plan), "output": signatures.PROBABILITIES}
        (folder / probe.PLAN_FILE).write_bytes(pickle.dumps(content))
        command = [sys.executable, "-I", "-S", str(PROBE), str(model.resolve()), name]
        try:
            code = subprocess.run(
                [*command, str(time_limit_seconds + _GRACE_SECONDS), *packages],
                cwd=folder,
                env=_make_environment(),
                stdin=subprocess.DEVNULL,
                timeout=time_limit_seconds,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return f"the serving process exceeded {time_limit_seconds:g} seconds (--serving.time-limit-seconds)"
        if code < 0:
            killer = signal.Signals(-code).name
            return f"the serving process was killed by signal {killer} (SIGKILL often means out of memory)"
        if code:
            return f"the serving process ended with exit code {code} and no answers; see the log of the run"
        return Outcome(**pickle.loads((folder / probe.OUTCOME_FILE).read_bytes()))


def _make_environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}  # TFX's libraries
    return inherited | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
