"""A pipeline of two steps, run by TFX: one makes a model with all that the Pusher reads, and the Pusher."""

import json
import pathlib

import numpy as np
from run_folder import write_model_run
from scored_images import judge_predictions, score_images
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from components.artifacts.verdict import write_verdict
from components.evaluator.artifact import EvaluationVerdict
from components.pusher.component import Pusher

IMAGES = 40
GRAPH = b"a graph"


def write_verdict_of(folder: pathlib.Path, accuracy: float) -> None:
    """Writes what the Evaluator says of a model with this accuracy."""
    predictions = score_images(np.arange(IMAGES) < round(accuracy * IMAGES))
    folder.mkdir(parents=True, exist_ok=True)
    write_verdict(judge_predictions(predictions, 4_600_000), folder)


def write_saved_model(folder: pathlib.Path, name: str) -> None:
    """Writes what passes for a SavedModel where nobody loads it: a graph with one signature, and variables."""
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel()
    signature = model.meta_graphs.add().signature_def["serving_default"]
    signature.inputs["examples"].dtype = 7
    signature.inputs["examples"].tensor_shape.dim.add().size = -1
    signature.outputs["probabilities"].dtype = 1
    for size in (-1, 10):
        signature.outputs["probabilities"].tensor_shape.dim.add().size = size
    model.meta_graphs[0].signature_def["__saved_model_init_op"].method_name = ""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    (folder / "variables" / "variables.index").write_text(name)


@component
def Maker(  # noqa: N802 (TFX names components like classes)
    model: OutputArtifact[standard_artifacts.Model],
    model_run: OutputArtifact[standard_artifacts.ModelRun],
    verdict: OutputArtifact[EvaluationVerdict],
    blessing: OutputArtifact[standard_artifacts.ModelBlessing],
    name: Parameter[str],
    is_blessed: Parameter[int],
    code_digest: Parameter[str],  # noqa: ARG001 (recorded)
    source_digest: Parameter[str],  # noqa: ARG001 (recorded)
) -> None:
    """Makes a model that is told by its name."""
    write_saved_model(pathlib.Path(model.uri) / "Format-Serving", name)
    pathlib.Path(model_run.uri).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(model_run.uri).rmdir() if pathlib.Path(model_run.uri).exists() else None
    write_model_run(pathlib.Path(model_run.uri))
    write_verdict_of(pathlib.Path(verdict.uri), 0.75)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, is_blessed)


def run_tiny_pipeline(root: pathlib.Path, name: str, *, is_blessed: bool = True, keep_versions: int = 9) -> None:
    """Runs it as `tokenlearner run` does, with TFX's cache."""
    maker = Maker(name=name, is_blessed=int(is_blessed), code_digest="c0de", source_digest="da7a").with_id("Trainer")
    pusher = Pusher(
        model=maker.outputs["model"],
        verdict=maker.outputs["verdict"],
        model_run=maker.outputs["model_run"],
        model_blessing=maker.outputs["blessing"],
        serving_dir=str(root / "serving" / "tokenlearner"),
        keep_versions=keep_versions,
        metadata_path=str(root / "metadata.sqlite"),
        code_digest="",
    )
    pipeline = Pipeline(
        pipeline_name="tiny",
        pipeline_root=str(root),
        components=[maker, pusher],
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(root / "metadata.sqlite")),
    )
    LocalDagRunner().run(pipeline)


def read_served_name(root: pathlib.Path) -> str:
    """Returns the name of the model that a server takes."""
    newest = max((root / "serving" / "tokenlearner").iterdir(), key=lambda path: int(path.name))
    manifest = json.loads((newest / "manifest.json").read_text())
    assert manifest["version"] == int(newest.name)
    return (newest / "variables" / "variables.index").read_text()
