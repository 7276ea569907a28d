"""The loss, the optimizer and its schedule."""

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
    optimizer.build(model.trainable_variables)  # made while the step is traced, they would trigger a second trace


def make_optimizer(config: FitConfig, steps: int) -> "FusedAdamW":
    """Makes the optimizer for `steps` updates."""
    return FusedAdamW(
        WarmupCosine(config.learning_rate, config.warmup_share, steps),
        kernel_decay=config.weight_decay,
        global_clipnorm=config.gradient_clip_norm,
        use_ema=config.ema_momentum > 0,
        ema_momentum=config.ema_momentum,
    )


def set_steps(model: keras.Model, steps: int) -> None:
    """Sets the length of a compiled network's schedule, in updates; the network may be traced already."""
    model.optimizer._learning_rate.set_steps(steps)


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Gives a model the moving average of its weights, if its optimizer keeps one.

    Args:
        model: In training; afterwards it has its own weights again, bit-identical.

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


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly from zero and falls along a cosine to zero.

    Its values are those of `keras.optimizers.schedules.CosineDecay`, but its length is a variable, which a traced
    training step reads anew: trainings of all lengths share a trace.

    Args:
        peak: The highest learning rate.
        warmup_share: Of the updates, rounded to whole ones, at least one.
        steps: Updates.

    Reference:
        Loshchilov and Hutter, arXiv 1608.03983, equation 5, without restarts.
    """

    def __init__(self, peak: float, warmup_share: float, steps: int, name: str = "warmup_cosine") -> None:
        super().__init__()
        self.peak = peak
        self.warmup_share = warmup_share
        self.name = name
        self._lengths = keras.Variable([1.0, 1.0], trainable=False, name="lengths")  # of warm-up and decay, in updates
        self.set_steps(steps)

    def set_steps(self, steps: int) -> None:
        """Sets the length, in updates."""
        self.steps = steps
        self.warmup_steps = max(1, round(self.warmup_share * steps))
        self.decay_steps = max(1, steps - self.warmup_steps)
        self._lengths.assign([self.warmup_steps, self.decay_steps])

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the learning rate of an update, counted from 0; a scalar."""
        warmup, decay = tf.unstack(tf.convert_to_tensor(self._lengths))
        done = tf.cast(tf.convert_to_tensor(step), tf.float32)
        decayed = tf.minimum((done - warmup) / decay, 1.0)
        return self.peak * tf.where(done < warmup, done / warmup, 0.5 * (1.0 + tf.cos(np.pi * decayed)))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {"peak": self.peak, "warmup_share": self.warmup_share, "steps": self.steps, "name": self.name}


class FusedAdamW(keras.optimizers.Adam):
    """AdamW that decays kernels only and updates each variable by few operations.

    Keras traces AdamW, its schedule and the average of the weights once for each variable. Without that, a small
    network is traced in about three quarters of the time.

    Args:
        learning_rate: Number or schedule.
        kernel_decay: Share of a kernel that is subtracted at each step, times the learning rate.
        global_clipnorm: Largest norm of all gradients together.
        **kwargs: Of `keras.optimizers.Adam`.

    Reference:
        Loshchilov and Hutter, arXiv 1711.05101, algorithm 2, with the decay as Keras defines it.
    """

    def __init__(
        self,
        learning_rate: Any,
        kernel_decay: float,
        global_clipnorm: float,
        name: str = "fused_adamw",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, name=name, global_clipnorm=global_clipnorm, **kwargs)
        self.kernel_decay = kernel_decay

    def apply(
        self,
        grads: list[tf.Tensor],
        trainable_variables: list[keras.Variable] | None = None,  # noqa: ARG002
    ) -> None:
        """Updates all variables in place.

        Where several devices train, each one calls it, with the same gradients, for its own copies.

        Args:
            grads: One for each variable that the optimizer was built with, in their order.
            trainable_variables: Ignored: these variables.
        """
        grads, _ = tf.clip_by_global_norm(grads, self.global_clipnorm)
        rate = tf.convert_to_tensor(self.learning_rate)
        done = tf.convert_to_tensor(self.iterations)
        step = tf.cast(done + 1, tf.float32)
        numbers = {
            "beta1_power": self.beta_1**step,
            "beta2_power": self.beta_2**step,
            "lr": rate,
            "beta1": tf.constant(self.beta_1),
            "beta2": tf.constant(self.beta_2),
            "epsilon": tf.constant(self.epsilon),
        }
        decay = self.kernel_decay * rate
        newness = tf.where(done == 0, 1.0, 1.0 - self.ema_momentum)  # the average starts with the first weights
        for i, (gradient, variable) in enumerate(zip(grads, self._trainable_variables, strict=True)):
            # The handle of a variable is this device's copy.
            weight = variable.value.handle
            if variable.name.endswith("kernel"):
                tf.raw_ops.AssignSubVariableOp(resource=weight, value=decay * _read(weight))
            first, second = (moments[i].value.handle for moments in (self._momentums, self._velocities))
            tf.raw_ops.ResourceApplyAdam(var=weight, m=first, v=second, grad=gradient, **numbers)
            if self.use_ema:
                average = self._model_variables_moving_average[i].value.handle
                moved = newness * (_read(average) - _read(weight))
                tf.raw_ops.AssignSubVariableOp(resource=average, value=moved)
        tf.raw_ops.AssignAddVariableOp(resource=self.iterations.value.handle, value=tf.ones_like(done))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {**super().get_config(), "kernel_decay": self.kernel_decay}


def _read(handle: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.ReadVariableOp(resource=handle, dtype=tf.float32)


class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of logits against integer labels, smoothed (Keras smooths one-hot labels only).

    Args:
        label_smoothing: Share of the probability spread evenly over all classes, 0..1.

    Reference:
        Szegedy et al., arXiv 1512.00567, section 7.
    """

    def __init__(self, label_smoothing: float) -> None:
        super().__init__(name="smoothed_crossentropy")
        self.label_smoothing = label_smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Returns the loss of each example, [batch]."""
        labels = keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), y_pred.shape[-1])  # [batch, classes]
        return keras.losses.categorical_crossentropy(
            labels, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )
