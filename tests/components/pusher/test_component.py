"""The Pusher, driven with real TFX artifacts, and its driver's parameters."""

import pathlib
from typing import Any

import pytest
from run_folder import write_model_run
from tfx.types import standard_artifacts
from tiny_pipeline import write_saved_model, write_verdict_of

from components.artifacts.verdict import read_verdict
from components.evaluator.artifact import EvaluationVerdict
from components.model_card.artifact import ModelCardPage
from components.pusher.component import Pusher
from components.pusher.driver import find_last_push, find_manual_blessing
from components.pusher.integrity import find_integrity_errors
from components.pusher.manifest import Signature, hash_manifest, read_manifest


def _make(kind: Any, folder: pathlib.Path, artifact_id: int, blessed: int | None = None) -> Any:
    artifact = kind()
    artifact.uri, artifact.id = str(folder), artifact_id
    if blessed is not None:
        artifact.set_int_custom_property("blessed", blessed)
    return artifact


@pytest.fixture
def inputs(tmp_path: pathlib.Path) -> dict[str, Any]:
    """The artifacts of the steps before, with a card."""
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "README.md").write_text("# Card")
    write_saved_model(tmp_path / "model" / "7" / "Format-Serving", "A")
    write_verdict_of(tmp_path / "verdict", 0.75)
    write_model_run(tmp_path / "model_run")
    return {
        "model": _make(standard_artifacts.Model, tmp_path / "model" / "7", 11),
        "model_run": _make(standard_artifacts.ModelRun, tmp_path / "model_run", 12),
        "verdict": _make(EvaluationVerdict, tmp_path / "verdict", 13),
        "model_blessing": _make(standard_artifacts.ModelBlessing, tmp_path / "blessing", 14, blessed=1),
        "model_card": _make(ModelCardPage, tmp_path / "card", 16),
    }


def push(inputs: dict[str, Any], folder: pathlib.Path, artifact_id: int = 99) -> Any:
    """Pushes and returns the PushedModel."""
    pushed = _make(standard_artifacts.PushedModel, folder / f"pushed-{artifact_id}", artifact_id)
    Pusher.test_call(
        **inputs,
        pushed_model=pushed,
        serving_dir=str(folder / "serving" / "tokenlearner"),
        keep_versions=3,
        metadata_path=str(folder / "metadata.sqlite"),
        code_digest="",
    )
    return pushed


def test_a_blessed_model_is_pushed_with_all_that_its_manifest_says(
    inputs: dict[str, Any], tmp_path: pathlib.Path
) -> None:
    pushed = push(inputs, tmp_path)
    version = pathlib.Path(pushed.get_string_custom_property("pushed_destination"))
    manifest = read_manifest(version)
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == version.name == str(manifest.version)
    assert pushed.get_string_custom_property("manifest_sha256") == hash_manifest(manifest)
    assert pathlib.Path(pushed.uri).is_dir()
    assert find_integrity_errors(version) == ()
    assert (version / "variables" / "variables.index").read_text() == "A"
    assert (version / "README.md").read_text() == "# Card"
    overall = read_verdict(tmp_path / "verdict").candidate.overall
    assert manifest.metrics.accuracy == overall.accuracy
    assert manifest.metrics.accuracy.value == 0.75
    assert manifest.metrics.cross_entropy == overall.cross_entropy
    assert (manifest.model.artifact_id, manifest.model.folder) == (11, "7")
    assert (manifest.model.point, manifest.model.macs, manifest.model.parameters) == (
        "token_learner-4@1",
        4_600_000,
        161_018,
    )
    assert manifest.signatures == {
        "serving_default": Signature(inputs={"examples": "string [-1]"}, outputs={"probabilities": "float32 [-1, 10]"})
    }
    assert (manifest.run_id, manifest.data_digest, manifest.code_digests) == (None, None, {})


@pytest.mark.parametrize(
    ("blessed", "manual_blessing", "infra_status", "because"),
    [
        (0, 0, None, "it is not blessed"),
        (1, 0, "INFRA_NOT_BLESSED", "it did not prove that it serves"),
        (0, 33, "INFRA_NOT_BLESSED", "it did not prove that it serves"),
        (0, 33, "INFRA_BLESSED", ""),
    ],
)
def test_only_a_blessed_model_is_pushed_and_a_manual_blessing_counts(
    inputs: dict[str, Any],
    tmp_path: pathlib.Path,
    blessed: int,
    manual_blessing: int,
    infra_status: str | None,
    because: str,
) -> None:
    inputs["model_blessing"].set_int_custom_property("blessed", blessed)
    if infra_status:
        is_served = int(infra_status == "INFRA_BLESSED")
        inputs["infra_blessing"] = _make(standard_artifacts.InfraBlessing, tmp_path / "infra", 15, is_served)
        inputs["infra_blessing"].set_string_custom_property("blessing_status", infra_status)
    pushed = push({**inputs, "manual_blessing": manual_blessing}, tmp_path)
    assert pushed.get_int_custom_property("pushed") == (not because)
    assert pushed.get_string_custom_property("not_pushed_because") == because
    assert bool(pushed.get_string_custom_property("pushed_version")) == (not because)
    assert (tmp_path / "serving").exists() == (not because)
    assert because or pushed.get_int_custom_property("manual_blessing") == 33


def _bless(artifact_id: int, model_id: int, *, blessed: int = 1, by: str = "ada") -> Any:
    blessing = _make(standard_artifacts.ModelBlessing, pathlib.Path(), artifact_id, blessed)
    blessing.set_int_custom_property("current_model_id", model_id)
    if by:
        blessing.set_string_custom_property("blessed_by", by)
    return blessing.mlmd_artifact


def test_a_manual_blessing_is_found_by_its_model() -> None:
    others = [_bless(9, 1, by=""), _bless(8, 2), _bless(7, 1, blessed=0)]
    assert find_manual_blessing(others, 1) == 0
    assert find_manual_blessing([_bless(4, 1), _bless(3, 1), *others], 1) == 4


def resolve(pushes: list[Any], **candidate: Any) -> int:
    """Returns the driver's parameter `last_push`."""
    return find_last_push([push.mlmd_artifact for push in pushes], candidate)


def test_a_push_with_another_card_or_by_tfx_is_not_that_of_the_candidate(
    inputs: dict[str, Any], tmp_path: pathlib.Path
) -> None:
    """`test_cache.py` has the other cases."""
    candidate = {key: [inputs[key]] for key in ("model", "verdict", "model_card")}
    pushed = push(inputs, tmp_path, 21)
    assert resolve([pushed], **candidate, lite_models=[]) == 0
    assert resolve([pushed], **{**candidate, "model_card": [_make(ModelCardPage, tmp_path, 78)]}) == 21
    by_tfx = _make(standard_artifacts.PushedModel, tmp_path, 5)
    by_tfx.set_int_custom_property("pushed", 1)
    by_tfx.set_string_custom_property("pushed_destination", str(tmp_path))
    assert resolve([by_tfx], **candidate) == 5
