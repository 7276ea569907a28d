"""The component Report, driven with TFX artifacts and without ML Metadata."""

import pathlib
from typing import Any

from tfx.types import standard_artifacts

from components.evaluator.artifact import EvaluationVerdict
from components.lite_converter.artifact import LiteModels
from components.report.component import Report, ReportPage
from components.report.sources import Sources


def _make_artifact(kind: Any, folder: pathlib.Path | None) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def test_a_pushed_model_gets_its_page(sources: Sources, tmp_path: pathlib.Path) -> None:
    assert sources.model
    pushed = _make_artifact(standard_artifacts.PushedModel, tmp_path / "pushed")
    pushed.set_string_custom_property("pushed_version", "1700000000")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "Format-Serving").symlink_to(sources.model)
    Report.test_call(
        examples=_make_artifact(standard_artifacts.Examples, sources.examples),
        statistics=_make_artifact(standard_artifacts.ExampleStatistics, sources.statistics),
        anomalies=_make_artifact(standard_artifacts.ExampleAnomalies, sources.anomalies),
        duplicates=_make_artifact(standard_artifacts.ExampleAnomalies, sources.duplicates),
        bad_images=_make_artifact(standard_artifacts.ExampleAnomalies, sources.bad_images),
        model=_make_artifact(standard_artifacts.Model, tmp_path / "model"),
        model_run=_make_artifact(standard_artifacts.ModelRun, sources.model_run),
        verdict=_make_artifact(EvaluationVerdict, sources.verdict),
        infra_blessing=_make_artifact(standard_artifacts.InfraBlessing, sources.serving),
        lite_models=_make_artifact(LiteModels, sources.lite_models),
        pushed_model=pushed,
        report=_make_artifact(ReportPage, tmp_path / "report"),
        metadata_path=str(tmp_path / "metadata.sqlite"),
        memory_path=str(tmp_path / "peak_memory.jsonl"),
        code_digest="",
        template_digest="",
    )
    assert sorted(file.name for file in (tmp_path / "report").iterdir()) == ["environment.json", "report.html"]
    page = (tmp_path / "report" / "report.html").read_text()
    assert "pushed as version 1700000000" in page
    assert page.count('alt="Mean attention of token') == 4
    assert "No steps and no lineage: ML Metadata was not available." in page
