"""The Pusher's driver: decides on every run whether there is anything to push."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base import base_driver
from tfx.orchestration import metadata
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2
from tfx.types.artifact import Artifact

from components.metadata.pushes import MANIFEST_SHA256
from components.pusher.integrity import find_integrity_errors

CANDIDATE_INPUTS = ("model", "verdict", "infra_blessing", "lite_models", "model_card")  # identify a candidate
PUSHED_FROM = "pushed_from"  # property of a PushedModel, JSON: ids of the artifacts that it was made from, by input
PUSH_BEFORE = "push_before"  # property of a PushedModel: the Pusher's parameter `last_push`


class PusherDriver(base_driver.BaseDriver):
    """Sets two parameters of the Pusher from ML Metadata before TFX looks for the step in the cache.

    `manual_blessing` is the id of the newest manual blessing of the model, 0 without one. `last_push` is the id of the
    last push, unless that was made from the same candidate and its version is whole on the disk: then it keeps the
    value of that push. So the step comes from the cache until the model is blessed, something else is pushed or rolled
    back, or the version is missing or damaged.
    """

    def __init__(self, connection: metadata.Metadata) -> None:
        super().__init__(connection)
        self._connection = connection  # the attribute of TFX's class has another name in other versions

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Returns the parameters."""
        inputs = execution_info.input_dict
        with self._connection as opened:
            blessings = opened.store.get_artifacts_by_type("ModelBlessing")
            pushes = opened.store.get_artifacts_by_type("PushedModel")
        output = driver_output_pb2.DriverOutput()
        output.exec_properties["manual_blessing"].int_value = find_manual_blessing(blessings, inputs["model"][0].id)
        output.exec_properties["last_push"].int_value = find_last_push(pushes, inputs)
        return output


def find_manual_blessing(blessings: Sequence[metadata_store_pb2.Artifact], model_id: int) -> int:
    """Returns the id of a model's newest manual blessing; 0: there is none."""
    manual = [
        blessing.id
        for blessing in blessings
        if blessing.custom_properties["blessed_by"].string_value
        and blessing.custom_properties["blessed"].int_value == 1
        and blessing.custom_properties["current_model_id"].int_value == model_id
    ]
    return max(manual, default=0)


def find_last_push(artifacts: Sequence[metadata_store_pb2.Artifact], inputs: Mapping[str, Sequence[Artifact]]) -> int:
    """Returns the value of `last_push`, see `PusherDriver`."""
    pushes = {push.id: push for push in artifacts if push.custom_properties["pushed"].int_value == 1}
    if not pushes:
        return 0
    last = pushes[max(pushes)]
    if _is_from(last, inputs) and _is_whole(last):
        before: int = last.custom_properties[PUSH_BEFORE].int_value
        return before
    return int(last.id)


def describe_candidate(inputs: Mapping[str, Artifact | None]) -> str:
    """Returns the value of PUSHED_FROM."""
    return json.dumps({key: artifact.id for key, artifact in sorted(inputs.items()) if artifact})


def _is_from(push: metadata_store_pb2.Artifact, inputs: Mapping[str, Sequence[Artifact]]) -> bool:
    pushed_from: dict[str, Any] = json.loads(push.custom_properties[PUSHED_FROM].string_value or "{}")
    candidate = {key: inputs[key][0].id for key in CANDIDATE_INPUTS if inputs.get(key)}
    return pushed_from == candidate


def _is_whole(push: metadata_store_pb2.Artifact) -> bool:
    properties = push.custom_properties
    folder = pathlib.Path(properties["pushed_destination"].string_value)
    return not find_integrity_errors(folder, properties[MANIFEST_SHA256].string_value)
