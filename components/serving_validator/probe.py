"""The fresh process: loads a SavedModel as a server does, asks it what a plan says and writes down what it answers.

It runs by its file path (see `process.py`) and imports neither this project nor TFX nor tensorflow_transform; it judges
nothing. Arguments: the SavedModel, the folder of the plan and of the answers, the seconds after which it ends itself,
and the folders that hold numpy and tensorflow.
"""

import json
import math
import pathlib
import re
import resource
import signal
import sys
import time
from typing import Any

PLAN_FILE = "plan.json"
RECORDS_FILE = "records.tfrecord"
ARRAYS_FILE = "arrays.npz"
ANSWERS_FILE = "answers.npz"
OUTCOME_FILE = "outcome.json"
RECORDS = "records"  # the source that is no array

_WARM_UP_REQUESTS = 5  # before each timing
_STATUS = pathlib.Path("/proc/self/status")
_LONGEST_REASON = 200  # characters
_SAYS_NOTHING = "Graph execution error|Detected at node|<stack traces"


def main(model: str, folder: pathlib.Path) -> None:
    """Asks and writes down; `outcome.json` comes last.

    Args:
        model: Folder of the SavedModel.
        folder: Of the plan; the answers are put there, too.
    """
    sys.modules["keras"] = None  # type: ignore[assignment]  # no server has it, and TensorFlow imports it where it can
    import numpy as np  # only now are they on the path
    import tensorflow as tf

    plan = json.loads((folder / PLAN_FILE).read_text())
    asker = _Asker(np, tf, folder, plan["output"])
    load_error = load_seconds = None
    try:
        load_seconds = asker.load(model, plan["requests"][0])
    except Exception as error:
        load_error = _describe(error)
    requests, timings = ([], []) if load_error else (plan["requests"], plan["timings"])
    answers = [asker.try_to_ask(request) for request in requests if not request["in_session"]]
    seconds = [asker.clock(timing) for timing in timings]
    peak_memory_bytes = _read_peak_memory()  # before the model is loaded a second time
    answers += _ask_in_session(asker, tf, model, [request for request in requests if request["in_session"]])
    outcome = {
        "tensorflow_version": tf.__version__,
        "load_error": load_error,
        "load_seconds": load_seconds,
        "errors": {position: answer for position, answer in enumerate(answers) if isinstance(answer, str)},
        "seconds": seconds,
        "peak_memory_bytes": peak_memory_bytes,
        "modules": sorted({name.partition(".")[0] for name, module in sys.modules.items() if module}),
    }
    arrays = {str(position): answer for position, answer in enumerate(answers) if not isinstance(answer, str)}
    np.savez(folder / ANSWERS_FILE, **arrays)
    (folder / OUTCOME_FILE).write_text(json.dumps(outcome))


class _Asker:
    """A model and what it can be asked.

    Args:
        np: numpy.
        tf: tensorflow.
        folder: Of the plan.
        output: The name of the answer in what a signature returns.
    """

    def __init__(self, np: Any, tf: Any, folder: pathlib.Path, output: str) -> None:
        self._tf = tf
        self.output = output
        with np.load(folder / ARRAYS_FILE) as arrays:
            self.sources = dict(arrays)
        records = list(tf.data.TFRecordDataset(str(folder / RECORDS_FILE)).as_numpy_iterator())
        self.sources[RECORDS] = np.array(records, dtype=object)

    def load(self, model: str, request: dict[str, Any]) -> float:
        """Loads the model and makes a first request, whose answer does not count; returns the seconds of both."""
        began = time.perf_counter()
        self._model = self._tf.saved_model.load(model)
        self.try_to_ask(request)
        return time.perf_counter() - began

    def ask(self, request: dict[str, Any]) -> Any:
        """Returns what a signature answers to some rows of a source."""
        answer = self._run(request["signature"], self.sources[request["source"]][request["rows"]])
        if answer.dtype == object:
            raise TypeError(f"{self.output} holds texts instead of numbers")
        return answer

    def _run(self, signature: str, values: Any) -> Any:
        tensor = self._tf.constant(values, self._tf.string if values.dtype == object else None)
        function = self._model.signatures[signature]
        [name] = function.structured_input_signature[1]
        return function(**{name: tensor})[self.output].numpy()

    def try_to_ask(self, request: dict[str, Any]) -> Any:
        """Returns the answer, or the error in words."""
        try:
            return self.ask(request)
        except Exception as error:
            return _describe(error)

    def clock(self, timing: dict[str, Any]) -> list[float]:
        """Returns the seconds of each of some equal requests; none if they are not answered."""
        seconds = []
        try:
            for _ in range(_WARM_UP_REQUESTS + timing["requests"]):
                began = time.perf_counter()
                self.ask(timing)
                seconds.append(time.perf_counter() - began)
        except Exception:  # the requests that count have told
            return []
        return seconds[_WARM_UP_REQUESTS:]


class _SessionAsker(_Asker):
    """The model once more, loaded as TensorFlow Serving loads it: a graph and its variables, and no objects.

    Args:
        asker: Whose sources and output it takes over.
        tf: tensorflow.
        model: Folder of the SavedModel.
    """

    def __init__(self, asker: _Asker, tf: Any, model: str) -> None:
        self.sources, self.output = asker.sources, asker.output
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        self._signatures = tf.compat.v1.saved_model.load(self._session, ["serve"], model).signature_def

    def _run(self, signature: str, values: Any) -> Any:
        definition = self._signatures[signature]
        [fed] = definition.inputs.values()
        return self._session.run(definition.outputs[self.output].name, {fed.name: values})


def _ask_in_session(asker: _Asker, tf: Any, model: str, requests: list[dict[str, Any]]) -> list[Any]:
    """Returns the answers, or for each the error in words."""
    try:
        session = _SessionAsker(asker, tf, model)
    except Exception as error:
        return [_describe(error)] * len(requests)
    return [session.try_to_ask(request) for request in requests]


def _describe(error: Exception) -> str:
    """Says in a line what happened; TensorFlow begins with lines that say nothing."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not re.match(_SAYS_NOTHING, line)]
    return f"{type(error).__name__}: {next(iter(telling), '')}"[:_LONGEST_REASON]


def _read_peak_memory() -> int:
    """Returns the most resident memory of this process, bytes."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        found = None
    # Only where the kernel has no VmHWM: on Linux ru_maxrss also counts what the parent held when it forked.
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    _, model_folder, plan_folder, limit_seconds, *packages = sys.argv
    signal.alarm(math.ceil(float(limit_seconds)))  # also when who started it has been killed
    sys.path += packages
    main(model_folder, pathlib.Path(plan_folder))
