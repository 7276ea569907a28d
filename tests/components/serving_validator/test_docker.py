"""TFX's InfraValidator with TensorFlow Serving in docker: its place in the DAG, and the requests that it would send."""

import dataclasses
import pathlib
from typing import Any

import pytest
from google.protobuf import json_format
from rich.console import Console
from tfx.components.infra_validator.request_builder import build_requests
from tfx.proto import infra_validator_pb2

from components.errors import UsageFailure
from pipeline.config import QUICK, PipelineConfig
from pipeline.definition import create_pipeline
from pipeline.runner import parent


@pytest.fixture
def config(tmp_path: pathlib.Path, slice_dir: pathlib.Path) -> PipelineConfig:
    """With docker."""
    serving = dataclasses.replace(QUICK.serving, docker=True)
    data = dataclasses.replace(QUICK.data, tfds_dir=slice_dir)
    return dataclasses.replace(QUICK, root=tmp_path / "root", data=data, serving=serving)


def test_the_serving_validator_follows_an_infra_validator_that_sends_records_of_the_test_split(
    config: PipelineConfig, model: Any, examples: Any, sample: Any
) -> None:
    steps = {step.id: step for step in create_pipeline(config).components}
    validator = steps["InfraValidator"]
    docker_blessing = steps["ServingValidator"].inputs["docker_blessing"]
    assert docker_blessing == validator.outputs["blessing"]
    assert steps["Pusher"].inputs["infra_blessing"] == steps["ServingValidator"].outputs["blessing"]
    spec = json_format.Parse(validator.exec_properties["request_spec"], infra_validator_pb2.RequestSpec())
    requests = build_requests("tokenlearner", model, examples, spec)
    assert len(requests) == QUICK.serving.records
    assert {request.inputs["examples"].string_val[0] for request in requests} <= set(sample.records)
    assert {request.model_spec.signature_name for request in requests} == {"serving_default"}


def test_a_missing_docker_daemon_stops_the_run_before_it_writes_anything(
    config: PipelineConfig, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"unix://{tmp_path}/docker.sock"
    monkeypatch.setattr(parent, "_DOCKER_SOCKET", nowhere)
    with pytest.raises(UsageFailure, match=f"--serving.docker is on, but no docker daemon answers at {nowhere}; start"):
        parent.run(config, Console())
    assert not config.root.exists()
