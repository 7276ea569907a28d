"""What a person sees while the DAG runs, where the screen is no terminal and where it is one."""

import io
import pathlib

import pytest
from rich.console import Console

from components.errors import ExitCode
from pipeline.runner.display import Screen, format_seconds, print_failure
from pipeline.runner.events import RunFailed, StepBegan, StepEnded, StepsPlanned, TrainingProgress

LOG = pathlib.Path("unused.log")


def _console(*, is_terminal: bool = False) -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, width=120, force_terminal=is_terminal), output


def test_each_step_is_a_line_with_its_place_and_outcome() -> None:
    console, output = _console()
    with Screen(console, LOG) as screen:
        screen.show(StepsPlanned(("ExampleGen", "Trainer")))
        for name, is_cached in (("ExampleGen", True), ("Trainer", False)):
            screen.show(StepBegan(name))
            screen.show(StepEnded(name, is_cached=is_cached))
    assert output.getvalue().splitlines() == [
        "▸  1/2 ExampleGen",
        "✓  1/2 ExampleGen cached",
        "▸  2/2 Trainer",
        "✓  2/2 Trainer 0.0 s",
    ]


def test_without_a_terminal_each_epoch_that_ended_is_told_once() -> None:
    console, output = _console()
    with Screen(console, LOG) as screen:
        screen.show(StepsPlanned(("Trainer",)))
        screen.show(StepBegan("Trainer"))
        screen.show(TrainingProgress("trial 1 of 2", 1, 2, False, None, 0.005))
        screen.show(TrainingProgress("trial 1 of 2", 1, 2, True, 0.25, 0.01))
        screen.show(TrainingProgress("trial 1 of 2", 2, 2, True, 0.5, 0.5))
    assert [line.strip() for line in output.getvalue().splitlines()[1:]] == [
        "trial 1 of 2, epoch 1 of 2, valid accuracy 25.0%",
        "trial 1 of 2, epoch 2 of 2, valid accuracy 50.0% about 0 s left",
    ]


def _render(console: Console, screen: Screen) -> str:
    with console.capture() as capture:
        console.print(screen._render())
    return capture.get()


def test_on_a_terminal_the_running_step_shows_trial_epoch_accuracy_and_time_left() -> None:
    console, output = _console(is_terminal=True)
    with Screen(console, LOG) as screen:
        screen.show(StepsPlanned(("Transform", "Trainer")))
        screen.show(StepBegan("Trainer"))
        screen.show(TrainingProgress("trial 3 of 6", 2, 4, False, 0.4321, 0.5))
        shown = _render(console, screen)
    assert "2/2" in shown
    assert "trial 3 of 6, epoch 2 of 4, valid accuracy 43.2%" in shown
    assert "about 0 s left" in shown
    assert output.getvalue()


def test_without_a_terminal_a_line_does_not_break_however_narrow_the_console() -> None:
    output = io.StringIO()
    console = Console(file=output, width=20)
    with Screen(console, LOG) as screen:
        screen.show(StepsPlanned(("Trainer",)))
        screen.show(StepBegan("Trainer"))
        screen._step_began -= 100
        screen.show(TrainingProgress("trial 12 of 72", 1, 2, True, 0.25, 0.5))
        screen.show(StepEnded("Trainer", is_cached=False))
    print_failure(console, RunFailed("Trainer", "a cause of many words " * 3, ExitCode.STEP_FAILED), "logs/a.log")
    assert [line.strip() for line in output.getvalue().splitlines()] == [
        "▸  1/1 Trainer",
        "trial 12 of 72, epoch 1 of 2, valid accuracy 25.0% about 1 min 40 s left",
        "✓  1/1 Trainer 100.0 s",
        f"✗ Step Trainer failed: {'a cause of many words ' * 3}".strip(),
        "Log: logs/a.log",
    ]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_display_that_fails_is_logged_once_and_the_run_goes_on(
    *, is_terminal: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console, _ = _console(is_terminal=is_terminal)
    log = tmp_path / "logs" / "a.log"

    def fail(*_: object, **__: object) -> None:
        raise OSError("the screen is gone")

    with Screen(console, log) as screen:
        monkeypatch.setattr(console, "print", fail)
        monkeypatch.setattr(screen._live, "stop", fail)
        for name in ("ExampleGen", "Trainer"):
            screen.show(StepBegan(name))
            screen.show(StepEnded(name, is_cached=True))
        screen.show(StepBegan("Pusher"))
    assert screen.step == "Pusher"
    told = log.read_text()
    assert told.count("The display of the run's progress failed; the run goes on.") == 1
    assert "OSError: the screen is gone" in told


def test_a_display_that_fails_on_a_full_disk_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    console, _ = _console(is_terminal=True)

    def fail(*_: object, **__: object) -> None:
        raise OSError("the screen is gone")

    with Screen(console, pathlib.Path("/dev/full")) as screen:
        monkeypatch.setattr(screen, "_render", fail)
        assert str(screen._render_safely()) == ""
        monkeypatch.setattr(console, "print", fail)
        screen.show(StepBegan("Trainer"))
        monkeypatch.undo()
    assert screen.step == "Trainer"


def test_a_pipe_that_nobody_reads_ends_the_run(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console, _ = _console()

    def fail(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(console, "print", fail)
    with Screen(console, tmp_path / "a.log") as screen, pytest.raises(BrokenPipeError):
        screen.show(StepBegan("Trainer"))
    assert not (tmp_path / "a.log").exists()


def test_a_failure_names_the_step_the_cause_and_the_log() -> None:
    console, output = _console()
    print_failure(console, RunFailed("DataGate", "3 images [of 5] do not decode.", ExitCode.BAD_DATA), "logs/a.log")
    assert output.getvalue() == "✗ Step DataGate failed: 3 images [of 5] do not decode.\n  Log: logs/a.log\n"


def test_durations_read_like_speech() -> None:
    assert [format_seconds(seconds) for seconds in (0.4, 59.4, 60, 125)] == ["0 s", "59 s", "1 min 00 s", "2 min 05 s"]
