"""The versions that were pushed or rolled back to, and how a pushed model came about."""

import contextlib
import dataclasses
import json
from collections.abc import Iterable

from components.metadata.records import Artifact, Execution, Records

# Custom properties of a PushedModel, beside those of TFX: pushed, pushed_destination, pushed_version.
MANIFEST_SHA256 = "manifest_sha256"  # of the file `manifest.json`
NOT_PUSHED_BECAUSE = "not_pushed_because"  # a clause; there if nothing was pushed
MODEL_ID = "model_id"  # of the artifact that was pushed
WITHHELD = "withheld"  # JSON: what was rolled back and why, by the id of its model; see `Push.withheld`
MANUAL_BLESSING = "manual_blessing"  # id of the ModelBlessing by which a person let it pass; 0: none

_BASELINE_INPUT = "baseline_model"  # nothing of it is in what is pushed; it has a training of its own behind it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Push:
    """A push, or a rollback, that ML Metadata holds."""

    artifact_id: int
    version: int
    model_id: int  # 0: not known
    withheld: dict[int, str]  # why the models that a person has rolled back are not pushed again, by their ids


@dataclasses.dataclass(frozen=True, kw_only=True)
class Making:
    """How a model came about; the fields of a manifest."""

    run_id: str | None
    data_digest: str | None
    code_digests: dict[str, str]


NOTHING_KNOWN = Making(run_id=None, data_digest=None, code_digests={})


def read_making(records: Records | None, artifact_ids: Iterable[int]) -> Making:
    """Walks from artifacts to the data.

    Args:
        records: None where there is no ML Metadata.
        artifact_ids: Of the artifacts that the version is made from, such as the model and its verdict.

    Returns:
        The run that goes on, which is the newest, and the digests that the steps behind the artifacts were given.
    """
    if records is None:
        return NOTHING_KNOWN
    start = [(records.artifacts[artifact_id], "") for artifact_id in artifact_ids if artifact_id in records.artifacts]
    makers = [ancestor.maker for ancestor in records.walk_back(start, skip=[_BASELINE_INPUT])]
    data_digests = [str(maker.custom_properties["source_digest"].string_value) for maker in makers]
    code_digests = {records.name_step(maker): _find_code_digest(maker) for maker in makers}
    return Making(
        run_id=records.run_ids[-1] if records.run_ids else None,
        data_digest=next((digest for digest in data_digests if digest), None),
        code_digests={step: digest for step, digest in sorted(code_digests.items()) if digest},
    )


def read_pushes(records: Records | None) -> list[Push]:
    """Returns every push, oldest first."""
    artifacts = sorted(records.artifacts.items()) if records else []
    return [_read_push(artifact) for _, artifact in artifacts if find_version(artifact)]


def format_withheld(withheld: dict[int, str]) -> str:
    """Returns what the property WITHHELD holds."""
    return json.dumps({str(model_id): why for model_id, why in sorted(withheld.items())})


def _read_push(artifact: Artifact) -> Push:
    withheld = json.loads(artifact.custom_properties[WITHHELD].string_value or "{}")
    return Push(
        artifact_id=artifact.id,
        version=find_version(artifact),
        model_id=artifact.custom_properties[MODEL_ID].int_value,
        withheld={int(model_id): why for model_id, why in withheld.items()},
    )


def find_version(artifact: Artifact) -> int:
    """Returns the version of a PushedModel; 0: nothing was pushed, or it is another artifact."""
    version = artifact.custom_properties["pushed_version"].string_value
    return int(version) if version.isdecimal() else 0


def _find_code_digest(maker: Execution) -> str:
    properties = maker.custom_properties
    with contextlib.suppress(ValueError, AttributeError):  # no JSON object
        custom_config = json.loads(properties["custom_config"].string_value or "{}")
        return str(properties["code_digest"].string_value or custom_config.get("code_digest", ""))
    return ""
