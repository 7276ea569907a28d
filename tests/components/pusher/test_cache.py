"""TFX's cache and the Pusher: the model of the last run is served, and nothing is pushed twice.

The tests run in the order in which they stand: each goes on from the root that the one before left.
"""

import pathlib
import shutil

import pytest
from rich.console import Console
from tiny_pipeline import read_served_name, run_tiny_pipeline

from components.metadata.records import Records
from components.metadata.root import Root
from components.metadata.run_record import read_run
from components.pusher.manifest import read_manifest
from components.pusher.versions import find_versions
from components.report.provenance import read_provenance
from pipeline.inspection.lineage import read_lineage
from pipeline.versions.rollback import roll_back


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("root")


def _run(root: pathlib.Path, names: str, *, is_blessed: bool = True) -> list[str]:
    """Runs the tiny pipeline with one model after the other and returns the Pusher's states."""
    states: list[str] = []
    for name in names:
        run_tiny_pipeline(root, name, is_blessed=is_blessed)
        states += [step.state for step in read_run(root).steps if step.name == "Pusher"]
    return states


def _find_folders(root: pathlib.Path) -> dict[int, pathlib.Path]:
    return find_versions(root / "serving" / "tokenlearner")


def _find_newest(root: pathlib.Path, name: str) -> int:
    """Returns the newest version of a model."""
    folders = _find_folders(root).items()
    return max(version for version, path in folders if (path / "variables" / "variables.index").read_text() == name)


def _read_reason(root: pathlib.Path) -> str:
    pushed = read_run(root).find_output("pushed_model")
    assert pushed is not None
    return str(pushed.custom_properties["not_pushed_because"].string_value)


def test_a_model_is_pushed_once_and_again_after_another_one(root: pathlib.Path) -> None:
    assert _run(root, "AA") == ["done", "cached"]
    assert len(_find_folders(root)) == 1
    assert _run(root, "BAAB") == ["done", "done", "cached", "done"]
    assert read_served_name(root) == "B"
    assert _run(root, "AA") == ["done", "cached"]
    assert read_served_name(root) == "A"
    assert len(_find_folders(root)) == 5


def test_a_rejected_model_changes_nothing(root: pathlib.Path) -> None:
    before = list(_find_folders(root))
    assert _run(root, "CC", is_blessed=False) == ["done", "cached"]
    assert _read_reason(root) == "it is not blessed"
    assert _run(root, "A") == ["cached"]
    assert list(_find_folders(root)) == before


def test_a_missing_or_damaged_version_is_pushed_again_once(root: pathlib.Path) -> None:
    newest = _find_newest(root, "A")
    shutil.rmtree(_find_folders(root)[newest])
    assert _run(root, "AA") == ["done", "cached"]
    assert _find_newest(root, "A") > newest
    newest = _find_newest(root, "A")
    (_find_folders(root)[newest] / "variables" / "variables.index").write_text("a")
    assert _run(root, "AA") == ["done", "cached"]
    assert _find_newest(root, "A") > newest


def test_a_model_that_was_rolled_back_is_not_pushed_by_an_unedited_run(root: pathlib.Path) -> None:
    of_a, of_b = _find_newest(root, "A"), _find_newest(root, "B")
    roll_back(root, of_b, "A errs on cats.", Console(quiet=True))
    assert read_served_name(root) == "B"
    before = list(_find_folders(root))
    assert _run(root, "A") == ["done"]
    assert _read_reason(root).startswith(f"version {of_a} with this model was rolled back by ")
    assert _read_reason(root).endswith(f": A errs on cats; `tokenlearner versions rollback {of_a}` brings it back")
    assert _run(root, "AB") == ["cached", "cached"]
    assert list(_find_folders(root)) == before


def test_two_rollbacks_hold_back_both_models_until_another_one_is_pushed(root: pathlib.Path) -> None:
    assert _run(root, "D") == ["done"]
    of_d = _find_newest(root, "D")
    for version in (_find_newest(root, "A"), _find_newest(root, "B")):
        roll_back(root, version, None, Console(quiet=True))
    before = list(_find_folders(root))
    assert _run(root, "DAB") == ["done", "done", "cached"]
    assert list(_find_folders(root)) == before
    roll_back(root, of_d, None, Console(quiet=True))
    assert _run(root, "D") == ["cached"]
    assert read_served_name(root) == "D"
    assert _run(root, "EBB") == ["done", "done", "cached"]
    assert read_served_name(root) == "B"


def test_versions_only_grew_and_the_lineage_of_a_push_leaves_out_earlier_pushes(root: pathlib.Path) -> None:
    artifacts = Records(root / "metadata.sqlite").artifacts.values()
    versions = [int(each.custom_properties["pushed_version"].string_value or 0) for each in artifacts]
    pushed = [version for version in versions if version]
    assert pushed == sorted(set(pushed))
    assert all(read_manifest(path).code_digests == {"Trainer": "c0de"} for path in _find_folders(root).values())
    lineage = read_lineage(Root(root), run_id=None, version=None)
    assert lineage.version == lineage.served_version == str(max(pushed))
    kinds = sorted(each.kind for each in lineage.artifacts)
    assert kinds == ["EvaluationVerdict", "Model", "ModelBlessing", "ModelRun"]
    provenance = read_provenance(root / "metadata.sqlite", None)
    assert provenance is not None
    assert sorted(artifact.kind for artifact in provenance.artifacts) == [
        "EvaluationVerdict",
        "Model",
        "ModelBlessing",
        "ModelRun",
        "PushedModel",
    ]
