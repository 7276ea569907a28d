"""What is told of a training while it goes on."""

import logging
import types
from typing import Any

import pytest

from components.trainer import progress
from components.trainer.progress import EpochReporter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> types.SimpleNamespace:
    """A clock that the test sets; the log is listened to."""
    clock = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    caplog.set_level(logging.INFO, logger=progress.LOGGER.name)
    return clock


@pytest.fixture
def reporter() -> EpochReporter:
    """The second of three trainings of two epochs each."""
    return EpochReporter("trial 2 of 3", epochs=2, epochs_before=2, epochs_in_step=6)


def read_reports(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Returns what was reported."""
    return [vars(record)["progress"] for record in caplog.records]


def test_the_share_of_the_whole_step_grows_with_batches_and_epochs(
    reporter: EpochReporter, clock: types.SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    reporter.set_params({"steps": 4, "epochs": 2})
    for epoch, accuracy in enumerate((0.25, 0.5)):
        reporter.on_epoch_begin(epoch)
        for batch in range(4):
            clock.now += 1
            reporter.on_train_batch_end(batch)
        reporter.on_epoch_end(epoch, {"val_accuracy": accuracy})
    reports = read_reports(caplog)
    assert [report["share"] * 6 for report in reports] == pytest.approx([2.25, 2.5, 2.75, 3, 3, 3.25, 3.5, 3.75, 4, 4])
    assert [report["epoch"] for report in reports] == [1] * 5 + [2] * 5
    assert [report["valid_accuracy"] for report in reports] == [None] * 4 + [0.25] * 5 + [0.5]
    assert {(report["phase"], report["epochs"]) for report in reports} == {("trial 2 of 3", 2)}
    assert caplog.messages[0] == "trial 2 of 3, epoch 1 of 2"


def test_batches_are_reported_twice_a_second_at_most(
    reporter: EpochReporter, clock: types.SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    reporter.set_params({"steps": 10, "epochs": 2})
    for batch in range(10):
        clock.now += 0.2
        reporter.on_train_batch_end(batch)
    assert [report["share"] * 6 for report in read_reports(caplog)] == pytest.approx([2.1, 2.4, 2.7, 3.0])


def test_an_epoch_of_unknown_length_counts_when_it_ends(
    reporter: EpochReporter, clock: types.SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    reporter.set_params({"steps": None, "epochs": 2})
    clock.now += 1
    reporter.on_train_batch_end(0)
    reporter.on_epoch_end(0, {"val_accuracy": 0.5})
    assert [report["share"] * 6 for report in read_reports(caplog)] == pytest.approx([2, 3])
