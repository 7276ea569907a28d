"""The component Report, driven with TFX artifacts."""

import dataclasses
import pathlib
from typing import Any

import pytest
from tfx.types import standard_artifacts

from components.evaluator.artifact import EvaluationVerdict
from components.report.component import Report, ReportPage
from components.report.sources import Sources


def _artifact(kind: Any, folder: pathlib.Path | None) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def _write_report(sources: Sources, folder: pathlib.Path, version: str) -> str:
    assert sources.model is not None
    pushed = _artifact(standard_artifacts.PushedModel, folder / "pushed")
    if version:
        pushed.set_string_custom_property("pushed_version", version)
    (folder / "model").mkdir()
    (folder / "model" / "Format-Serving").symlink_to(sources.model)
    report = _artifact(ReportPage, folder / "report")
    Report.test_call(
        examples=_artifact(standard_artifacts.Examples, sources.examples),
        statistics=_artifact(standard_artifacts.ExampleStatistics, sources.statistics),
        anomalies=_artifact(standard_artifacts.ExampleAnomalies, sources.anomalies),
        duplicates=_artifact(standard_artifacts.ExampleAnomalies, sources.duplicates),
        bad_images=_artifact(standard_artifacts.ExampleAnomalies, sources.bad_images),
        model=_artifact(standard_artifacts.Model, folder / "model"),
        model_run=_artifact(standard_artifacts.ModelRun, sources.model_run),
        verdict=_artifact(EvaluationVerdict, sources.verdict),
        infra_blessing=_artifact(standard_artifacts.InfraBlessing, sources.serving),
        pushed_model=pushed,
        report=report,
        metadata_path=str(folder / "metadata.sqlite"),
        memory_path=str(folder / "peak_memory.jsonl"),
        code_digest="",
        template_digest="",
    )
    assert sorted(file.name for file in (folder / "report").iterdir()) == ["environment.json", "report.html"]
    return (folder / "report" / "report.html").read_text()


def test_a_pushed_model_gets_its_page(sources: Sources, tmp_path: pathlib.Path) -> None:
    page = _write_report(sources, tmp_path, "1700000000")
    assert "pushed as version 1700000000" in page
    assert page.count('alt="Mean attention of token') == 4
    assert "ML Metadata could not be read where this page was made." in page  # there is none in this test


def test_a_model_that_was_not_blessed_gets_one_too(without_baseline: Sources, tmp_path: pathlib.Path) -> None:
    page = _write_report(without_baseline, tmp_path, "")
    assert "✗ Not blessed" in page
    assert "pushed as version" not in page


def test_a_step_that_fails_to_read_its_input_says_which(sources: Sources, tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"trials\.jsonl"):
        _write_report(dataclasses.replace(sources, model_run=tmp_path), tmp_path, "")
