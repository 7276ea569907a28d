"""A training's state on disk: whole or absent, even if the process is killed while it writes.

Axes: examples.
"""

import dataclasses
import hashlib
import io
import json
import logging
import os
import pathlib

import numpy as np

from components.artifacts.epoch import Epoch
from components.trainer.config import Schedule
from models.search_space import name_point
from models.vit_config import ViTConfig

_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The training of one network with one seed, up to some epoch."""

    epochs: tuple[Epoch, ...]  # done so far
    correct: np.ndarray  # bool [epochs, examples]: which valid images each epoch got right
    state: tuple[np.ndarray, ...]  # variables of the network and its optimizer after the last epoch
    best_weights: tuple[np.ndarray, ...]  # variables of the network after the epoch with the best valid accuracy
    parameters: int  # of the network

    @property
    def best_epoch(self) -> Epoch:
        """The first epoch with the best validation accuracy."""
        return max(self.epochs, key=lambda epoch: epoch.valid_accuracy)


def name_file(network: ViTConfig, seed: int, schedule: Schedule) -> str:
    """Names the file of a training."""
    return f"{name_point(network)},seed={seed},{schedule}.checkpoint"


def save(checkpoint: Checkpoint, path: pathlib.Path) -> None:
    """Replaces the file in one step: even after `kill -9`, a reader sees the old one or the new one."""
    payload = io.BytesIO()
    np.savez(
        payload,
        epochs=json.dumps([dataclasses.asdict(epoch) for epoch in checkpoint.epochs]),
        images=checkpoint.correct.shape[1],
        parameters=checkpoint.parameters,
        correct=np.packbits(checkpoint.correct, axis=1),
        **{f"state_{i}": value for i, value in enumerate(checkpoint.state)},
        **{f"best_{i}": value for i, value in enumerate(checkpoint.best_weights)},
    )
    content = payload.getvalue()
    aside = path.with_name(f"{path.name}.part")
    with aside.open("wb") as file:
        file.write(hashlib.sha256(content).digest() + content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def load(path: pathlib.Path) -> Checkpoint | None:
    """Reads a checkpoint.

    Args:
        path: Of `save`.

    Returns:
        The checkpoint; None if there is none, or if the file is damaged.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        logging.warning("%s is damaged; this training begins anew", path)
        return None
    with np.load(io.BytesIO(payload)) as arrays:
        return Checkpoint(
            epochs=tuple(Epoch(**epoch) for epoch in json.loads(str(arrays["epochs"]))),
            correct=np.unpackbits(arrays["correct"], axis=1, count=int(arrays["images"])).astype(bool),
            state=_take(arrays, "state"),
            best_weights=_take(arrays, "best"),
            parameters=int(arrays["parameters"]),
        )


def _take(arrays: np.lib.npyio.NpzFile, prefix: str) -> tuple[np.ndarray, ...]:
    count = sum(name.startswith(f"{prefix}_") for name in arrays.files)
    return tuple(arrays[f"{prefix}_{i}"] for i in range(count))
