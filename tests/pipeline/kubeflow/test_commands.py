"""The command line `tokenlearner compile`: what cannot be is told in one sentence, and nothing is written."""

import json
import pathlib
import sys

import pytest
from commands import Command
from sample_slice import PROJECT

from components.errors import ExitCode

IMAGE = ("--image", "registry.example/tokenlearner:1")
ROOT = ("--pipeline-root", "gs://bucket/runs")


def test_the_command_writes_the_file_with_overrides(
    tmp_path: pathlib.Path, tokenlearner: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    output = tmp_path / "new" / "pipeline.json"
    options = ("--trainer.memory-gb", 12, "--fit.epochs", 7, "--profile", "quick")
    done = tokenlearner("compile", "--engine", "kubeflow", *IMAGE, *ROOT, "--output", output, *options)
    assert done.code == ExitCode.OK
    spec = json.loads(output.read_text())["pipelineSpec"]
    trainer = spec["deploymentSpec"]["executors"]["Trainer_executor"]["container"]
    assert trainer["resources"] == {"cpuLimit": 8.0, "memoryLimit": 12.0}
    told = spec["root"]["dag"]["tasks"]["Trainer"]["inputs"]["parameters"]["custom_config"]["runtimeValue"]["constant"]
    assert json.loads(told)["trainer"]["fit"]["epochs"] == 7
    assert [path.name for path in output.parent.iterdir()] == ["pipeline.json"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--image", "Token Learner"), "image is Token Learner; it must be a name that a registry knows"),
        (("--image", "registry/tokenlearner:"), "image is registry/tokenlearner:; it must be"),
        (("--pipeline-root", "runs"), "pipeline_root is runs; it must be the address of a folder in a bucket"),
        (("--pipeline-root", "s3://bucket/runs"), "pipeline_root is s3://bucket/runs; it must be"),
        (("--output", "pipeline.yaml"), "output is pipeline.yaml; it must be a file that ends in .json."),
        (("--output", "file/pipeline.json"), "output is file/pipeline.json, which is below a file"),
        (("--name", "Token_Learner"), "name is Token_Learner; on Kubeflow it must be small letters"),
        (("--root", "elsewhere"), "root is elsewhere, a folder for `run`; name the cluster's with --pipeline-root."),
        (("--serving.docker",), "serving.docker is True"),
        (("--profile", "full"), "data.tfds_dir is data/cifar10/3.0.2, which the image does not hold"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    options: tuple[str, ...], words: str, tmp_path: pathlib.Path, tokenlearner: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("file").touch()
    done = tokenlearner("compile", *IMAGE, *ROOT, "--output", "pipeline.json", *options)
    assert done.code == ExitCode.USAGE
    assert done.err.startswith(f"tokenlearner: {words}")
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--trainer.cpu", 0, "trainer.cpu is 0.0; it must be above 0"),
        ("--trainer.accelerator-count", -1, "trainer.accelerator_count is -1; it must be above 0"),
        ("--fit.epochs", 0, "fit.epochs is 0; it must be at least 1"),
        ("--engine", "airflow", "invalid choice 'airflow'"),
    ],
)
def test_a_value_that_cannot_be_is_told_as_by_run(
    option: str, value: object, words: str, tmp_path: pathlib.Path, tokenlearner: Command
) -> None:
    done = tokenlearner("compile", *IMAGE, *ROOT, "--output", tmp_path / "pipeline.json", option, value)
    assert done.code == ExitCode.USAGE
    assert words in " ".join(done.words.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


def test_a_missing_extra_is_named_with_its_remedy(
    tmp_path: pathlib.Path, tokenlearner: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kfp", None)
    monkeypatch.delitem(sys.modules, "kfp.pipeline_spec", raising=False)
    done = tokenlearner("compile", *IMAGE, *ROOT, "--output", tmp_path / "pipeline.json")
    assert done.code == ExitCode.USAGE
    assert "`pip install '.[kubeflow]'` in the project's folder" in done.err
    assert not list(tmp_path.iterdir())


def test_a_sample_that_is_not_there_is_bad_data(
    tmp_path: pathlib.Path, tokenlearner: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = tokenlearner("compile", *IMAGE, *ROOT, "--output", "pipeline.json")
    assert done.code == ExitCode.BAD_DATA
    assert "data/cifar10_sample holds no TFDS dataset" in done.err
    assert not list(tmp_path.iterdir())
