"""What each choice in the training step is worth: images/s of our network with one of them undone, in pairs.

What is undone is either ours in place of Keras's, or what is often recommended and is not in the profile full. What the
choices do to accuracy is another question: `ablations` answers it. All train on one batch over and over.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from benchmarks.benchmark import Benchmark, main
from benchmarks.networks import find_learned
from benchmarks.result import Row, Summary, Table
from benchmarks.rounds import Spread, take_turns_beside
from benchmarks.training import Training, build_compiled
from components.trainer.config import FitConfig
from models.encoder import LAYER_NORM_EPSILON, EncoderBlock
from models.normalization import FusedBatchNormalization
from models.search_space import name_point
from models.vit_config import ViTConfig
from pipeline.config import FULL
from pipeline.failures import Failure

_AS_IT_IS = "as it is"
_STEPS = 16  # an execution

Build = Callable[[ViTConfig, FitConfig], keras.Model]  # compiled


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    root: pathlib.Path | None = None  # whose winner is trained; None: that of the run in results/
    choices: tuple[str, ...] = (_AS_IT_IS, "Keras's batch norm")  # by name
    rounds: int = 2
    seconds: float = 1.0  # of either of a pair; at least one step


class _Attention(keras.layers.MultiHeadAttention):
    """Keras's, which projects query, key and value each by itself, called as ours is."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return super().call(inputs, inputs, training=training)


class _AttendedByKeras(EncoderBlock):
    """An encoder block with Keras's attention."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.attention = _Attention(self.num_heads, self.head_dim)
        self.attention.build(input_shape, input_shape)


class _FusedLayerNormalization(keras.layers.LayerNormalization):
    """Layer normalization by TensorFlow's fused batch norm, as Keras 2 had it: each token is a channel of one image."""

    def call(self, inputs: Any) -> Any:
        shape = tf.shape(inputs)
        tokens = tf.reshape(inputs, (1, -1, inputs.shape[-1], 1))  # [1, batch x tokens, dim, 1], channels first
        ones = tf.ones(tf.shape(tokens)[1])
        outputs, *_ = tf.compat.v1.nn.fused_batch_norm(
            tokens, scale=ones, offset=tf.zeros_like(ones), epsilon=self.epsilon, data_format="NCHW"
        )
        return tf.reshape(outputs, shape) * self.gamma + self.beta


class _NormalizedFused(EncoderBlock):
    """An encoder block with that layer normalization."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.attention_norm, self.mlp_norm = (
            _FusedLayerNormalization(epsilon=LAYER_NORM_EPSILON, name=norm.name)
            for norm in (self.attention_norm, self.mlp_norm)
        )
        for norm in (self.attention_norm, self.mlp_norm):
            norm.build(input_shape)


def _compile_by_xla(network: ViTConfig, fit: FitConfig) -> keras.Model:
    model = build_compiled(network, fit)
    model.jit_compile = True
    return model


def _execute_many_steps(network: ViTConfig, fit: FitConfig) -> keras.Model:
    model = build_compiled(network, fit)
    model.steps_per_execution = _STEPS
    return model


def _compute_in_bfloat16(network: ViTConfig, fit: FitConfig) -> keras.Model:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return build_compiled(network, fit)
    finally:
        keras.config.set_dtype_policy(before)


def _update_by_adamw(network: ViTConfig, fit: FitConfig) -> keras.Model:
    model = build_compiled(network, fit)
    settings = model.optimizer.get_config()
    decay = settings.pop("kernel_decay")
    theirs = keras.optimizers.AdamW.from_config({**settings, "name": "adamw", "weight_decay": decay})
    model.compile(optimizer=theirs, loss=model.loss, metrics=["accuracy"], jit_compile=False)
    theirs.build(model.trainable_variables)
    return model


def _replace(
    network: ViTConfig, fit: FitConfig, old: type[keras.layers.Layer], new: type[keras.layers.Layer]
) -> keras.Model:
    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return (new if isinstance(layer, old) else type(layer)).from_config(layer.get_config())

    return build_compiled(network, fit, functools.partial(keras.models.clone_model, clone_function=clone))


def _activate(network: ViTConfig, fit: FitConfig, activation: Callable[[tf.Tensor], tf.Tensor]) -> keras.Model:
    def change(model: keras.Model) -> keras.Model:
        for block in (layer for layer in model.layers if isinstance(layer, EncoderBlock)):
            for dense in block.mlp.dense[:-1]:
                dense.activation = activation
        return model

    return build_compiled(network, fit, change)


def _change_network(network: ViTConfig, fit: FitConfig, **changes: Any) -> keras.Model:
    return build_compiled(dataclasses.replace(network, **changes), fit)


def _widen_heads(network: ViTConfig, fit: FitConfig) -> keras.Model:
    return _change_network(network, fit, head_dim=network.dim)


def _reduce_late(network: ViTConfig, fit: FitConfig) -> keras.Model:
    return _change_network(network, fit, blocks_before_token_learner=network.depth * 3 // 4)


_BUILDS: Mapping[str, Build] = {
    _AS_IT_IS: build_compiled,
    "Keras's batch norm": functools.partial(_replace, old=FusedBatchNormalization, new=keras.layers.BatchNormalization),
    "Keras's multi-head attention": functools.partial(_replace, old=EncoderBlock, new=_AttendedByKeras),
    "Keras's AdamW": _update_by_adamw,
    "heads as wide as the network": _widen_heads,
    "reducer after 3/4 of the blocks": _reduce_late,
    "dropout 0.1": functools.partial(_change_network, dropout_rate=0.1),
    "XLA": _compile_by_xla,
    "bfloat16": _compute_in_bfloat16,
    f"{_STEPS} steps an execution": _execute_many_steps,
    "layer norm by the fused batch norm": functools.partial(_replace, old=EncoderBlock, new=_NormalizedFused),
    "exact GELU": functools.partial(_activate, activation=functools.partial(tf.nn.gelu, approximate=False)),
    "ReLU in place of GELU": functools.partial(_activate, activation=tf.nn.relu),
}


def measure(effort: Effort) -> list[Row]:
    """Trains with each choice, and as it is right before or after."""
    network, fit = find_learned(effort.root), FULL.fit
    names = list(dict.fromkeys((_AS_IT_IS, *effort.choices)))
    if len(names) == 1 or not set(names) <= set(_BUILDS):
        raise Failure(f"--choices is {', '.join(effort.choices)}; name some of {', '.join(list(_BUILDS)[1:])}")
    trainings = {name: Training(_BUILDS[name](network, fit), fit.batch_size) for name in names}
    ways = {name: functools.partial(training.measure, effort.seconds) for name, training in trainings.items()}
    traced = {name: training.tracing_seconds for name, training in trainings.items()}
    facts = {"point": name_point(network), "batch_size": fit.batch_size, "tracing_seconds": traced}
    return [facts, *take_turns_beside(_AS_IT_IS, ways, effort.rounds)]


def summarize(rows: Sequence[Row]) -> Summary:
    """Compares each choice with the profile as it is, pair by pair."""
    facts, *pairs = rows
    lines = []
    for name, seconds in facts["tracing_seconds"].items():
        with_it = [row for row in pairs if name in row]
        speed, beside = (Spread.of(row[way] for row in with_it) for way in (name, _AS_IT_IS))
        ratio = Spread.of_median(row[name] / row[_AS_IT_IS] for row in with_it)
        compared = ("", "") if name == _AS_IT_IS else (ratio.tell("{:.2f}x"), f"{speed.most / beside.most:.2f}x")
        lines.append((name, speed.tell("{:,.0f}"), *compared, f"{seconds:.1f}"))
    title = (
        f"{facts['point']} of the profile full, batches of {facts['batch_size']}, "
        f"{max(row['round'] for row in pairs)} pairs of each choice with the profile as it is"
    )
    columns = (
        "what is other",
        "training images/s, median (least to most)",
        "against as it is, median (its 95 % interval)",
        "the fastest against the fastest of its own pairs",
        "seconds to trace it and run it once",
    )
    return Summary(
        tables=(Table(title=title, columns=columns, rows=tuple(lines)),),
        notes=(
            "A ratio whose interval holds 1.00x has not been told from none. Other work on a machine only ever slows "
            "it down: where its speed drifts, the fastest of many turns says more than their middle.",
        ),
    )


BENCHMARK = Benchmark(
    name="training_choices",
    short=Effort(),
    full=Effort(choices=tuple(_BUILDS), rounds=15, seconds=1.0),
    seeds=(1,),
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
