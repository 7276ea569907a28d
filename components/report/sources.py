"""What a report is made from, and the names of its files."""

import dataclasses
import pathlib

from components.report.environment import Environment
from components.report.provenance import Provenance

PAGE_FILE = "report.html"
ENVIRONMENT_FILE = "environment.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sources:
    """Folders of a run's artifacts, and facts about the run; None for whatever is missing."""

    model_run: pathlib.Path | None = None
    model: pathlib.Path | None = None  # the SavedModel
    verdict: pathlib.Path | None = None
    serving: pathlib.Path | None = None
    examples: pathlib.Path | None = None
    statistics: pathlib.Path | None = None
    anomalies: pathlib.Path | None = None
    bad_images: pathlib.Path | None = None
    duplicates: pathlib.Path | None = None
    pushed_version: str | None = None  # None: not pushed
    provenance: Provenance | None = None
    environment: Environment | None = None
