"""TokenLearner does what its equation says, and survives saving.

Axes: batch, patches (= height x width), dim, tokens.
"""

import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from models.token_learner import TokenLearner

_BATCH, _SIDE, _DIM, _TOKENS = 2, 4, 6, 3
_EPSILON = 1e-6  # of the layer norm


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.random.default_rng(0).normal(2, 3, (_BATCH, _SIDE**2, _DIM)).astype(np.float32)


@pytest.fixture
def layer(patches: np.ndarray) -> TokenLearner:
    """A built layer, none of whose weights is zero or one."""
    keras.utils.set_random_seed(1)
    layer = TokenLearner(_TOKENS)
    layer.build(patches.shape)
    rng = np.random.default_rng(2)
    layer.set_weights([rng.normal(0.2, 0.5, weight.shape) for weight in layer.weights])
    return layer


@pytest.fixture
def model(layer: TokenLearner) -> keras.Model:
    inputs = keras.Input((_SIDE**2, _DIM))
    return keras.Model(inputs, layer(inputs))


def convolve(maps: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Returns a 3x3 convolution of [batch, height, width, channels] whose surroundings are zeros."""
    height, width = maps.shape[1:3]
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return sum(
        padded[:, row : row + height, column : column + width] @ kernel[row, column]
        for row in range(3)
        for column in range(3)
    )


def gelu(x: np.ndarray) -> np.ndarray:
    """Returns the exact GELU (by the error function, not by tanh), which is Keras's default."""
    return x * (1 + scipy.special.erf(x / np.sqrt(2))) / 2


def learn_tokens(patches: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Returns the tokens by the paper's equation, in float64."""
    gamma, beta, *kernels = (weight.astype(np.float64) for weight in weights)
    x = patches.astype(np.float64)
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    maps = ((x - mean) / np.sqrt(variance + _EPSILON) * gamma + beta).reshape(len(x), _SIDE, _SIDE, _DIM)
    for kernel in kernels[:3]:
        maps = gelu(convolve(maps, kernel))
    weights_of_patches = scipy.special.expit(convolve(maps, kernels[3])).reshape(len(x), _SIDE**2, -1)
    return np.stack([(x * weights_of_patches[..., [i]]).mean(axis=1) for i in range(kernels[3].shape[-1])], axis=1)


def test_each_token_is_the_mean_of_the_patches_weighed_by_its_attention_map(
    layer: TokenLearner, patches: np.ndarray
) -> None:
    expected = learn_tokens(patches, layer.get_weights())
    assert expected.shape == (_BATCH, _TOKENS, _DIM)
    np.testing.assert_allclose(layer(patches), expected, rtol=1e-4, atol=1e-5)


def test_the_layer_norm_is_protected_by_an_epsilon_of_a_millionth(layer: TokenLearner, patches: np.ndarray) -> None:
    faint = patches / 3000  # its variance is about the epsilon
    np.testing.assert_allclose(layer(faint), learn_tokens(faint, layer.get_weights()), rtol=1e-3, atol=1e-8)


def test_without_attention_a_token_is_half_the_mean_patch(layer: TokenLearner, patches: np.ndarray) -> None:
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    mean = patches.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(layer(patches), np.repeat(mean / 2, _TOKENS, axis=1), rtol=1e-5)


def test_it_has_a_layer_norm_and_four_convolutions_without_bias(layer: TokenLearner) -> None:
    first, later = (3, 3, _DIM, _TOKENS), (3, 3, _TOKENS, _TOKENS)
    assert [tuple(weight.shape) for weight in layer.weights] == [(_DIM,), (_DIM,), first, later, later, later]


def test_attention_maps_weigh_each_patch_between_zero_and_one(layer: TokenLearner, patches: np.ndarray) -> None:
    maps = np.array(layer.attention_maps(patches))
    assert maps.shape == (_BATCH, _SIDE, _SIDE, _TOKENS)
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert np.ptp(maps) > 0.1
    tokens = np.einsum("bpt,bpd->btd", maps.reshape(_BATCH, -1, _TOKENS), patches) / _SIDE**2
    np.testing.assert_allclose(layer(patches), tokens, rtol=1e-4, atol=1e-6)


def test_the_batch_may_have_any_size(model: keras.Model, layer: TokenLearner, patches: np.ndarray) -> None:
    assert model.output.shape == (None, _TOKENS, _DIM)
    assert layer.compute_output_shape((None, _SIDE**2, _DIM)) == (None, _TOKENS, _DIM)
    both = model(patches)
    np.testing.assert_allclose(np.concatenate([model(patches[:1]), model(patches[1:])]), both, rtol=1e-5, atol=1e-6)


def test_its_config_makes_an_equal_layer() -> None:
    config = TokenLearner(_TOKENS, name="learner").get_config()
    assert set(config) == {"name", "trainable", "dtype", "num_tokens"}
    assert (config["name"], config["num_tokens"]) == ("learner", _TOKENS)
    assert TokenLearner.from_config(config).get_config() == config


def test_a_saved_model_gives_equal_tokens(model: keras.Model, patches: np.ndarray, tmp_path: pathlib.Path) -> None:
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(patches), model(patches))


def test_an_exported_model_gives_equal_tokens_for_any_batch(
    model: keras.Model, patches: np.ndarray, tmp_path: pathlib.Path
) -> None:
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    for batch in (patches, patches[:1]):
        np.testing.assert_allclose(exported.serve(batch), model(batch), rtol=1e-5, atol=1e-6)


def test_one_train_step_changes_every_weight(model: keras.Model, patches: np.ndarray) -> None:
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    before = model.get_weights()
    model.train_on_batch(patches, np.ones((_BATCH, _TOKENS, _DIM)))
    unchanged = [
        weight.path for weight, old in zip(model.weights, before, strict=True) if np.array_equal(weight.numpy(), old)
    ]
    assert unchanged == []


@pytest.mark.parametrize("num_tokens", [0, -1])
def test_fewer_than_one_token_is_rejected(num_tokens: int) -> None:
    with pytest.raises(ValueError, match=f"^num_tokens is {num_tokens}; it must be at least 1$"):
        TokenLearner(num_tokens)


@pytest.mark.parametrize("patches", [15, 2, None])
def test_patches_that_form_no_square_are_rejected(patches: Any) -> None:
    with pytest.raises(
        ValueError, match=f"TokenLearner got {patches} patches; its 3x3 convolutions need a square grid"
    ):
        TokenLearner(_TOKENS).build((None, patches, _DIM))
