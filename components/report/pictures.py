"""Pictures: test images as they are stored, and attention maps drawn over them.

Axes: images, tokens, height, width, channels.
"""

import dataclasses
import io
import pathlib
from collections.abc import Collection, Mapping

import numpy as np
import PIL.Image

from components import features, signatures

_BATCH_SIZE = 500  # images
_MEAN_IMAGES = 500  # of which maps are averaged
_TILE = 64  # pixels a side of a drawn map
_GLOW = (255, 150, 20)  # where a token looks


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attention:
    """What the tokens of a model look at."""

    maps: Mapping[str, np.ndarray]  # by id of an image: weights of patches, float32 [tokens, height, width]
    mean: np.ndarray  # over the first images of the split, [tokens, height, width]
    mean_images: int


def read_records(split: pathlib.Path, ids: Collection[str]) -> dict[str, tuple[bytes, bytes]]:
    """Finds images of a split.

    Args:
        split: Folder of TFRecords of raw tf.Examples.
        ids: Of the images.

    Returns:
        Serialized tf.Example and encoded image by id; ids that the split lacks are left out.
    """
    import tensorflow as tf  # takes seconds, and a page without pictures needs none

    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in (features.ID, features.IMAGE)}
    dataset = tf.data.TFRecordDataset([str(file) for file in sorted(split.iterdir())]).batch(_BATCH_SIZE)
    wanted = set(ids)
    found = {}
    for records, parsed in dataset.map(lambda records: (records, tf.io.parse_example(records, spec))):
        names = [name.decode() for name in parsed[features.ID].numpy()]
        for record, name, image in zip(records.numpy(), names, parsed[features.IMAGE].numpy(), strict=True):
            if name in wanted:
                found[name] = (record, image)
    return found


def read_attention(model: pathlib.Path, split: pathlib.Path, records: Mapping[str, bytes]) -> Attention | None:
    """Asks an exported model what its tokens look at.

    Args:
        model: A SavedModel.
        split: Folder of TFRecords of raw tf.Examples; its first images are averaged.
        records: Serialized tf.Examples by id.

    Returns:
        The maps; None if the model has not learnt where to look.
    """
    import tensorflow as tf

    functions = tf.saved_model.load(str(model)).signatures
    if signatures.ATTENTION_MAPS not in functions or not records:
        return None
    weigh = functions[signatures.ATTENTION_MAPS]
    maps = weigh(examples=tf.constant(list(records.values())))[signatures.MAPS].numpy()
    dataset = tf.data.TFRecordDataset([str(file) for file in sorted(split.iterdir())]).take(_MEAN_IMAGES)
    [first] = dataset.batch(_MEAN_IMAGES)
    averaged = weigh(examples=first)[signatures.MAPS].numpy()
    return Attention(maps=dict(zip(records, maps, strict=True)), mean=averaged.mean(axis=0), mean_images=len(averaged))


def draw_attention(weights: np.ndarray, image: bytes | None) -> list[bytes]:
    """Draws what each token looks at as a glow over the image.

    Args:
        weights: Of patches, [tokens, height, width]; each token is scaled by its own least and greatest weight.
        image: Encoded; None: on plain grey.

    Returns:
        A PNG for each token.
    """
    if image is None:
        grey = np.full((_TILE, _TILE, 1), 0.35)
    else:
        picture = PIL.Image.open(io.BytesIO(image)).convert("L").resize((_TILE, _TILE), PIL.Image.Resampling.BICUBIC)
        grey = 0.1 + 0.65 * np.asarray(picture, dtype=np.float64)[..., None] / 255  # [height, width, 1]
    return [encode_png(_lay_over(grey, scale_weights(token))) for token in weights]


def scale_weights(weights: np.ndarray) -> np.ndarray:
    """Scales a map to 0..1; one that is the same everywhere becomes 0."""
    spread = weights.max() - weights.min()
    return (weights - weights.min()) / spread if spread > 1e-9 else np.zeros_like(weights)


def _lay_over(grey: np.ndarray, glow: np.ndarray) -> np.ndarray:
    """Blends; returns uint8 [height, width, 3]."""
    smooth = PIL.Image.fromarray((255 * glow).astype(np.uint8)).resize((_TILE, _TILE), PIL.Image.Resampling.BICUBIC)
    share = 0.85 * np.asarray(smooth, dtype=np.float64)[..., None] / 255  # [height, width, 1]
    blend = (1 - share) * grey + share * (0.35 + 0.65 * grey) * np.array(_GLOW) / 255 * 1.25
    return (255 * np.clip(blend, 0, 1)).astype(np.uint8)


def encode_png(pixels: np.ndarray) -> bytes:
    """Encodes an image, uint8 [height, width, channels], in few bytes."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).quantize(64, method=PIL.Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
