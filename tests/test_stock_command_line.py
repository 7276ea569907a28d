"""The stock `tfx` command line takes pipeline/local.py."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from sample_slice import PROJECT
from tfx.tools.cli.cli_main import cli_group

from components.metadata.run_record import read_run
from pipeline.config import QUICK

TFX = pathlib.Path(sys.executable).parent / "tfx"


def _tfx(*arguments: str, cwd: pathlib.Path) -> str:
    environment = {**os.environ, "HOME": str(cwd / "home"), "PYTHONPATH": str(cwd)}
    done = subprocess.run(
        [TFX, *arguments, "--engine", "local"], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A copy of the sources, its pipeline registered with the stock command line."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "home").mkdir()
    for name in ("pipeline", "components", "models", "data/cifar10_sample"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    created = _tfx("pipeline", "create", "--pipeline-path", "pipeline/local.py", cwd=folder)
    assert f'Pipeline "{QUICK.name}" created successfully.' in created
    return folder


def test_pipeline_create_registers_the_profile_quick(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the script `tfx` calls, in this process: it would take twenty seconds to import TFX again."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(PROJECT)
    monkeypatch.syspath_prepend(PROJECT)
    created = CliRunner().invoke(
        cli_group, ["pipeline", "create", "--pipeline-path", "pipeline/local.py", "--engine", "local"]
    )
    assert f'Pipeline "{QUICK.name}" created successfully.' in created.output
    registered = json.loads((tmp_path / "tfx" / "local" / QUICK.name / "pipeline_args.json").read_text())
    assert registered["pipeline_name"] == QUICK.name
    assert registered["pipeline_root"] == str(PROJECT / QUICK.root)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_run_create_runs_the_profile_quick_to_the_pusher(checkout: pathlib.Path) -> None:
    _tfx("run", "create", "--pipeline-name", QUICK.name, cwd=checkout)
    run = read_run(checkout / QUICK.root)
    assert run.verdict is not None
    assert run.steps[-1].name == "Report"
    assert run.verdict.candidate.overall.accuracy.value >= QUICK.evaluation.min_accuracy
    assert (checkout / QUICK.serving_dir / str(run.pushed_version) / "saved_model.pb").is_file()
