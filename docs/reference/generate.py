"""Writes commands.md, configuration.md, json.md and schemas/ of this folder from the code: `make docs`."""

import contextlib
import dataclasses
import inspect
import io
import json
import os
import pathlib
import re
import sys
import typing
from typing import Any
from unittest import mock

import pydantic

from components.artifacts import lite_comparison, search_outcome, serving_findings, trial, verdict, winner
from components.pusher import manifest
from pipeline.__main__ import main
from pipeline.config import QUICK
from pipeline.inspection import comparison, lineage, overview, runs, slices, trials

FOLDER = pathlib.Path(__file__).parent
FORMATS = {  # by the name of the schema: the class, and where such JSON is written
    "inspect": (overview.Overview, "`tokenlearner inspect --json`"),
    "inspect-runs": (runs.RunFacts, "`tokenlearner inspect runs --json`, a list, oldest run first"),
    "inspect-compare": (comparison.Comparison, "`tokenlearner inspect compare A B --json`"),
    "inspect-slices": (slices.SlicesFacts, "`tokenlearner inspect slices --json`"),
    "inspect-trials": (trials.TrialsFacts, "`tokenlearner inspect trials --json`"),
    "inspect-lineage": (lineage.Lineage, "`tokenlearner inspect lineage --json`"),
    "verdict": (verdict.Verdict, "`Evaluator/verdict/<n>/verdict.json`"),
    "lite": (lite_comparison.LiteComparison, "`Evaluator/verdict/<n>/lite.json`"),
    "serving": (serving_findings.ServingFindings, "`ServingValidator/blessing/<n>/serving.json`"),
    "winner": (winner.Winner, "`Trainer/model_run/<n>/winner.json`; `macs` also has a `total`"),
    "search": (search_outcome.SearchOutcome, "`Trainer/model_run/<n>/search.json`"),
    "trials": (trial.Trial, "each line of `Trainer/model_run/<n>/trials.jsonl`"),
    "manifest": (manifest.Manifest, "`serving/tokenlearner/<version>/manifest.json`"),
}
_GENERATED = "<!-- Written by docs/reference/generate.py; edit the code instead, then run `make docs`. -->\n"


def print_help(*command: str) -> str:
    """Returns the help of a command, without the boxes that a terminal shows."""
    text = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(sys, "argv", ["tokenlearner", *command, "--help"]))
        stack.enter_context(mock.patch.dict(os.environ, COLUMNS="100"))
        stack.enter_context(contextlib.redirect_stdout(text))
        stack.enter_context(contextlib.suppress(SystemExit))
        main()
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def split_sections(text: str) -> dict[str, str]:
    """Returns the parts of a help text by their title; the first one has none."""
    before, *parts = re.split(r"^ (\w[\w ]*)\n -{9,}\n", text, flags=re.MULTILINE)
    return {"": before, **dict(zip(parts[::2], parts[1::2], strict=True))}


def write_commands() -> str:
    """Returns the help of all commands; options of the configuration have a page of their own."""
    elsewhere = {f"{field.name} options" for field in dataclasses.fields(QUICK)}
    parts: list[str] = []
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        command = waiting.pop(0)
        sections = split_sections(print_help(*command))
        waiting[:0] = [(*command, name) for name in re.findall(r"^    • (\S+)", sections.get("subcommands", ""), re.M)]
        text = "\n".join(
            f"{title}\n{part}".strip() + "\n" for title, part in sections.items() if title not in elsewhere
        )
        more = (
            "\nIt also takes the options of the [configuration](configuration.md).\n" if elsewhere & {*sections} else ""
        )
        parts.append(f"## {' '.join(('tokenlearner', *command))}\n{more}\n```text\n{text}```\n")
    return f"# Commands\n\n{_GENERATED}\n" + "\n".join(parts)


def read_options(profile: str) -> dict[str, list[tuple[str, ...]]]:
    """Returns option, value, meaning and default of all options of `run`, by section."""
    option = re.compile(r"^  --([^\s,]+),?(?: (\S.*(?:\n  (?!-)\S.*)?))?\n((?: {6,}.*\n?)+)", re.MULTILINE)
    read: dict[str, list[tuple[str, ...]]] = {}
    for title, text in split_sections(print_help("run", "--profile", profile)).items():
        read[title] = []
        for name, value, words in option.findall(text):
            meaning, _, default = " ".join(words.split()).partition("(default: ")
            read[title].append((name, " ".join(value.split()), meaning.strip(), default.removesuffix(")")))
    return read


def write_configuration() -> str:
    """Returns all options of `run`, with the values of both profiles."""
    what = "Options of `run`, `compile` and `config show`, with the values of both profiles."
    lines = [f"# Configuration\n\n{_GENERATED}\n{what}"]
    full = read_options("full")
    for title, options in read_options("quick").items():
        lines += [
            f"\n## {title.capitalize()}\n\n| option | value | quick | full | meaning |\n|---|---|---|---|---|"
        ] * bool(options)
        for (name, value, meaning, default), (*_, other) in zip(options, full[title], strict=True):
            cells = f"`--{name}` | `{value or 'flag'}` | {default} | {other} | {meaning}"
            lines.append(f"| {cells.replace('{None}|', '')} |")
    return "\n".join(lines) + "\n"


def find_classes(found: Any) -> dict[str, Any]:
    """Returns the dataclasses in the fields of one, itself included, by name."""
    classes = {found.__name__: found} if isinstance(found, type) and dataclasses.is_dataclass(found) else {}
    inner = typing.get_type_hints(found).values() if classes else typing.get_args(found)
    for each in inner:
        classes |= find_classes(each)
    return classes


def read_comments(found: type) -> dict[str, str]:
    """Returns the comments beside the fields of a dataclass."""
    sources = "".join(inspect.getsource(base) for base in reversed(found.__mro__[:-1]))
    return dict(re.findall(r"^    (\w+): .*?  # (.+)$", sources, re.MULTILINE))


def make_schema(format_class: type) -> dict[str, Any]:
    """Returns the JSON schema of a dataclass, with the comments of its fields as descriptions."""
    schema = pydantic.TypeAdapter(format_class).json_schema(mode="serialization")
    for name, found in find_classes(format_class).items():
        part = schema if found is format_class else schema["$defs"].get(name, {})
        for key, comment in read_comments(found).items():
            part.get("properties", {}).get(key, {})["description"] = comment
    return schema


def write_json() -> str:
    """Returns the keys of all formats."""
    what = "These keys stay; others may be added. `None` is written as `null`: there is no value, or not yet."
    lines, shown = [f"# JSON formats\n\n{_GENERATED}\n{what}"], set()
    for name, (format_class, where) in FORMATS.items():
        lines.append(f"\n## {name}\n\n{where}, of type `{format_class.__name__}`. [JSON schema](schemas/{name}.json)")
        for title, found in find_classes(format_class).items():
            if title not in shown:
                lines.append(f"\n### {title}\n\n| key | type | meaning |\n|---|---|---|")
                shown.add(title)
                for key, hint in typing.get_type_hints(found).items():
                    kind = re.sub(r"\b[a-z_]+\.(?=\w)", "", inspect.formatannotation(hint)).replace("|", "\\|")
                    lines.append(f"| `{key}` | {kind} | {read_comments(found).get(key, '')} |")
    return "\n".join(lines) + "\n"


def write_all() -> dict[pathlib.Path, str]:
    """Returns the content of all generated files, by path."""
    pages = {"commands": write_commands(), "configuration": write_configuration(), "json": write_json()}
    schemas = {name: json.dumps(make_schema(found), indent=1) + "\n" for name, (found, _) in FORMATS.items()}
    files = {f"{name}.md": text for name, text in pages.items()} | {
        f"schemas/{name}.json": schemas[name] for name in schemas
    }
    return {FOLDER / name: text for name, text in files.items()}


if __name__ == "__main__":
    for path, text in write_all().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
