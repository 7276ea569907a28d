"""Blesses a model by hand, against the gate, and records who did so, when and why."""

import pathlib
import time

from rich.console import Console

from components.lock import hold_lock
from pipeline.failures import UsageFailure
from pipeline.inspection.outcome import Outcome
from pipeline.inspection.root import Root, shorten
from pipeline.manual_actions import copy_as_new, find_login_name, record_by_hand
from pipeline.override import describe_override
from pipeline.records import BLESS_NODE, Artifact
from pipeline.rejections import is_rejected

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
        if is_rejected(outcome.serving):
            follows = "asks it once more to serve, which it did not as it must, and pushes it if it does now."
        _record(root_path, outcome, model, judged, reason)
        overrides = Outcome(Root(root_path), outcome.run_id).overrides
    console.print(f"{describe_override(overrides[-1])}.".replace("..", "."), markup=False, highlight=False)
    console.print(f"The same `tokenlearner run` {follows}", highlight=False)


def _find_judged(root: Root, outcome: Outcome) -> tuple[Artifact, Artifact]:
    """Returns the model of a run and the gate's rejection of it."""
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
    """Writes an execution with the model as input and a ModelBlessing as output."""
    folder = root_path.resolve() / BLESS_NODE / "blessing" / str(time.time_ns())
    folder.mkdir(parents=True)
    (folder / _BLESSED_FILE).touch()
    who = find_login_name()
    blessing = copy_as_new(judged)  # the properties that TFX's Evaluator writes: current and baseline model
    blessing.uri = str(folder)
    blessing.custom_properties["blessed"].int_value = 1
    blessing.custom_properties["blessed_by"].string_value = who
    blessing.custom_properties["reason"].string_value = reason
    record_by_hand(
        root_path / "metadata.sqlite",
        node=BLESS_NODE,
        run_id=outcome.run_id,
        properties={"who": who, "reason": reason},
        inputs={"model": model},
        outputs={"blessing": blessing},
    )
