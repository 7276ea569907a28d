"""The component LiteConverter."""

import pathlib

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from components import features
from components.artifacts.lite_comparison import write_comparison
from components.evaluator.artifact import EvaluationVerdict
from components.lite_converter.artifact import LiteModels
from components.lite_converter.lite_models import make_lite_models
from components.saved_model import locate_saved_model


@component
def LiteConverter(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    verdict: InputArtifact[EvaluationVerdict],
    lite_models: OutputArtifact[LiteModels],
    int8_margin: Parameter[float],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
) -> None:
    """Converts a model to TensorFlow Lite and compares the results with it.

    Args:
        examples: Split train calibrates, split test compares.
        model: Of the Trainer.
        verdict: Of the Evaluator; its predictions for split test are compared with.
        lite_models: The TensorFlow Lite models and the comparison.
        int8_margin: See `comparison.LiteComparison`; the float32 model has to meet it, too.
        code_digest: Of the sources that this step depends on.
    """
    folder = pathlib.Path(lite_models.uri)
    folder.mkdir(parents=True, exist_ok=True)
    comparison = make_lite_models(
        saved_model=locate_saved_model(model),
        train_split=pathlib.Path(artifact_utils.get_split_uri([examples], features.TRAIN_SPLIT)),
        test_split=pathlib.Path(artifact_utils.get_split_uri([examples], features.TEST_SPLIT)),
        verdict=pathlib.Path(verdict.uri),
        margin=int8_margin,
        folder=folder,
    )
    write_comparison(comparison, folder)
