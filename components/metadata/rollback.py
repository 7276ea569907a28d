"""Rollbacks in ML Metadata: who restored which version, when and why."""

import dataclasses

from components.metadata.records import ROLLBACK_NODE, Execution, Records, format_time


@dataclasses.dataclass(frozen=True, kw_only=True)
class RollbackRecord:
    """An older version that was restored under a new number."""

    version: str  # the new number
    copy_of: str  # the restored version
    rolled_back_from: str  # the version that was served until then
    who: str  # login name
    when: float  # seconds since 1970
    why: str | None  # None: no reason was given


def find_rollbacks(records: Records, version: str | None = None) -> list[RollbackRecord]:
    """Returns the rollbacks to, of and from a version, or all of them, oldest first."""
    found = [read_rollback(each) for _, each in sorted(records.executions.items()) if is_rollback(records, each)]
    return [each for each in found if version in (None, each.version, each.copy_of, each.rolled_back_from)]


def is_rollback(records: Records, execution: Execution) -> bool:
    """Whether an execution is a rollback."""
    return records.name_step(execution) == ROLLBACK_NODE and execution.last_known_state == Execution.COMPLETE


def read_rollback(execution: Execution) -> RollbackRecord:
    """Reads the record of `tokenlearner versions rollback`."""
    texts = {name: value.string_value for name, value in execution.custom_properties.items()}
    return RollbackRecord(
        version=texts["version"],
        copy_of=texts["copy_of"],
        rolled_back_from=texts["rolled_back_from"],
        who=texts["who"],
        when=execution.create_time_since_epoch / 1000,
        why=texts["reason"] or None,
    )


def describe_rollback(rollback: RollbackRecord) -> str:
    words = f"Version {rollback.version}, a copy of {rollback.copy_of}, replaced {rollback.rolled_back_from}"
    why = f": {rollback.why}" if rollback.why else "."
    return f"{words}, rolled back by {rollback.who} on {format_time(rollback.when)}{why}"
