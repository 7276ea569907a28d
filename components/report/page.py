"""The page: everything that a run left, in one HTML file that needs no other."""

import pathlib
from typing import Any

from components import templates
from components.artifacts.lite_comparison import FORM_NAMES
from components.report import palette
from components.report.marks import describe_place, find_mark
from components.report.sources import Sources
from components.report.view import assemble
from models.reducers.registry import REDUCERS

PAGE_FILE = "report.html"
ENVIRONMENT_FILE = "environment.json"

_TEMPLATES = pathlib.Path(__file__).with_name("templates")
_RULES = {
    "accuracy_floor": "Accuracy floor",
    "not_worse": "Not worse than the last blessed model",
    "no_class_fell": "No class fell",
    "compute": "Compute budget",
}

_CHECKS = {
    "process": "The fresh process came to its end",
    "isolation": "Needs TensorFlow alone",
    "loading": "Loads",
    "batch_sizes": "Answers any number of images",
    "equal_to_trainer": "Answers as the trainer's own network does",
    "session": "Loads as in TensorFlow Serving, and answers alike",
    "batch_order": "Keeps the order of a batch",
    "malformed_records": "Rejects malformed records",
    "recovery": "Goes on after an error",
    "latency": "Fast enough",
    "memory": "Small enough",
    "docker": "TensorFlow Serving in docker",
}


def render_page(sources: Sources) -> str:
    """Makes the page; the same sources make the same page.

    Args:
        sources: Of one run.

    Returns:
        HTML.
    """
    context: dict[str, Any] = {
        **assemble(sources),
        "light": palette.LIGHT,
        "dark": palette.DARK,
        "rule_names": _RULES,
        "check_names": _CHECKS,
        "form_names": FORM_NAMES,
        "label_kind": _label_kind,
        "describe_place": describe_place,
    }
    return templates.open_templates(_TEMPLATES, is_html=True).get_template("page.html").render(context)


def digest_templates() -> str:
    """Returns the SHA-256 of the templates, which makes the cache see their edits."""
    return templates.digest_templates(_TEMPLATES)


def _label_kind(kind: str) -> str:
    reducer, _, fuser = kind.partition(" with ")
    label = REDUCERS[reducer].label if reducer in REDUCERS else find_mark(reducer).label
    return f"{label[:1].upper()}{label[1:]}{' with ' + fuser if fuser else ''}"
