"""`tokenlearner bless`: its record in ML Metadata, and what it rejects."""

import getpass
import json
import pathlib
import time

import pytest
from commands import Command
from ml_metadata.proto.metadata_store_pb2 import Event, Execution
from recorded_root import Plan, RecordedRoot, open_store

from components.errors import ExitCode
from components.lock import hold_lock


@pytest.fixture
def root(tmp_path: pathlib.Path) -> RecordedRoot:
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1"))
    root.record(Plan(run_id="r2", seed=1, min_accuracy=0.99, cached_until="Transform"))
    return root


def test_a_manual_blessing_is_recorded_and_shown_and_happens_once(tokenlearner: Command, root: RecordedRoot) -> None:
    model = root.artifact("model")
    done = tokenlearner("bless", "--run", "r2", "--reason", " good\nenough ", "--root", root.path)
    assert done.code == ExitCode.OK, done.err
    assert "pushes it" in done.words
    store = open_store(root.path)
    execution = store.get_executions()[-1]
    assert execution.last_known_state == Execution.COMPLETE
    assert abs(execution.create_time_since_epoch / 1000 - time.time()) < 60
    read, wrote = store.get_events_by_execution_ids([execution.id])
    assert (read.type, read.artifact_id, read.path.steps[0].key) == (Event.INPUT, model.id, "model")
    assert (wrote.type, wrote.path.steps[0].key) == (Event.OUTPUT, "blessing")
    [blessing] = store.get_artifacts_by_id([wrote.artifact_id])
    assert blessing.type == "ModelBlessing"
    assert blessing.custom_properties["blessed"].int_value == 1
    assert blessing.custom_properties["blessed_by"].string_value == getpass.getuser()
    assert blessing.custom_properties["current_model_id"].int_value == model.id
    assert blessing.custom_properties["current_model"].string_value == model.uri
    assert (pathlib.Path(blessing.uri) / "BLESSED").exists()
    contexts = {(context.type, context.name) for context in store.get_contexts_by_artifact(blessing.id)}
    assert contexts == {
        *(("pipeline", "tokenlearner-quick"), ("pipeline_run", "r2"), ("node", "tokenlearner-quick.Bless")),
    }
    shown = tokenlearner("inspect", "--root", root.path).words
    assert f"by {getpass.getuser()} on 20" in shown
    assert ": good enough" in shown
    facts = json.loads(tokenlearner("inspect", "--root", root.path, "--json").out)
    assert [override["why"] for override in facts["overrides"]] == ["good enough"]
    assert "Bless" not in [step["name"] for step in facts["steps"]]
    assert "60.0% by hand no" in tokenlearner("inspect", "runs", "--root", root.path).words
    again = tokenlearner("bless", "--run", "r2", "--reason", "b", "--root", root.path)
    assert again.code == ExitCode.USAGE
    assert "run r2 needs no more: " in again.words


def test_the_serving_validator_checks_a_model_again_that_it_rejected(tokenlearner: Command, root: RecordedRoot) -> None:
    root.record(Plan(run_id="r3", seed=2, min_accuracy=0.99, cached_until="Transform", serves=False))
    done = tokenlearner("bless", "--run", "r3", "--reason", "good enough", "--root", root.path)
    assert done.code == ExitCode.OK, done.err
    assert "runs the ServingValidator, which rejected it, again, and pushes it if it passes now." in done.words
    shown = tokenlearner("inspect", "--root", root.path).words
    assert "not pushed, because it failed a serving check." in shown
    assert "The same `tokenlearner run` pushes it." not in shown


@pytest.mark.parametrize(
    ("run", "reason", "words"),
    [
        ("r2", "  ", "--reason is empty; give one"),
        ("r9", "why not", "holds no run 'r9'; the latest are r1, r2, r3"),
        ("r1", "why not", "the Evaluator has already blessed the model of run r1"),
        ("r3", "why not", "run r3 did not reach the end of the Evaluator; there is nothing to override."),
    ],
)
def test_an_impossible_blessing_is_one_message(
    run: str, reason: str, words: str, tokenlearner: Command, root: RecordedRoot
) -> None:
    root.record(Plan(run_id="r3", stops_in="Evaluator"))
    done = tokenlearner("bless", "--run", run, "--reason", reason, "--root", root.path)
    assert done.code == ExitCode.USAGE
    assert done.err.count("\n") == 1
    assert words in done.err
    assert not (root.path / "Bless").exists()


def test_a_run_in_progress_and_a_missing_root_reject_a_blessing(tokenlearner: Command, root: RecordedRoot) -> None:
    with hold_lock(root.path / ".lock", "busy"):
        done = tokenlearner("bless", "--run", "r2", "--reason", "a", "--root", root.path)
    assert (done.code, "another run works in" in done.err) == (ExitCode.USAGE, True)
    done = tokenlearner("bless", "--run", "r2", "--reason", "a", "--root", root.path / "nowhere")
    assert (done.code, "holds no run yet" in done.err) == (ExitCode.USAGE, True)
    assert not (root.path / "nowhere").exists()
