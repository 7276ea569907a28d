"""Runs the DAG in a process of its own and shows it, from the first step to the table at the end."""

import contextlib
import datetime
import multiprocessing
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection

from rich.console import Console

from components.errors import DataFailure, ExitCode, UsageFailure
from components.lock import hold_lock
from components.metadata.run_record import read_run
from pipeline.beam_options import make_beam_pipeline
from pipeline.config import PipelineConfig
from pipeline.docker_daemon import require_docker
from pipeline.rejections import count_rejections
from pipeline.runner import child
from pipeline.runner.display import Screen, print_failure
from pipeline.runner.events import Event, RunEnded, RunFailed
from pipeline.summary import print_run


def run(config: PipelineConfig, console: Console, beam_options: tuple[str, ...] = ()) -> ExitCode:
    """Runs the pipeline to the end.

    Args:
        config: Everything that the run depends on.
        console: Where its progress is shown.
        beam_options: Of Beam; they override ours.

    Returns:
        OK if the model was pushed, NOT_BLESSED by the Evaluator or the ServingValidator, BAD_DATA or STEP_FAILED.

    Raises:
        DataFailure: If there is no dataset where the config says, or the file of ML Metadata is damaged.
        UsageFailure: If the root cannot be written, another process holds ML Metadata, Beam rejects its options, or
            docker is wanted and does not answer.
        LockedError: If another run works in the same root.
    """
    if not (config.data.tfds_dir / "dataset_info.json").is_file():
        raise DataFailure(
            f"data.tfds_dir is {config.data.tfds_dir}, which holds no TFDS dataset (no dataset_info.json); "
            "name a version folder such as data/cifar10/3.0.2, made by `tokenlearner data prepare`."
        )
    if config.serving.docker:
        require_docker()
    if beam_options:
        make_beam_pipeline(beam_options)
    log_path = config.root / "logs" / f"{datetime.datetime.now():%Y-%m-%dT%H-%M-%S}.log"
    with _lock(config.root):
        count_rejections(
            config.metadata_path
        )  # which reads ML Metadata: a damaged file stops the run before TFX starts
        begun = f"[dim]Pipeline {config.name} in {config.root}, log in {log_path}[/]"
        console.print(begun, highlight=False, soft_wrap=True)
        with Screen(console, log_path) as screen:
            last = _follow(config, beam_options, log_path, screen)
    if isinstance(last, RunFailed):
        print_failure(Console(stderr=True), last, str(log_path))
        return last.exit_code
    ended = read_run(config.root)
    print_run(console, ended)
    return ExitCode.OK if ended.pushed_version else ExitCode.NOT_BLESSED


def _follow(config: PipelineConfig, beam_options: tuple[str, ...], log_path: pathlib.Path, screen: Screen) -> Event:
    """Starts the run, shows its events and returns the one that ends it."""
    ours, theirs = multiprocessing.Pipe()
    # In a session of its own: Ctrl-C reaches this process alone, which then ends the other one.
    process = subprocess.Popen(
        [sys.executable, "-m", child.__name__, str(theirs.fileno())],
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    try:
        theirs.close()
        ours.send((sys.argv, config, beam_options, log_path))
        last: Event | None = None
        for event in _receive(ours):
            screen.show(event)
            last = event
        process.wait()
    finally:
        process.kill()
        process.wait()
    return last if isinstance(last, RunEnded | RunFailed) else RunFailed(*_describe_death(process, screen))


def _receive(connection: Connection) -> Iterator[Event]:
    try:
        while True:
            yield connection.recv()
    except (EOFError, OSError):  # the other end closed, or was killed in the middle of a message
        return


def _describe_death(process: "subprocess.Popen[bytes]", screen: Screen) -> tuple[str | None, str, ExitCode]:
    code = process.returncode
    if code < 0:
        cause = f"its process was killed by signal {signal.Signals(-code).name} (SIGKILL often means out of memory)."
    else:
        cause = f"its process ended with exit code {code} and said nothing."
    return screen.step, cause, ExitCode.STEP_FAILED


@contextlib.contextmanager
def _lock(root: pathlib.Path) -> Iterator[None]:
    """Holds the root for this run."""
    busy = f"another run works in {root}; wait for it, or name another folder with --root."
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(root / ".lock", busy))
        except OSError as error:
            raise UsageFailure(f"root is {root}: {error.strerror}; name a folder that you may write to.") from None
        yield
