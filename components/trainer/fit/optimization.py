"""What training minimises and how: the loss, the optimizer and its schedule."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainer.config import FitConfig


def compile_model(model: keras.Model, config: FitConfig, steps: int) -> None:
    """Compiles a network for `steps` updates: AdamW with linear warm-up and cosine decay.

    Args:
        model: Compiled in place.
        config: Learning rate, weight decay, label smoothing, momentum of the weights' average.
        steps: Updates of the whole training.
    """
    optimizer = make_optimizer(config, steps)
    model.compile(
        optimizer=optimizer,
        loss=SmoothedCrossentropy(config.label_smoothing),
        metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        jit_compile=False,  # XLA takes four times as long to trace it on a CPU, and trains it no faster
    )
    optimizer.build(model.trainable_variables)  # a variable made while the training step is traced has it traced twice


def make_optimizer(config: FitConfig, steps: int) -> "FusedAdamW":
    """Makes the optimizer for `steps` updates."""
    warmup_steps = max(1, round(config.warmup_share * steps))
    learning_rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warmup_steps),
        warmup_target=config.learning_rate,
        warmup_steps=warmup_steps,
    )
    return FusedAdamW(
        learning_rate,
        kernel_decay=config.weight_decay,
        global_clipnorm=config.gradient_clip_norm,
        use_ema=config.ema_momentum > 0,
        ema_momentum=config.ema_momentum,
    )


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Lends a model the moving average of its weights, if its optimizer keeps one.

    Args:
        model: That is being trained; afterwards it has its own weights again, to the last bit.

    Reference:
        Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control Optim. 30, 1992.
    """
    own = [np.array(variable) for variable in model.trainable_variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)  # does nothing without an average
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, own, strict=True):
            variable.assign(value)


@keras.saving.register_keras_serializable(package="tokenlearner")
class FusedAdamW(keras.optimizers.Adam):
    """AdamW that decays kernels only and updates each variable by one operation of TensorFlow's.

    Keras spells AdamW out in a dozen operations a variable, and its schedule again for each one that decays: of the
    seconds that tracing a small network takes, that is more than half.

    Args:
        learning_rate: Number or schedule.
        kernel_decay: Share of a kernel that is taken off at each step, times the learning rate.
        **kwargs: Of `keras.optimizers.Adam`.

    Reference:
        Loshchilov and Hutter, arXiv 1711.05101, algorithm 2, with Keras's meaning of the decay.
    """

    def __init__(self, learning_rate: Any, kernel_decay: float, name: str = "fused_adamw", **kwargs: Any) -> None:
        super().__init__(learning_rate, name=name, **kwargs)
        self.kernel_decay = kernel_decay

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        """Decays and updates one variable in place."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        # The variable itself may be the copy on one of many devices, with another name.
        if self._trainable_variables[index].name.endswith("kernel"):
            variable.assign_sub(variable * (self.kernel_decay * learning_rate))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "kernel_decay": self.kernel_decay}


@keras.saving.register_keras_serializable(package="tokenlearner")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits against integer labels, smoothed (Keras smooths one-hot labels only).

    Args:
        label_smoothing: Share of the probability spread evenly over all classes, 0..1.

    Reference:
        Szegedy et al., arXiv 1512.00567, section 7.
    """

    def __init__(self, label_smoothing: float, name: str = "smoothed_crossentropy", **kwargs: str) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of each example, [batch]."""
        labels = keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), y_pred.shape[-1])  # [batch, classes]
        return keras.losses.categorical_crossentropy(
            labels, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )

    def get_config(self) -> dict[str, object]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
