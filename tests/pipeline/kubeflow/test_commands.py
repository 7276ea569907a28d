"""The command line `tokenlearner compile`: impossible settings end in one message, and nothing is written."""

import pathlib
import sys

import pytest
from commands import Command
from compiled_job import read_job
from sample_slice import PROJECT

from components.errors import ExitCode

REQUIRED = (
    *("--image", "registry.example/tokenlearner:1", "--pipeline-root", "gs://bucket/runs"),
    *("--output", "pipeline.json"),
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("file").touch()


def test_the_command_writes_the_file_with_overrides(tmp_path: pathlib.Path, tokenlearner: Command) -> None:
    (tmp_path / "data").symlink_to(PROJECT / "data")
    output = tmp_path / "new" / "pipeline.json"
    options = ("--trainer.memory-gb", 12, "--fit.epochs", 7, "--profile", "quick", "--output", output)
    done = tokenlearner("compile", "--engine", "kubeflow", *REQUIRED, *options)
    assert done.code == ExitCode.OK, done.err
    compiled = read_job(output, done.out)
    resources = compiled.containers["Trainer"].resources
    assert (resources.cpu_limit, resources.memory_limit) == (8.0, 12.0)
    assert '"epochs": 7' in compiled.parameters("Trainer")["custom_config"]
    assert [path.name for path in output.parent.iterdir()] == ["pipeline.json"]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--image", "Token Learner", "--image is Token Learner; it must be a name that a registry knows"),
        ("--image", "registry/tokenlearner:", "--image is registry/tokenlearner:; it must be"),
        ("--pipeline-root", "runs", "--pipeline-root is runs; it must be the address of a folder in a bucket"),
        ("--pipeline-root", "s3://bucket/runs", "--pipeline-root is s3://bucket/runs; it must be"),
        ("--output", "pipeline.yaml", "--output is pipeline.yaml; it must be a file that ends in .json."),
        ("--output", "file/pipeline.json", "--output is file/pipeline.json, which is below a file"),
        ("--name", "Token_Learner", "--name is Token_Learner; on Kubeflow it must be lowercase letters"),
        ("--root", "elsewhere", "--root is elsewhere, a folder for `run`; name the cluster's with --pipeline-root."),
        ("--tracking.mlflow", "http://mlflow:5000", "on a cluster, set TOKENLEARNER_MLFLOW to it in the image"),
        ("--profile", "full", "--data.tfds-dir is data/cifar10/3.0.2, which the image does not hold"),
        ("--data.tfds-dir", "gs://bucket/pets/1.0.0", "name a folder on this machine, and its copy on the cluster"),
        ("--dataset-address", "pets", "--dataset-address is pets; it must be the address of a folder"),
        ("--trainer.cpu", 0, "--trainer.cpu is 0.0; it must be above 0"),
        ("--trainer.accelerator-count", -1, "--trainer.accelerator-count is -1; it must be above 0"),
        ("--engine", "airflow", "--engine is airflow; it must be kubeflow."),
        ("--beam.runner", "Nonsense", "Beam rejects --beam.runner=Nonsense"),
    ],
)
def test_an_impossible_setting_is_one_message(
    option: str, value: object, words: str, tmp_path: pathlib.Path, tokenlearner: Command
) -> None:
    done = tokenlearner("compile", *REQUIRED, option, value)
    assert done.code == ExitCode.USAGE
    assert words in " ".join(done.words.replace("│", " ").split())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_missing_extra_or_sample_is_named_with_its_remedy(
    tmp_path: pathlib.Path, tokenlearner: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = tokenlearner("compile", *REQUIRED)
    assert done.code == ExitCode.BAD_DATA
    assert "--data.tfds-dir is data/cifar10_sample, which holds no TFDS dataset" in done.err
    monkeypatch.setitem(sys.modules, "kfp", None)
    done = tokenlearner("compile", *REQUIRED)
    assert done.code == ExitCode.USAGE
    assert "`pip install '.[kubeflow]'` in the project's folder" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
