"""Source digests: an edit changes the digest of what imports the file, and of nothing else."""

import pathlib
import shutil

import pytest
from sample_slice import PROJECT

import components
import models
import pipeline
from components.source_digest import digest_sources, find_sources

ENTRIES = {
    "ExampleGen": ("components.example_gen.component",),
    "Schema": ("components.schema",),
    "DataGate": ("components.data_gate.component",),
    "Transform": ("components.transform",),
    "Trainer": ("components.trainer.run",),
    "Evaluator": ("components.evaluator.component",),
    "LiteConverter": ("components.lite_converter.component",),
}


def test_the_trainer_depends_on_models_and_its_own_folder_but_on_no_other_step() -> None:
    sources = set(find_sources(*ENTRIES["Trainer"]))
    assert {"models.vit", "models.reducers.token_learner", "models.macs", "components.trainer.search.search"} <= sources
    assert not any(
        name.startswith(("components.example_gen", "components.data_gate", "components.evaluator")) for name in sources
    )


def test_the_transform_depends_on_feature_names_alone() -> None:
    assert set(find_sources(*ENTRIES["Transform"])) == {"components", "components.transform", "components.features"}


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        (
            "models/reducers/token_learner.py",
            {"Trainer", "Evaluator"},
        ),  # the Evaluator reads networks by the registry of reducers
        ("components/transform.py", {"Transform", "LiteConverter"}),
        ("components/data_gate/findings.py", {"DataGate"}),
        ("components/features.py", set(ENTRIES) - {"Schema"}),
        ("components/evaluator/rules.py", {"Evaluator"}),
        ("components/evaluator/scoring.py", {"Evaluator"}),
        ("components/artifacts/predictions.py", {"Evaluator", "LiteConverter"}),
        ("pipeline/runner/display.py", set()),
    ],
)
def test_an_edit_changes_the_digests_of_the_steps_that_depend_on_it(
    tmp_path: pathlib.Path, edited: str, changed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in (pipeline, components, models):
        copy = tmp_path / package.__name__
        shutil.copytree(PROJECT / package.__name__, copy, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(package.__spec__, "submodule_search_locations", [str(copy)])
    before = {step: digest_sources(*modules) for step, modules in ENTRIES.items()}
    with (tmp_path / edited).open("a") as file:
        file.write("\n# An edit.\n")
    after = {step: digest_sources(*modules) for step, modules in ENTRIES.items()}
    assert {step for step in ENTRIES if before[step] != after[step]} == changed
