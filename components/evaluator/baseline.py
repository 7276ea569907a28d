"""Which model the candidate has to stand up to."""

from collections.abc import Mapping

import ml_metadata as mlmd
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver
from tfx.types.artifact import Artifact


class LatestOtherBlessedModelStrategy(resolver.ResolverStrategy):
    """Resolves the latest blessed model other than the candidate.

    TFX's LatestBlessedModelStrategy compares a model that an unedited second run takes from the cache with itself, and
    so evaluates it once more; here the baseline depends on the candidate alone and the cache holds.

    Inputs: candidate (the model to judge), model (all models), model_blessing (all blessings).
    """

    def resolve_artifacts(
        self,
        store: mlmd.MetadataStore,  # noqa: ARG002 (TFX's signature)
        input_dict: Mapping[str, list[Artifact]],
    ) -> dict[str, list[Artifact]]:
        """Returns {"model": [baseline]}, or {"model": []} when nothing else was ever blessed."""
        candidates = {model.id for model in input_dict["candidate"]}
        blessed = {
            blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
            for blessing in input_dict["model_blessing"]
            if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1
        }
        baselines = [model for model in input_dict["model"] if model.id in blessed - candidates]
        latest = max(baselines, key=lambda model: model.id, default=None)
        return {"model": [latest] if latest else []}
