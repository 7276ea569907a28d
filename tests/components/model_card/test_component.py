"""The component ModelCard, without the inputs that may be missing; the end-to-end test gives it all."""

import pathlib
import shutil
from typing import Any

import huggingface_hub
from card_text import HOLES, read_body
from tfx.types import standard_artifacts

from components.evaluator.artifact import EvaluationVerdict
from components.model_card.artifact import ModelCardPage
from components.model_card.component import ModelCard
from components.model_card.facts import CardSources


def _make_artifact(kind: Any, folder: pathlib.Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def test_serving_lite_models_and_metadata_may_be_missing(sources: CardSources, tmp_path: pathlib.Path) -> None:
    verdict = shutil.copytree(sources.verdict, tmp_path / "verdict", ignore=shutil.ignore_patterns("lite.json"))
    card = tmp_path / "card"
    ModelCard.test_call(
        examples=_make_artifact(standard_artifacts.Examples, sources.examples),
        statistics=_make_artifact(standard_artifacts.ExampleStatistics, sources.statistics),
        duplicates=_make_artifact(standard_artifacts.ExampleAnomalies, sources.duplicates),
        model=_make_artifact(standard_artifacts.Model, sources.model.parent),
        model_run=_make_artifact(standard_artifacts.ModelRun, sources.model_run),
        verdict=_make_artifact(EvaluationVerdict, verdict),
        model_card=_make_artifact(ModelCardPage, card),
        metadata_path=str(tmp_path / "nothing.sqlite"),
        code_digest="",
        template_digest="",
    )
    assert sorted(file.name for file in card.iterdir()) == ["README.md", "attention.png", "search.png"]
    text = (card / "README.md").read_text()
    assert not HOLES.findall(read_body(text))
    assert "p95" not in text
    assert "TensorFlow Lite models" not in text
    assert "which was not available when this card was written" in text
    assert "tflite" not in huggingface_hub.ModelCard(text).data.to_dict()["tags"]
