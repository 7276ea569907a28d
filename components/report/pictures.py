"""Pictures: test images as they are stored, and attention maps drawn over them.

Axes: images, tokens, patches, height, width, channels.
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
_PLAIN = (225, 225, 225)  # an image that shows nothing
_DARKEST = 0.12  # of the brightness, where a weight is 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attention:
    """What the tokens of a model look at."""

    maps: Mapping[str, np.ndarray]  # by id of an image: weights of patches, float32 [tokens, height, width]
    mean: np.ndarray  # over the first images of the split, [tokens, height, width]
    mean_images: int
    effective_patches: np.ndarray  # of each token over the same images, [tokens]


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
        The maps; None if the model has not learned where to look.
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
    return Attention(
        maps=dict(zip(records, maps, strict=True)),
        mean=averaged.mean(axis=0),
        mean_images=len(averaged),
        effective_patches=count_effective_patches(averaged),
    )


def count_effective_patches(maps: np.ndarray) -> np.ndarray:
    """Tells how many patches each token weighs: as many equal weights would have the entropy of those that there are.

    Args:
        maps: Weights of patches, [images, tokens, height, width].

    Returns:
        From 1 (a single patch) to height x width (a plain average), the mean over the images, [tokens].
    """
    weights = maps.reshape(*maps.shape[:2], -1).astype(np.float64)  # [images, tokens, patches]
    shares = weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-12)
    entropies = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=-1)  # [images, tokens]
    return np.exp(entropies).mean(axis=0)


def draw_attention(weights: np.ndarray, image: bytes | None) -> list[bytes]:
    """Draws what each token looks at: patches go dark as far as they weigh less than the greatest weight.

    The scale begins at 0, so a token that weighs all patches alike shows the plain image, however small the differences
    that a narrower scale would blow up.

    Args:
        weights: Of patches, [tokens, height, width].
        image: Encoded; None: plain gray.

    Returns:
        A PNG for each token.
    """
    size = (_TILE, _TILE)
    picture = PIL.Image.new("RGB", size, _PLAIN) if image is None else PIL.Image.open(io.BytesIO(image)).convert("RGB")
    lit = picture.resize(size, PIL.Image.Resampling.BICUBIC)
    return [encode_png(shade(lit, token)) for token in weights]


def shade(picture: PIL.Image.Image, weights: np.ndarray) -> np.ndarray:
    """Darkens a picture as far as its patches weigh less than the greatest weight.

    Args:
        picture: In RGB.
        weights: Of patches, [height, width] in patches.

    Returns:
        uint8 [height, width, channels], of the size of the picture.
    """
    lit = np.asarray(picture, dtype=np.float64)  # [height, width, 3]
    dark = _DARKEST * lit.mean(axis=-1, keepdims=True)  # [height, width, 1]
    scaled = PIL.Image.fromarray((255 * weights / max(weights.max(), 1e-12)).astype(np.uint8))
    share = np.asarray(scaled.resize(picture.size, PIL.Image.Resampling.BICUBIC), dtype=np.float64)[..., None] / 255
    return (share * lit + (1 - share) * dark).astype(np.uint8)


def encode_png(pixels: np.ndarray) -> bytes:
    """Encodes an image, uint8 [height, width, channels], in few bytes."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).quantize(64, method=PIL.Image.Quantize.FASTOCTREE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
