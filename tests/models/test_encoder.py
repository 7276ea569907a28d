"""The encoder block, its attention and its MLP follow their equations.

Axes: batch, tokens, dim.
"""

import keras
import numpy as np
import pytest
from reference_math import gelu, layer_norm

from models.encoder import EncoderBlock, SelfAttention
from models.mlp import Mlp

_DIM = 8


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 5, _DIM)).astype(np.float32)


def randomize(layer: keras.layers.Layer) -> list[np.ndarray]:
    """Gives a built layer weights none of which is zero or one, and returns them."""
    rng = np.random.default_rng(2)
    layer.set_weights([rng.normal(0.1, 0.4, weight.shape) for weight in layer.get_weights()])
    return layer.get_weights()


@pytest.mark.parametrize(("num_heads", "head_dim"), [(2, 4), (3, 5)])
def test_attention_equals_that_of_keras(num_heads: int, head_dim: int, tokens: np.ndarray) -> None:
    ours = SelfAttention(num_heads, head_dim)
    ours.build(tokens.shape)
    qkv, qkv_bias, projection, bias = randomize(ours)
    kernels = qkv.reshape(_DIM, 3, num_heads, head_dim)
    biases = qkv_bias.reshape(3, num_heads, head_dim)
    reference = keras.layers.MultiHeadAttention(num_heads, head_dim)
    reference.build(tokens.shape, tokens.shape)
    of_heads = [weight for i in range(3) for weight in (kernels[:, i], biases[i])]
    reference.set_weights([*of_heads, projection.reshape(num_heads, head_dim, _DIM), bias])
    np.testing.assert_allclose(ours(tokens), reference(tokens, tokens), rtol=1e-4, atol=1e-5)
    values = tokens[:, :1] @ kernels[:, 2].reshape(_DIM, -1) + biases[2].ravel()  # a single token attends to itself
    np.testing.assert_allclose(ours(tokens[:, :1]), values @ projection + bias, rtol=1e-4, atol=1e-5)


def test_attention_draws_its_first_weights_from_the_spread_of_keras_for_three_axes() -> None:
    ours = SelfAttention(4, 32)
    ours.build((None, 5, 128))
    draw = keras.initializers.GlorotUniform(seed=1)  # MultiHeadAttention of Keras 3.15 takes other fans, of 3.12 these
    for kernel, shape in ((ours.qkv.kernel, (128, 4, 32)), (ours.projection.kernel, (4, 32, 128))):
        drawn, of_keras = np.array(kernel), np.array(draw(shape))
        assert np.abs(drawn).max() == pytest.approx(np.abs(of_keras).max(), rel=0.01)
        assert drawn.std() == pytest.approx(of_keras.std(), rel=0.02)


def test_attention_drops_weights_in_training_alone(tokens: np.ndarray) -> None:
    layer = SelfAttention(2, 4, dropout_rate=0.5)
    layer.build(tokens.shape)
    randomize(layer)
    np.testing.assert_array_equal(layer(tokens, training=False), layer(tokens))
    assert np.abs(np.array(layer(tokens, training=True)) - layer(tokens)).max() > 0.1


@pytest.mark.parametrize("output_activation", ["linear", "gelu"])
def test_an_mlp_is_dense_layers_with_gelu_between_them(output_activation: str, tokens: np.ndarray) -> None:
    mlp = Mlp((6, 7), 3, output_activation)
    mlp.build(tokens.shape)
    kernel_0, bias_0, kernel_1, bias_1, kernel, bias = randomize(mlp)
    outputs = gelu(gelu(tokens @ kernel_0 + bias_0) @ kernel_1 + bias_1) @ kernel + bias
    expected = gelu(outputs) if output_activation == "gelu" else outputs
    np.testing.assert_allclose(mlp(tokens), expected, rtol=1e-4, atol=1e-5)


def test_an_mlp_drops_a_share_of_its_outputs_and_keeps_their_mean() -> None:
    mlp = Mlp((), 400, dropout_rate=0.25)
    ones = np.ones((3, 50, 1), np.float32)
    mlp.build(ones.shape)
    mlp.set_weights([np.ones((1, 400)), np.zeros(400)])
    outputs = np.array(mlp(ones, training=True))
    np.testing.assert_allclose(np.unique(outputs), [0, 1 / 0.75], rtol=1e-5)
    assert (outputs == 0).mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_array_equal(mlp(ones, training=False), np.ones((3, 50, 400)))


def test_a_block_adds_attention_and_then_an_mlp_each_on_normed_tokens(tokens: np.ndarray) -> None:
    block = EncoderBlock(num_heads=2, head_dim=3, mlp_dims=(6, 7), mlp_output_activation="gelu")
    block.build(tokens.shape)
    randomize(block)
    norms = [np.array(weight) for layer in (block.attention_norm, block.mlp_norm) for weight in layer.weights]
    x = tokens + np.array(block.attention(layer_norm(tokens, *norms[:2]).astype(np.float32)))
    expected = x + np.array(block.mlp(layer_norm(x, *norms[2:]).astype(np.float32)))
    np.testing.assert_allclose(block(tokens), expected, rtol=1e-3, atol=1e-4)
