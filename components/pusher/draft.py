"""Drafts the manifest of a version from the artifacts of the steps before."""

import pathlib

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from components.artifacts.verdict import read_verdict
from components.artifacts.winner import read_winner
from components.metadata.pushes import Making
from components.pusher.manifest import Manifest, Metrics, ModelRecord, Signature

_INIT_SIGNATURE = "__saved_model_init_op"  # TensorFlow's own


def draft_manifest(
    *, model: tuple[int, str], model_run: pathlib.Path, verdict: pathlib.Path, saved_model: pathlib.Path, making: Making
) -> Manifest:
    """Drafts everything but the version, the time and the files.

    Args:
        model: Id and URI of the artifact.
        model_run: Of the Trainer; `winner.json` describes the network.
        verdict: Of the Evaluator.
        saved_model: What is pushed.
        making: What ML Metadata knows.
    """
    artifact_id, uri = model
    winner, card = read_winner(model_run), read_verdict(verdict).candidate
    return Manifest(
        version=0,
        run_id=making.run_id,
        pushed_at="",
        model=ModelRecord(
            artifact_id=artifact_id,
            folder=pathlib.PurePath(uri).name,
            point=winner.point,
            macs=winner.macs.total,
            parameters=winner.parameters,
        ),
        data_digest=making.data_digest,
        code_digests=making.code_digests,
        lineage=making.lineage,
        metrics=Metrics(
            images=card.images,
            accuracy=card.overall.accuracy,
            top_5_accuracy=card.overall.top_5_accuracy,
            cross_entropy=card.overall.cross_entropy,
            expected_calibration_error=card.overall.expected_calibration_error,
        ),
        signatures=_describe_signatures(saved_model),
        files={},
    )


def _describe_signatures(folder: pathlib.Path) -> dict[str, Signature]:
    """Reads the signatures of a SavedModel without loading it."""
    model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {
        name: Signature(inputs=_describe_tensors(signature.inputs), outputs=_describe_tensors(signature.outputs))
        for name, signature in sorted(model.meta_graphs[0].signature_def.items())
        if name != _INIT_SIGNATURE
    }


def _describe_tensors(tensors: dict[str, meta_graph_pb2.TensorInfo]) -> dict[str, str]:
    return {
        name: f"{tf.dtypes.as_dtype(tensor.dtype).name} {[dim.size for dim in tensor.tensor_shape.dim]}"
        for name, tensor in sorted(tensors.items())
    }
