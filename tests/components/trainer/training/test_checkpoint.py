"""A checkpoint is whole or absent.

Axes: examples.
"""

import dataclasses
import os
import pathlib

import numpy as np
import pytest

from components.artifacts.epoch import Epoch
from components.trainer.training import checkpoint
from components.trainer.training.checkpoint import Checkpoint

_DIGEST_BYTES = 32  # of SHA-256, before the payload


def _epoch(epoch: int, valid_accuracy: float) -> Epoch:
    return Epoch(
        epoch=epoch,
        train_loss=1 / 3 + epoch,
        train_accuracy=0.1,
        valid_loss=float(np.float32(0.7)),
        valid_accuracy=valid_accuracy,
        seconds=1.234,
    )


@pytest.fixture
def saved() -> Checkpoint:
    """Two epochs, thirteen valid images (no whole number of bytes), and arrays of the kinds that variables have."""
    rng = np.random.default_rng(0)
    arrays: tuple[np.ndarray, ...] = (
        rng.normal(size=(3, 5)).astype(np.float32),
        np.array([np.nan, np.inf, -0.0, 1e-45], np.float32),
        np.array(2**40, np.int64),
        np.array([7, 2**32 - 1], np.uint32),
        *(np.array(i) for i in range(12)),  # names with two digits keep their order
    )
    return Checkpoint(
        epochs=(_epoch(1, 0.25), _epoch(2, 1 / 3)),
        correct=rng.random((2, 13)) < 0.5,
        state=arrays,
        best_weights=arrays[:2],
        parameters=123,
    )


def assert_equal(one: Checkpoint | None, other: Checkpoint) -> None:
    """Asserts that checkpoints are equal to the bit, types included."""
    assert one is not None
    assert (one.epochs, one.parameters) == (other.epochs, other.parameters)
    for arrays, others in (
        ((one.correct,), (other.correct,)),
        (one.state, other.state),
        (one.best_weights, other.best_weights),
    ):
        assert [(a.dtype, a.shape, a.tobytes()) for a in arrays] == [(a.dtype, a.shape, a.tobytes()) for a in others]


def test_what_was_saved_is_loaded_to_the_bit(saved: Checkpoint, tmp_path: pathlib.Path) -> None:
    checkpoint.save(saved, tmp_path / "a.checkpoint")
    assert_equal(checkpoint.load(tmp_path / "a.checkpoint"), saved)
    assert [file.name for file in tmp_path.iterdir()] == ["a.checkpoint"]


def test_a_later_state_replaces_an_earlier_one(saved: Checkpoint, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.checkpoint"
    checkpoint.save(saved, path)
    later = dataclasses.replace(
        saved, epochs=(*saved.epochs, _epoch(3, 0.5)), correct=np.ones((3, 13), bool), state=saved.state[:3]
    )
    checkpoint.save(later, path)
    assert_equal(checkpoint.load(path), later)


def test_no_file_is_no_checkpoint(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    assert checkpoint.load(tmp_path / "a.checkpoint") is None
    assert not caplog.records


def test_the_best_epoch_is_the_first_of_the_most_accurate(saved: Checkpoint) -> None:
    epochs = tuple(_epoch(i + 1, accuracy) for i, accuracy in enumerate((0.2, 0.6, 0.1, 0.6)))
    assert dataclasses.replace(saved, epochs=epochs).best_epoch == epochs[1]


def assert_damaged(path: pathlib.Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Asserts that the content is no checkpoint, and that a warning says so."""
    caplog.clear()
    path.write_bytes(content)
    assert checkpoint.load(path) is None
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == f"{path} is damaged; this training begins anew"


def test_a_file_that_is_cut_off_anywhere_is_no_checkpoint(
    saved: Checkpoint, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.checkpoint"
    checkpoint.save(saved, path)
    content = path.read_bytes()
    for length in {*range(40), *range(40, len(content), 97), len(content) - 1}:
        assert_damaged(path, content[:length], caplog)


def test_a_file_that_goes_on_after_its_end_is_no_checkpoint(
    saved: Checkpoint, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.checkpoint"
    checkpoint.save(saved, path)
    assert_damaged(path, path.read_bytes() + b"\0", caplog)


def test_a_file_with_any_bit_flipped_is_no_checkpoint(
    saved: Checkpoint, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.checkpoint"
    checkpoint.save(saved, path)
    content = path.read_bytes()
    for position in {*range(0, _DIGEST_BYTES + 8), *range(40, len(content), 61), len(content) - 1}:
        changed = bytearray(content)
        changed[position] ^= 1 << position % 8
        assert_damaged(path, bytes(changed), caplog)


def test_what_an_interrupted_save_leaves_aside_is_ignored(saved: Checkpoint, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.checkpoint"
    part = tmp_path / "a.checkpoint.part"
    part.write_bytes(b"half a checkp")
    assert checkpoint.load(path) is None
    checkpoint.save(saved, path)
    assert not part.exists()
    part.write_bytes(b"half a checkp")
    assert_equal(checkpoint.load(path), saved)


def test_a_save_that_fails_before_its_end_leaves_the_old_checkpoint(
    saved: Checkpoint, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.checkpoint"
    checkpoint.save(saved, path)

    def fail(_: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the disk is full"):
        checkpoint.save(dataclasses.replace(saved, parameters=456), path)
    assert_equal(checkpoint.load(path), saved)
