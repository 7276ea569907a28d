"""The artifacts behind a run or a version, as the report and the manifest of a version list them."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArtifactRecord:
    """An artifact that a run made or used."""

    id: int
    kind: str  # such as "Examples"
    step: str  # that made it
    run_id: str  # in which it was made
    made: str  # date and time, UTC
    folder: str  # relative to the root; of a folder outside of it, the name alone: manifests are public
    sources: tuple[int, ...]  # ids of the inputs of the step
