"""Jinja templates of the report and the model card, with their filters, and their digest for the cache."""

import functools
import hashlib
import pathlib
import re
from collections.abc import Sequence

import jinja2


@functools.cache  # compiling takes longer than rendering
def open_templates(folder: pathlib.Path, *, is_html: bool) -> jinja2.Environment:
    """Returns the Jinja environment of a folder, in which an unknown name is an error.

    Args:
        folder: Of the templates.
        is_html: Whether to escape values.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=not is_html,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        percent=lambda share, digits=1: f"{share:.{digits}%}",
        points=lambda difference: _typeset(f"{100 * difference:+.1f}"),
        typeset=_typeset,
        mmacs=lambda macs: f"{macs / 1e6:.2f}",
        mebibytes=lambda count: f"{count / 2**20:,.0f}",
        milliseconds=lambda seconds: f"{1000 * seconds:,.1f}",
        sentence=_make_sentence,
    )
    return environment


def digest_templates(folder: pathlib.Path) -> str:
    """Returns the SHA-256 of the templates of a folder, so that the cache notices their edits."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _make_sentence(clauses: str | Sequence[str]) -> str:
    text = clauses if isinstance(clauses, str) else "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _typeset(text: str) -> str:
    """Uses real minus signs."""
    return re.sub(r"(?<!\w)-(?=\d)", "\N{MINUS SIGN}", text)
