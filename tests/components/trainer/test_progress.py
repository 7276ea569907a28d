"""The progress reports of a training."""

import types

import pytest
from trainings import listening

from components.trainer import progress
from components.trainer.progress import EpochReporter


def test_the_share_of_the_whole_step_grows_with_batches_and_epochs_reported_twice_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The second of three trainings of two epochs each; the batches of its second epoch are faster."""
    clock = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    reporter = EpochReporter("trial 2 of 3", epochs=2, epochs_before=2, epochs_in_step=6)
    with listening() as reports:
        for epoch, (accuracy, seconds) in enumerate(((0.25, 1.0), (0.5, 0.3))):
            for batch in range(4):
                clock.now += seconds
                reporter.report_step(epoch, (batch + 1) / 4)
            reporter.report_epoch(epoch, accuracy)
    assert [report["share"] * 6 for report in reports] == pytest.approx([2.25, 2.5, 2.75, 3, 3, 3.5, 4, 4])
    assert [report["epoch"] for report in reports] == [1] * 5 + [2] * 3
    assert [report["valid_accuracy"] for report in reports] == [None] * 4 + [0.25] * 3 + [0.5]
    assert [report["epoch_has_ended"] for report in reports] == [False] * 4 + [True, False, False, True]
    assert {(report["phase"], report["epochs"]) for report in reports} == {("trial 2 of 3", 2)}
    assert caplog.messages[0] == "trial 2 of 3, epoch 1 of 2"
