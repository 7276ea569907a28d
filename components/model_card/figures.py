"""The pictures of a card, as PNG."""

import dataclasses
import io
import pathlib
from collections.abc import Sequence

import numpy as np
import PIL.Image

from components.artifacts.predictions import stream_predictions
from components.report import canvas, pictures
from components.report.palette import LIGHT
from components.report.selection import Prediction, select_images

_ROWS = 3  # of images that the model classified correctly, and of images that it did not
_TILE = 58  # pixels per side of an image with its margin
_LABEL = 130  # pixels to the left of a row


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionPicture:
    """Attention maps of all tokens over test images."""

    png: bytes
    right: int  # rows of images that the model classified correctly, at the top
    wrong: int  # rows of the others
    attention: pictures.Attention


@canvas.styled
def draw_attention_picture(
    model: pathlib.Path, test_split: pathlib.Path, verdict: pathlib.Path, class_names: Sequence[str]
) -> AttentionPicture | None:
    """Draws attention maps over test images with the highest confidence, right and wrong.

    Args:
        model: A SavedModel.
        test_split: Folder of TFRecords of raw tf.Examples.
        verdict: Folder with its predictions.
        class_names: By label.

    Returns:
        The picture; None if the model exports no attention maps.
    """
    selection = select_images(stream_predictions(verdict), _ROWS)
    shown = (*selection.right, *selection.wrong)
    records = pictures.read_records(test_split, [image.example_id for image in shown])
    attention = pictures.read_attention(model, test_split, {name: record for name, (record, _) in records.items()})
    if attention is None:
        return None
    tokens = len(attention.mean)
    chart = canvas.Chart(
        (_LABEL + (1 + tokens) * _TILE, 24 + (len(shown) + 1) * _TILE),
        len(shown) + 1,
        1 + tokens,
        subplot_kw={"xticks": [], "yticks": [], "frame_on": False},
    )
    rows = [
        (_describe(image, class_names), records[image.example_id][1], attention.maps[image.example_id])
        for image in shown
    ]
    mean = (f"mean of {attention.mean_images:,}\nimages", None, attention.mean)
    for row, (label, image, maps) in zip(chart.axes, [*rows, mean], strict=True):
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", color=LIGHT["ink"])
        if image:
            row[0].imshow(np.asarray(PIL.Image.open(io.BytesIO(image)).convert("RGB")))
        for axes, tile in zip(row[1:], pictures.draw_attention(maps, image), strict=True):
            axes.imshow(tile)
    for number, axes in enumerate(chart.axes[0]):
        axes.set_title(str(number) if number else "image", fontsize=11, color=LIGHT["muted"])
    return AttentionPicture(
        png=chart.to_png(), right=len(selection.right), wrong=len(selection.wrong), attention=attention
    )


def _describe(image: Prediction, class_names: Sequence[str]) -> str:
    predicted = int(image.candidate.argmax())
    text = f"{class_names[predicted]} {image.candidate[predicted]:.0%}"
    return text if predicted == image.label else f"{text},\nis {class_names[image.label]}"
