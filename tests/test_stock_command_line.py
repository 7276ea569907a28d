"""The stock `tfx` command line runs pipeline/local.py."""

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

_TFX = pathlib.Path(sys.executable).parent / "tfx"
_NAME = ("--pipeline-name", QUICK.name)


def test_pipeline_create_registers_the_profile_quick(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls the entry of the script `tfx` in this process: importing TFX again would take 20 seconds."""
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
def test_run_create_runs_the_profile_quick_to_the_pusher(tmp_path: pathlib.Path) -> None:
    (tmp_path / "home").mkdir()
    for name in ("pipeline", "components", "models", "data/cifar10_sample"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
    for arguments in (["pipeline", "create", "--pipeline-path", "pipeline/local.py"], ["run", "create", *_NAME]):
        subprocess.run([_TFX, *arguments, "--engine", "local"], cwd=tmp_path, env=environment, check=True)
    run = read_run(tmp_path / QUICK.root)
    assert run.steps[-1].name == "Report"
    assert (tmp_path / QUICK.serving_dir / str(run.pushed_version) / "saved_model.pb").is_file()
