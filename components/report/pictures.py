"""Test images as a model sees them, and attention maps drawn over them.

Axes: images, tokens, patches, height, width, channels.
"""

import dataclasses
import io
import pathlib
from collections.abc import Collection, Mapping

import matplotlib as mpl
import numpy as np
import PIL.Image
import PIL.ImageOps
from scipy.special import entr

from components import features, signatures

_BATCH_SIZE = 64  # images, which may be photographs
_MEAN_IMAGES = 500  # whose maps are averaged
_TILE = 192  # pixels per side of a drawn map; pages show at least 96
_OPACITY = 0.75  # of the color of a token's greatest weight, 0..1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attention:
    """The attention maps of a model."""

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
        Serialized tf.Example, and the part of the image that a model sees, encoded, by id, without ids that the split
        lacks.
    """
    import tensorflow as tf  # takes seconds, and a page without pictures needs none

    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in (features.ID, features.IMAGE)}
    wanted, found = set(ids), {}
    for records in tf.data.TFRecordDataset([str(file) for file in sorted(split.iterdir())]).batch(_BATCH_SIZE):
        parsed = tf.io.parse_example(records, spec)
        names, images = (parsed[name].numpy() for name in spec)
        for record, name, image in zip(records.numpy(), names, images, strict=True):
            if (decoded := name.decode(errors="replace")) in wanted:
                found[decoded] = (record, crop_middle(image))
    return found


def crop_middle(image: bytes) -> bytes:
    """Returns the middle square of an encoded image, at most as large as a page shows it."""
    picture = PIL.Image.open(io.BytesIO(image))
    side = min(*picture.size, _TILE)
    if picture.size == (side, side):
        return image
    buffer = io.BytesIO()
    PIL.ImageOps.fit(picture.convert("RGB"), (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


def read_attention(model: pathlib.Path, split: pathlib.Path, records: Mapping[str, bytes]) -> Attention | None:
    """Computes attention maps with an exported model.

    Args:
        model: A SavedModel.
        split: Folder of TFRecords of raw tf.Examples; the maps of its first images are averaged.
        records: Serialized tf.Examples by id.

    Returns:
        The maps; None if the model exports none.
    """
    import tensorflow as tf

    functions = tf.saved_model.load(str(model)).signatures
    if signatures.ATTENTION_MAPS not in functions:
        return None
    weigh = functions[signatures.ATTENTION_MAPS]
    maps = weigh(examples=tf.constant(list(records.values())))[signatures.MAPS].numpy()
    [first] = tf.data.TFRecordDataset([str(file) for file in sorted(split.iterdir())]).batch(_MEAN_IMAGES).take(1)
    averaged = weigh(examples=first)[signatures.MAPS].numpy()
    return Attention(
        maps=dict(zip(records, maps, strict=True)),
        mean=averaged.mean(axis=0),
        mean_images=len(averaged),
        effective_patches=count_effective_patches(averaged),
    )


def count_effective_patches(maps: np.ndarray) -> np.ndarray:
    """Counts the patches that each token effectively weighs: the number of equal weights with the same entropy.

    Args:
        maps: Weights of patches, [images, tokens, height, width].

    Returns:
        From 1 (a single patch) to height x width (a plain average), the mean over the images, [tokens].
    """
    weights = maps.reshape(*maps.shape[:2], -1).astype(np.float64)  # [images, tokens, patches]
    effective: np.ndarray = np.exp(entr(weights / weights.sum(axis=-1, keepdims=True)).sum(axis=-1)).mean(axis=0)
    return effective


def draw_attention(weights: np.ndarray, image: bytes | None) -> list[np.ndarray]:
    """Draws the map of each token over an image.

    Args:
        weights: Of patches, [tokens, height, width].
        image: Encoded; None: black.

    Returns:
        uint8 [height, width, channels] for each token.
    """
    size = (_TILE, _TILE)
    picture = PIL.Image.new("RGB", size) if image is None else PIL.Image.open(io.BytesIO(image)).convert("RGB")
    return [shade(picture.resize(size, PIL.Image.Resampling.BICUBIC), token) for token in weights]


def shade(picture: PIL.Image.Image, weights: np.ndarray) -> np.ndarray:
    """Colors the patches of a gray picture by their weights: from purple over red to yellow, the greatest weight.

    The scale begins at 0, so equal weights are yellow all over.

    Args:
        picture: In RGB.
        weights: Of patches, [height, width] in patches.

    Returns:
        uint8 [height, width, channels], of the size of the picture.
    """
    gray = np.asarray(picture.convert("L"), dtype=np.float64)[..., np.newaxis]  # [height, width, 1]
    scaled = PIL.Image.fromarray((weights / max(weights.max(), 1e-12)).astype(np.float32))
    share = np.asarray(scaled.resize(picture.size, PIL.Image.Resampling.BICUBIC)).clip(0, 1)  # [height, width]
    heat = 255 * mpl.colormaps["inferno"](share)[..., :3]  # [height, width, channels]
    opacity = _OPACITY * np.sqrt(share)[..., np.newaxis]
    return (opacity * heat + (1 - opacity) * gray).astype(np.uint8)


def encode_jpeg(pixels: np.ndarray) -> bytes:
    """Encodes an image, uint8 [height, width, channels], as a small JPEG."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "JPEG", quality=80, optimize=True)
    return buffer.getvalue()
