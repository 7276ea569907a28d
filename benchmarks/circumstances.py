"""Where, when and with what something was measured: machine, time, versions and the state of the sources."""

import dataclasses
import datetime
import os
import pathlib
import platform
import re
import subprocess

from components.report.environment import describe_environment

_SOURCES = pathlib.Path(__file__).parent.parent
_NO_SOURCES = (":!benchmarks/results", ":!*.md")  # what measuring itself changes, and words


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """What was measured on."""

    cpu: str  # model
    cores: int  # that this process may use
    memory_bytes: int
    system: str
    load_average: tuple[float, float, float]  # before, over 1, 5 and 15 minutes; 0: nothing else ran


@dataclasses.dataclass(frozen=True, kw_only=True)
class Circumstances:
    """Of one measurement."""

    revision: str  # commit that was checked out
    is_dirty: bool  # whether sources differed from it
    began: str  # ISO 8601, UTC
    python: str
    versions: dict[str, str]  # by package
    machine: Machine

    def __post_init__(self) -> None:
        """Rejects what nobody could repeat."""
        if not re.fullmatch("[0-9a-f]{40}|none", self.revision):
            raise ValueError(f"revision is {self.revision!r}; it must be a commit of 40 digits, or none")
        if not self.versions:
            raise ValueError("versions is empty; it must name the packages that were measured")


def look_around() -> Circumstances:
    """Looks at this machine, these sources and this moment, before anything is measured."""
    environment = describe_environment()
    return Circumstances(
        revision=_ask_git("rev-parse", "HEAD") or "none",
        is_dirty=bool(_ask_git("status", "--porcelain", "--", ".", *_NO_SOURCES)),
        began=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        python=environment.python,
        versions=environment.packages,
        machine=Machine(
            cpu=_name_cpu(),
            cores=len(os.sched_getaffinity(0)),
            memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            system=environment.system,
            load_average=os.getloadavg(),
        ),
    )


def _ask_git(*arguments: str) -> str:
    """Returns what git says; "" where there is no git or no repository."""
    try:
        answer = subprocess.run(["git", *arguments], cwd=_SOURCES, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()


def _name_cpu() -> str:
    file = pathlib.Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", file.read_text(), re.MULTILINE) if file.is_file() else None
    return found[1] if found else platform.processor() or platform.machine()
