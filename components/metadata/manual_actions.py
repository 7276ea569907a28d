"""Records manual actions in ML Metadata, where TFX's resolvers find them."""

import os
import pathlib
import pwd
from collections.abc import Mapping

import ml_metadata as mlmd
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2

from components.errors import Failure
from components.metadata.records import Artifact, Event, Execution, connect


def record_by_hand(
    metadata_path: pathlib.Path,
    *,
    node: str,
    run_id: str,
    properties: Mapping[str, str],
    inputs: Mapping[str, Artifact],
    outputs: Mapping[str, Artifact],
) -> None:
    """Writes an execution that is no step of the DAG, with its inputs and new outputs, in one transaction.

    Args:
        metadata_path: The sqlite file of ML Metadata.
        node: The execution's name, such as "Bless".
        run_id: The run that it belongs to.
        properties: Of the execution.
        inputs: By key.
        outputs: By key.

    Raises:
        Failure: ML Metadata rejects it.
    """
    try:
        store = connect(metadata_path, is_read_only=False)
        type_id = store.put_execution_type(metadata_store_pb2.ExecutionType(name=f"pipeline.{node.lower()}.{node}"))
        execution = Execution(type_id=type_id, last_known_state=Execution.COMPLETE)
        for name, value in properties.items():
            execution.custom_properties[name].string_value = value
        events = []
        for event_type, artifacts in ((Event.INPUT, inputs), (Event.OUTPUT, outputs)):
            for key, artifact in artifacts.items():
                _drop_unset(artifact)
                event = Event(type=event_type)
                event.path.steps.add().key = key
                event.path.steps.add().index = 0
                events.append((artifact, event))
        contexts = _find_contexts(store, run_id, node)
        store.put_execution(execution, events, contexts, reuse_context_if_already_exist=True)
    except errors.StatusError as error:
        raise Failure(f"ML Metadata rejected the record: {str(error).splitlines()[0]}.") from None


def copy_as_new(artifact: Artifact) -> Artifact:
    """Returns a new artifact with the same type and properties."""
    copy = Artifact()
    copy.CopyFrom(artifact)
    for field in ("id", "name", "create_time_since_epoch", "last_update_time_since_epoch"):
        copy.ClearField(field)
    return copy


def _drop_unset(artifact: Artifact) -> None:
    """Removes properties without a value: looking one up adds it, and ML Metadata would abort the process."""
    for name in [name for name, value in artifact.custom_properties.items() if not value.WhichOneof("value")]:
        del artifact.custom_properties[name]


def find_login_name() -> str:
    """Returns the name of the account, which environment variables cannot change."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _find_contexts(store: mlmd.MetadataStore, run_id: str, node: str) -> list[metadata_store_pb2.Context]:
    """Returns the contexts that TFX's resolvers search, pipeline and run, and a node of its own."""
    run = store.get_context_by_type_and_name("pipeline_run", run_id)
    step = store.get_executions_by_context(run.id)[0]
    [pipeline] = [each for each in store.get_contexts_by_execution(step.id) if each.type == "pipeline"]
    name = f"{pipeline.name}.{node}"
    context = metadata_store_pb2.Context(type_id=store.get_context_type("node").id, name=name)
    return [pipeline, run, store.get_context_by_type_and_name("node", name) or context]
