"""The process in which the DAG runs: its chatter goes to a log file, its progress to the process that shows it."""

import ctypes
import errno
import gc
import logging
import os
import pathlib
import re
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from components.errors import BadDataError, ExitCode, Failure
from components.lock import LockedError
from components.metadata.snapshot import describe_damage
from components.report.memory import append_peak, read_peak, reset_peak
from pipeline.config import PipelineConfig
from pipeline.runner.events import (
    Event,
    RunEnded,
    RunFailed,
    StepBegan,
    StepEnded,
    StepsPlanned,
    TrainingProgress,
)

_STEP_BEGAN = "Component %s is running."  # how LocalDagRunner logs it
_STEP_ENDED = "Component %s is finished."
_STEP_LAUNCHED = "Running launcher for %s"  # how TFX's launcher does, with the node
_STEP_CACHED = "A cached execution %d is used."
_TRACEBACK = "Traceback (most recent call last):"
_FAILED_QUERY = re.compile(r"^Error when executing query: (.*?) query: ", re.DOTALL)  # of ML Metadata, before SQL
_BAD_DATA = re.compile(
    rf"^{re.escape(BadDataError.__module__)}\.{BadDataError.__name__}: (.*?)(?: \[while running .*)?$", re.MULTILINE
)


def work(config: PipelineConfig, beam_options: tuple[str, ...], log_path: pathlib.Path, connection: Connection) -> None:
    """Runs the DAG and sends what happens; ends with the process at the other end.

    Args:
        config: Of the run.
        beam_options: Of Beam; they override ours.
        log_path: Gets everything that this process, TensorFlow and Beam write.
        connection: Gets Events; when the other end closes, this process ends.
    """
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    observer = RunObserver(config, connection.send)
    try:
        _redirect_output(log_path)
        _run(config, beam_options, observer)
    except Exception as error:
        logging.exception("The run stopped in step %s.", observer.step)
        cause = find_cause(error, config.metadata_path)
        connection.send(RunFailed(observer.step, describe_cause(cause), classify(cause)))


def _run(config: PipelineConfig, beam_options: tuple[str, ...], observer: "RunObserver") -> None:
    gc.disable()  # searching the imported modules for garbage would take a tenth of the time, and find none
    from pipeline.definition import create_pipeline  # takes 20 seconds
    from pipeline.local import run_locally
    from pipeline.target import make_local_target

    gc.freeze()  # later collections leave them alone, too
    gc.enable()

    _log_to_output()
    for name in ("absl", "tokenlearner.progress"):
        logging.getLogger(name).addHandler(observer)
    dag = create_pipeline(config, make_local_target(config, beam_options))
    observer.send(StepsPlanned(tuple(component.id for component in dag.components)))
    run_locally(dag)
    observer.send(RunEnded())


class RunObserver(logging.Handler):
    """Turns log records of LocalDagRunner and of the Trainer into events.

    A record that cannot be turned into one is no reason to end a run: the first failure is logged, and that is all.

    Args:
        config: Of the run.
        send: Takes the events.
    """

    def __init__(self, config: PipelineConfig, send: Callable[[Event], None]) -> None:
        super().__init__()
        self.send = send
        self.step: str | None = None  # that runs or failed
        self._memory_path = config.memory_path
        self._run_id = ""  # of ML Metadata
        self._is_cached = False
        self._has_failed = False
        self._began_bytes: int | None = None  # resident as the step began; None: unknown, and so is its peak

    def emit(self, record: logging.LogRecord) -> None:
        """Sends an event for a record that tells of one."""
        try:
            self._observe(record)
        except Exception:
            if not self._has_failed:
                self._has_failed = True
                logging.getLogger(__name__).exception("The display of the run's progress failed; the run goes on.")

    def _observe(self, record: logging.LogRecord) -> None:
        if hasattr(record, "progress"):
            self.send(TrainingProgress(**record.progress))
        elif record.msg == _STEP_BEGAN and isinstance(record.args, tuple):
            self.step, self._is_cached = str(record.args[0]), False
            _release_unused()
            self._began_bytes = read_peak() if reset_peak() else None
            self.send(StepBegan(self.step))
        elif record.msg == _STEP_LAUNCHED and isinstance(record.args, tuple):
            self._run_id = _read_run_id(record.args[0])
        elif record.msg == _STEP_CACHED:
            self._is_cached = True
        elif record.msg == _STEP_ENDED and self.step:
            step, self.step = self.step, None
            self.send(StepEnded(step, is_cached=self._is_cached))
            self._record_memory(step)

    def _record_memory(self, step: str) -> None:
        peak = read_peak() if self._began_bytes is not None else None
        if peak is not None:
            append_peak(
                self._memory_path, run_id=self._run_id, step=step, peak_bytes=peak, began_bytes=self._began_bytes
            )


def _read_run_id(node: Any) -> str:
    """Returns the id of the run that a node of TFX's intermediate representation, a PipelineNode, belongs to."""
    contexts = node.contexts.contexts
    run: str = next(each.name.field_value.string_value for each in contexts if each.type.name == "pipeline_run")
    return run


def _release_unused() -> None:
    """Gives back to the system what earlier steps' objects left with glibc's allocator; another one is left alone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def find_cause(error: Exception, metadata_path: pathlib.Path) -> Exception:
    """Returns what stopped a run, as one of our exceptions where the error itself would puzzle a person.

    Args:
        error: Of a step. It may be ML Metadata's, whose message is SQL, or a runner's, which quotes the traceback of
            bad data that a worker of Beam found in another process.
        metadata_path: The sqlite file of ML Metadata.

    Returns:
        The cause; the error itself where it says enough.
    """
    failed_query = _FAILED_QUERY.match(str(error))
    if failed_query and any(word in failed_query[1] for word in ("malformed", "not a database")):
        return describe_damage(metadata_path, failed_query[1].strip())
    if failed_query:
        return Failure(
            f"{metadata_path} could not be written: {failed_query[1].strip()}; make sure that its disk has room and "
            "that no other process holds it, and run the same command again: it goes on from the last finished step"
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Failure(
            f"no space is left on the disk{f' of {error.filename}' if error.filename else ''}; free some, and run the "
            "same command again: it goes on from the last finished step"
        )
    found = _BAD_DATA.findall(str(error))
    return BadDataError(found[-1]) if found else error


def classify(error: Exception) -> ExitCode:
    """Tells whose fault an exception is."""
    if isinstance(error, Failure):
        return error.exit_code
    if isinstance(error, LockedError):
        return ExitCode.USAGE
    return ExitCode.BAD_DATA if isinstance(error, BadDataError) else ExitCode.STEP_FAILED


def describe_cause(error: Exception) -> str:
    """Says in one sentence why a step failed: the message's first line, with the kind of error unless it is ours.

    Of a traceback, by which Beam tells of a worker in another process, it is the last line.
    """
    lines = str(error).strip().splitlines() or [""]
    line = lines[-1 if _TRACEBACK in lines else 0]
    message = line.partition(" [while running ")[0].rstrip(".")  # Beam's
    kind = type(error).__name__
    is_ours = type(error).__module__.partition(".")[0] in ("pipeline", "components")
    return f"{message}." if is_ours and message else f"{kind}: {message}." if message else f"{kind}."


def _redirect_output(log_path: pathlib.Path) -> None:
    """Sends file descriptors 1 and 2 to the log, so that C++ code's output lands there too."""
    log_path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _log_to_output() -> None:
    """Logs everything with its time; after the import of TFX, which sets up logging of its own."""
    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.INFO)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True
    )


def _end_with_parent(connection: Connection) -> None:
    try:
        connection.recv()
    except (EOFError, OSError):
        os._exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    given = Connection(int(sys.argv[1]))
    sys.argv, sent_config, sent_options, sent_path = given.recv()  # the report shows the command
    work(sent_config, sent_options, sent_path, given)
