"""Reads a model card as text: its body, and the tables of a section."""

import re

HOLES = re.compile(r"\b(None|nan|inf|undefined|True|False)\b|[Mm]ore [Ii]nformation|\|[ \t]*\||: \.|\( ?\)|, ,")


def read_body(text: str) -> str:
    """Returns a card without its YAML and its code."""
    return re.sub(r"```.*?```", "", text.split("\n---\n", 1)[1], flags=re.DOTALL)


def read_rows(text: str, heading: str) -> list[list[str]]:
    """Returns the cells of the tables of a section, without those of their heads."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section, heading
    lines = section[1].splitlines()
    heads = {n for n, line in enumerate(lines[1:]) if line.startswith("|--")}
    kept = [line for n, line in enumerate(lines) if line.startswith("| ") and n not in heads]
    return [[cell.strip(" *`") for cell in line.strip("|").split("|")] for line in kept]
