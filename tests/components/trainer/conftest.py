"""A task that a tiny network learns within seconds: tell bright images from dark ones.

Axes: batch, height, width, channels.
"""

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.config import FitConfig
from models.vit_config import ViTConfig


@pytest.fixture(scope="session")
def trunk() -> ViTConfig:
    return ViTConfig(
        image_size=8, patch_size=2, dim=4, depth=2, num_heads=2, mlp_dim=4, dropout_rate=0.0, num_classes=2
    )


@pytest.fixture(scope="session")
def fit_config() -> FitConfig:
    return FitConfig(
        epochs=3,
        batch_size=8,
        learning_rate=0.02,
        warmup_share=0.1,
        weight_decay=0.05,
        gradient_clip_norm=1.0,
        label_smoothing=0.1,
        crop_padding=1,
        shuffle_buffer=100,
        seed=1,
    )


@pytest.fixture(scope="session")
def examples() -> tf.data.Dataset:
    """Thirty-two images of noise, labelled 0 if dark and 1 if bright."""
    labels = np.arange(32) % 2
    noise = np.random.default_rng(0).normal(size=(32, 8, 8, 3))
    images = (noise + 2 * labels[:, None, None, None] - 1).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((images, labels))
