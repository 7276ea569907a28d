"""Muon, by values; AdamW is compared with Keras's in `test_loop.py`.

Axes: rows, columns.
"""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.config import FitConfig
from components.trainer.training.optimizer import VectorOptimizer

_SHAPES = {"stem_kernel": (4, 6), "kernel": (2, 5, 3), "query_kernel": (10, 3), "bias": (3,), "logits_kernel": (3, 2)}
_RATE, _DECAY = 0.1, 0.5


@pytest.fixture(scope="module")
def gradients() -> list[dict[str, np.ndarray]]:
    """Of three updates."""
    generator = np.random.default_rng(0)
    return [{name: generator.normal(size=shape) for name, shape in _SHAPES.items()} for _ in range(3)]


def _update(config: FitConfig, gradients: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Returns the weights, all 1 at first, after an update with each gradient."""
    weights = [keras.Variable(np.ones(shape), name=name) for name, shape in _SHAPES.items()]
    sizes = [int(np.prod(shape)) for shape in _SHAPES.values()]
    vector = keras.Variable(np.ones(sum(sizes), np.float32))
    optimizer = VectorOptimizer(vector, weights, config)
    for each in gradients:
        gradient = np.concatenate([np.ravel(value) for value in each.values()])
        optimizer.update(tf.constant(gradient, tf.float32), tf.constant(_RATE))
    parts = np.split(np.array(vector), np.cumsum(sizes)[:-1])
    return {name: part.reshape(_SHAPES[name]) for name, part in zip(_SHAPES, parts, strict=True)}


def test_muon_moves_inner_kernels_by_their_orthogonalized_momentum(
    fit_config: FitConfig, gradients: list[dict[str, np.ndarray]]
) -> None:
    """Its iteration brings the singular values of the momentum near 1 and keeps the singular vectors."""
    config = dataclasses.replace(fit_config, optimizer="muon", weight_decay=_DECAY)
    before, after = (_update(config, some) for some in (gradients[:2], gradients))
    momentum = {name: np.zeros(()) for name in _SHAPES}
    for each in gradients:
        momentum = {name: 0.95 * momentum[name] + each[name] for name in _SHAPES}
    for name in ("kernel", "query_kernel"):
        direction = (gradients[-1][name] + 0.95 * momentum[name]).reshape(-1, 3)
        u, _, vh = np.linalg.svd(direction, full_matrices=False)
        moved = (before[name] * (1 - _RATE * _DECAY) - after[name]).reshape(-1, 3)
        in_basis = u.T @ moved @ vh.T / (_RATE * 0.2 * 10**0.5)
        np.testing.assert_allclose(in_basis, np.diag(np.diag(in_basis)), rtol=0, atol=1e-3)
        assert 0.65 < np.diag(in_basis).min() < np.diag(in_basis).max() < 1.25


def test_muon_leaves_first_and_last_kernel_and_all_else_to_adamw(
    fit_config: FitConfig, gradients: list[dict[str, np.ndarray]]
) -> None:
    adamw, muon = (
        _update(dataclasses.replace(fit_config, optimizer=name, gradient_clip_norm=1e9), gradients)
        for name in ("adamw", "muon")
    )
    for name in ("stem_kernel", "bias", "logits_kernel"):
        np.testing.assert_array_equal(muon[name], adamw[name])
    assert np.abs(muon["kernel"] - adamw["kernel"]).max() > 0.1
