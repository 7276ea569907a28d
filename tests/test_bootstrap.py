"""The set-up: its choice of a Python, its messages, its order of work, and the lock that it installs from."""

import ast
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import bootstrap

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OLD_GLIBC = (2, 36)
NEW_GLIBC = (2, 39)


def write_script(path: Path, text: str) -> Path:
    """Writes an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def write_interpreter(path: Path, version: str, include: Path | str = "/nowhere") -> Path:
    """Writes a script that returns to the probe the values of a Python of this version."""
    return write_script(path, f"printf '%s\\n' {path} {version} {include}")


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, empty, on a machine without pyenv, Pythons of uv, and $CXX."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the files that the set-up reads."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("bootstrap.py", "requirements.lock"):
        (folder / name).write_text((bootstrap.ROOT / name).read_text())
    return folder


def set_up(project: Path, asked: str = "auto") -> subprocess.CompletedProcess[str]:
    """Runs the real script, which must never show a stack trace."""
    done = subprocess.run(
        [sys.executable, "bootstrap.py", asked], cwd=project, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("machine", "minors"),
    [
        (("Linux", "x86_64", OLD_GLIBC), ["3.10"]),
        (("Linux", "x86_64", NEW_GLIBC), ["3.10", "3.13", "3.12", "3.11"]),
        (("Linux", "x86_64", ()), []),
        (("Linux", "aarch64", NEW_GLIBC), []),
        (("Darwin", "x86_64", ()), ["3.10"]),
        (("Darwin", "arm64", ()), ["3.13", "3.12", "3.11"]),
        (("Windows", "AMD64", ()), []),
    ],
)
def test_each_machine_gets_the_pythons_that_tfx_has_wheels_for(
    machine: tuple[str, str, tuple[int, ...]], minors: list[str]
) -> None:
    assert bootstrap.list_minors(*machine) == minors


def test_the_newest_pyenv_python_that_runs_is_found(bin_folder: Path, tmp_path: Path) -> None:
    write_script(bin_folder / "python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    for version in ("3.10.9", "3.10.13"):
        write_interpreter(tmp_path / ".pyenv" / "versions" / version / "bin" / "python3.10", version)
    found = bootstrap.find_python("3.10", ["3.10"], OLD_GLIBC)
    assert (found.version, found.minor) == ("3.10.13", "3.10")


def test_a_python_with_headers_is_preferred_to_one_earlier_on_path(bin_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "Python.h").touch()
    write_interpreter(bin_folder / "python3.12", "3.12.1")
    managed = tmp_path / ".local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin/python3.12"
    write_interpreter(managed, "3.12.4", tmp_path / "include")
    found = bootstrap.find_python("3.12", ["3.10", "3.12"], NEW_GLIBC)
    assert found == bootstrap.Interpreter(str(managed), "3.12.4", str(tmp_path / "include"))


@pytest.mark.parametrize(("present", "chosen"), [(["3.10", "3.13"], "3.10"), (["3.11", "3.12"], "3.12")])
def test_auto_prefers_python_3_10_then_the_newest(
    present: list[str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pythons = {minor: bootstrap.Interpreter("python", f"{minor}.1", "include") for minor in present}
    monkeypatch.setattr(bootstrap, "find_version", pythons.get)
    minors = bootstrap.list_minors("Linux", "x86_64", NEW_GLIBC)
    assert bootstrap.find_python("auto", minors, NEW_GLIBC).minor == chosen


def test_a_python_that_is_missing_or_too_new_is_reported_with_the_rule(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(bin_folder / "python3"))
    write_interpreter(bin_folder / "my-python", "3.13.0")
    for asked, minors, glibc, message in (
        ("3.12", ["3.10", "3.12"], NEW_GLIBC, r"PYTHON=3\.12: .* `uv python install 3\.12`"),
        ("3.13", ["3.10"], OLD_GLIBC, r"PYTHON=3\.13: .* 3\.10 here \(.* glibc 2\.36\); .* `pyenv install 3\.10`"),
        ("/no/python", ["3.10"], NEW_GLIBC, r"PYTHON=/no/python: "),
        (
            "my-python",
            ["3.10"],
            OLD_GLIBC,
            r"Python 3\.13\.0 cannot be used: TFX needs Python 3\.10 .* glibc 2\.36\)\.",
        ),
    ):
        with pytest.raises(bootstrap.SetupError, match=message):
            bootstrap.find_python(asked, minors, glibc)


def test_missing_headers_are_named_with_their_package(bin_folder: Path) -> None:
    write_script(bin_folder / "g++", "")
    minor = "{}.{}".format(*sys.version_info)
    python = write_interpreter(bin_folder / "my-python", f"{minor}.1")
    with pytest.raises(
        bootstrap.SetupError, match=rf"^Python .* no C headers in /nowhere: .*python{re.escape(minor)}-dev`"
    ):
        bootstrap.check_needs(str(python), NEW_GLIBC)


def test_the_script_is_python_3_8() -> None:
    ast.parse((bootstrap.ROOT / "bootstrap.py").read_text(), feature_version=(3, 8))


@pytest.mark.usefixtures("bin_folder")
def test_every_missing_need_is_one_line_and_nothing_is_made(project: Path) -> None:
    done = set_up(project, "3.9")
    compiler, python = done.stderr.splitlines()
    assert done.returncode == 1
    assert compiler.startswith("A C++ compiler is missing")
    assert python.startswith("No working Python was found for PYTHON=3.9: TFX needs Python 3.10")
    assert sorted(path.name for path in project.iterdir()) == ["bootstrap.py", "requirements.lock"]


@pytest.fixture
def uv_calls(bin_folder: Path, project: Path) -> Path:
    """The file in which a stand-in for uv notes how it was called; a file named `offline` beside it makes it fail."""
    write_script(bin_folder / "g++", "")
    write_script(
        bin_folder / "uv",
        f"""PATH=/usr/bin:/bin
        if [ "$1" = --version ]; then exit; fi
        echo "$@" >> {project}/calls
        if [ "$1" = venv ]; then mkdir -p .venv/bin && ln -s "$4" .venv/bin/python; fi
        if [ "$2" = sync ] && [ -e {project}/offline ]; then echo "no route to host"; exit 2; fi""",
    )
    return project / "calls"


def read_steps(calls: Path) -> list[str]:
    """Returns the commands of uv since the last call."""
    steps = [" ".join(re.findall(r"\bvenv --|sync|install", line)) for line in calls.read_text().splitlines()]
    calls.unlink()
    return steps


def test_a_set_up_is_made_whole_then_only_synchronized(project: Path, uv_calls: Path) -> None:
    assert set_up(project).returncode == 0
    calls = uv_calls.read_text()
    assert f"--require-hashes --build-constraints {project}/requirements.lock" in calls
    assert os.path.realpath(project / ".venv/bin/python") in calls
    assert read_steps(uv_calls) == ["venv --", "sync", "install"]
    assert (project / ".venv" / ".ready-auto").exists()

    assert set_up(project, sys.executable).returncode == 0
    assert read_steps(uv_calls) == ["sync", "install"]
    assert [path.name for path in project.glob(".venv/.ready-*")] == [f".ready-{sys.executable.replace('/', '_')}"]


def test_a_failed_set_up_says_why_and_the_next_one_starts_anew(project: Path, uv_calls: Path) -> None:
    write_interpreter(project / ".venv" / "bin" / "python", "3.12.1")  # another Python
    (project / ".venv" / ".ready-3.12").touch()
    (project / "offline").touch()
    done = set_up(project)
    assert done.returncode == 1
    assert done.stderr.endswith("failed:\nno route to host\n")
    assert not list(project.glob(".venv/.ready-*"))

    (project / "offline").unlink()
    assert set_up(project).returncode == 0
    assert read_steps(uv_calls) == ["venv --", "sync", "venv --", "sync", "install"]


def test_a_missing_uv_is_installed_from_the_lock(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "UV_FOLDER", project)
    monkeypatch.setattr(bootstrap, "run", lambda _, *words: commands.append(list(map(str, words))))
    assert bootstrap.install_uv() == f"{project}/bin/uv"
    assert commands[1][-3:] == ["--require-hashes", "-r", f"{project}/requirements.txt"]
    version, first, *_ = lines = (project / "requirements.txt").read_text().splitlines()
    assert re.fullmatch(r"uv==[\d.]+ \\", version)
    assert re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}( \\)?", first)
    assert all(line.startswith(" ") for line in lines[1:])


def read_lock() -> dict[str, str]:
    """Returns the hashes and comments of each requirement in the lock."""
    blocks = re.findall(r"^(\S.*?) \\\n((?: .*\n)*)", bootstrap.LOCK.read_text(), re.MULTILINE)
    return dict(blocks)


def test_the_lock_hashes_everything_and_satisfies_every_dependency_of_the_project() -> None:
    text = bootstrap.LOCK.read_text()
    assert "://" not in text
    assert not re.findall(r"^-", text, re.MULTILINE)  # options, such as --index-url
    assert len(read_lock()) == len(re.findall(r"^\S", text, re.MULTILINE)) > 100
    assert [requirement for requirement, rest in read_lock().items() if "--hash=sha256:" not in rest] == []
    project = tomllib.loads((bootstrap.ROOT / "pyproject.toml").read_text())
    locked = list(map(Requirement, read_lock()))
    extras = project["project"]["optional-dependencies"].values()
    for line in itertools.chain(project["project"]["dependencies"], *extras, project["dependency-groups"]["dev"]):
        wanted = Requirement(line)
        versions = [str(pin.specifier).removeprefix("==") for pin in locked if pin.name == wanted.name]
        assert any(map(wanted.specifier.contains, versions)), line
