"""The command line `tokenlearner`: help, defaults, and what it says of wrong usage."""

import pathlib
import subprocess
import sys

import pytest
from commands import Command

from components.errors import ExitCode

HEAVY = ("tensorflow", "tfx", "keras", "apache_beam", "ml_metadata")
COMMANDS = [
    "",
    "run",
    "compile",
    "inspect",
    "inspect runs",
    "bless",
    "report",
    "push",
    "predict",
    "data",
    "data prepare",
]

_SHOW_HELP = """
import sys
from pipeline.__main__ import main
for command in sys.argv[1:]:
    sys.argv = ["tokenlearner", *command.split(), "--help"]
    try:
        main()
    except SystemExit as end:
        print(f"{end.code} is how it ended")
print([name for name in HEAVY if name in sys.modules])
""".replace("HEAVY", repr(HEAVY))


def test_every_command_tells_how_it_is_used_and_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SHOW_HELP, *COMMANDS], capture_output=True, text=True, check=True, timeout=60
    )
    *helps, imported = done.stdout.split(f"{ExitCode.OK} is how it ended\n")
    for command, text in zip(COMMANDS, helps, strict=True):
        assert f"usage: {' '.join(['tokenlearner', *command.split()])} [" in text
    assert imported == "[]\n"


def test_help_names_commands_exit_codes_and_every_dotted_field(tokenlearner: Command) -> None:
    top = tokenlearner("--help").out
    assert "run" in top
    assert "data" in top
    assert "4 not blessed" in top
    run = tokenlearner("run", "--help").out
    for option in ("--profile", "--root", "--data.tfds-dir", "--search.max-trials", "--fit.learning-rate"):
        assert option in run


def test_the_profile_gives_the_defaults_wherever_it_stands(tokenlearner: Command) -> None:
    full = tokenlearner("run", "--fit.seed", "2", "--profile", "full", "--help").out
    assert "pipeline_root/full" in full
    assert "pipeline_root/quick" in tokenlearner("run", "--help").out


def test_the_last_profile_counts_and_other_values_named_like_one_do_not(tokenlearner: Command) -> None:
    twice = tokenlearner("run", "--profile", "quick", "--profile", "full", "--help").out
    assert "data/cifar10/3.0.2" in twice
    named = tokenlearner("run", "--root", "full", "--name", "full", "--help").out
    assert "data/cifar10_sample" in named


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--search.max-trials", "0"], "search.max_trials is 0; it must be at least 1"),
        (["run", "--model.dim", "63"], "model.num_heads is 2; it must divide dim, which is 63"),
        (["run", "--search.placements", "9"], "blocks_before_token_learner is 9; it must be in 0..3"),
        (["run", "--profile", "fast"], "invalid choice 'fast'"),
        (["run", "--serch.max-epochs", "3"], "--search.max-epochs"),
        (
            ["run", "--search.workers", "2", "--fit.strategy", "mirrored"],
            "they exclude each other: set search.workers to 1",
        ),
        (["run", "--fit.strategy", "multi_worker"], "invalid choice 'multi_worker'"),
        (["data", "prepare", "--source", "ftp"], "invalid choice 'ftp'"),
        (["push", "rollback", "newest"], "invalid"),
        (["push", "verify", "newest"], "version is newest; it must be a number, see `push list`, or all"),
    ],
)
def test_wrong_usage_ends_in_one_message_and_exit_code_2(
    arguments: list[str], words: str, tokenlearner: Command
) -> None:
    done = tokenlearner(*arguments)
    assert done.code == ExitCode.USAGE
    assert words in " ".join(done.words.replace("│", " ").split())
    assert "Traceback" not in done.err


def test_a_missing_dataset_is_told_before_anything_starts(tmp_path: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", "--data.tfds-dir", "nowhere", "--root", "root"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == ExitCode.BAD_DATA
    assert done.stderr.startswith("tokenlearner: data.tfds_dir is nowhere, which holds no TFDS dataset")
    assert "tokenlearner data prepare" in done.stderr
    assert not (tmp_path / "root").exists()
