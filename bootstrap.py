"""Makes .venv, in which all of this project runs; any Python from 3.8 on can run this file."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
UV_FOLDER = ROOT / ".uv"
NEWER_MINORS = ["3.13", "3.12", "3.11"]  # for the newer TFX, whose wheels need a newer glibc
NEWER_GLIBC = (2, 39)
PROBE = """import os, platform, sys, sysconfig
name = "python%d.%d" % sys.version_info[:2]
path = sys.executable if sys.prefix == sys.base_prefix else os.path.join(sys.base_prefix, "bin", name)
print(os.path.realpath(path), platform.python_version(), sysconfig.get_path("include"), sep="\\n")"""


class SetupError(Exception):
    """Stops the set-up with one message for each missing thing."""


class Interpreter(NamedTuple):
    """A Python that runs."""

    path: str  # without links and virtual environments
    version: str  # such as 3.10.13
    include: str  # folder of its C headers

    @property
    def minor(self) -> str:
        """The version without its last part, such as 3.10."""
        return ".".join(self.version.split(".")[:2])

    @property
    def has_headers(self) -> bool:
        """Whether extension modules can be built for it."""
        return Path(self.include, "Python.h").is_file()


def list_minors(system: str, architecture: str, glibc: tuple[int, ...]) -> list[str]:
    """Lists the Python versions that TFX has wheels for on a machine, the preferred one first; no glibc is `()`."""
    if (system, architecture) == ("Linux", "x86_64") and glibc:
        return ["3.10", *(NEWER_MINORS if glibc >= NEWER_GLIBC else [])]
    return {"Darwin x86_64": ["3.10"], "Darwin arm64": NEWER_MINORS}.get(f"{system} {architecture}", [])


def probe(path: str | Path) -> Interpreter | None:
    """Runs an interpreter; returns None if it fails, like a pyenv shim without its version."""
    try:
        done = subprocess.run([str(path), "-I", "-c", PROBE], capture_output=True, text=True, timeout=60, check=True)
        return Interpreter(*done.stdout.splitlines())
    except (OSError, subprocess.SubprocessError, TypeError):
        return None


def find_version(minor: str) -> Interpreter | None:
    """Looks on PATH, in the folders of pyenv and uv, and at the Python that runs this; prefers one with headers."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    of_uv = Path.home() / ".local" / "share" / "uv" / "python"
    installed = [*pyenv.glob(f"{minor}.*"), *of_uv.glob(f"cpython-{minor}.*")]
    newest_first = sorted(installed, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.name)], reverse=True)
    folders = [*map(Path, os.get_exec_path()), *(folder / "bin" for folder in newest_first)]
    paths = [path for path in (folder / f"python{minor}" for folder in folders) if path.is_file()]
    running = map(probe, dict.fromkeys([*paths, Path(sys.executable)]))
    return max((p for p in running if p and p.minor == minor), key=lambda python: python.has_headers, default=None)


def find_python(asked: str, minors: list[str], glibc: tuple[int, ...]) -> Interpreter:
    """Finds the Python for .venv.

    Args:
        asked: `auto`, a version such as `3.13`, or the name or path of an interpreter.
        minors: The versions that can be used, the preferred one first.
        glibc: Of this machine.
    """
    if not minors:
        raise SetupError(f"TFX has wheels for Linux x86_64 with glibc and for macOS, not for {platform.platform()}.")
    rule = f"TFX needs Python {' or '.join(minors)} here"
    if () < glibc < NEWER_GLIBC:
        have = ".".join(map(str, glibc))
        rule += f" (3.11 to 3.13 need glibc 2.39, as in Debian 13 and Ubuntu 24.04; this is glibc {have})"
    if asked == "auto" or re.fullmatch(r"\d+\.\d+", asked):
        found = next(filter(None, map(find_version, minors if asked == "auto" else [asked])), None)
    else:
        found = probe(shutil.which(asked) or asked)
    if not found:
        wanted = asked if asked in minors else minors[0]
        remedy = f"install one by `pyenv install {wanted}` or `uv python install {wanted}`, or set PYTHON to its path"
        raise SetupError(f"No working Python was found for PYTHON={asked}: {rule}; {remedy}.")
    if found.minor not in minors:
        raise SetupError(f"Python {found.version} cannot be used: {rule}.")
    return found


def find_uv() -> str | None:
    """Finds a uv that runs, on PATH or where an earlier set-up installed it."""
    for path in filter(None, (shutil.which("uv"), shutil.which(str(UV_FOLDER / "bin" / "uv")))):
        if subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


def check_needs(asked: str, glibc: tuple[int, ...]) -> Interpreter:
    """Returns the Python to use, or raises a SetupError with one line for each missing thing."""
    missing = []
    if not find_uv() and not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        missing.append(f"{sys.executable} lacks venv or ensurepip: `apt install python3-venv`, or install uv.")
    if not any(map(shutil.which, (*shlex.split(os.environ.get("CXX", ""))[:1], "c++", "g++", "clang++"))):
        missing.append("A C++ compiler is missing: `apt install g++` or `xcode-select --install`, or set CXX.")
    try:
        python = find_python(asked, list_minors(platform.system(), platform.machine(), glibc), glibc)
        if not python.has_headers:
            package = f"python{python.minor}-dev"
            missing.append(f"Python {python.version} has no C headers in {python.include}: `apt install {package}`.")
    except SetupError as error:
        missing.append(str(error))
    if missing:
        raise SetupError("\n".join(missing))
    return python


def run(phase: str, *command: str | Path) -> None:
    """Runs a command; prints the phase and its seconds, and the command's output only if it fails."""
    start = time.monotonic()
    print(phase, end=" … ", flush=True)
    words = list(map(str, command))
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"{time.monotonic() - start:.0f} s", flush=True)
    if done.returncode:
        raise SetupError(f"`{shlex.join(words)}` failed:\n{done.stdout.rstrip()}")


def install_uv() -> str:
    """Installs uv into the project, with the version and the hashes of the lock."""
    run("a Python environment for uv", sys.executable, "-m", "venv", "--clear", UV_FOLDER)
    requirements = UV_FOLDER / "requirements.txt"
    requirements.write_text("\n".join(re.findall(r"^uv==.*(?:\n .*)*", LOCK.read_text(), re.MULTILINE)))
    pip = (UV_FOLDER / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    run("uv, which installs the packages", *pip, "--no-deps", "--require-hashes", "-r", requirements)
    return str(UV_FOLDER / "bin" / "uv")


def make_venv(python: Interpreter, uv: str) -> None:
    """Installs the locked packages and this project into .venv, which is kept if it is complete and of this Python."""
    stamps = list(VENV.glob(".ready-*"))  # none after an interruption, which may have left half a package
    inside = VENV / "bin" / "python"
    is_reusable = stamps and probe(inside) == python
    for stamp in stamps:
        stamp.unlink()
    if not is_reusable:
        shutil.rmtree(VENV, ignore_errors=True)
        run(f"Python {python.version} at {python.path}", uv, "venv", "--no-project", "--python", python.path, VENV)
    pip = (uv, "pip", "sync", "--python", inside, "--require-hashes", "--build-constraints", LOCK, LOCK)
    run("packages (3 GB; takes minutes unless cached)", *pip)
    install = (uv, "pip", "install", "--python", inside, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    run("this project", *install)


def main(asked: str = "auto") -> int:
    """Sets up with the given Python and returns the exit code."""
    library, version = platform.libc_ver()
    glibc = tuple(map(int, version.split("."))) if library == "glibc" else ()
    try:
        python = check_needs(asked, glibc)
        make_venv(python, find_uv() or install_uv())
        (VENV / f".ready-{asked.replace('/', '_')}").touch()  # last, so that make repeats an interrupted set-up
    except (SetupError, OSError, KeyboardInterrupt) as error:
        print(str(error) or "\nInterrupted; the next make sets up again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
