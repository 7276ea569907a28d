"""Which blessing the Pusher obeys: the gate's, or one by hand."""

import ml_metadata as mlmd
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact


class GateOrHandBlessingStrategy(ResolverStrategy):
    """Resolves the gate's blessing, unless the gate rejected the model and a person has blessed it.

    A resolver runs every time, so a blessing by hand, made after a run, reaches the Pusher of the next one although the
    Gate comes from the cache; and as long as the blessing stays the same, so does the Pusher's cache key.

    Inputs: judged (the gate's blessing), model_blessing (all blessings).
    """

    def resolve_artifacts(
        self,
        store: mlmd.MetadataStore,  # noqa: ARG002 (TFX's signature)
        input_dict: dict[str, list[Artifact]],
    ) -> dict[str, list[Artifact]] | None:
        """Returns the one that counts as "model_blessing"."""
        judged = input_dict["judged"]
        by_hand = [
            blessing
            for blessing in input_dict["model_blessing"]
            if blessing.get_string_custom_property("blessed_by") and blessing.get_int_custom_property("blessed") == 1
        ]
        rejected = {_find_model(blessing) for blessing in judged if blessing.get_int_custom_property("blessed") != 1}
        found = [blessing for blessing in by_hand if _find_model(blessing) in rejected]
        return {"judged": judged, "model_blessing": sorted(found, key=lambda blessing: blessing.id)[-1:] or judged}


def _find_model(blessing: Artifact) -> int:
    return blessing.get_int_custom_property("current_model_id")
