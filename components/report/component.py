"""The component Report."""

import pathlib

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from components.evaluator.artifact import EvaluationVerdict
from components.report.environment import describe_environment, write_environment
from components.report.page import render_page
from components.report.provenance import read_provenance
from components.report.sources import ENVIRONMENT_FILE, PAGE_FILE, Sources
from components.saved_model import locate_saved_model


class ReportPage(Artifact):
    """A folder with `report.html`, and `environment.json` for `tokenlearner report --output`."""

    TYPE_NAME = "tokenlearner.ReportPage"


@component
def Report(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    bad_images: InputArtifact[standard_artifacts.ExampleAnomalies],
    duplicates: InputArtifact[standard_artifacts.ExampleAnomalies],
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    verdict: InputArtifact[EvaluationVerdict],
    infra_blessing: InputArtifact[standard_artifacts.InfraBlessing],
    pushed_model: InputArtifact[standard_artifacts.PushedModel],
    report: OutputArtifact[ReportPage],
    metadata_path: Parameter[str],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    template_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
) -> None:
    """Writes one page about a run, whether its model is blessed or not.

    Args:
        examples: Images of the test split are shown.
        statistics: Of the examples, from StatisticsGen.
        anomalies: Of the examples, from ExampleValidator.
        bad_images: Of the DataGate.
        duplicates: Of the DataGate.
        model: Of the Trainer.
        model_run: Of the Trainer, with the results of its search.
        verdict: Of the Evaluator.
        infra_blessing: Of the ServingValidator.
        pushed_model: Of the Pusher; it exists even if nothing was pushed.
        report: The page.
        metadata_path: The sqlite file of ML Metadata; without it, the page has no steps and no lineage.
        code_digest: Of the sources that this step depends on.
        template_digest: Of its templates.
    """
    folder = pathlib.Path(report.uri)
    folder.mkdir(parents=True, exist_ok=True)
    environment = describe_environment()
    write_environment(environment, folder / ENVIRONMENT_FILE)
    page = render_page(
        Sources(
            model_run=pathlib.Path(model_run.uri),
            model=locate_saved_model(model),
            verdict=pathlib.Path(verdict.uri),
            serving=pathlib.Path(infra_blessing.uri),
            examples=pathlib.Path(examples.uri),
            statistics=pathlib.Path(statistics.uri),
            anomalies=pathlib.Path(anomalies.uri),
            bad_images=pathlib.Path(bad_images.uri),
            duplicates=pathlib.Path(duplicates.uri),
            pushed_version=pushed_model.get_string_custom_property("pushed_version") or None,
            provenance=read_provenance(pathlib.Path(metadata_path), None),
            environment=environment,
        )
    )
    (folder / PAGE_FILE).write_text(page)
