"""What ML Metadata knows of the model's making, and of the versions pushed so far; without TFX and TensorFlow."""

import contextlib
import dataclasses
import json
import pathlib
from collections.abc import Iterator

import ml_metadata as mlmd
from ml_metadata.proto.metadata_store_pb2 import (
    Artifact,
    ConnectionConfig,
    Event,
    Execution,
    SqliteMetadataSourceConfig,
)

# Custom properties of a PushedModel, beside those of TFX: pushed, pushed_destination, pushed_version.
MANIFEST_SHA256 = "manifest_sha256"  # of the file `manifest.json`
NOT_PUSHED_BECAUSE = "not_pushed_because"  # a clause; there if nothing was pushed
MODEL_ID = "model_id"  # of the artifact that was pushed
WITHHELD = "withheld"  # JSON: what was rolled back and why, by the id of its model; see `Push.withheld`

CACHE_INPUT = "served_model"  # of the Pusher: nothing of it is in what is pushed
_BASELINE_INPUT = "baseline_model"  # the same; it has a training of its own behind it

_READS = (Event.INPUT, Event.DECLARED_INPUT)
_WRITES = (Event.OUTPUT, Event.DECLARED_OUTPUT)


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


def read_making(path: pathlib.Path, artifact_ids: list[int]) -> Making:
    """Walks from artifacts to the data.

    Args:
        path: The sqlite file of ML Metadata.
        artifact_ids: Of what the version is made from, such as the model and its verdict.

    Returns:
        The run that goes on, which is the newest, and the digests that the steps behind the artifacts were given.
    """
    if not path.is_file():
        return NOTHING_KNOWN
    store = _open(path)
    runs = sorted(store.get_contexts_by_type("pipeline_run"), key=lambda run: run.id)
    makers = list(_walk(store, artifact_ids))
    data_digests = [str(maker.custom_properties["source_digest"].string_value) for _, maker in makers]
    code_digests = {step: _find_code_digest(maker) for step, maker in makers}
    return Making(
        run_id=runs[-1].name if runs else None,
        data_digest=next((digest for digest in data_digests if digest), None),
        code_digests={step: digest for step, digest in sorted(code_digests.items()) if digest},
    )


def read_pushes(path: pathlib.Path) -> list[Push]:
    """Returns every push, oldest first.

    Args:
        path: The sqlite file of ML Metadata.
    """
    if not path.is_file():
        return []
    artifacts = _open(path).get_artifacts_by_type("PushedModel")
    return [_read_push(each) for each in sorted(artifacts, key=lambda each: each.id) if _find_version(each)]


def format_withheld(withheld: dict[int, str]) -> str:
    """Returns what the property WITHHELD holds."""
    return json.dumps({str(model_id): why for model_id, why in sorted(withheld.items())})


def _read_push(artifact: Artifact) -> Push:
    withheld = json.loads(artifact.custom_properties[WITHHELD].string_value or "{}")
    return Push(
        artifact_id=artifact.id,
        version=_find_version(artifact),
        model_id=artifact.custom_properties[MODEL_ID].int_value,
        withheld={int(model_id): why for model_id, why in withheld.items()},
    )


def _find_version(artifact: Artifact) -> int:
    version = artifact.custom_properties["pushed_version"].string_value
    return int(version) if version.isdecimal() else 0


def _open(path: pathlib.Path) -> mlmd.MetadataStore:
    connection = ConnectionConfig()
    connection.sqlite.filename_uri = str(path)
    connection.sqlite.connection_mode = SqliteMetadataSourceConfig.READONLY
    return mlmd.MetadataStore(connection)


def _walk(store: mlmd.MetadataStore, artifact_ids: list[int]) -> Iterator[tuple[str, Execution]]:
    """Yields the steps behind artifacts, each with the execution that did the work."""
    waiting, done = list(artifact_ids), set()
    while waiting:
        events = store.get_events_by_artifact_ids([waiting.pop()])
        makers = sorted(event.execution_id for event in events if event.type in _WRITES)[:1]  # others had it cached
        if not makers or makers[0] in done:
            continue
        done.add(makers[0])
        [maker] = store.get_executions_by_id(makers)
        contexts = store.get_contexts_by_execution(maker.id)
        yield next((each.name.rpartition(".")[2] for each in contexts if each.type == "node"), maker.type), maker
        events = store.get_events_by_execution_ids(makers)
        waiting += [
            event.artifact_id for event in events if event.type in _READS and _find_key(event) != _BASELINE_INPUT
        ]


def _find_key(event: Event) -> str:
    return next((str(step.key) for step in event.path.steps if step.HasField("key")), "")


def _find_code_digest(maker: Execution) -> str:
    properties = maker.custom_properties
    with contextlib.suppress(ValueError, AttributeError):  # no JSON object
        custom_config = json.loads(properties["custom_config"].string_value or "{}")
        return str(properties["code_digest"].string_value or custom_config.get("code_digest", ""))
    return ""
