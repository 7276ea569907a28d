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


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "a.checkpoint"


def test_a_checkpoint_is_loaded_as_it_was_saved_and_replaces_an_earlier_one(
    saved: Checkpoint, path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    part = path.with_name("a.checkpoint.part")
    part.write_bytes(b"of an interrupted save")
    assert checkpoint.load(path) is None
    checkpoint.save(saved, path)
    assert_equal(checkpoint.load(path), saved)
    assert list(path.parent.iterdir()) == [path]
    later = dataclasses.replace(
        saved, epochs=(*saved.epochs, _epoch(3, 0.5)), correct=np.ones((3, 13), bool), state=saved.state[:3]
    )
    checkpoint.save(later, path)
    part.write_bytes(b"of an interrupted save")
    assert_equal(checkpoint.load(path), later)
    assert not caplog.records


def test_the_best_epoch_is_the_first_of_the_most_accurate(saved: Checkpoint) -> None:
    epochs = tuple(_epoch(i + 1, accuracy) for i, accuracy in enumerate((0.2, 0.6, 0.1, 0.6)))
    assert dataclasses.replace(saved, epochs=epochs).best_epoch == epochs[1]


def test_a_file_that_is_cut_off_or_goes_on_or_has_a_flipped_bit_is_no_checkpoint(
    saved: Checkpoint, path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint.save(saved, path)
    content = path.read_bytes()
    ends = {*range(40), *range(40, len(content), 97), len(content) - 1}
    for damaged in (content + b"\0", *(content[:end] for end in ends), *(_flip(content, end) for end in ends)):
        caplog.clear()
        path.write_bytes(damaged)
        assert checkpoint.load(path) is None
        assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
            ("WARNING", f"{path} is damaged; this training begins anew")
        ]


def _flip(content: bytes, position: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 1 << position % 8
    return bytes(changed)


def test_a_save_that_fails_before_its_end_leaves_the_old_checkpoint(
    saved: Checkpoint, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(saved, path)

    def fail(_: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the disk is full"):
        checkpoint.save(dataclasses.replace(saved, parameters=456), path)
    assert_equal(checkpoint.load(path), saved)
