"""Runs the DAG in a process of its own and shows it, from the first step to the table at the end."""

import contextlib
import datetime
import importlib.util
import multiprocessing
import pathlib
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection

from rich.console import Console

from components.errors import ExitCode, UsageFailure
from components.lock import hold_lock
from components.metadata.run_record import read_run
from pipeline.beam_options import make_beam_pipeline
from pipeline.config import PROFILES, PipelineConfig
from pipeline.rejections import count_rejections
from pipeline.runner import child
from pipeline.runner.display import Screen, print_failure
from pipeline.runner.events import Event, RunEnded, RunFailed
from pipeline.summary import print_run


def run(
    config: PipelineConfig, console: Console, beam_options: tuple[str, ...] = (), *, is_verbose: bool = False
) -> ExitCode:
    """Runs the pipeline to the end.

    Args:
        config: Everything that the run depends on.
        console: Shows the progress.
        beam_options: Of Beam; they override ours.
        is_verbose: Whether the seconds of each step are shown.

    Returns:
        OK if the model was pushed, NOT_BLESSED if not, or the exit code of the step that failed.

    Raises:
        DataFailure: The dataset is missing, or the file of ML Metadata is damaged.
        UsageFailure: The root cannot be written or another run holds it, another process holds ML Metadata, Beam
            rejects its options, or a package for tracking is missing.
    """
    _check_dependencies(config, beam_options)
    log_path = config.root / "logs" / f"{datetime.datetime.now():%Y-%m-%dT%H-%M-%S}.log"
    busy = f"another run works in {config.root}; wait for it, or name another folder with --root."
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(config.root / ".lock", busy))
        except OSError as error:
            raise UsageFailure(
                f"--root is {config.root}: {error.strerror}; name a folder that you may write to."
            ) from None
        count_rejections(config.metadata_path)  # a damaged file of ML Metadata stops the run before TFX starts
        begun = f"[dim]Pipeline {config.name} in {config.root}, log in {log_path}[/]"
        console.print(begun, highlight=False, soft_wrap=True)
        last = _follow(
            config, beam_options, log_path, stack.enter_context(Screen(console, log_path, is_verbose=is_verbose))
        )
    if isinstance(last, RunFailed):
        print_failure(Console(stderr=True), last, log_path)
        return last.exit_code
    ended = read_run(config.root)
    print_run(console, ended, options=_name_root(config))
    return ExitCode.OK if ended.pushed_version else ExitCode.NOT_BLESSED


def _name_root(config: PipelineConfig) -> str:
    """Returns the options by which other commands find the root of a run."""
    profile = next((name for name, each in PROFILES.items() if each.root == config.root), None)
    if profile is None:
        return f"--root {shlex.quote(str(config.root))}"
    return "" if profile == "quick" else f"--profile {profile}"


def _check_dependencies(config: PipelineConfig, beam_options: tuple[str, ...]) -> None:
    """Checks the dataset, the packages and Beam's options before anything is written."""
    config.check_dataset()
    config.find_initial_model()
    if config.tracking.mlflow and importlib.util.find_spec("mlflow") is None:
        raise UsageFailure(
            "--tracking.mlflow needs the package mlflow-skinny; `pip install '.[mlflow]'` in the project's folder "
            "installs it."
        )
    if beam_options:
        make_beam_pipeline(beam_options)


def _follow(config: PipelineConfig, beam_options: tuple[str, ...], log_path: pathlib.Path, screen: Screen) -> Event:
    """Starts the run, shows its events and returns the last one."""
    ours, theirs = multiprocessing.Pipe()
    # In a session of its own: Ctrl-C reaches this process alone, which then ends the other one.
    process = subprocess.Popen(
        [sys.executable, "-m", child.__name__, str(theirs.fileno())],
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    last = None
    try:
        theirs.close()
        ours.send((sys.argv, config, beam_options, log_path))
        for last in _receive(ours):
            screen.show(last)
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    if isinstance(last, RunEnded | RunFailed):
        return last
    killed = (
        f"was killed by signal {signal.Signals(-code).name} (SIGKILL often means out of memory)" if code < 0 else ""
    )
    cause = f"its process {killed or f'ended with exit code {code} and no message'}."
    return RunFailed(screen.step, cause, ExitCode.STEP_FAILED)


def _receive(connection: Connection) -> Iterator[Event]:
    try:
        while True:
            yield connection.recv()
    except (EOFError, OSError):  # the other end closed, or was killed in the middle of a message
        return
