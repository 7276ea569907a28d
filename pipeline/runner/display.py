"""What a person sees while the DAG runs."""

import contextlib
import pathlib
import time
import traceback
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.runner.events import Event, RunFailed, StepBegan, StepEnded, StepsPlanned, TrainingProgress

_MIN_SHARE_FOR_ETA = 0.02  # of the Trainer; below it the estimate is worth nothing


class Screen:
    """Shows a run: steps that ended stay as lines, below them what goes on now.

    On a terminal the last lines are redrawn; elsewhere (a pipe, CI) each fact is printed once, in a line of any length.
    Whatever fails in here is logged once and ends no run, but for a pipe that nobody reads any more.

    Args:
        console: Where to.
        log_path: Gets the traceback of the first failure.
    """

    def __init__(self, console: Console, log_path: pathlib.Path) -> None:
        self.console = console
        self._log_path = log_path
        self._has_failed = False
        self._names: tuple[str, ...] = ()
        self.step: str | None = None
        self._began = self._step_began = time.monotonic()
        self._training: TrainingProgress | None = None
        self._live = Live(console=console, get_renderable=self._render_safely, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Screen":
        if self.console.is_terminal:
            with self._log_failure():
                self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            with self._log_failure():
                self._live.stop()

    def show(self, event: Event) -> None:
        """Shows an event of the run."""
        with self._log_failure(BrokenPipeError):
            self._show(event)

    @contextlib.contextmanager
    def _log_failure(self, *raised: type[Exception]) -> Iterator[None]:
        """Logs what fails in the block, the first time, and goes on, but for the exceptions that shall be raised."""
        try:
            yield
        except raised:
            raise
        except Exception:
            self._log_traceback()

    def _log_traceback(self) -> None:
        if self._has_failed:
            return
        self._has_failed = True
        with contextlib.suppress(OSError):  # a disk without room may be why the display failed
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            with self._log_path.open("a") as log:
                log.write(f"The display of the run's progress failed; the run goes on.\n{traceback.format_exc()}")

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=not self.console.is_terminal)

    def _show(self, event: Event) -> None:
        if isinstance(event, StepsPlanned):
            self._names = event.names
        elif isinstance(event, StepBegan):
            self.step, self._step_began, self._training = event.name, time.monotonic(), None
            if not self.console.is_terminal:
                self._print(f"▸ {self._position(event.name)} {event.name}")
        elif isinstance(event, StepEnded):
            seconds = time.monotonic() - self._step_began
            outcome = "cached" if event.is_cached else f"{seconds:.1f} s"
            self.step = None
            self._print(f"[green]✓[/] {self._position(event.name)} {event.name} [dim]{outcome}[/]")
        elif isinstance(event, TrainingProgress):
            self._show_training(event)

    def _show_training(self, event: TrainingProgress) -> None:
        self._training = event
        if event.epoch_has_ended and not self.console.is_terminal:
            self._print(f"  {self._describe_training(event)} [dim]{self._eta()}[/]")

    @staticmethod
    def _describe_training(training: TrainingProgress) -> str:
        accuracy = "" if training.valid_accuracy is None else f", valid accuracy {training.valid_accuracy:.1%}"
        return f"{training.phase}, epoch {training.epoch} of {training.epochs}{accuracy}"

    def _position(self, name: str) -> str:
        position = self._names.index(name) + 1 if name in self._names else 0
        return f"[dim]{position:>2}/{len(self._names)}[/]"

    def _eta(self) -> str:
        if self._training is None or self._training.share < _MIN_SHARE_FOR_ETA:
            return ""
        seconds = time.monotonic() - self._step_began
        return f"about {format_seconds(seconds / self._training.share - seconds)} left"

    def _render_safely(self) -> RenderableType:
        with self._log_failure():
            return self._render()
        return Text("")

    def _render(self) -> RenderableType:
        total = format_seconds(time.monotonic() - self._began)
        if self.step is None:
            return Text(f"  starting TFX … {total}" if not self._names else f"  {total}", style="dim")
        elapsed = format_seconds(time.monotonic() - self._step_began)
        line = Text.from_markup(f"[cyan]▸[/] {self._position(self.step)} {self.step} [dim]{elapsed} of {total}[/]")
        if self._training is None:
            return line
        bar = ProgressBar(total=1.0, completed=self._training.share, width=24)
        grid = Table.grid(padding=(0, 1))
        grid.add_row(f"  {self._describe_training(self._training)}", bar, Text(self._eta(), style="dim"))
        return Group(line, grid)


def format_seconds(seconds: float) -> str:
    """Formats a duration such as "8 s" or "2 min 05 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def print_failure(console: Console, failure: RunFailed, log_path: str) -> None:
    """Prints which step failed, why, and where the log is."""
    where = f"Step {failure.step} failed" if failure.step else "The run failed before its first step"
    console.print(f"[red]✗ {where}:[/] ", end="", soft_wrap=True)
    console.print(failure.cause, markup=False, highlight=False, soft_wrap=True)
    console.print(f"  Log: {log_path}", markup=False, highlight=False, soft_wrap=True)
