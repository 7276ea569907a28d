"""`tokenlearner report`: the page of a run that stopped early, and messages where there is no run."""

import pathlib
import re
import subprocess
import sys

import pytest
from commands import Command
from recorded_root import Plan, RecordedRoot
from sample_slice import PROJECT

from components.errors import ExitCode
from components.source_digest import find_sources

RUN = "2026-01-01T00:00:00"


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    """A root with a run that was killed in its first step."""
    recorded = RecordedRoot(tmp_path / "root")
    recorded.record(Plan(run_id=RUN, stops_in="ExampleGen"))
    return recorded.path


def test_a_missing_run_is_one_message(root: pathlib.Path, tokenlearner: Command) -> None:
    for path, words in (
        (root, f"holds no run 'nonsense'; the latest are {RUN}."),
        (root / "nowhere", "holds no run yet; start one with `tokenlearner run`"),
    ):
        done = tokenlearner("report", "--no-open", "--root", path, "--run", "nonsense")
        assert done.code == ExitCode.USAGE
        assert words in done.err


def test_a_run_that_stopped_early_gets_a_page_without_importing_tfx_or_tensorflow(root: pathlib.Path) -> None:
    """Only pictures need them, and this run has none; their sources are searched instead."""
    script = "import sys\nfrom pipeline.__main__ import main\ntry: main()\nfinally: print(HEAVY & set(sys.modules))"
    script = script.replace("HEAVY", "{'tfx', 'tensorflow'}")
    command = [sys.executable, "-c", script, "report", "--no-open", "--root", str(root)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    page = root / "reports" / "2026-01-01T00-00-00.html"
    assert done.stdout.splitlines() == [str(page), "set()"]
    assert "The Trainer left no search results." in page.read_text()
    assert "ExampleGen <small>running</small>" in page.read_text()
    sources = find_sources("components.report.page")
    assert "components.report.pictures" in sources
    tfx = re.compile(r"^\s*(from|import) tfx\b", re.MULTILINE)
    assert [name for name, file in sources.items() if tfx.search(file.read_text())] == []


def test_the_page_goes_to_the_given_file_and_a_browser(
    root: pathlib.Path, tokenlearner: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    output = root / "new" / "page.html"
    assert tokenlearner("report", "--root", root, "--run", RUN, "--output", output).code == ExitCode.OK
    assert "<!doctype html>" in output.read_text()
    assert opened == [output.as_uri()]


def test_an_output_that_cannot_be_written_and_a_damaged_artifact_end_in_one_message(
    root: pathlib.Path, tokenlearner: Command, tmp_path: pathlib.Path
) -> None:
    folder = tokenlearner("report", "--no-open", "--root", root, "--output", tmp_path)
    assert (folder.code, folder.err) == (
        ExitCode.USAGE,
        f"tokenlearner: --output is {tmp_path}, which is a folder; choose another name.\n",
    )
    recorded = RecordedRoot(tmp_path / "damaged")
    recorded.record(Plan(run_id=RUN))
    (pathlib.Path(recorded.artifact("verdict").uri) / "verdict.json").write_text("{")
    damaged = tokenlearner("report", "--no-open", "--root", recorded.path, "--output", tmp_path / "page.html")
    assert damaged.code == ExitCode.BAD_DATA
    assert f"run {RUN} has a missing or damaged artifact: " in damaged.err
    assert len(damaged.err.splitlines()) == 1
    assert not (tmp_path / "page.html").exists()
