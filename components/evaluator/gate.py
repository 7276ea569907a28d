"""The component Gate."""

import pathlib

from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

from components import features
from components.artifacts.winner import read_winner
from components.evaluator import rules, scoring
from components.evaluator.verdict import write_predictions, write_verdict
from components.saved_model import locate_saved_model


class GateVerdict(Artifact):
    """Why a model was (not) blessed: a folder with `verdict.json` and `predictions.npz`, see `verdict.py`."""

    TYPE_NAME = "tokenlearner.GateVerdict"


@component
def Gate(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    blessing: OutputArtifact[standard_artifacts.ModelBlessing],
    verdict: OutputArtifact[GateVerdict],
    min_accuracy: Parameter[float],
    max_accuracy_drop: Parameter[float],
    max_class_accuracy_drop: Parameter[float],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    max_mmacs: Parameter[float] = None,
    baseline_model: InputArtifact[standard_artifacts.Model] = None,
) -> None:
    """Blesses a model, or says why not.

    Args:
        examples: Split test is read.
        model: The candidate.
        model_run: Of the Trainer; `winner.json` tells the candidate's compute.
        blessing: As TFX's Evaluator writes it, for the Pusher and for the next run's baseline.
        verdict: The reasons, and what both models answered for each image.
        min_accuracy: See `rules.Thresholds`, as for the following.
        max_accuracy_drop: Against the baseline.
        max_class_accuracy_drop: The same within each class.
        code_digest: Of the sources that this step depends on.
        max_mmacs: None: no budget.
        baseline_model: The last blessed model, if there is one.
    """
    predictions = scoring.predict(
        pathlib.Path(artifact_utils.get_split_uri([examples], features.TEST_SPLIT)),
        locate_saved_model(model),
        locate_saved_model(baseline_model) if baseline_model else None,
    )
    thresholds = rules.Thresholds(
        min_accuracy=min_accuracy,
        max_accuracy_drop=max_accuracy_drop,
        max_class_accuracy_drop=max_class_accuracy_drop,
        max_mmacs=max_mmacs,
    )
    found = rules.judge(predictions, read_winner(pathlib.Path(model_run.uri)).macs.total, thresholds)
    folder = pathlib.Path(verdict.uri)
    folder.mkdir(parents=True, exist_ok=True)
    write_verdict(found, folder)
    write_predictions(predictions, folder)
    _write_blessing(blessing, model, baseline_model, is_blessed=found.is_blessed)


def _write_blessing(blessing: Artifact, model: Artifact, baseline_model: Artifact | None, *, is_blessed: bool) -> None:
    """Writes the properties and the file that TFX's Evaluator writes."""
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if baseline_model:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline_model.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline_model.id)
    value = constants.BLESSED_VALUE if is_blessed else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    folder = pathlib.Path(blessing.uri)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / (constants.BLESSED_FILE_NAME if is_blessed else constants.NOT_BLESSED_FILE_NAME)).touch()
