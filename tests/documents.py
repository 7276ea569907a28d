"""The pages of README and docs/, and the code blocks in them."""

import pathlib
import re
import textwrap

from sample_slice import PROJECT

PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md")))


def find_blocks(page: pathlib.Path, language: str) -> list[str]:
    """Returns the code blocks of a language."""
    blocks = re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in blocks]


def find_commands(page: pathlib.Path) -> list[str]:
    """Returns the shell commands; here-documents and lines joined by a backslash are one command."""
    block = "\n".join(find_blocks(page, "sh")).replace("\\\n", "")
    return [found.strip() for found in re.findall(r"^\S.*<<'END'\n(?:.*\n)*?END$|^\S.*$", block, re.MULTILINE)]
