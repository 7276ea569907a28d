"""The Kubernetes jobs of a search: their commands exist, and chief and workers agree on address and folders."""

import importlib.util
import pathlib
from typing import Any

import pytest
import yaml
from sample_slice import PROJECT

from components.trainer.search import worker
from pipeline.config import FULL


@pytest.fixture
def objects() -> dict[str, Any]:
    """The objects in the file, by name and kind."""
    text = (PROJECT / "docs" / "search-workers.yaml").read_text()
    return {f"{each['metadata']['name']} {each['kind']}": each["spec"] for each in yaml.safe_load_all(text)}


def find_container(job: Any) -> tuple[list[str], dict[str, Any]]:
    """Returns the command and the variables of a job's container."""
    [container] = job["template"]["spec"]["containers"]
    return container["command"], {each["name"]: each.get("value") for each in container["env"]}


def test_the_workers_call_the_address_of_the_chief_and_read_its_folder(objects: dict[str, Any]) -> None:
    chief, of_chief = find_container(objects["tokenlearner-chief Job"])
    command, variables = find_container(objects["tokenlearner-workers Job"])
    service = objects["tokenlearner-chief Service"]
    assert "chief" in of_chief["KERASTUNER_TUNER_ID"]
    assert variables["KERASTUNER_ORACLE_IP"] == "tokenlearner-chief"
    assert service["selector"] == {"job-name": "tokenlearner-chief"}
    ports = {of_chief["KERASTUNER_ORACLE_PORT"], variables["KERASTUNER_ORACLE_PORT"], str(service["ports"][0]["port"])}
    assert len(ports) == 1
    root = pathlib.Path(chief[chief.index("--root") + 1])
    assert command[:3] == ["python", "-m", worker.__name__]
    assert importlib.util.find_spec(command[2])
    assert pathlib.Path(command[3]).relative_to(root) == pathlib.Path(
        FULL.trainer(code_digest="").state.folder
    ).relative_to(FULL.root.resolve())
