"""Every layer of ours keeps the same promises."""

import dataclasses
import inspect
import json
import pathlib
import random
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.encoder import EncoderBlock, SelfAttention
from models.mlp import Mlp
from models.normalization import FastLayerNormalization, FusedBatchNormalization
from models.patch_row import PatchRow
from models.positions import PositionEmbedding
from models.reducers.attention_pooling import AttentionPooling
from models.reducers.average_pooling import AveragePoolingTokens
from models.reducers.evit import EViTTokens
from models.reducers.patch_merger import PatchMerger
from models.reducers.random_selection import RandomTokens
from models.reducers.space_to_channel import SpaceToChannelTokens
from models.reducers.token_learner import TokenLearner
from models.reducers.token_learner_v11 import TokenLearnerV11
from models.reducers.top_k_norm import TopKNormTokens
from models.token_fuser import TokenFuser


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerCase:
    """A layer and its expected behavior.

    Attributes:
        layer_class: The layer.
        arguments: All arguments of its `__init__`, by name, with other values than the defaults where possible.
        input_shapes: Of each input, without batch.
        output_shape: Without batch.
        steps_to_move_all: Train steps after which each weight has changed; 0: it has no weights.
        takes_list: Whether its inputs are one argument.
    """

    layer_class: type[keras.layers.Layer]
    arguments: dict[str, Any]
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    steps_to_move_all: int = 1
    takes_list: bool = False

    def __str__(self) -> str:
        """Names the test."""
        return self.layer_class.__name__

    def make_inputs(self) -> list[np.ndarray]:
        """Returns noise, float32 [3, *shape] for each input."""
        rng = np.random.default_rng(0)
        return [rng.normal(0.5, 1.5, (3, *shape)).astype(np.float32) for shape in self.input_shapes]

    def make_model(self, *, randomize: bool = True, **kwargs: Any) -> keras.Model:
        """Returns a model of this layer alone; by default none of its weights is zero or one."""
        random.seed(1)  # from which Keras draws the seeds of initializers
        layer = self.layer_class(**self.arguments, **kwargs)
        inputs = [keras.Input(shape) for shape in self.input_shapes]
        model = keras.Model(inputs, layer(inputs) if self.takes_list else layer(*inputs))
        if randomize:
            rng = np.random.default_rng(2)
            for weight in layer.weights:
                values = rng.normal(0.1, 0.3, weight.shape)
                weight.assign(np.abs(values) if weight.name == "moving_variance" else values)
        return model


_PATCHES = ((12, 8),)  # 3 x 4 patches of 8 channels
_CASES = [
    LayerCase(
        layer_class=TokenLearner,
        arguments={"num_tokens": 5, "pooling": "sum", "grid": (3, 4)},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
    ),
    LayerCase(
        layer_class=TokenLearnerV11,
        arguments={"num_tokens": 5, "bottleneck_dim": 6, "dropout_rate": 0.1},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
    ),
    LayerCase(layer_class=PatchMerger, arguments={"num_tokens": 5}, input_shapes=_PATCHES, output_shape=(5, 8)),
    LayerCase(
        layer_class=AttentionPooling,
        arguments={"num_tokens": 5, "num_heads": 3, "head_dim": 4},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
    ),
    LayerCase(
        layer_class=TokenFuser,
        arguments={"bottleneck_dim": 6, "dropout_rate": 0.1},
        input_shapes=((5, 8), (12, 8)),
        output_shape=(12, 8),
        steps_to_move_all=2,
    ),
    LayerCase(
        layer_class=AveragePoolingTokens,
        arguments={"num_tokens": 6, "grid": (3, 4)},
        input_shapes=_PATCHES,
        output_shape=(6, 8),
        steps_to_move_all=0,
    ),
    LayerCase(
        layer_class=RandomTokens,
        arguments={"num_tokens": 5, "seed": 7},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
        steps_to_move_all=0,
    ),
    LayerCase(
        layer_class=TopKNormTokens,
        arguments={"num_tokens": 5},
        input_shapes=_PATCHES,
        output_shape=(5, 8),
        steps_to_move_all=0,
    ),
    LayerCase(
        layer_class=SpaceToChannelTokens,
        arguments={"num_tokens": 6, "grid": (3, 4)},
        input_shapes=_PATCHES,
        output_shape=(6, 8),
    ),
    LayerCase(
        layer_class=EViTTokens,
        arguments={"num_tokens": 5},
        input_shapes=((12, 8), (3, 12, 12)),
        output_shape=(5, 8),
        steps_to_move_all=0,
        takes_list=True,
    ),
    LayerCase(
        layer_class=SelfAttention,
        arguments={"num_heads": 3, "head_dim": 5, "dropout_rate": 0.1},
        input_shapes=_PATCHES,
        output_shape=(12, 8),
    ),
    LayerCase(
        layer_class=EncoderBlock,
        arguments={
            "num_heads": 3,
            "head_dim": 5,
            "mlp_dims": (6, 7),
            "mlp_output_activation": "gelu",
            "dropout_rate": 0.1,
            "return_attention": False,
        },
        input_shapes=_PATCHES,
        output_shape=(12, 8),
    ),
    LayerCase(
        layer_class=Mlp,
        arguments={"hidden_dims": (6, 7), "output_dim": 3, "output_activation": "gelu", "dropout_rate": 0.1},
        input_shapes=_PATCHES,
        output_shape=(12, 3),
    ),
    LayerCase(
        layer_class=FusedBatchNormalization,
        arguments={"momentum": 0.9, "epsilon": 0.01},
        input_shapes=((3, 4, 8),),
        output_shape=(3, 4, 8),
    ),
    LayerCase(
        layer_class=FastLayerNormalization, arguments={"epsilon": 0.01}, input_shapes=_PATCHES, output_shape=(12, 8)
    ),
    LayerCase(layer_class=PatchRow, arguments={}, input_shapes=((3, 4, 8),), output_shape=(12, 8), steps_to_move_all=0),
    LayerCase(layer_class=PositionEmbedding, arguments={}, input_shapes=_PATCHES, output_shape=(12, 8)),
]

_every_layer = pytest.mark.parametrize("case", _CASES, ids=str)


def test_the_cases_are_complete() -> None:
    ours = [value for key, value in keras.saving.get_custom_objects().items() if key.startswith("tokenlearner>")]
    layers = {value for value in ours if isinstance(value, type) and issubclass(value, keras.layers.Layer)}
    assert {case.layer_class for case in _CASES} == {
        layer for layer in layers if layer.__module__.startswith("models.")
    }


@_every_layer
def test_the_config_of_a_layer_holds_its_arguments_and_makes_an_equal_one(case: LayerCase) -> None:
    of_any_layer = set(inspect.signature(keras.layers.Layer.__init__).parameters)
    assert set(inspect.signature(case.layer_class.__init__).parameters) - of_any_layer == set(case.arguments)
    config = case.layer_class(**case.arguments, name="layer").get_config()
    assert {name: value for name, value in config.items() if name not in of_any_layer} == case.arguments
    assert case.layer_class.from_config(json.loads(json.dumps(config))).get_config() == config


@_every_layer
def test_a_layer_treats_each_example_by_itself_and_computes_the_same_from_a_keras_file(
    case: LayerCase, tmp_path: pathlib.Path
) -> None:
    model, inputs = case.make_model(), case.make_inputs()
    outputs = model(inputs)
    assert model.output.shape == (None, *case.output_shape)
    assert outputs.shape == (3, *case.output_shape)
    parts = [model([array[some] for array in inputs]) for some in (slice(1), slice(1, None))]
    np.testing.assert_allclose(np.concatenate(parts), outputs, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(inputs), outputs)


@pytest.mark.parametrize(("policy", "tolerance"), [("mixed_float16", 0.005), ("mixed_bfloat16", 0.04)])
@_every_layer
def test_a_layer_computes_nearly_the_same_in_half_precision(case: LayerCase, policy: str, tolerance: float) -> None:
    model = case.make_model(dtype=policy)
    outputs = model(case.make_inputs())
    assert keras.backend.standardize_dtype(outputs.dtype) == keras.DTypePolicy(policy).compute_dtype
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in model.weights} <= {"float32"}
    halves = np.array(keras.ops.cast(outputs, "float32"))
    exact = np.array(case.make_model()(case.make_inputs()))
    assert np.abs(halves - exact).max() < tolerance * np.abs(exact).max()


@_every_layer
def test_train_steps_move_every_weight_of_a_layer(case: LayerCase) -> None:
    model = case.make_model(randomize=False)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse", run_eagerly=True)
    before = model.get_weights()
    targets = np.random.default_rng(3).normal(size=(3, *case.output_shape))
    still = [weight.path for weight in model.trainable_weights]
    assert bool(still) == bool(case.steps_to_move_all)
    for _ in range(case.steps_to_move_all):
        assert still  # one step less is not enough
        model.train_on_batch(case.make_inputs(), targets)
        pairs = zip(model.weights, before, strict=True)
        still = [weight.path for weight, old in pairs if weight.trainable and np.array_equal(weight.numpy(), old)]
    assert still == []


@pytest.mark.parametrize(
    "case", [case for case in _CASES if case.layer_class in (TokenLearnerV11, EncoderBlock)], ids=str
)
def test_a_layer_computes_the_same_compiled_by_xla_and_from_a_saved_model(
    case: LayerCase, tmp_path: pathlib.Path
) -> None:
    model, inputs = case.make_model(), [tf.constant(each) for each in case.make_inputs()]
    layer = model.layers[-1]

    def run(*inputs: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(*inputs)
            loss = tf.reduce_sum(outputs**2)
        return [outputs, *tape.gradient(loss, list(inputs))]

    expected = run(*inputs)
    compiled = tf.function(run, jit_compile=True, autograph=False)(*inputs)
    for found, eager in zip(compiled, expected, strict=True):
        np.testing.assert_allclose(found, eager, rtol=1e-3, atol=1e-4 * float(np.abs(eager).max()))
    model.export(tmp_path, verbose=False)
    exported = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(exported.serve(inputs), expected[0], rtol=1e-4, atol=1e-5)
