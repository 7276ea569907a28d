"""Test images with predictions and attention maps, ready for the template."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.report import pictures
from components.report.selection import Prediction, Selection

_KINDS = {"right": "Most confident, and right", "wrong": "Most confident, and wrong", "uncertain": "Least confident"}


def arrange_gallery(
    selection: Selection,
    images: Mapping[str, bytes],
    attention: pictures.Attention | None,
    class_names: Sequence[str],
) -> list[dict[str, Any]]:
    """Returns the kinds of images with a row for each image."""
    kinds: list[dict[str, Any]] = [
        {"title": title, "rows": describe_images(getattr(selection, kind), images, class_names)}
        for kind, title in _KINDS.items()
    ]
    if attention:
        for row in (row for kind in kinds for row in kind["rows"]):
            row["maps"] = arrange_maps(attention.maps[row["id"]], images[row["id"]])
    return [kind for kind in kinds if kind["rows"]]


def arrange_maps(weights: np.ndarray, image: bytes | None) -> list[dict[str, str]]:
    """Returns the map of each token and the range of its weights, [tokens, height, width]."""
    return [
        {
            "image": _embed(pictures.encode_jpeg(tile), "jpeg"),
            "range": f"{token.min():.3f} to {token.max():.3f}, median {np.median(token):.3f}",
        }
        for token, tile in zip(weights, pictures.draw_attention(weights, image), strict=True)
    ]


def describe_images(
    predictions: Sequence[Prediction], images: Mapping[str, bytes], class_names: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns images with their predictions, without images that are missing."""
    return [_describe(each, images[each.example_id], class_names) for each in predictions if each.example_id in images]


def _describe(prediction: Prediction, image: bytes, class_names: Sequence[str]) -> dict[str, Any]:
    first, second = prediction.candidate.argsort(kind="stable")[::-1][:2].tolist()
    return {
        "id": prediction.example_id,
        "image": _embed(image),
        "label": class_names[prediction.label],
        "predicted": class_names[first],
        "probability": float(prediction.candidate[first]),
        "second": class_names[second],
        "second_probability": float(prediction.candidate[second]),
        "baseline": None if prediction.baseline is None else class_names[int(prediction.baseline.argmax())],
    }


def _embed(image: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
