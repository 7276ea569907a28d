"""What is undone in the training step is undone, and nothing else is."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import training_choices
from benchmarks.benchmark import Benchmark
from benchmarks.training import Training, build_compiled
from models.normalization import FusedBatchNormalization
from models.vit_config import ViTConfig
from pipeline.config import FULL
from pipeline.failures import Failure

NETWORK = dataclasses.replace(
    FULL.model.backbone(),
    stem="linear",
    depth=1,
    dim=16,
    mlp_dims=(16,),
    token_reducer="token_learner_v11",
    blocks_before_token_learner=0,
    num_tokens=4,
)


BATCH_NORM = "Keras's batch norm"
WITH_BATCH_NORM = dataclasses.replace(NETWORK, stem="residual")  # of which the others' tests need none


def build(name: str, network: ViTConfig = NETWORK) -> keras.Model:
    return training_choices._BUILDS[name](network, FULL.fit)


def predict(model: keras.Model) -> np.ndarray:
    images = np.random.default_rng(1).normal(size=(3, 32, 32, 3)).astype(np.float32)
    return np.array(model(images, training=True))


@pytest.mark.parametrize(
    ("name", "network"), [(BATCH_NORM, WITH_BATCH_NORM), ("layer norm by the fused batch norm", NETWORK)]
)
def test_another_spelling_of_a_normalization_computes_the_same(name: str, network: ViTConfig) -> None:
    ours, theirs = build("as it is", network), build(name, network)
    draw = np.random.default_rng(2)
    ours.set_weights([draw.uniform(0.5, 1.5, weight.shape) for weight in ours.get_weights()])
    by_path = {weight.path: weight.numpy() for weight in ours.weights}
    for weight in theirs.weights:
        weight.assign(by_path[weight.path])
    np.testing.assert_allclose(predict(theirs), predict(ours), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        *(BATCH_NORM, "Keras's multi-head attention", "layer norm by the fused batch norm"),
        *("reducer after 3/4 of the blocks", "ReLU in place of GELU", "bfloat16"),
    ],
)
def test_what_is_undone_changes_the_graph_of_the_network(name: str) -> None:
    network = dataclasses.replace(WITH_BATCH_NORM if name == BATCH_NORM else NETWORK, depth=2, image_size=16)
    assert list_operations(name, network) != list_operations("as it is", network)


@functools.cache
def list_operations(name: str, network: ViTConfig) -> list[tuple[str, str, str]]:
    model = build(name, network)
    spec = tf.TensorSpec((2, 16, 16, 3))
    graph = tf.function(lambda images: model(images, training=True)).get_concrete_function(spec).graph
    return [(op.type, op.name, str([output.shape for output in op.outputs])) for op in graph.get_operations()]


def test_other_ways_to_compile_are_the_models_own() -> None:
    assert build("XLA").jit_compile
    assert not build("as it is").jit_compile
    ours, theirs = (build(name).optimizer for name in ("as it is", "Keras's AdamW"))
    assert type(theirs) is keras.optimizers.AdamW
    assert theirs.weight_decay == ours.kernel_decay > 0
    kept = ("learning_rate", "global_clipnorm", "use_ema", "ema_momentum")
    assert [theirs.get_config()[name] for name in kept] == [ours.get_config()[name] for name in kept]
    assert not any(isinstance(layer, FusedBatchNormalization) for layer in build(BATCH_NORM, WITH_BATCH_NORM).layers)


def test_all_steps_of_an_execution_count() -> None:
    model = build_compiled(NETWORK, FULL.fit)
    model.steps_per_execution = 3
    training = Training(model, batch_size=2)
    before = int(model.optimizer.iterations)
    assert before == 9  # one execution traces, two are timed
    training.measure(0.0)
    assert int(model.optimizer.iterations) == before + 3


def test_each_choice_is_compared_with_the_profile_as_it_is() -> None:
    traced = {"as it is": 1.0, "XLA": 40.0, "bfloat16": 2.0}
    facts = {"point": "p", "batch_size": 128, "tracing_seconds": traced}
    pairs = [{"round": n, "as it is": 100.0 * n, "XLA": 90.0 * n + 30} for n in (1, 2)]
    pairs += [{"round": n, "as it is": 100.0, "bfloat16": 20.0} for n in (1, 2)]
    summary = training_choices.summarize([facts, *pairs])
    assert summary.tables[0].rows == (
        ("as it is", "100 (100 to 200)", "", "", "1.0"),
        ("XLA", "165 (120 to 210)", "1.12x (1.05x to 1.20x)", "1.05x", "40.0"),
        ("bfloat16", "20 (20 to 20)", "0.20x (0.20x to 0.20x)", "0.20x", "2.0"),
    )


@pytest.mark.parametrize("choices", [(), ("as it is",), ("XLA", "YLA")])
def test_what_cannot_be_compared_is_rejected_before_anything_is_built(choices: tuple[str, ...]) -> None:
    effort = training_choices.Effort(root=None, choices=choices)
    with pytest.raises(Failure, match=r"^--choices is .*; name some of Keras's batch norm, "):
        training_choices.measure(effort)


def test_the_long_form_undoes_every_choice() -> None:
    benchmark: Benchmark[training_choices.Effort] = training_choices.BENCHMARK
    assert benchmark.full.choices == tuple(training_choices._BUILDS)
    assert set(benchmark.short.choices) < set(benchmark.full.choices)
