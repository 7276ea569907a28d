"""Resolves the model that the candidate is compared with."""

import ml_metadata as mlmd
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.types.artifact import Artifact


class LatestOtherBlessedModelStrategy(LatestBlessedModelStrategy):
    """Resolves the latest blessed model other than the candidate.

    With TFX's own strategy, a second run without edits would compare the cached model with itself and evaluate it
    again; here the baseline stays the same, and the Evaluator comes from the cache.

    Inputs: candidate (the model to judge), model (all models), model_blessing (all blessings).
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]] | None:
        """Returns the baseline as "model" with its "model_blessing", both empty if no other model was ever blessed."""
        candidates = {model.id for model in input_dict["candidate"]}
        others = [model for model in input_dict["model"] if model.id not in candidates]
        baseline = super().resolve_artifacts(store, {"model": others, "model_blessing": input_dict["model_blessing"]})
        return {"candidate": input_dict["candidate"], **(baseline or {})}
