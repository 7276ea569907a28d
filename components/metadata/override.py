"""Manual blessings in ML Metadata: who blessed which model, when and why."""

import dataclasses

from components.metadata.records import BLESS_NODE, Artifact, Execution, Records, format_time


@dataclasses.dataclass(frozen=True, kw_only=True)
class Override:
    """A manual blessing."""

    who: str  # login name
    when: float  # seconds since 1970
    why: str


def find_overrides(records: Records, model: Artifact) -> list[Override]:
    """Returns the manual blessings of a model, oldest first."""
    return [
        read_override(reader)
        for reader in records.find_readers(model)
        if records.name_step(reader) == BLESS_NODE and reader.last_known_state == Execution.COMPLETE
    ]


def read_override(execution: Execution) -> Override:
    return Override(
        who=execution.custom_properties["who"].string_value,
        when=execution.create_time_since_epoch / 1000,
        why=execution.custom_properties["reason"].string_value,
    )


def describe_override(override: Override) -> str:
    return f"Blessed by hand by {override.who} on {format_time(override.when)}: {override.why}"
