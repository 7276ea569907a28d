"""The steps that an edit or an option re-runs: the DAG is compiled before and after, and the nodes are compared."""

import dataclasses
import pathlib
import shutil

import pytest
from sample_slice import PROJECT
from tfx.dsl.compiler.compiler import Compiler

import components
import models
from pipeline.config import QUICK, PipelineConfig
from pipeline.definition import create_pipeline


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, slice_dir: pathlib.Path) -> PipelineConfig:
    data = dataclasses.replace(QUICK.data, tfds_dir=slice_dir)
    return dataclasses.replace(QUICK, root=tmp_path_factory.mktemp("root"), data=data)


@pytest.fixture(scope="module")
def before(config: PipelineConfig) -> dict[str, bytes]:
    return compile_nodes(config)


@pytest.fixture
def sources(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A copy of the sources that digests are made from and that a test may edit."""
    for package in (components, models):
        copy = tmp_path / "sources" / package.__name__
        shutil.copytree(PROJECT / package.__name__, copy, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(package.__spec__, "submodule_search_locations", [str(copy)])
    return tmp_path / "sources"


def compile_nodes(config: PipelineConfig) -> dict[str, bytes]:
    """Returns the parts of the cache key of each step that do not depend on artifacts."""
    compiled = Compiler().compile(create_pipeline(config))
    nodes = [each.pipeline_node for each in compiled.nodes]
    return {
        node.node_info.id: node.parameters.SerializeToString(deterministic=True)
        + node.inputs.SerializeToString(deterministic=True)
        for node in nodes
    }


def find_changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    assert list(before) == list(after)
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        (None, set()),
        (
            "models/reducers/token_learner.py",
            {"Trainer", "Evaluator", "ServingValidator", "ModelCard", "Pusher", "Report"},
        ),
        ("components/transform.py", {"Transform", "LiteConverter", "Evaluator", "ServingValidator"}),
        ("components/trainer/training/fitter.py", {"Trainer"}),
        ("components/data_gate/component.py", {"DataGate"}),
        ("components/evaluator/scoring.py", {"Evaluator"}),
        ("components/pusher/shelf.py", {"Pusher"}),
    ],
)
def test_an_edit_reaches_the_steps_that_depend_on_it(
    edited: str | None, changed: set[str], config: PipelineConfig, before: dict[str, bytes], sources: pathlib.Path
) -> None:
    if edited:
        with (sources / edited).open("a") as file:
            file.write("\n# An edit.\n")
    assert find_changed(before, compile_nodes(config)) == changed


@pytest.mark.parametrize(
    ("section", "changes", "changed"),
    [
        ("data", {"max_duplicate_share": 0.5}, {"DataGate"}),
        ("data", {"train_images": 39_999}, {"ExampleGen"}),
        ("fit", {"seed": 2}, {"Trainer"}),
        ("evaluation", {"min_accuracy": 0.99, "max_mmacs": 0.1}, {"Evaluator"}),
        ("push", {"int8_margin": 0.5}, {"Evaluator"}),
        ("push", {"keep_versions": 7}, {"Pusher"}),
        ("serving", {"records": 5}, {"ServingValidator"}),
        ("tracking", {"mlflow": "http://localhost:5000"}, set()),
    ],
)
def test_an_option_reaches_the_steps_that_it_is_for(
    section: str, changes: dict[str, object], changed: set[str], config: PipelineConfig, before: dict[str, bytes]
) -> None:
    part = dataclasses.replace(getattr(config, section), **changes)
    after = dataclasses.replace(config, **{section: part})
    assert find_changed(before, compile_nodes(after)) == changed
