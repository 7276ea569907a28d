"""The component ModelCard."""

import pathlib

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from components.evaluator.artifact import EvaluationVerdict
from components.model_card.artifact import ModelCardPage
from components.model_card.card import write_card
from components.model_card.facts import CardSources, read_facts
from components.model_card.figures import draw_attention_picture
from components.report.environment import describe_environment
from components.saved_model import locate_saved_model


@component
def ModelCard(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    duplicates: InputArtifact[standard_artifacts.ExampleAnomalies],
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    verdict: InputArtifact[EvaluationVerdict],
    model_card: OutputArtifact[ModelCardPage],
    metadata_path: Parameter[str],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    template_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    serving_blessing: InputArtifact[standard_artifacts.InfraBlessing] = None,
) -> None:
    """Writes the card of a model, whether it is blessed or not.

    Args:
        examples: The images of each class are counted; attention maps are drawn over images of the test split.
        statistics: Of the examples, from StatisticsGen.
        duplicates: Of the DataGate.
        model: Of the Trainer.
        model_run: Of the Trainer, with the results of its search.
        verdict: Of the Evaluator.
        model_card: The card.
        metadata_path: The sqlite file of ML Metadata; without it, the card has no lineage and no hyperparameters.
        code_digest: Of the sources that this step depends on.
        template_digest: Of its templates.
        serving_blessing: Of the ServingValidator; None: the card has no latencies.
    """
    sources = CardSources(
        examples=pathlib.Path(examples.uri),
        statistics=pathlib.Path(statistics.uri),
        duplicates=pathlib.Path(duplicates.uri),
        model=locate_saved_model(model),
        model_run=pathlib.Path(model_run.uri),
        verdict=pathlib.Path(verdict.uri),
        serving=pathlib.Path(serving_blessing.uri) if serving_blessing else None,
        metadata_path=pathlib.Path(metadata_path),
        environment=describe_environment(),
    )
    folder = pathlib.Path(model_card.uri)
    folder.mkdir(parents=True, exist_ok=True)
    facts = read_facts(sources)
    names = facts.verdict.task.class_names
    write_card(facts, draw_attention_picture(sources.model, sources.test_split, sources.verdict, names), folder)
