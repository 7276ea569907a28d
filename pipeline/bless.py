"""Blesses a model that the Evaluator rejected, and records by whom, when and why."""

import pathlib
import time

from rich.console import Console

from components.errors import UsageFailure
from components.lock import hold_lock
from components.metadata.manual_actions import copy_as_new, find_login_name, record_by_hand
from components.metadata.override import describe_override
from components.metadata.records import BLESS_NODE, Artifact
from components.metadata.root import Root, shorten
from components.metadata.run_record import RunRecord
from pipeline.rejections import is_rejected

_BLESSED_FILE = "BLESSED"  # as TFX's Evaluator names it


def bless(root_path: pathlib.Path, run: str, reason: str, console: Console) -> None:
    """Blesses the model of a run; the next run with the same settings pushes it if it can be served.

    Args:
        root_path: The pipeline root.
        run: The id of a run, or how it begins.
        reason: Recorded with the blessing.
        console: Shows the result.

    Raises:
        UsageFailure: Empty reason, unknown run, no model to bless, it is blessed already, or a run is in progress.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise UsageFailure(
            '--reason is empty; give one, as in --reason "the classes that lost accuracy matter little here".'
        )
    Root(root_path)  # nothing is made in a root without runs
    busy = f"another run works in {root_path}; wait for it."
    with hold_lock(root_path / ".lock", busy):
        root = Root(root_path)
        record = RunRecord(root, root.find_run(run))
        model, judged = _find_judged(root, record)
        follows = "pushes it; all earlier steps come from the cache."
        if is_rejected(record.serving):
            follows = "runs the ServingValidator, which rejected it, again, and pushes it if it passes now."
        _record(root_path, record, model, judged, reason)
        overrides = RunRecord(Root(root_path), record.run_id).overrides
    console.print(f"{describe_override(overrides[-1])}.".replace("..", "."), markup=False, highlight=False)
    console.print(f"The same `tokenlearner run` {follows}", highlight=False)


def _find_judged(root: Root, record: RunRecord) -> tuple[Artifact, Artifact]:
    """Returns the model of a run and its blessing by the Evaluator, which is a rejection."""
    short = shorten(record.run_id)
    model, verdict = record.find_output("model"), record.find_output("verdict")
    evaluator = root.records.find_maker(verdict) if verdict else None
    judged = root.records.outputs(evaluator, "blessing") if evaluator else []
    if model is None or not judged:
        raise UsageFailure(f"run {short} did not reach the end of the Evaluator; there is nothing to override.")
    if judged[0].custom_properties["blessed"].int_value == 1:
        raise UsageFailure(f"the Evaluator has already blessed the model of run {short}.")
    if record.overrides:
        raise UsageFailure(f"run {short} needs no more: {describe_override(record.overrides[-1]).rstrip('.')}.")
    return model, judged[0]


def _record(root_path: pathlib.Path, record: RunRecord, model: Artifact, judged: Artifact, reason: str) -> None:
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
        run_id=record.run_id,
        properties={"who": who, "reason": reason},
        inputs={"model": model},
        outputs={"blessing": blessing},
    )
