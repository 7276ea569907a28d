"""Every command in README and docs/ is run by a test, here or elsewhere, or listed here with the reason why not."""

import pathlib
import re
import shlex

import pytest
from commands import Command
from documents import PAGES, find_blocks, find_commands
from recorded_root import Plan, RecordedRoot
from sample_slice import PROJECT

from components.errors import ExitCode
from pipeline.__main__ import read_command

# Without comments, redirections and the shell's `&`.
COMMANDS = sorted({re.sub(r"( > \S+| &)?( +#.*)?$", "", each) for page in PAGES for each in find_commands(page)})
RUN_HERE = ("tokenlearner inspect", "tokenlearner bless", "tokenlearner config show")
RUN_ELSEWHERE = {  # what a command begins with: the tests that run it on something small
    r"tokenlearner run .*--dry-run": "tests/pipeline/runner/test_dry_run.py",
    r"tokenlearner run .*PortableRunner": "tests/pipeline/beam/test_portable.py",
    r"tokenlearner run .*--search.workers": "tests/components/trainer/search/test_workers.py",
    r"tokenlearner run .*--tracking.mlflow": "tests/components/trainer/test_mlflow_tracker.py",
    r"tokenlearner run( --[a-z.]+.*)?$": "tests/end_to_end/test_run.py",
    r"tokenlearner compile": "tests/pipeline/kubeflow/test_commands.py",
    r"tokenlearner report": "tests/pipeline/test_report.py",
    r"tokenlearner predict --examples": "tests/pipeline/prediction/test_examples.py",
    r"tokenlearner predict": "tests/pipeline/prediction/test_predict.py",
    r"tokenlearner versions": "tests/pipeline/versions/test_commands.py",
    r"tokenlearner publish hub": "tests/pipeline/versions/test_hub.py",
    r"tokenlearner data prepare": "tests/pipeline/dataset/test_prepare.py",
    r"tokenlearner data import": "tests/pipeline/dataset/test_importer.py",
    r"python - <<'END'": "tests/end_to_end/test_documented_code.py",
    r"python docs/serving_client.py": "tests/docs/test_serving_client.py",
    r"python -m components.trainer.search.worker": "tests/components/trainer/search/test_workers.py",
    r"python -m apache_beam": "tests/pipeline/beam/test_portable.py",
    r"python -m benchmarks|make bench": "tests/benchmarks/test_benchmark.py",
    r"make report": "tests/pipeline/test_report.py",
    r"make wheel": "tests/test_wheel.py",
    r"uv tool run .*mlflow server": "tests/components/trainer/test_mlflow_tracker.py",
    r"tfx ": "tests/test_stock_command_line.py",
}
NOT_RUN = {  # what a command begins with: why
    r"make run": "it takes minutes; tests/end_to_end/test_run.py runs the same pipeline with a small network",
    r"make test": "it runs these tests",
    r"source |IMAGE=": "it only prepares the shell",
    r"docker |kubectl ": "there is no docker daemon and no cluster",
    r"curl ": "it needs TensorFlow Serving; the body is tested with tests/docs/test_serving_client.py",
    r"python -c \"from google.cloud": "it needs an account at Google Cloud",
    r"hf auth login": "it needs an account at the Hugging Face Hub",
    r"tensorboard ": "it is a server that does not end",
    r"eval ": "it is a feature of the library that parses the options",
}
DOCUMENTED = {  # names that a reader makes or looks up
    "max_pooling": "average_pooling",
    "$IMAGE": "registry/image:1",
    "FIRST SECOND": "2026-11-22T22 2026-11-28T10",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with two runs of each profile, whose ids begin as in the docs, and the file mine.yaml."""
    folder = tmp_path_factory.mktemp("documented")
    for profile, first in {
        "quick": "2026-11-22T13:58:26.1",
        "full": "2026-11-22T22:16:48.1",
        "flowers-quick": "2026-11-22T22:16:48.1",
    }.items():
        root = RecordedRoot(folder / "pipeline_root" / profile)
        root.record(Plan(run_id=first, min_accuracy=0.99))
        root.record(Plan(run_id="2026-11-28T10:00:00.1", seed=1, cached_until="Transform"))
    (folder / "mine.yaml").write_text(find_blocks(PROJECT / "docs" / "how-to" / "tune.md", "yaml")[0])
    return folder


def test_a_command_is_run_by_a_test_or_there_is_a_reason() -> None:
    for command in COMMANDS:
        places = [place for beginning, place in RUN_ELSEWHERE.items() if re.match(beginning, command)]
        reasons = [reason for beginning, reason in NOT_RUN.items() if re.match(beginning, command)]
        assert places or reasons or command.startswith(RUN_HERE), command
        assert all((PROJECT / place).exists() for place in places[:1]), places


def test_no_entry_is_left_over() -> None:
    unused = [each for each in (*RUN_ELSEWHERE, *NOT_RUN) if not any(re.match(each, command) for command in COMMANDS)]
    assert unused == []


@pytest.mark.parametrize("command", [each for each in COMMANDS if re.match("tokenlearner [a-z]", each)])
def test_a_command_of_ours_has_valid_options_and_runs_if_it_only_reads(
    command: str, folder: pathlib.Path, tokenlearner: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for name, value in DOCUMENTED.items():
        command = command.replace(name, value)
    _, *arguments = shlex.split(command)
    if not command.startswith(RUN_HERE):
        assert callable(read_command(arguments))
        return
    done = tokenlearner(*arguments)
    assert done.code == ExitCode.OK, done.err
    assert done.out
