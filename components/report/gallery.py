"""Test images with the models' predictions, ready for the page."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import PIL.Image

from components import features
from components.artifacts.verdict import Paired
from components.report import pictures
from components.report.selection import Prediction, Selection

_SORTS = {"right": "Most confident, and right", "wrong": "Most confident, and wrong", "uncertain": "Least confident"}


def arrange_gallery(
    selection: Selection | None, images: Mapping[str, bytes], attention: pictures.Attention | None
) -> list[dict[str, Any]]:
    """Returns the sorts of images with their rows; images that are in no file are left out."""
    if selection is None:
        return []
    sorts = []
    for sort, title in _SORTS.items():
        rows = _describe_all(getattr(selection, sort), images)
        for row in rows:
            row["maps"] = arrange_maps(attention.maps[row["id"]], images[row["id"]]) if attention else []
        if rows:
            sorts.append({"title": title, "rows": rows})
    return sorts


def arrange_maps(weights: np.ndarray, image: bytes | None) -> list[dict[str, str]]:
    """Returns the drawn map of each token with the range of its weights, [tokens, height, width]."""
    return [
        {"image": embed(png), "range": f"{token.min():.3f} to {token.max():.3f}, median {np.median(token):.3f}"}
        for token, png in zip(weights, pictures.draw_attention(weights, image), strict=True)
    ]


def arrange_flips(
    selection: Selection | None, paired: Paired | None, images: Mapping[str, bytes]
) -> dict[str, Any] | None:
    """Returns the images on which only one of the models is right, and how many there are; None without a baseline."""
    if selection is None or paired is None:
        return None
    return {
        "lost": _describe_all(selection.lost, images),
        "lost_count": paired.only_baseline_right,
        "gained": _describe_all(selection.gained, images),
        "gained_count": paired.only_candidate_right,
    }


def _describe_all(predictions: Sequence[Prediction], images: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [_describe(each, images[each.example_id]) for each in predictions if each.example_id in images]


def _describe(prediction: Prediction, image: bytes) -> dict[str, Any]:
    probabilities = prediction.candidate
    first, second = probabilities.argsort(kind="stable")[::-1][:2].tolist()
    return {
        "id": prediction.example_id,
        "image": embed(image),
        "label": features.CLASS_NAMES[prediction.label],
        "answer": features.CLASS_NAMES[first],
        "probability": float(probabilities[first]),
        "second": features.CLASS_NAMES[second],
        "second_probability": float(probabilities[second]),
        "baseline": None if prediction.baseline is None else features.CLASS_NAMES[int(prediction.baseline.argmax())],
    }


def embed(image: bytes) -> str:
    """Returns an encoded image as an address that holds it."""
    kind = PIL.Image.open(io.BytesIO(image)).get_format_mimetype()
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"
