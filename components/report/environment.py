"""The environment of a run: the command, the machine, Python and the versions of packages."""

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
    *("tfx", "tensorflow", "keras", "keras-tuner", "tensorflow-transform", "tensorflow-data-validation"),
    *("tensorflow-model-analysis", "ml-metadata", "apache-beam", "tensorflow-datasets", "numpy", "matplotlib"),
    *("jinja2", "huggingface_hub"),
)
_PROCESSORS = pathlib.Path("/proc/cpuinfo")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Environment:
    """The environment of the process that ran the pipeline."""

    command: str
    python: str
    system: str
    packages: dict[str, str]  # version by name
    machine: str | None = None  # cores, processor and memory; None: unknown


def describe_environment() -> Environment:
    """Describes this process."""
    return Environment(
        command=_format_command(pathlib.PurePath(sys.argv[0])),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        packages={name: importlib.metadata.version(name) for name in _PACKAGES},
        machine=_describe_machine() if _PROCESSORS.is_file() else None,
    )


def _format_command(program: pathlib.PurePath) -> str:
    is_ours = program.parts[-2:] == ("pipeline", "__main__.py")
    return shlex.join(["tokenlearner" if is_ours else program.name, *sys.argv[1:]])


def _describe_machine() -> str:
    processor = re.search(r"^model name\s*: (.+)$", _PROCESSORS.read_text(), re.MULTILINE)  # Arm has none
    cores = len(os.sched_getaffinity(0))
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores_of = f"{cores} core{'s' if cores > 1 else ''}{' of ' + processor[1] if processor else ''}"
    return f"{cores_of}, {memory_bytes / 2**30:.0f} GiB of memory"


def write_environment(environment: Environment, path: pathlib.Path) -> None:
    """Writes `environment.json`, from which `read_environment` reads."""
    path.write_text(json.dumps(dataclasses.asdict(environment), indent=2))


def read_environment(path: pathlib.Path) -> Environment | None:
    """Reads `environment.json`; None if there is no file."""
    return Environment(**json.loads(path.read_text())) if path.is_file() else None
