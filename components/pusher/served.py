"""What was pushed last, so that the Pusher works again when that is something else, or gone."""

import json
import pathlib
from collections.abc import Iterable, Mapping

import ml_metadata as mlmd
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact

from components.pusher.faults import find_faults
from components.pusher.ledger import MANIFEST_SHA256

# Custom properties of a PushedModel, beside those of the ledger.
PUSHED_FROM = "pushed_from"  # JSON: ids of the artifacts that the version was made from, by input of the Pusher
SERVED_BEFORE = "served_before"  # id of the PushedModel that ServedStrategy gave that push; 0: none


class ServedStrategy(ResolverStrategy):
    """Resolves the newest push, unless it is the candidate's own: then what that push was given.

    A resolver runs every time. As long as what was pushed last came from the candidate and lies whole on the disk, the
    Pusher's cache key stays that of the push; as soon as something else was pushed or the version is gone or damaged,
    the newest push is part of the key, which is new then.

    Inputs: pushed_model (all pushes), and every input of the Pusher that tells one candidate from another.
    """

    def resolve_artifacts(
        self,
        store: mlmd.MetadataStore,  # noqa: ARG002 (TFX's signature)
        input_dict: dict[str, list[Artifact]],
    ) -> dict[str, list[Artifact]] | None:
        """Returns it as "pushed_model", empty when nothing was ever pushed."""
        pushes = {push.id: push for push in input_dict["pushed_model"] if push.get_int_custom_property("pushed") == 1}
        candidate = {key: artifacts for key, artifacts in input_dict.items() if key != "pushed_model"}
        served = [pushes[max(pushes)]] if pushes else []
        if served and _is_from(served[0], candidate) and _is_whole(served[0]):
            before = pushes.get(served[0].get_int_custom_property(SERVED_BEFORE))
            served = [before] if before else []
        return {**candidate, "pushed_model": served}


def describe_candidate(inputs: Mapping[str, Artifact | None]) -> str:
    """Returns what PUSHED_FROM holds."""
    return json.dumps({key: artifact.id for key, artifact in sorted(inputs.items()) if artifact})


def _is_from(push: Artifact, candidate: Mapping[str, Iterable[Artifact]]) -> bool:
    pushed_from = json.loads(push.get_string_custom_property(PUSHED_FROM) or "{}")
    return bool(pushed_from) and all(
        [artifact.id for artifact in artifacts] == [pushed_from[key]] if key in pushed_from else not artifacts
        for key, artifacts in candidate.items()
    )


def _is_whole(push: Artifact) -> bool:
    folder = pathlib.Path(push.get_string_custom_property("pushed_destination"))
    return not find_faults(folder, push.get_string_custom_property(MANIFEST_SHA256))
