"""Makes .venv, from which all of this project runs; any Python from 3.8 on can start this file."""

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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
UV_FOLDER = ROOT / ".uv"
NEWER_MINORS = ["3.13", "3.12", "3.11"]  # these run the newer TFX, whose wheels are built on a newer glibc
NEWER_GLIBC = (2, 39)
SHOWN_LINES = 15  # of what a failed command said
PROBE = """import os, platform, sys, sysconfig
name = "python%d.%d" % sys.version_info[:2]
path = sys.executable if sys.prefix == sys.base_prefix else os.path.join(sys.base_prefix, "bin", name)
print(os.path.realpath(path), platform.python_version(), sysconfig.get_path("include"), sep="\\n")"""


class SetupError(Exception):
    """What stops the set-up, in sentences for the person who started it."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that was seen to run: where it really is, its version such as 3.10.13, where its headers belong."""

    path: Path
    version: str
    include: Path

    @property
    def minor(self) -> str:
        """The version without its last part, such as 3.10."""
        return ".".join(self.version.split(".")[:2])

    @property
    def has_headers(self) -> bool:
        """Whether extension modules can be built for it."""
        return (self.include / "Python.h").is_file()


def list_minors(system: str, architecture: str, glibc: tuple[int, ...]) -> list[str]:
    """Lists the Python versions that TFX has wheels for on a machine, the preferred one first; no glibc is `()`."""
    if (system, architecture) == ("Linux", "x86_64") and glibc:
        return ["3.10", *(NEWER_MINORS if glibc >= NEWER_GLIBC else [])]
    return {"Darwin x86_64": ["3.10"], "Darwin arm64": NEWER_MINORS}.get(f"{system} {architecture}", [])


def probe(path: str | Path) -> Interpreter | None:
    """Runs an interpreter to learn about it; None if it does not run, like a pyenv shim without its version."""
    try:
        answer = subprocess.run([str(path), "-I", "-c", PROBE], capture_output=True, text=True, timeout=60, check=True)
        real_path, version, include = answer.stdout.splitlines()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(Path(real_path), version, Path(include))


def find_version(minor: str) -> Interpreter | None:
    """Looks for a Python on PATH, in pyenv, in uv, and at the one that runs this; one with headers is preferred."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    of_uv = Path.home() / ".local" / "share" / "uv" / "python"
    installed = [*pyenv.glob(f"{minor}.*"), *of_uv.glob(f"cpython-{minor}.*")]
    newest_first = sorted(installed, key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.name)], reverse=True)
    folders = [*map(Path, os.get_exec_path()), *(folder / "bin" for folder in newest_first)]
    paths = [path for path in (folder / f"python{minor}" for folder in folders) if path.is_file()]
    running = map(probe, dict.fromkeys([*paths, Path(sys.executable)]))
    return max((p for p in running if p and p.minor == minor), key=lambda python: python.has_headers, default=None)


def find_python(asked: str, minors: list[str], glibc: tuple[int, ...]) -> Interpreter:
    """Finds the Python to make .venv of: `auto`, a version such as `3.13`, or an interpreter's name or path."""
    if not minors:
        raise SetupError(f"TFX has wheels for Linux x86_64 with glibc and for macOS, not for {platform.platform()}.")
    rule = f"TFX needs Python {' or '.join(minors)} here"
    if () < glibc < NEWER_GLIBC:
        have = ".".join(map(str, glibc))
        rule += f", as 3.11 to 3.13 need glibc 2.39 (Debian 13, Ubuntu 24.04) and this is glibc {have}"
    is_version = re.fullmatch(r"\d+\.\d+", asked)
    if is_version and asked not in minors:
        raise SetupError(f"Python {asked} cannot be used: {rule}.")
    if asked == "auto" or is_version:
        wanted = [asked] if is_version else minors
        found = next(filter(None, map(find_version, wanted)), None)
        remedy = f"`pyenv install {wanted[0]}` or `uv python install {wanted[0]}` gets one"
    else:
        found = probe(shutil.which(asked) or asked)
        remedy = "PYTHON takes a version such as 3.10 or the path of an interpreter"
    if not found:
        raise SetupError(f"No Python that runs was found for PYTHON={asked}: {rule}; {remedy}.")
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
    """Returns the Python to use, or raises a SetupError with one sentence for each thing that is missing."""
    missing = []
    if not find_uv() and not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        missing.append(
            f"The module venv or ensurepip is missing in {sys.executable}; uv is installed with them: "
            "`apt install python3-venv` (Debian, Ubuntu), or install uv yourself."
        )
    if not any(map(shutil.which, (*shlex.split(os.environ.get("CXX", ""))[:1], "c++", "g++", "clang++"))):
        missing.append(
            "A C++ compiler is missing (c++, g++, clang++ or $CXX); pyfarmhash is built with it: "
            "`apt install g++` (Debian, Ubuntu) or `xcode-select --install` (macOS)."
        )
    try:
        python = find_python(asked, list_minors(platform.system(), platform.machine(), glibc), glibc)
        if not python.has_headers:
            missing.append(
                f"The C headers of Python {python.version} are missing in {python.include}; pyfarmhash is built "
                f"with them: `apt install python{python.minor}-dev` (Debian, Ubuntu)."
            )
    except SetupError as error:
        missing.append(str(error))
    if missing:
        raise SetupError("\n".join(missing))
    return python


def run(phase: str, *command: str | Path) -> None:
    """Runs a command; the screen shows the phase and its seconds, and what the command says only if it fails."""
    start = time.monotonic()
    print(phase, end=" … ", flush=True)
    words = list(map(str, command))
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(f"{time.monotonic() - start:.0f} s", flush=True)
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-SHOWN_LINES:])
        raise SetupError(f"The set-up stopped, because `{shlex.join(words)}` failed; its last words:\n{end}")


def find_locked(package: str, lock: str) -> str:
    """Returns the lines of a lock that hold a package's version and hashes."""
    return "\n".join(re.findall(rf"^{package}==.*(?:\n .*)*", lock, re.MULTILINE))


def install_uv() -> str:
    """Installs uv into the project, at the version and with the hashes of the lock."""
    run("a Python environment for uv", sys.executable, "-m", "venv", "--clear", UV_FOLDER)
    requirements = UV_FOLDER / "requirements.txt"
    requirements.write_text(find_locked("uv", LOCK.read_text()))
    pip = (UV_FOLDER / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    run("uv, with which packages are installed", *pip, "--no-deps", "--require-hashes", "-r", requirements)
    return str(UV_FOLDER / "bin" / "uv")


def make_venv(python: Interpreter, uv: str) -> None:
    """Makes .venv hold the locked packages and this project; it is reused if it is whole and of the same Python."""
    stamps = list(VENV.glob(".ready-*"))  # none after an interruption, which may have left half a package
    inside = VENV / "bin" / "python"
    is_reusable = stamps and probe(inside) == python
    for stamp in stamps:
        stamp.unlink()
    if not is_reusable:
        shutil.rmtree(VENV, ignore_errors=True)
        run(f"Python {python.version} at {python.path}", uv, "venv", "--no-project", "--python", python.path, VENV)
    sync = (uv, "pip", "sync", "--python", inside, "--require-hashes", "--build-constraints", LOCK, LOCK)
    run("packages (3 GB, a matter of minutes unless cached)", *sync)
    install = (uv, "pip", "install", "--python", inside, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    run("this project", *install)


def main(asked: str = "auto") -> int:
    """Sets up with the Python asked for and returns the exit code."""
    library, version = platform.libc_ver()
    glibc = tuple(map(int, version.split("."))) if library == "glibc" else ()
    try:
        python = check_needs(asked, glibc)
        make_venv(python, find_uv() or install_uv())
        (VENV / f".ready-{asked.replace('/', '_')}").touch()  # last, so that make repeats what was interrupted
    except (SetupError, OSError, KeyboardInterrupt) as error:
        print(str(error) or "\nInterrupted; the next make sets up again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
