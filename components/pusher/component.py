"""The component Pusher."""

import pathlib
import time

from tfx.components.util import model_utils
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from components.evaluator.artifact import EvaluationVerdict
from components.lite_converter.artifact import LiteModels
from components.metadata import pushes
from components.metadata.records import open_records
from components.model_card.artifact import ModelCardPage
from components.pusher.content import collect_files
from components.pusher.draft import draft_manifest
from components.pusher.driver import PUSH_BEFORE, PUSHED_FROM, PusherDriver, describe_candidate
from components.pusher.shelf import open_shelf
from components.saved_model import locate_saved_model


@component
def Pusher(  # noqa: N802 (TFX names components like classes)
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    verdict: InputArtifact[EvaluationVerdict],
    model_blessing: InputArtifact[standard_artifacts.ModelBlessing],
    pushed_model: OutputArtifact[standard_artifacts.PushedModel],
    serving_dir: Parameter[str],
    keep_versions: Parameter[int],
    metadata_path: Parameter[str],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    infra_blessing: InputArtifact[standard_artifacts.InfraBlessing] = None,
    lite_models: InputArtifact[LiteModels] = None,
    model_card: InputArtifact[ModelCardPage] = None,
    baseline_model: InputArtifact[standard_artifacts.Model] = None,
    manual_blessing: Parameter[int] = 0,
    last_push: Parameter[int] = 0,
) -> None:
    """Publishes a blessed model as a new version, whole or not at all.

    Args:
        model: What the Trainer exported.
        model_run: Of the Trainer; `winner.json` describes the network.
        verdict: Of the Evaluator.
        model_blessing: Of the Evaluator.
        pushed_model: With the properties that TFX's Pusher sets; its folder stays empty.
        serving_dir: The folder that is served.
        keep_versions: How many of the newest versions stay; see `versions.choose_outdated`.
        metadata_path: The sqlite file of ML Metadata; if there is none, the manifest holds no digests.
        code_digest: Of the sources that this step depends on.
        infra_blessing: Of the ServingValidator; None: not required.
        lite_models: Of the LiteConverter.
        model_card: Of the ModelCard.
        baseline_model: The last other blessed model; its newest version stays.
        manual_blessing: Of PusherDriver: id of a manual blessing, which replaces the Evaluator's; 0: none.
        last_push: Of PusherDriver, for the cache.

    Raises:
        Failure: If the folder cannot be written to; it is unchanged.
        LockedError: If another process pushes to it.
    """
    pathlib.Path(pushed_model.uri).mkdir(parents=True, exist_ok=True)  # TFX's cache requires it
    records = open_records(pathlib.Path(metadata_path))
    history = pushes.read_pushes(records)
    rolled_back = history[-1].rolled_back if history else {}
    is_blessed = bool(manual_blessing) or model_utils.is_model_blessed(model_blessing)
    if rejection := _find_rejection(infra_blessing, rolled_back.get(model.id), is_blessed=is_blessed):
        pushed_model.set_int_custom_property("pushed", 0)
        pushed_model.set_string_custom_property(pushes.NOT_PUSHED_BECAUSE, rejection)
        return
    saved_model = locate_saved_model(model)
    files = collect_files(
        saved_model=saved_model,
        model_card=pathlib.Path(model_card.uri) if model_card else None,
        lite_models=pathlib.Path(lite_models.uri) if lite_models else None,
        verdict=pathlib.Path(verdict.uri),
    )
    candidate = {"model": model, "verdict": verdict, "infra_blessing": infra_blessing}
    candidate |= {"lite_models": lite_models, "model_card": model_card}
    draft = draft_manifest(
        model=(model.id, model.uri),
        model_run=pathlib.Path(model_run.uri),
        verdict=pathlib.Path(verdict.uri),
        saved_model=saved_model,
        making=pushes.read_making(records, [artifact.id for artifact in candidate.values() if artifact]),
    )
    with open_shelf(pathlib.Path(serving_dir)) as shelf:
        manifest = shelf.publish(files, draft, [push.version for push in history], time.time())
        shelf.remove_outdated(keep_versions, baseline_model.id if baseline_model else None)
    # A rollback holds until another model is pushed, not when the same one is pushed again.
    still_rolled_back = rolled_back if history and history[-1].model_id == model.id else {}
    pushes.mark_pushed(pushed_model.mlmd_artifact, pathlib.Path(serving_dir), manifest, still_rolled_back)
    pushed_model.set_string_custom_property(PUSHED_FROM, describe_candidate(candidate))
    pushed_model.set_int_custom_property(PUSH_BEFORE, last_push)
    pushed_model.set_int_custom_property(pushes.MANUAL_BLESSING, manual_blessing)


Pusher.DRIVER_CLASS = PusherDriver  # `@component` has no argument for it


def _find_rejection(infra_blessing: Artifact | None, rolled_back: str | None, *, is_blessed: bool) -> str | None:
    """Returns why the model is not pushed."""
    if not is_blessed:
        return "it is not blessed"
    if infra_blessing and not model_utils.is_infra_validated(infra_blessing):
        return "it did not prove that it serves"
    return rolled_back
