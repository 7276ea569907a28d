"""The display of a run in progress."""

import contextlib
import datetime
import pathlib
import traceback
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from pipeline.runner.events import Event, Notice, RunFailed, StepBegan, StepEnded, StepsPlanned, TrainingProgress


class _Bar(Progress):
    """The bar of the running step, and below it where its training is."""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        yield from (Text(task.fields["training"]) for task in self.tasks if task.fields["training"])


class Screen:
    """Shows a run: a line for each finished step, and on a terminal a progress bar for the running one.

    Elsewhere (a pipe, CI) the start of a step and the end of an epoch are lines of any length. An error of the display
    is logged once and does not end the run, except for a closed pipe.

    Args:
        console: Where to.
        log_path: Gets the traceback of the first error.
        is_verbose: Whether the seconds of each step are shown.
    """

    def __init__(self, console: Console, log_path: pathlib.Path, *, is_verbose: bool = False) -> None:
        self.step: str | None = None
        self._console = console
        self._log_path = log_path
        self._is_verbose = is_verbose
        self._has_failed = False
        self._names: tuple[str, ...] = ()
        columns = (
            TextColumn("[cyan]▸[/] {task.description}"),
            BarColumn(24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._progress = _Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("starting TFX", total=1.0, left="", training="")

    def __enter__(self) -> "Screen":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Shows an event of the run."""
        try:
            self._show(event)
        except BrokenPipeError:
            raise
        except Exception:
            if not self._has_failed:
                with contextlib.suppress(OSError), self._log_path.open("a") as log:  # the disk may be full, too
                    log.write(f"The display of the progress failed; the run continues.\n{traceback.format_exc()}")
            self._has_failed = True

    def _show(self, event: Event) -> None:
        if isinstance(event, StepsPlanned):
            self._names = event.names
        elif isinstance(event, StepBegan):
            self.step = event.name
            self._progress.reset(self._task, description=self._label(event.name), left="", training="")
            if not self._console.is_terminal:
                self._print(f"▸ {self._label(event.name)}")
        elif isinstance(event, StepEnded):
            self.step = None
            outcome = "cached" if event.is_cached else f"{self._elapsed():.1f} s" if self._is_verbose else ""
            self._print(f"[green]✓[/] {self._label(event.name)} [dim]{outcome}[/]")
        elif isinstance(event, TrainingProgress):
            self._show_training(event)
        elif isinstance(event, Notice):
            self._print(f"  {escape(event.text)}")

    def _show_training(self, event: TrainingProgress) -> None:
        parts = [event.phase, f"epoch {event.epoch}/{event.epochs}"]
        if event.best:
            parts.append(f"best so far {event.best[1]} {100 * event.best[0]:.1f}%")
        elif event.valid_accuracy is not None:
            parts.append(f"valid accuracy {100 * event.valid_accuracy:.1f}%")
        epoch = " · ".join(parts)
        left = (
            "" if event.seconds_left is None else f"about {datetime.timedelta(seconds=round(event.seconds_left))} left"
        )
        self._progress.update(self._task, completed=event.share, training=epoch, left=left)
        if event.epoch_has_ended and not self._console.is_terminal:
            self._print(f"  {epoch} [dim]{left}[/]")

    def _label(self, name: str) -> str:
        position = self._names.index(name) + 1 if name in self._names else 0
        return f"[dim]{position:>2}/{len(self._names)}[/] {name}"

    def _elapsed(self) -> float:
        return self._progress.tasks[0].elapsed or 0.0

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=not self._console.is_terminal)


def print_failure(console: Console, failure: RunFailed, log_path: pathlib.Path) -> None:
    """Prints the step that failed, the cause, and the path of the log."""
    where = f"Step {failure.step} failed" if failure.step else "The run failed before its first step"
    console.print(f"[red]✗ {where}:[/] ", end="", soft_wrap=True)
    console.print(f"{failure.cause}\n  Log: {log_path}", markup=False, highlight=False, soft_wrap=True)
