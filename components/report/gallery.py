"""Test images with what the models answered, ready for the page."""

import base64
import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import PIL.Image

from components import features
from components.evaluator.verdict import Predictions
from components.report import answers, pictures

FLIPS = 24  # images of each direction

_SORTS = {"right": "Surest, and right", "wrong": "Surest, and wrong", "uncertain": "Least sure"}


def arrange_gallery(
    predictions: Predictions | None,
    selection: answers.Selection | None,
    images: Mapping[str, bytes],
    attention: pictures.Attention | None,
) -> list[dict[str, Any]]:
    """Returns the sorts of images with their rows; those that are in no file are left out."""
    if predictions is None or selection is None:
        return []
    sorts = []
    for sort, title in _SORTS.items():
        rows = [
            _describe_answer(predictions, position, images)
            for position in getattr(selection, sort)
            if str(predictions.ids[position]) in images
        ]
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


def _describe_answer(predictions: Predictions, position: int, images: Mapping[str, bytes]) -> dict[str, Any]:
    name, probabilities = str(predictions.ids[position]), predictions.candidate[position]
    first, second = probabilities.argsort(kind="stable")[::-1][:2].tolist()
    return {
        "id": name,
        "image": embed(images[name]),
        "label": features.CLASS_NAMES[int(predictions.labels[position])],
        "answer": features.CLASS_NAMES[first],
        "probability": float(probabilities[first]),
        "second": features.CLASS_NAMES[second],
        "second_probability": float(probabilities[second]),
        "baseline": None
        if predictions.baseline is None
        else features.CLASS_NAMES[int(predictions.baseline[position].argmax())],
    }


def arrange_flips(
    predictions: Predictions | None, flips: answers.Flips | None, images: Mapping[str, bytes]
) -> dict[str, Any] | None:
    """Returns the images that only one of the models got right, and how many there are; None without a baseline."""
    if predictions is None or flips is None:
        return None

    def rows(positions: Iterable[int]) -> list[dict[str, Any]]:
        shown = (position for position in positions if str(predictions.ids[position]) in images)
        return [_describe_answer(predictions, position, images) for position in shown]

    return {
        "lost": rows(flips.lost[:FLIPS]),
        "lost_count": len(flips.lost),
        "gained": rows(flips.gained[:FLIPS]),
        "gained_count": len(flips.gained),
    }


def embed(image: bytes) -> str:
    """Returns an encoded image as an address that holds it."""
    kind = PIL.Image.open(io.BytesIO(image)).get_format_mimetype()
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"
