"""The progress reports of a training."""

import types

import pytest
from trainings import TRAINING, listening

from components.artifacts.epoch import Epoch
from components.trainer import progress
from components.trainer.progress import EpochReporter, Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    clock = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def make_epoch(number: int, seconds: float, accuracy: float = 0.5) -> Epoch:
    return Epoch(
        epoch=number, train_loss=1.0, train_accuracy=0.5, valid_loss=1.0, valid_accuracy=accuracy, seconds=seconds
    )


def test_the_share_of_the_whole_step_grows_with_batches_and_epochs_reported_twice_a_second_at_most(
    clock: types.SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """The second of three trainings of two epochs each; the batches of its second epoch are faster."""
    whole = Progress()
    whole.planned_work, whole.done_work = 60, 20
    reporter = EpochReporter(whole, "candidate 2/3", TRAINING, epochs=2)
    with listening() as reports:
        for epoch, (accuracy, seconds) in enumerate(((0.25, 1.0), (0.5, 0.3))):
            for batch in range(4):
                clock.now += seconds
                reporter.report_step(epoch, (batch + 1) / 4)
            reporter.report_epochs([make_epoch(epoch + 1, 4 * seconds, accuracy)])
    assert [report["share"] * 6 for report in reports] == pytest.approx([2.25, 2.5, 2.75, 3, 3, 3.5, 4, 4])
    assert [report["epoch"] for report in reports] == [1] * 5 + [2] * 3
    assert [report["valid_accuracy"] for report in reports] == [None] * 4 + [0.25] * 3 + [0.5]
    assert [report["epoch_has_ended"] for report in reports] == [False] * 4 + [True, False, False, True]
    assert {(report["phase"], report["epochs"]) for report in reports} == {("candidate 2/3", 2)}
    assert [report["seconds_left"] for report in reports][:5] == [None] * 4 + [pytest.approx(3 * 4.0)]
    assert caplog.messages[0] == "candidate 2/3 · epoch 1/2"


def test_the_time_left_counts_compute_and_new_networks(clock: types.SimpleNamespace) -> None:
    """A point of 10 units is 5 seconds, half a second a unit; each network takes 3 seconds before its first epoch."""
    whole = Progress()
    whole.planned_work, whole.planned_networks = 100, 4
    assert whole.estimate_seconds(0) is None
    clock.now += 3 + 5
    whole.add_epochs("a", 10, 5.0)
    assert whole.estimate_seconds(10) == pytest.approx(90 / 2 + 3 * 3)
    whole.done_work = 50  # most of it by an earlier process
    clock.now += 3 + 10
    whole.add_epochs("b", 20, 10.0)
    assert whole.estimate_seconds(20) == pytest.approx(30 / 2 + 2 * 3)
    assert whole.estimate_share(20) == pytest.approx(0.7)


def test_the_time_left_of_workers_is_that_of_all_together(clock: types.SimpleNamespace) -> None:
    whole = Progress()
    whole.planned_work, whole.planned_networks = 100, 4
    clock.now += 10
    for network in ("a", "b"):
        whole.add_epochs(network, 10, 10.0)
    whole.done_work = 20
    assert whole.estimate_seconds(0) == pytest.approx(80 / 20 * 10)
