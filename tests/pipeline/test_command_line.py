"""The command line `tokenlearner`: help, defaults, and messages about wrong usage."""

import pathlib
import subprocess
import sys

import pytest
from commands import Command

from components.errors import ExitCode

COMMANDS = (
    *("", "run", "compile", "inspect", "inspect runs", "bless", "report", "push", "predict", "data", "data prepare"),
)
_SHOW_HELP = """
import sys
from pipeline.__main__ import main
for command in sys.argv[1:]:
    sys.argv = ["tokenlearner", *command.split(), "--help"]
    try:
        main()
    except SystemExit as end:
        print(f"{end.code} is the exit code")
print({"tensorflow", "tfx", "keras", "apache_beam", "ml_metadata"} & set(sys.modules))
"""


def test_every_command_has_help_which_imports_nothing_heavy() -> None:
    command = [sys.executable, "-c", _SHOW_HELP, *COMMANDS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    *helps, imported = done.stdout.split(f"{ExitCode.OK} is the exit code\n")
    for command_name, text in zip(COMMANDS, helps, strict=True):
        assert f"usage: {' '.join(['tokenlearner', *command_name.split()])} [" in text
    assert "4 not blessed" in helps[0]
    for option in ("--profile", "--root", "--data.tfds-dir", "--search.max-trials", "--fit.learning-rate"):
        assert option in helps[COMMANDS.index("run")]
    assert imported == "set()\n"


@pytest.mark.parametrize(
    ("arguments", "root"),
    [
        ("--root elsewhere --name full", "data/cifar10_sample"),
        ("--fit.seed 2 --profile full", "data/cifar10/3.0.2"),
        ("--profile=quick --profile full", "data/cifar10/3.0.2"),
    ],
)
def test_the_last_profile_gives_the_defaults(arguments: str, root: str, tokenlearner: Command) -> None:
    assert f"(default: {root})" in tokenlearner("run", *arguments.split(), "--help").words.replace("│ │", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("run --search.max-trials 0", "search.max_trials is 0; it must be at least 1"),
        ("run --model.dim 63", "model.num_heads is 2; it must divide dim, which is 63"),
        ("run --search.placements 9", "blocks_before_token_learner is 9; it must be in 0..3"),
        ("run --profile fast", "invalid choice 'fast'"),
        ("run --serch.max-epochs 3", "--search.max-epochs"),
        ("run --search.workers 2 --fit.strategy mirrored", "they exclude each other: set search.workers to 1"),
        ("run --tracking.mlflow mlruns", "--tracking.mlflow is mlruns; it must be http://HOST:PORT or https://"),
        ("run --tracking.mlflow http://me:secret@host", "in the variables MLFLOW_TRACKING_USERNAME and"),
        ("data prepare --source ftp", "invalid choice 'ftp'"),
        ("push rollback newest", "invalid"),
        ("push verify newest", "version is newest; it must be a number, see `push list`, or all"),
        ("inspect --beam.runner FlinkRunner", "Beam's options, which only run, compile and predict use"),
    ],
)
def test_wrong_usage_ends_in_one_message_and_exit_code_2(arguments: str, words: str, tokenlearner: Command) -> None:
    done = tokenlearner(*arguments.split())
    assert done.code == ExitCode.USAGE
    assert words in " ".join(done.words.replace("│", " ").split())
    assert "Traceback" not in done.err


def test_a_missing_dataset_ends_the_run_before_it_starts(tmp_path: pathlib.Path, tokenlearner: Command) -> None:
    done = tokenlearner("run", "--data.tfds-dir", tmp_path / "nowhere", "--root", tmp_path / "root")
    assert done.code == ExitCode.BAD_DATA
    assert done.err.startswith(f"tokenlearner: data.tfds_dir is {tmp_path}/nowhere, which holds no TFDS dataset")
    assert "tokenlearner data prepare" in done.err
    assert list(tmp_path.iterdir()) == []
