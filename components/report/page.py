"""The page: everything that a run left, in one HTML file that needs no other."""

import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

import jinja2

from components.report import palette
from components.report.marks import find_mark
from components.report.sources import Sources
from components.report.view import assemble

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
    "batch_order": "Keeps the order of a batch",
    "malformed_records": "Refuses what is no image",
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
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        percent=_percent, mmacs=_mmacs, mebibytes=_mebibytes, milliseconds=_milliseconds, sentence=_make_sentence
    )
    context: dict[str, Any] = {
        **assemble(sources),
        "light": palette.LIGHT,
        "dark": palette.DARK,
        "rule_names": _RULES,
        "check_names": _CHECKS,
        "label_kind": _label_kind,
        "describe_place": _describe_place,
    }
    return environment.get_template("page.html").render(context)


def digest_templates() -> str:
    """Returns the SHA-256 of the templates, which makes the cache see their edits."""
    digest = hashlib.sha256()
    for file in sorted(_TEMPLATES.iterdir()):
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _percent(share: float, digits: int = 1) -> str:
    return f"{share:.{digits}%}"


def _make_sentence(clauses: str | Sequence[str]) -> str:
    text = clauses if isinstance(clauses, str) else "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _mmacs(macs: int) -> str:
    return f"{macs / 1e6:.2f}"


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.0f}"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.1f}"


def _label_kind(kind: str) -> str:
    reducer, _, fuser = kind.partition(" with ")
    label = find_mark(reducer).label.removeprefix("control: ")
    return f"{label[:1].upper()}{label[1:]}{' with ' + fuser if fuser else ''}"


def _describe_place(network: dict[str, Any]) -> str:
    """Says what reduces the patches to how many tokens, and where."""
    if network["token_reducer"] is None:
        return f"No TokenLearner: {network['depth']} blocks on all patches"
    label = find_mark(network["token_reducer"]).label.removeprefix("control: ")
    place = f"after block {network['blocks_before_token_learner']} of {network['depth']}"
    fuser = ", with TokenFuser" if network["use_token_fuser"] else ""
    return f"{label[0].upper()}{label[1:]}: {network['num_tokens']} tokens {place}{fuser}"
