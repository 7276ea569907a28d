"""What a report is made from."""

import dataclasses
import pathlib

from components import features
from components.report.environment import Environment
from components.report.provenance import Provenance


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sources:
    """Folders of a run's artifacts and what is known about the run; None for what there is not."""

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

    @property
    def test_split(self) -> pathlib.Path | None:
        """Folder of the test images."""
        return self.examples / f"Split-{features.TEST_SPLIT}" if self.examples else None


def locate_saved_model(model: str) -> pathlib.Path:
    """Returns the SavedModel within a Model artifact."""
    return pathlib.Path(model) / "Format-Serving"  # what TFX's path_utils says; a report is made without TFX, too
