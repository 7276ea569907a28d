"""What a run ran on: the command, Python and the versions of packages."""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import shlex
import sys

_PACKAGES = (
    "tfx",
    "tensorflow",
    "keras",
    "keras-tuner",
    "tensorflow-transform",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "ml-metadata",
    "apache-beam",
    "tensorflow-datasets",
    "numpy",
    "matplotlib",
    "jinja2",
    "huggingface_hub",
)
_PROCESSORS = pathlib.Path("/proc/cpuinfo")
_MEMORY = pathlib.Path("/proc/meminfo")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment:
    """Of the process that made a report for the first time, which is the one that ran the DAG."""

    command: str
    python: str
    system: str
    packages: dict[str, str]  # version by name
    machine: str | None = None  # cores, processor and memory; None: not known


def describe_environment() -> Environment:
    """Looks at this process."""
    return Environment(
        command=_name_command(sys.argv),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        packages={name: _find_version(name) for name in _PACKAGES},
        machine=_describe_machine(),
    )


def _name_command(arguments: list[str]) -> str:
    program = pathlib.PurePath(arguments[0]) if arguments and arguments[0] else pathlib.PurePath("python")
    is_ours = program.name == "tokenlearner" or program.parts[-2:] == ("pipeline", "__main__.py")
    return shlex.join(["tokenlearner" if is_ours else program.name, *arguments[1:]])


def _find_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _describe_machine() -> str | None:
    """Says what the kernel tells of the hardware; None where it does not."""
    try:
        processor = re.search(r"^model name\s*: (.+)$", _PROCESSORS.read_text(), re.MULTILINE)
        memory = re.search(r"^MemTotal:\s+(\d+) kB$", _MEMORY.read_text(), re.MULTILINE)
    except OSError:
        return None
    cores = len(os.sched_getaffinity(0))
    parts = [f"{cores} core{'s' if cores > 1 else ''}{' of ' + processor[1] if processor else ''}"]
    parts += [f"{int(memory[1]) / 2**20:.0f} GiB of memory"] if memory else []
    return ", ".join(parts)


def write_environment(environment: Environment, path: pathlib.Path) -> None:
    """Keeps it beside the page, for the day when the page is made anew."""
    path.write_text(json.dumps(dataclasses.asdict(environment), indent=2))


def read_environment(path: pathlib.Path) -> Environment | None:
    """Reads what was kept; None if nothing was."""
    return Environment(**json.loads(path.read_text())) if path.is_file() else None
