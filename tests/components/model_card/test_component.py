"""The component ModelCard, driven with fewer TFX artifacts than the end-to-end test gives it."""

import dataclasses
import pathlib
import shutil
from typing import Any

import pytest
from tfx.types import standard_artifacts

from components.evaluator.artifact import EvaluationVerdict
from components.model_card.artifact import ModelCardPage
from components.model_card.component import ModelCard
from components.model_card.facts import CardSources


def _artifact(kind: Any, folder: pathlib.Path | None) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def _write_card(sources: CardSources, folder: pathlib.Path, **others: Any) -> str:
    ModelCard.test_call(
        examples=_artifact(standard_artifacts.Examples, sources.examples),
        statistics=_artifact(standard_artifacts.ExampleStatistics, sources.statistics),
        duplicates=_artifact(standard_artifacts.ExampleAnomalies, sources.duplicates),
        model=_artifact(standard_artifacts.Model, sources.model.parent),
        model_run=_artifact(standard_artifacts.ModelRun, sources.model_run),
        verdict=_artifact(EvaluationVerdict, sources.verdict),
        model_card=_artifact(ModelCardPage, folder / "card"),
        metadata_path=str(sources.metadata_path or folder / "nothing.sqlite"),
        code_digest="",
        template_digest="",
        **others,
    )
    assert sorted(file.name for file in (folder / "card").iterdir()) == ["README.md", "attention.png", "search.png"]
    return (folder / "card" / "README.md").read_text()


def test_serving_findings_and_metadata_may_be_missing(sources: CardSources, tmp_path: pathlib.Path) -> None:
    text = _write_card(dataclasses.replace(sources, metadata_path=None), tmp_path)
    assert "It loads in" not in text
    assert "ML Metadata could not be read" in text


def test_a_step_that_fails_to_read_its_input_says_which(sources: CardSources, tmp_path: pathlib.Path) -> None:
    shutil.copytree(sources.verdict, tmp_path / "verdict")
    next((tmp_path / "verdict").glob("predictions*.parquet")).unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no predictions"):
        _write_card(dataclasses.replace(sources, verdict=tmp_path / "verdict"), tmp_path)
