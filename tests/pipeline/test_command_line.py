"""The command line `tokenlearner`: help, defaults, and messages about wrong usage."""

import pathlib
import subprocess
import sys

import pytest
import yaml
from commands import Command

from components.errors import ExitCode

COMMANDS = (
    *("", "run", "compile", "config", "inspect", "inspect runs", "bless", "report"),
    *("versions", "publish", "predict", "data", "data prepare"),
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
        ("", "name a command after `tokenlearner`: run, "),
        ("inspekt", "there is no command inspekt; did you mean inspect?"),
        ("inspect trails", "there is no command trails; did you mean trials?"),
        ("inspect --jsn", "there is no option --jsn; did you mean --json?"),
        ("inspect compare 2026", "SECOND must be given; see `tokenlearner inspect compare --help`."),
        ("run --search.max-trials 0", "--search.max-trials is 0; it must be at least 1."),
        ("run --model.dim 63", "--model.num-heads is 2; it must divide --model.dim, which is 63, or --model.head-dim"),
        ("run --search.placements 9", "--search.placements has 9; it must be in 0..3 (--model.depth is 4)."),
        ("run --search.min-epochs 4", "--search.max-epochs is 2; it must be at least --search.min-epochs, 4."),
        ("run --tracking.mlflow=", "--tracking.mlflow is empty; it must be http://HOST:PORT or https://"),
        ("predict --format xml", "--format is xml; it must be table, csv or json."),
        ("config", "name a command after `tokenlearner config`: show."),
        ("publish", "name a command after `tokenlearner publish`: hub."),
        ("inspect trials --csv --json", "--csv and --json exclude each other; leave out one of them."),
        ("run --search.max-mmacs ten", "--search.max-mmacs is ten; it must be a number or None."),
        ("run --fit.epochs", "--fit.epochs must have a value."),
        ("run --profile fast", "--profile is fast; it must be quick or full."),
        ("run --serch.max-epochs 3", "there is no option --serch.max-epochs; did you mean --search.max-epochs?"),
        ("run now", "there is no argument now; see `tokenlearner run --help`."),
        ("versions list extra", "there is no argument extra; see `tokenlearner versions list --help`."),
        ("bless foo --run x --reason y", "there is no argument foo; see `tokenlearner bless --help`."),
        ("data prepare foo --source npm", "there is no argument foo; see `tokenlearner data prepare --help`."),
        ("run --config none.yaml", "--config is none.yaml: No such file or directory."),
        ("run --search.workers 2 --fit.strategy mirrored", "--search.workers is 2 and --fit.strategy is mirrored, "),
        ("run --tracking.mlflow mlruns", "--tracking.mlflow is mlruns; it must be http://HOST:PORT or https://"),
        ("run --tracking.mlflow http://me:secret@host", "--tracking.mlflow is http://me:secret@host; it must be"),
        ("data prepare --source ftp", "--source is ftp; it must be tfds, archive or npm."),
        ("config shwo", "the command is shwo; it must be show."),
        ("bless --rn x --reason y", "there is no option --rn; did you mean --run?"),
        ("versions rollback newest", "VERSION is newest; it must be a whole number."),
        ("versions verify newest", "version is newest; it must be a number, see `versions list`, or all."),
        ("inspect --beam.runner FlinkRunner", "--beam.… are Beam's options, which only run, compile and predict use."),
    ],
)
def test_wrong_usage_ends_in_one_message_and_exit_code_2(arguments: str, words: str, tokenlearner: Command) -> None:
    done = tokenlearner(*arguments.split())
    assert done.code == ExitCode.USAGE
    assert done.err.startswith(f"tokenlearner: {words}")
    assert (done.err.count("\n"), done.out) == (1, "")


@pytest.mark.parametrize("command", ["inspect", "versions list", "run --dry-run"])
def test_a_root_that_cannot_be_read_is_one_message(command: str, tmp_path: pathlib.Path, tokenlearner: Command) -> None:
    root = tmp_path / ("x" * 300)  # cannot be read, even by root
    done = tokenlearner(*command.split(), "--root", root)
    reason = "File name too long; name a folder that you may read."
    assert (done.code, done.err) == (ExitCode.USAGE, f"tokenlearner: --root is {root}: {reason}\n")


def test_a_closed_stdout_changes_nothing_else() -> None:
    command = f"{sys.executable} -m pipeline config show >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_former_names_of_commands_still_work(tmp_path: pathlib.Path, tokenlearner: Command) -> None:
    deprecated, message = tokenlearner("push", "list", "--root", tmp_path).err.splitlines()
    assert deprecated == "tokenlearner: `push list` is deprecated; use `versions list`."
    assert message.startswith(f"tokenlearner: {tmp_path}/serving/tokenlearner holds no version yet")
    assert "`push hub` is deprecated; use `publish hub`." in tokenlearner("push", "hub").err


def test_a_configuration_that_was_shown_is_read_again(tmp_path: pathlib.Path, tokenlearner: Command) -> None:
    file = tmp_path / "a file.yaml"
    options = ("--profile", "full", "--search.token-counts", "4", "16", "--fit.seed", "7", "--search.workers", "2")
    shown = tokenlearner("config", "show", *options).out
    file.write_text(shown)
    assert tokenlearner("config", "show", "--config", file).out == shown
    file.write_text("search: {max-mmacs: 10}\nfit: {seed: 5}\n")
    config = yaml.safe_load(tokenlearner("config", "show", f"--config={file}", *options).out)
    assert (config["name"], config["search"]["max_mmacs"], config["fit"]["seed"]) == ("tokenlearner-full", 10.0, 7)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("search: {max_mmcs: 10}", ", with the unknown key search.max_mmcs; did you mean search.max_mmacs?"),
        ("serch: 3", ", with the unknown key serch; did you mean search?"),
        ("search: {max_mmacs: ten}", ": search.max_mmacs is 'ten': Input should be a valid number"),
        ("search: {placements: 3}", ": search.placements is 3: it must be a list, such as [0, 1]."),
        ("search: {max_mmacs: -1}", ": --search.max-mmacs is -1.0; it must be at least 0."),
        ("search: 3", ": search must be a mapping of keys to values."),
        ("search: [", ", which is not YAML: "),
    ],
)
def test_a_wrong_configuration_file_is_one_message(
    content: str, words: str, tmp_path: pathlib.Path, tokenlearner: Command
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(content)
    done = tokenlearner("config", "show", "--config", file)
    assert done.code == ExitCode.USAGE
    assert done.err.startswith(f"tokenlearner: --config is {file}{words}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_missing_dataset_ends_the_run_before_it_starts(
    options: tuple[str, ...], tmp_path: pathlib.Path, tokenlearner: Command
) -> None:
    done = tokenlearner("run", *options, "--data.tfds-dir", tmp_path / "nowhere", "--root", tmp_path / "root")
    assert done.code == ExitCode.BAD_DATA
    assert done.err.startswith(f"tokenlearner: --data.tfds-dir is {tmp_path}/nowhere, which holds no TFDS dataset")
    assert "tokenlearner data prepare" in done.err
    assert list(tmp_path.iterdir()) == []
