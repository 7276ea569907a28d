"""What every layer of ours promises, as one check a promise; tests run them over all layers."""

import dataclasses
import inspect
import json
import pathlib
import random
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerCase:
    """A layer and what it shall do with inputs of a size.

    Attributes:
        layer_class: The layer.
        arguments: All arguments of its `__init__`, by name; none of them a default where another value is possible.
        input_shapes: Of each input, without batch.
        output_shape: Without batch.
        steps_to_move_all: Train steps after which each weight has changed; 0: it has no weights.
    """

    layer_class: type[keras.layers.Layer]
    arguments: dict[str, Any]
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    steps_to_move_all: int = 1

    def __str__(self) -> str:
        """Names the test."""
        return self.layer_class.__name__

    def make_inputs(self, batch: int) -> Any:
        """Returns noise, float32 [batch, *shape]: a list if there are several inputs."""
        rng = np.random.default_rng(0)
        return self.join([rng.normal(0.5, 1.5, (batch, *shape)).astype(np.float32) for shape in self.input_shapes])

    @staticmethod
    def join(inputs: list[Any]) -> Any:
        """Returns what a model takes: the inputs, or the only one."""
        return inputs if len(inputs) > 1 else inputs[0]

    def make_layer(self, **kwargs: Any) -> keras.layers.Layer:
        """Returns a layer as it is before training."""
        random.seed(1)  # from which Keras draws the seeds of initializers
        return self.layer_class(**self.arguments, **kwargs)

    def make_model(self, *, randomize: bool = True, **kwargs: Any) -> keras.Model:
        """Returns a model of this layer alone; unless told otherwise none of its weights is zero or one."""
        layer = self.make_layer(**kwargs)
        inputs = [keras.Input(shape) for shape in self.input_shapes]
        model = keras.Model(self.join(inputs), layer(*inputs))
        if randomize:
            rng = np.random.default_rng(2)
            for weight in layer.weights:
                values = rng.normal(0.1, 0.3, weight.shape)
                weight.assign(np.abs(values) if weight.name == "moving_variance" else values)
        return model


def check_shapes(case: LayerCase) -> None:
    """The layer says, and returns, outputs of the promised shape, whatever the batch."""
    model = case.make_model()
    symbolic = [(None, *shape) for shape in case.input_shapes]
    assert model.output.shape == (None, *case.output_shape)
    assert tuple(model.layers[-1].compute_output_shape(*symbolic)) == (None, *case.output_shape)
    assert model(case.make_inputs(3)).shape == (3, *case.output_shape)


def check_config(case: LayerCase) -> None:
    """The config is JSON, holds exactly the arguments of `__init__`, and makes an equal layer."""
    of_any_layer = find_parameters(keras.layers.Layer)
    own = find_parameters(case.layer_class) - of_any_layer
    assert own == set(case.arguments)
    config = case.make_layer(name="layer").get_config()
    assert set(config) - of_any_layer == own
    assert {name: config[name] for name in own} == case.arguments
    lite_model = case.layer_class.from_config(json.loads(json.dumps(config)))
    assert lite_model.get_config() == config


def find_parameters(layer_class: type) -> set[str]:
    """Returns the names of the arguments of `__init__`."""
    return set(inspect.signature(layer_class.__init__).parameters)  # type: ignore[misc]


def check_keras_file(case: LayerCase, folder: pathlib.Path) -> None:
    """A model loaded from a `.keras` file computes the same."""
    model, inputs = case.make_model(), case.make_inputs(3)
    model.save(folder / "model.keras")
    loaded = keras.saving.load_model(folder / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()


def check_saved_model(case: LayerCase, folder: pathlib.Path) -> None:
    """An exported SavedModel computes the same for any batch."""
    model = case.make_model()
    model.export(folder / "exported", verbose=False)
    exported = tf.saved_model.load(str(folder / "exported"))
    for batch in (1, 3):
        inputs = case.make_inputs(batch)
        np.testing.assert_allclose(exported.serve(inputs), model(inputs), rtol=1e-4, atol=1e-5)


def check_dynamic_batch(case: LayerCase) -> None:
    """An example does not depend on its batch."""
    model, inputs = case.make_model(), case.make_inputs(3)
    first = keras.tree.map_structure(lambda x: x[:1], inputs)
    rest = keras.tree.map_structure(lambda x: x[1:], inputs)
    parts = [model(first), model(rest)]
    np.testing.assert_allclose(np.concatenate(parts), model(inputs), rtol=1e-4, atol=1e-5)


def check_mixed_precision(case: LayerCase, policy: str, tolerance: float) -> None:
    """In half precision the layer returns halves, finite and close to float32, and keeps float32 weights."""
    inputs = case.make_inputs(3)
    model = case.make_model(dtype=policy)
    outputs = model(inputs)
    assert keras.backend.standardize_dtype(outputs.dtype) == keras.DTypePolicy(policy).compute_dtype
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in model.weights} <= {"float32"}
    halves = np.array(keras.ops.cast(outputs, "float32"))
    exact = np.array(case.make_model()(inputs))
    assert np.isfinite(halves).all()
    assert np.abs(halves - exact).max() < tolerance * np.abs(exact).max()


def check_xla(case: LayerCase) -> None:
    """Compiled by XLA the layer computes what it computes eagerly, forward and backward."""
    model = case.make_model()
    layer = model.layers[-1]

    def run(*inputs: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(*inputs)
            loss = tf.reduce_sum(outputs**2)
        return outputs, tape.gradient(loss, list(inputs))

    inputs = [tf.constant(x) for x in keras.tree.flatten(case.make_inputs(3))]
    outputs, gradients = run(*inputs)
    compiled_outputs, compiled_gradients = tf.function(run, jit_compile=True, autograph=False)(*inputs)
    np.testing.assert_allclose(compiled_outputs, outputs, rtol=1e-4, atol=1e-4)
    for compiled, eager in zip(compiled_gradients, gradients, strict=True):
        scale = float(np.abs(eager).max())
        assert scale > 0
        np.testing.assert_allclose(compiled, eager, rtol=1e-3, atol=1e-4 * scale)


def check_training(case: LayerCase) -> None:
    """From a fresh start, the promised number of train steps moves every weight, and one less does not."""
    assert find_still_weights(case, case.steps_to_move_all) == set()
    if case.steps_to_move_all > 1:
        assert find_still_weights(case, case.steps_to_move_all - 1)
    assert bool(case.make_model().trainable_weights) == (case.steps_to_move_all > 0)


def find_still_weights(case: LayerCase, steps: int) -> set[str]:
    """Returns the names of the weights that train steps from a fresh start do not change."""
    model = case.make_model(randomize=False)
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse", run_eagerly=True)
    before = model.get_weights()
    targets = np.random.default_rng(3).normal(size=(3, *case.output_shape))
    for _ in range(steps):
        model.train_on_batch(case.make_inputs(3), targets)
    pairs = zip(model.weights, before, strict=True)
    still = [weight for weight, old in pairs if weight.trainable and np.array_equal(weight.numpy(), old)]
    return {weight.path.partition("/")[2] for weight in still}
