"""The process that runs the DAG: its output goes to a log file, its progress to the process that shows it."""

import contextlib
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

from components.errors import BadDataError, ExitCode, Failure
from components.metadata.snapshot import describe_damage
from components.trainer.progress import LOGGER
from pipeline.config import PipelineConfig
from pipeline.runner.events import (
    Event,
    Notice,
    RunEnded,
    RunFailed,
    StepBegan,
    StepEnded,
    StepsPlanned,
    TrainingProgress,
)

_STEP_BEGAN = "Component %s is running."  # message of LocalDagRunner
_STEP_ENDED = "Component %s is finished."
_STEP_CACHED = "A cached execution %d is used."
_TRACEBACK = "Traceback (most recent call last):"
_FAILED_QUERY = re.compile(r"^Error when executing query: (.*?) query: ", re.DOTALL)  # of ML Metadata, before SQL
_BAD_DATA = re.compile(
    rf"^{re.escape(BadDataError.__module__)}\.{BadDataError.__name__}: (.*?)(?: \[while running .*)?$", re.MULTILINE
)
_FAILED_JOB = re.compile(r"^Pipeline \S+ failed in state \w+: *(.*)")  # of Beam's portable runners
_WORKER_POOL = "which runs the first `python` on its PATH: start it with the environment of this project active"
_RUN_AGAIN = "and run the same command again: it resumes after the last finished step"


def work(config: PipelineConfig, beam_options: tuple[str, ...], log_path: pathlib.Path, connection: Connection) -> None:
    """Runs the DAG and sends events.

    Args:
        config: Of the run.
        beam_options: Of Beam; they override ours.
        log_path: Gets the output of this process, TensorFlow and Beam included.
        connection: Gets Events; when the other end closes, this process ends.
    """
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    observer = RunObserver(connection.send)
    try:
        _redirect_output(log_path)
        _run(config, beam_options, observer)
    except Exception as error:
        logging.exception("The run stopped in step %s.", observer.step)
        cause = find_cause(error, config.metadata_path)
        connection.send(RunFailed(observer.step, describe_cause(cause), classify(cause)))


def _run(config: PipelineConfig, beam_options: tuple[str, ...], observer: "RunObserver") -> None:
    gc.disable()  # searching the imported modules for garbage would take a tenth of the time, and find none
    from absl import logging as absl_logging

    from components.trainer.mlflow_tracker import URI_VARIABLE
    from pipeline.definition import create_pipeline  # takes 20 seconds
    from pipeline.local import run_locally
    from pipeline.target import make_local_target

    gc.freeze()  # later collections leave them alone, too
    gc.enable()

    absl_logging.set_verbosity(absl_logging.INFO)
    log_format = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=log_format, stream=sys.stderr, force=True)  # TFX has set up its own
    for name in ("absl", LOGGER.name):
        logging.getLogger(name).addHandler(observer)
    if config.tracking.mlflow:
        os.environ[URI_VARIABLE] = config.tracking.mlflow
    dag = create_pipeline(config, make_local_target(config, beam_options))
    observer.send(StepsPlanned(tuple(component.id for component in dag.components)))
    run_locally(dag)
    observer.send(RunEnded())


class RunObserver(logging.Handler):
    """Turns log records of LocalDagRunner and of the Trainer into events; an error in here is logged and ends no run.

    Args:
        send: Takes the events.
    """

    def __init__(self, send: Callable[[Event], None]) -> None:
        super().__init__()
        self.send = send
        self.step: str | None = None  # that runs or failed
        self._is_cached = False

    def emit(self, record: logging.LogRecord) -> None:
        """Sends the event of a record, if there is one."""
        try:
            self._observe(record)
        except Exception:
            self.handleError(record)

    def _observe(self, record: logging.LogRecord) -> None:
        argument = next(iter(record.args or ()), None)
        if hasattr(record, "progress"):
            self.send(TrainingProgress(**record.progress))
        elif hasattr(record, "notice"):
            self.send(Notice(record.notice))
        elif record.name == LOGGER.name:
            self.send(Notice(f"Warning: {record.getMessage()}"))
        elif record.msg == _STEP_BEGAN:
            self.step, self._is_cached = str(argument), False
            _release_unused_memory()
            self.send(StepBegan(self.step))
        elif record.msg == _STEP_CACHED:
            self._is_cached = True
        elif record.msg == _STEP_ENDED and self.step:
            step, self.step = self.step, None
            self.send(StepEnded(step, is_cached=self._is_cached))


def _release_unused_memory() -> None:
    """Returns memory of earlier steps from glibc's allocator to the system; other allocators have no such function."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def find_cause(error: Exception, metadata_path: pathlib.Path) -> Exception:
    """Translates an error with a cryptic message into one of ours.

    Args:
        error: Of a step. ML Metadata's message is SQL; a runner quotes the traceback of a Beam worker that found bad
            data in another process.
        metadata_path: The sqlite file of ML Metadata.

    Returns:
        The translation; the error itself if its message is good enough.
    """
    if failed_query := _FAILED_QUERY.match(str(error)):
        reason = failed_query[1].strip()
        if "malformed" in reason or "not a database" in reason:
            return describe_damage(metadata_path, reason)
        return Failure(f"{metadata_path} cannot be written ({reason}); free its disk, end other writers, {_RUN_AGAIN}")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Failure(f"no space left on the disk of {error.filename or 'the run'}; free some, {_RUN_AGAIN}")
    if (failed_job := _FAILED_JOB.match(str(error))) and _TRACEBACK not in str(error):
        reason = f"the Beam job failed without an error of a worker ({failed_job[1].rstrip('. ')})"
        return Failure(f"{reason}; if no worker connected, look at the output of the worker pool, {_WORKER_POOL}")
    found = _BAD_DATA.findall(str(error))
    return BadDataError(found[-1]) if found else error


def classify(error: Exception) -> ExitCode:
    """Returns the exit code of an error."""
    return getattr(error, "exit_code", ExitCode.STEP_FAILED)


def describe_cause(error: Exception) -> str:
    """Returns the first line of an error's message, after the kind of error unless it is ours.

    Of a traceback, which Beam quotes from a worker in another process, it is the last line.
    """
    lines = str(error).strip().splitlines() or [""]
    line = lines[-1 if _TRACEBACK in lines else 0]
    message = line.partition(" [while running ")[0].rstrip(".")  # Beam's
    is_ours = type(error).__module__.partition(".")[0] in ("pipeline", "components")
    return ": ".join(filter(None, ["" if is_ours and message else type(error).__name__, message])) + "."


def _redirect_output(log_path: pathlib.Path) -> None:
    """Sends file descriptors 1 and 2 to the log, so that the output of C++ code lands there too."""
    log_path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with log_path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def _end_with_parent(connection: Connection) -> None:
    try:
        connection.recv()
    except (EOFError, OSError):
        os._exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    given = Connection(int(sys.argv[1]))
    sys.argv, sent_config, sent_options, sent_path = given.recv()  # the report shows the command
    work(sent_config, sent_options, sent_path, given)
