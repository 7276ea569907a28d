"""Fit: how a network is compiled and trained."""

import dataclasses

import keras
import tensorflow as tf

from components.trainer.config import FitConfig
from components.trainer.progress import EpochReporter
from models.vit import build_vit
from models.vit_config import ViTConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fitted:
    """A trained network and how it came out."""

    model: keras.Model  # with the weights of its best epoch
    best_epoch: int  # 1..epochs, the one with the best validation accuracy
    valid_accuracy: float  # of that epoch, 0..1


def compile_model(model: keras.Model, config: FitConfig, steps: int) -> None:
    """Compiles a network for `steps` updates: AdamW with linear warm-up and cosine decay.

    Args:
        model: Compiled in place.
        config: Learning rate, weight decay, label smoothing.
        steps: Updates of the whole training.
    """
    warmup_steps = max(1, round(config.warmup_share * steps))
    learning_rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warmup_steps),
        warmup_target=config.learning_rate,
        warmup_steps=warmup_steps,
    )
    optimizer = keras.optimizers.AdamW(
        learning_rate, weight_decay=config.weight_decay, global_clipnorm=config.gradient_clip_norm
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "embeddings"])
    model.compile(
        optimizer=optimizer,
        loss=SmoothedCrossentropy(config.label_smoothing),
        metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        jit_compile=False,  # XLA takes longer to compile one trial on a CPU than to train it
    )
    optimizer.build(model.trainable_variables)  # a variable made while the training step is traced has it traced twice


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


def fit_model(
    vit_config: ViTConfig,
    config: FitConfig,
    train: tf.data.Dataset,
    valid: tf.data.Dataset,
    reporter: EpochReporter,
    log_dir: str,
) -> Fitted:
    """Trains one network from scratch and takes the weights of the epoch that is best on valid.

    Args:
        vit_config: The network.
        config: How it is trained.
        train: Batches of `training_batches`.
        valid: Batches of `validation_batches`.
        reporter: Told of every epoch.
        log_dir: Folder of the TensorBoard logs.

    Returns:
        The trained network.
    """
    keras.utils.set_random_seed(config.seed)
    model = build_vit(vit_config)
    compile_model(model, config, steps=config.epochs * int(train.cardinality()))
    best = keras.callbacks.EarlyStopping(
        monitor="val_accuracy", mode="max", patience=config.epochs, restore_best_weights=True
    )
    history = model.fit(
        train,
        validation_data=valid,
        epochs=config.epochs,
        callbacks=[reporter, best, keras.callbacks.TensorBoard(log_dir, write_graph=False)],
        verbose=0,
    ).history["val_accuracy"]
    return Fitted(model=model, best_epoch=history.index(max(history)) + 1, valid_accuracy=max(history))
