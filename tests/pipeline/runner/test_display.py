"""The display of a run in progress, on a terminal and elsewhere."""

import io
import pathlib
import re

import pytest
from rich.console import Console

from components.errors import ExitCode
from pipeline.runner.display import Screen, print_failure
from pipeline.runner.events import Notice, RunFailed, StepBegan, StepEnded, StepsPlanned, TrainingProgress

LOG = pathlib.Path("logs/a.log")


def test_elsewhere_steps_and_epochs_are_lines_that_do_not_wrap() -> None:
    console = Console(file=io.StringIO(), width=20)
    with Screen(console, LOG, is_verbose=True) as screen, console.capture() as shown:
        screen.show(StepsPlanned(("ExampleGen", "Trainer")))
        screen.show(StepBegan("ExampleGen"))
        screen.show(StepEnded("ExampleGen", is_cached=True))
        screen.show(StepBegan("Trainer"))
        screen.show(Notice("Resuming: 22 of 34 trainings found"))
        screen._progress.tasks[0].start_time -= 100  # type: ignore[operator]
        screen.show(TrainingProgress("candidate 12/72", 1, 2, False, None, 0.25, None))
        screen.show(TrainingProgress("candidate 12/72", 1, 2, True, 0.25, 0.5, 99.6))
        screen.show(Notice("a server [Errno 111]"))
        screen.show(StepEnded("Trainer", is_cached=False))
        cause = "a cause [of many words] " * 3 + "."
        print_failure(console, RunFailed("DataGate", cause, ExitCode.STEP_FAILED), LOG)
    assert shown.get().splitlines() == [
        "▸  1/2 ExampleGen",
        "✓  1/2 ExampleGen cached",
        "▸  2/2 Trainer",
        "  Resuming: 22 of 34 trainings found",
        "  candidate 12/72 · epoch 1/2 · valid accuracy 25.0% about 0:01:40 left",
        "  a server [Errno 111]",
        "✓  2/2 Trainer 100.0 s",
        f"✗ Step DataGate failed: {cause}",
        "  Log: logs/a.log",
    ]


def test_on_a_terminal_a_bar_shows_the_running_step_with_rung_candidate_epoch_and_best() -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with Screen(console, LOG) as screen, console.capture() as capture:
        screen.show(StepsPlanned(("Transform", "Trainer")))
        screen.show(StepBegan("Trainer"))
        screen.show(TrainingProgress("rung 2/3 · candidate 7/21", 2, 3, False, 0.4, 0.5, 61.0, (0.409, "a-4@1")))
        console.print(screen._progress.get_renderable())
        screen.show(StepEnded("Trainer", is_cached=False))
    shown = re.sub(r"\x1b\[[\d;]*m", "", capture.get())
    assert "Trainer ━" in shown
    assert "rung 2/3 · candidate 7/21 · epoch 2/3 · best so far a-4@1 40.9%" in shown
    assert "about 0:01:01 left" in shown
    assert "✓" in shown


def _fail(*_: object, **__: object) -> None:
    raise OSError("the screen is gone")


@pytest.mark.parametrize("name", ["a.log", "/dev/full"])
def test_an_error_of_the_display_is_logged_once_and_the_run_continues(
    name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=io.StringIO())
    with Screen(console, tmp_path / name) as screen:
        monkeypatch.setattr(console, "print", _fail)
        for step in ("ExampleGen", "Trainer", "Pusher"):
            screen.show(StepBegan(step))
    assert screen.step == "Pusher"
    if name == "a.log":
        assert (tmp_path / name).read_text().count("The display of the progress failed; the run continues.") == 1


def test_a_closed_pipe_ends_the_run(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BrokenPipeError

    console = Console(file=io.StringIO())
    monkeypatch.setattr(console, "print", fail)
    with Screen(console, tmp_path / "a.log") as screen, pytest.raises(BrokenPipeError):
        screen.show(StepBegan("Trainer"))
    assert not (tmp_path / "a.log").exists()
