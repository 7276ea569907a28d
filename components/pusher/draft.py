"""Drafts the manifest of a version from what the steps before have left."""

import pathlib

from components.artifacts.verdict import read_verdict
from components.artifacts.winner import read_winner
from components.metadata.pushes import Making
from components.pusher.manifest import Manifest, Metrics, ModelRecord
from components.pusher.saved_model import describe_signatures


def draft_manifest(
    *, model: tuple[int, str], model_run: pathlib.Path, verdict: pathlib.Path, saved_model: pathlib.Path, making: Making
) -> Manifest:
    """Drafts it: all but the version, the time and the files.

    Args:
        model: Id and address of the artifact.
        model_run: Of the Trainer; `winner.json` tells the network.
        verdict: Of the Evaluator.
        saved_model: What is pushed.
        making: What ML Metadata knows.
    """
    return Manifest(
        version=0,
        run_id=making.run_id,
        pushed_at="",
        model=_describe_model(*model, model_run),
        data_digest=making.data_digest,
        code_digests=making.code_digests,
        metrics=_describe_metrics(verdict),
        signatures=describe_signatures(saved_model),
        files={},
    )


def _describe_model(artifact_id: int, uri: str, model_run: pathlib.Path) -> ModelRecord:
    winner = read_winner(model_run)
    return ModelRecord(
        artifact_id=artifact_id,
        folder=pathlib.PurePath(uri).name,
        point=winner.point,
        macs=winner.macs.total,
        parameters=winner.parameters,
    )


def _describe_metrics(verdict: pathlib.Path) -> Metrics:
    card = read_verdict(verdict).candidate
    return Metrics(
        images=card.images,
        accuracy=card.overall.accuracy,
        top_5_accuracy=card.overall.top_5_accuracy,
        cross_entropy=card.overall.cross_entropy,
        expected_calibration_error=card.overall.expected_calibration_error,
    )
