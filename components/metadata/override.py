"""Blessings by hand, as ML Metadata holds them: who blessed which model, when and why."""

import dataclasses

from components.metadata.records import BLESS_NODE, Artifact, Execution, Records, format_time


@dataclasses.dataclass(frozen=True, kw_only=True)
class Override:
    """A blessing by hand."""

    who: str  # login name
    when: float  # seconds since 1970
    why: str


def find_overrides(records: Records, model: Artifact) -> list[Override]:
    """Returns the blessings by hand of a model, oldest first."""
    return [read_override(reader) for reader in records.find_readers(model) if is_override(records, reader)]


def is_override(records: Records, execution: Execution) -> bool:
    """Tells whether an execution is a blessing by hand."""
    return records.name_step(execution) == BLESS_NODE and execution.last_known_state == Execution.COMPLETE


def read_override(execution: Execution) -> Override:
    """Reads who, when and why."""
    return Override(
        who=execution.custom_properties["who"].string_value,
        when=execution.create_time_since_epoch / 1000,
        why=execution.custom_properties["reason"].string_value,
    )


def describe_override(override: Override) -> str:
    """Says who blessed a model by hand, when and why."""
    return f"Blessed by hand by {override.who} on {format_time(override.when)}: {override.why}"
