"""The Dockerfiles agree with the pipeline and the lock; no docker daemon is needed."""

import fnmatch
import json
import pathlib
import re

import pytest
from sample_slice import PROJECT

from pipeline.kubeflow.job import COMMAND
from pipeline.kubeflow.options import IMAGE_FOLDER, SHIPPED_SAMPLE


@pytest.fixture(scope="module")
def instructions() -> list[list[str]]:
    """The Dockerfile, an instruction and its words each; continued lines joined, comments dropped."""
    text = re.sub(r"^#.*\n", "", (PROJECT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def last_stage(instructions: list[list[str]]) -> list[list[str]]:
    """The instructions of the image."""
    start = max(n for n, words in enumerate(instructions) if words[0] == "FROM")
    return instructions[start:]


def test_entry_and_sample_are_those_of_a_compiled_pipeline(last_stage: list[list[str]]) -> None:
    [entry] = [words[1:] for words in last_stage if words[0] == "ENTRYPOINT"]
    assert json.loads(" ".join(entry)) == list(COMMAND)
    assert ["WORKDIR", str(IMAGE_FOLDER)] in last_stage
    assert ["COPY", str(SHIPPED_SAMPLE), str(SHIPPED_SAMPLE)] in last_stage


def test_the_packages_are_those_of_the_lock_with_their_hashes(instructions: list[list[str]]) -> None:
    of_lock, of_project = (words for words in instructions if words[:3] == ["RUN", "pip", "install"])
    assert {"--require-hashes", "/tmp/requirements.lock"} <= set(of_lock)
    assert {"--no-deps", "--no-build-isolation"} <= set(of_project)  # it downloads nothing


def test_the_images_have_the_python_of_this_project_and_the_beam_of_the_lock(instructions: list[list[str]]) -> None:
    minor = ".".join((PROJECT / ".python-version").read_text().strip().split(".")[:2])
    [base] = [words[1] for words in instructions if words[0] == "ARG"]
    assert base.startswith(f"BASE=python:{minor}-")
    text, lock = ((PROJECT / name).read_text() for name in ("Dockerfile.beam", "requirements.lock"))
    beam = re.findall(r"^apache-beam==([\d.]+) ; python_full_version < '3.11'", lock, re.MULTILINE)
    assert re.findall(r"^ARG SDK=apache/beam_python([\d.]+)_sdk:([\d.]+)$", text, re.MULTILINE) == [(minor, *beam)]
    assert "ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1\n" in text  # as the packages are in a virtual environment
    assert text.endswith('ENTRYPOINT ["/opt/apache/beam/boot"]\n')


def test_what_it_copies_is_there_and_not_ignored(instructions: list[list[str]]) -> None:
    rules = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    copies = [words[1:-1] for words in instructions if words[0] == "COPY" and not words[1].startswith("--from")]
    for source in (pathlib.Path(name) for names in copies for name in names):
        assert (PROJECT / source).exists(), source
        assert not _is_ignored(source, rules), source
    assert all(_is_ignored(pathlib.Path(name), rules) for name in (".git", ".venv", "data/cifar10", "pipeline_root"))


def _is_ignored(path: pathlib.Path, rules: list[str]) -> bool:
    """Returns whether the last rule that matches a path or a folder above it excludes it."""
    ignored = False
    for rule in rules:
        pattern = pathlib.PurePath(rule.removeprefix("!"))
        parts = pathlib.Path(*path.parts[: len(pattern.parts)])
        if len(path.parts) >= len(pattern.parts) and fnmatch.fnmatch(str(parts), str(pattern)):
            ignored = not rule.startswith("!")
    return ignored
