"""What a person sees while data is prepared: one style of progress bar, and none of TensorFlow's chatter."""

import collections.abc
import contextlib
import io
import os
import typing
import warnings

import rich.console
import rich.progress

from pipeline.quiet import mute_stderr


def open_display() -> rich.progress.Progress:
    """Makes the display that all steps of a preparation share.

    Returns:
        A progress display on stderr, to be entered; each step adds its own bar.
    """
    return rich.progress.Progress(
        rich.progress.SpinnerColumn(),
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeElapsedColumn(),
        rich.progress.TextColumn("left"),
        rich.progress.TimeRemainingColumn(),
        console=rich.console.Console(stderr=True),
    )


def say(sentence: str) -> None:
    """Prints a sentence to stderr.

    Args:
        sentence: What to print, taken literally.
    """
    rich.console.Console(stderr=True).print(sentence, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def quiet_tensorflow(progress: rich.progress.Progress) -> collections.abc.Iterator[None]:
    """Imports TensorFlow and TFDS, and keeps their log lines, prints and bars off the screen.

    Args:
        progress: Display for the bar.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, when TensorFlow's library loads
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.")
        task = progress.add_task("Starting TensorFlow", total=None)
        with mute_stderr() as shown, _write_to(shown, progress.console):
            import tensorflow  # noqa: F401
            import tensorflow_datasets as tfds
        tfds.disable_progress_bar()
        progress.update(task, total=1, completed=1)
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS prints where it writes to
            yield


@contextlib.contextmanager
def _write_to(file: typing.TextIO, console: rich.console.Console) -> collections.abc.Iterator[None]:
    before, console.file = console.file, file
    try:
        yield
    finally:
        console.file = before
