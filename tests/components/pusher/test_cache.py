"""TFX's cache and the Pusher: what is served is what the last run said, and nothing is pushed twice.

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
from pipeline.push.rollback import roll_back


class Workplace:
    """A root in which the tiny pipeline runs."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def run(self, name: str, *, is_blessed: bool = True) -> str:
        """Runs it and returns the Pusher's state."""
        run_tiny_pipeline(self.root, name, is_blessed=is_blessed)
        return {step.name: step.state for step in read_run(self.root).steps}["Pusher"]

    @property
    def versions(self) -> dict[int, pathlib.Path]:
        """Those on the disk."""
        return find_versions(self.root / "serving" / "tokenlearner")

    def tell(self, key: str) -> str:
        """Returns a property of what the Pusher of the newest run left."""
        pushed = read_run(self.root).find_output("pushed_model")
        assert pushed is not None
        return str(pushed.custom_properties[key].string_value)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("root"))


def test_an_unedited_second_run_takes_the_push_from_the_cache(workplace: Workplace) -> None:
    assert workplace.run("A") == "done"
    assert workplace.run("A") == "cached"
    assert workplace.tell("pushed_version") == str(max(workplace.versions))
    assert len(workplace.versions) == 1


def test_an_older_model_that_is_blessed_again_is_pushed_again(workplace: Workplace) -> None:
    assert [workplace.run(name) for name in "BABAAB"] == ["done"] * 4 + ["cached", "done"]
    assert read_served_name(workplace.root) == "B"
    assert workplace.run("A") == "done"
    assert workplace.run("A") == "cached"
    assert read_served_name(workplace.root) == "A"
    assert len(workplace.versions) == 7


def test_a_rejected_model_changes_nothing(workplace: Workplace) -> None:
    before = list(workplace.versions)
    assert workplace.run("C", is_blessed=False) == "done"
    assert workplace.tell("not_pushed_because") == "it is not blessed"
    assert workplace.run("C", is_blessed=False) == "cached"
    assert workplace.run("A") == "cached"
    assert list(workplace.versions) == before


def test_a_version_that_has_vanished_or_was_damaged_is_pushed_anew_once(workplace: Workplace) -> None:
    newest = max(workplace.versions)
    shutil.rmtree(workplace.versions[newest])
    assert [workplace.run("A") for _ in range(2)] == ["done", "cached"]
    assert max(workplace.versions) > newest
    newest = max(workplace.versions)
    (workplace.versions[newest] / "variables" / "variables.index").write_text("a")
    assert [workplace.run("A") for _ in range(2)] == ["done", "cached"]
    assert max(workplace.versions) > newest
    assert read_served_name(workplace.root) == "A"


def test_what_was_rolled_back_is_not_pushed_by_an_unedited_run(workplace: Workplace) -> None:
    last_of_b = max(version for version, path in workplace.versions.items() if _name(path) == "B")
    served = max(workplace.versions)
    roll_back(workplace.root, last_of_b, "A errs on cats.", Console(quiet=True))
    assert read_served_name(workplace.root) == "B"
    before = list(workplace.versions)
    assert workplace.run("A") == "done"
    because = workplace.tell("not_pushed_because")
    assert because.startswith(f"version {served} with this model was rolled back by ")
    assert because.endswith(f": A errs on cats; `tokenlearner push rollback {served}` brings it back")
    assert workplace.run("A") == "cached"
    assert workplace.run("B") == "cached"
    assert list(workplace.versions) == before


def test_two_rollbacks_hold_back_both_models(workplace: Workplace) -> None:
    assert workplace.run("D") == "done"
    newest = max(workplace.versions)
    of_a, of_b = (max(v for v, path in workplace.versions.items() if _name(path) == name) for name in "AB")
    for version in (of_a, of_b):
        roll_back(workplace.root, version, None, Console(quiet=True))
    before = list(workplace.versions)
    assert [workplace.run(name) for name in "DAB"] == ["done", "done", "cached"]
    assert list(workplace.versions) == before
    roll_back(workplace.root, newest, None, Console(quiet=True))
    assert workplace.run("D") == "cached"
    assert read_served_name(workplace.root) == "D"


def test_a_rollback_is_over_when_another_model_is_pushed(workplace: Workplace) -> None:
    assert [workplace.run(name) for name in "EBB"] == ["done", "done", "cached"]
    assert read_served_name(workplace.root) == "B"


def test_versions_only_ever_grew(workplace: Workplace) -> None:
    artifacts = Records(workplace.root / "metadata.sqlite").artifacts.values()
    versions = [int(each.custom_properties["pushed_version"].string_value or 0) for each in artifacts]
    pushed = [version for version in versions if version]
    assert pushed == sorted(set(pushed))
    assert all(read_manifest(path).code_digests == {"Trainer": "c0de"} for path in workplace.versions.values())


def test_the_lineage_of_a_push_does_not_lead_into_the_pushes_before(workplace: Workplace) -> None:
    lineage = read_lineage(Root(workplace.root), run_id=None, version=None)
    assert lineage.version == lineage.served_version == str(max(workplace.versions))
    assert sorted(origin.key for origin in lineage.origins) == ["model", "model_blessing", "model_run", "verdict"]
    provenance = read_provenance(workplace.root / "metadata.sqlite", {}, None)
    assert provenance
    assert sorted(artifact.kind for artifact in provenance.artifacts) == sorted(
        ("Model", "ModelRun", "EvaluationVerdict", "ModelBlessing", "PushedModel")
    )


def _name(version: pathlib.Path) -> str:
    return (version / "variables" / "variables.index").read_text()
