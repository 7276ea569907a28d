"""Blesses a model by hand, against the gate, and records who did so, when and why."""

import os
import pathlib
import pwd
import time

import ml_metadata as mlmd
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2
from rich.console import Console

from components.lock import hold_lock
from pipeline.failures import Failure, UsageFailure
from pipeline.inspection.outcome import Outcome
from pipeline.inspection.root import Root, shorten
from pipeline.override import describe_override
from pipeline.records import BLESS_NODE, Artifact, Event, Execution, connect
from pipeline.refusals import is_refused

_EXECUTION_TYPE = "pipeline.bless.Bless"
_BLESSED_FILE = "BLESSED"  # as TFX's Evaluator names it


def bless(root_path: pathlib.Path, run: str, reason: str, console: Console) -> None:
    """Blesses the model of a run; the next run with the same settings pushes it, if it serves.

    Args:
        root_path: The pipeline root.
        run: The id of a run, or how it begins.
        reason: Why, for whoever inspects this later.
        console: Where to say what was done.

    Raises:
        UsageFailure: Empty reason, unknown run, no model to bless, or it is blessed already.
        LockedError: A run is at work in the root.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise UsageFailure('reason is empty; say why, as in --reason "the classes that fell matter little here".')
    Root(root_path)  # nothing is made in a root without runs
    busy = f"another run works in {root_path}; wait for it."
    with hold_lock(root_path / ".lock", busy):
        root = Root(root_path)
        outcome = Outcome(root, root.find_run(run))
        model, judged = _find_judged(root, outcome)
        follows = "pushes it; what ran before comes from the cache."
        if is_refused(outcome.serving):
            follows = "asks it once more to serve, which it did not as it must, and pushes it if it does now."
        try:
            _record(root_path, outcome, model, judged, reason)
        except errors.StatusError as error:
            raise Failure(f"ML Metadata took no blessing: {str(error).splitlines()[0]}.") from None
        overrides = Outcome(Root(root_path), outcome.run_id).overrides
    console.print(f"{describe_override(overrides[-1])}.".replace("..", "."), markup=False, highlight=False)
    console.print(f"The same `tokenlearner run` {follows}", highlight=False)


def _find_judged(root: Root, outcome: Outcome) -> tuple[Artifact, Artifact]:
    """Returns the model of a run and the gate's refusal to bless it."""
    short = shorten(outcome.run_id)
    model, verdict = outcome.find_output("model"), outcome.find_output("verdict")
    gate = root.records.find_maker(verdict) if verdict else None
    judged = root.records.outputs(gate, "blessing") if gate else []
    if model is None or not judged:
        raise UsageFailure(f"run {short} did not come to the end of the gate; there is nothing to override.")
    if judged[0].custom_properties["blessed"].int_value == 1:
        raise UsageFailure(f"the gate has blessed the model of run {short} already.")
    if outcome.overrides:
        raise UsageFailure(f"run {short} needs no more: {describe_override(outcome.overrides[-1]).rstrip('.')}.")
    return model, judged[0]


def _record(root_path: pathlib.Path, outcome: Outcome, model: Artifact, judged: Artifact, reason: str) -> None:
    """Writes an execution with the model as input and a ModelBlessing as output, all at once."""
    store = connect(root_path / "metadata.sqlite", is_read_only=False)
    folder = root_path.resolve() / BLESS_NODE / "blessing" / str(time.time_ns())
    folder.mkdir(parents=True)
    (folder / _BLESSED_FILE).touch()
    who = _find_login_name()
    blessing = Artifact()
    blessing.CopyFrom(judged)  # the properties that TFX's Evaluator writes: current and baseline model
    for field in ("id", "name", "create_time_since_epoch", "last_update_time_since_epoch"):
        blessing.ClearField(field)
    blessing.uri = str(folder)
    blessing.custom_properties["blessed"].int_value = 1
    blessing.custom_properties["blessed_by"].string_value = who
    blessing.custom_properties["reason"].string_value = reason
    execution = Execution(type_id=_put_type(store), last_known_state=Execution.COMPLETE)
    execution.custom_properties["who"].string_value = who
    execution.custom_properties["reason"].string_value = reason
    events = [(model, _make_event(Event.INPUT, "model")), (blessing, _make_event(Event.OUTPUT, "blessing"))]
    store.put_execution(execution, events, _find_contexts(store, outcome.run_id), reuse_context_if_already_exist=True)


def _find_login_name() -> str:
    """Returns the name of the account, which environment variables cannot change."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _put_type(store: mlmd.MetadataStore) -> int:
    type_id: int = store.put_execution_type(metadata_store_pb2.ExecutionType(name=_EXECUTION_TYPE))
    return type_id


def _make_event(event_type: int, key: str) -> Event:
    event = Event(type=event_type)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event


def _find_contexts(store: mlmd.MetadataStore, run_id: str) -> list[metadata_store_pb2.Context]:
    """Returns the contexts in which TFX's resolvers look: pipeline and run; and a node of its own."""
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    step = store.get_executions_by_context(run.id)[0]
    [pipeline] = [each for each in store.get_contexts_by_execution(step.id) if each.type == "pipeline"]
    name = f"{pipeline.name}.{BLESS_NODE}"
    node = metadata_store_pb2.Context(type_id=store.get_context_type("node").id, name=name)
    return [pipeline, run, store.get_context_by_type_and_name("node", name) or node]
