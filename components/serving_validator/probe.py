"""The serving process: loads a SavedModel as a server does, sends the planned requests and records the answers.

It runs by its file path (see `process.py`), imports neither this project nor TFX nor tensorflow_transform, and judges
nothing. Arguments: the SavedModel, the folder of the plan and of the outcome, the seconds after which it ends itself,
and the folders that hold numpy and tensorflow.
"""

import functools
import math
import pathlib
import pickle
import re
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

PLAN_FILE = "plan.pickle"
OUTCOME_FILE = "outcome.pickle"

_WARM_UP_REQUESTS = 5  # before each timing
_LONGEST_REASON = 200  # characters
_NOISE = "Graph execution error|Detected at node|<stack traces|$"  # first lines of TensorFlow's messages

Function = Callable[[str, Any], Any]  # from a signature's name and its input to the probabilities


def main(model: str, folder: pathlib.Path) -> None:
    """Sends the requests of a plan and writes the outcome.

    Args:
        model: Folder of the SavedModel.
        folder: Holds the plan; gets the outcome.
    """
    sys.modules["keras"] = None  # type: ignore[assignment]  # a server has none; TensorFlow imports it where it can
    import tensorflow as tf  # only now is it on the path

    plan = pickle.loads((folder / PLAN_FILE).read_bytes())
    requests, arrays, output = plan["requests"], plan["arrays"], plan["output"]
    outcome = {"tensorflow_version": tf.__version__, "answers": [], "seconds": [], "load_error": None}
    began = time.perf_counter()
    try:
        function = _load(tf, model, output)
    except Exception as error:
        outcome["load_error"] = _describe(error)
    else:
        _try(function, arrays, requests[0])
        outcome["load_seconds"] = time.perf_counter() - began
        outcome["answers"] = [_try(function, arrays, each) for each in requests if each["purpose"] != "session"]
        outcome["seconds"] = [_clock(function, arrays, each, plan["timed_requests"]) for each in plan["timings"]]
    outcome["peak_memory_bytes"] = _read_peak_memory()  # before the model is loaded again
    if not outcome["load_error"]:
        in_session = _make_session_function(tf, model, output)
        outcome["answers"] += [_try(in_session, arrays, each) for each in requests if each["purpose"] == "session"]
    (folder / OUTCOME_FILE).write_bytes(pickle.dumps(outcome))


def _load(tf: Any, model: str, output: str) -> Function:
    loaded = tf.saved_model.load(model)

    def call(signature: str, values: Any) -> Any:
        function = loaded.signatures[signature]
        [name] = function.structured_input_signature[1]
        tensor = tf.constant(values, tf.string if values.dtype == object else None)
        return function(**{name: tensor})[output].numpy()

    return call


def _make_session_function(tf: Any, model: str, output: str) -> Function:
    """Loads the model again as TensorFlow Serving does: a graph and its variables without Python objects."""

    @functools.cache
    def load() -> tuple[Any, Any]:
        session = tf.compat.v1.Session(graph=tf.Graph())
        return session, tf.compat.v1.saved_model.load(session, ["serve"], model).signature_def

    def call(signature: str, values: Any) -> Any:
        session, definitions = load()
        [fed] = definitions[signature].inputs.values()
        return session.run(definitions[signature].outputs[output].name, {fed.name: values})

    return call


def _try(function: Function, arrays: dict[str, Any], request: dict[str, Any]) -> Any:
    """Returns the answer, or a description of the error."""
    try:
        return function(request["signature"], arrays[request["source"]][list(request["rows"])])
    except Exception as error:
        return _describe(error)


def _clock(function: Function, arrays: dict[str, Any], timing: dict[str, Any], timed_requests: int) -> list[float]:
    """Returns the seconds of each of some equal requests; none if one fails."""
    seconds = []
    for _ in range(_WARM_UP_REQUESTS + timed_requests):
        began = time.perf_counter()
        if isinstance(_try(function, arrays, timing), str):
            return []
        seconds.append(time.perf_counter() - began)
    return seconds[_WARM_UP_REQUESTS:]


def _describe(error: Exception) -> str:
    """Returns the kind of an error and the first line of its message that says something."""
    lines = [line.strip() for line in str(error).splitlines()]
    reason = next((line for line in lines if not re.match(_NOISE, line)), "")
    return f"{type(error).__name__}: {reason}"[:_LONGEST_REASON]


def _read_peak_memory() -> int:
    """Returns the peak resident memory of this process, bytes."""
    try:
        [peak] = re.findall(r"^VmHWM:\s+(\d+) kB$", pathlib.Path("/proc/self/status").read_text(), re.MULTILINE)
    except (OSError, ValueError):  # only then: on Linux ru_maxrss also counts what the parent held when it forked
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * int(peak)


if __name__ == "__main__":
    _, model_folder, plan_folder, limit_seconds, *packages = sys.argv
    signal.alarm(math.ceil(float(limit_seconds)))  # ends this process even if its parent has been killed
    sys.path += packages
    main(model_folder, pathlib.Path(plan_folder))
