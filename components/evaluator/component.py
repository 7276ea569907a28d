"""The component Evaluator."""

import json

import apache_beam as beam
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.annotations import BeamComponentParameter, InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

from components import features
from components.artifacts.image_task import ImageTask, read_task
from components.artifacts.lite_comparison import (
    COMPARISON_FILE,
    CONVERSION_FILE,
    Conversion,
    decode_conversion,
    encode_comparison,
)
from components.artifacts.predictions import PREDICTIONS_PREFIX, make_schema, to_table
from components.artifacts.verdict import VERDICT_FILE, encode_verdict
from components.artifacts.winner import WINNER_FILE, decode_winner
from components.evaluator import counts, rules
from components.evaluator.artifact import EvaluationVerdict
from components.evaluator.config import EvaluationConfig
from components.evaluator.lite import judge_lite_models
from components.evaluator.model_evaluation import read_metrics, write_metrics, write_validation
from components.evaluator.scoring import BATCH_SIZE, ScoreBatch
from components.lite_converter.artifact import LiteModels
from components.saved_model import find_saved_model_uri


@component(use_beam=True)
def Evaluator(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    evaluation: OutputArtifact[standard_artifacts.ModelEvaluation],
    blessing: OutputArtifact[standard_artifacts.ModelBlessing],
    verdict: OutputArtifact[EvaluationVerdict],
    config: Parameter[str],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    baseline_model: InputArtifact[standard_artifacts.Model] = None,
    lite_models: InputArtifact[LiteModels] = None,
    int8_margin: Parameter[float] = None,
    beam_pipeline: BeamComponentParameter[beam.Pipeline] = None,
) -> None:
    """Measures a model on the test split, compares it with the last blessed one, and blesses it or says why not.

    Args:
        examples: Split test is read; each model scores each image once.
        model: The candidate.
        model_run: Of the Trainer; the candidate's compute is in `winner.json`.
        evaluation: Metrics of both models, overall and by slice, and their paired counts, for
            `tfma.load_eval_result`; the verdict for `tfma.load_validation_result`.
        blessing: As TFX's Evaluator writes it, for the Pusher and for the next run's baseline.
        verdict: The verdict with its reasons, the comparison of the TensorFlow Lite models, and the predictions for
            each image.
        config: An `EvaluationConfig` as JSON.
        code_digest: Of the sources that this step depends on.
        baseline_model: The last blessed model, if there is one; one with other classes or image sizes is ignored.
        lite_models: The candidate's TensorFlow Lite models.
        int8_margin: See `lite.py`; the float32 model must meet it, too. None: the default for the test images.
        beam_pipeline: Given by TFX.

    Raises:
        ValueError: If a model does not return probabilities, or the test split is empty.
    """
    task = read_task(find_saved_model_uri(model))
    if baseline_model and not _has_task(find_saved_model_uri(baseline_model), task):
        baseline_model = None
    models = {counts.CANDIDATE: model, **({counts.BASELINE: baseline_model} if baseline_model else {})}
    folders = {name: find_saved_model_uri(artifact) for name, artifact in models.items()}
    conversion = _read_conversion(lite_models)
    lite_files = {name: f"{lite_models.uri}/{file}" for name, file in conversion.files.items()}
    split = artifact_utils.get_split_uri([examples], features.TEST_SPLIT)
    with beam_pipeline as pipeline:
        predictions = (
            pipeline
            | "Read" >> beam.io.ReadFromTFRecord(f"{split}/*")
            | "Batch" >> beam.BatchElements(min_batch_size=BATCH_SIZE, max_batch_size=BATCH_SIZE)
            | "Score" >> beam.ParDo(ScoreBatch(folders, lite_files, task.image_size))
        )
        rows = predictions | "ToRows" >> beam.Map(to_table)
        rows | "WritePredictions" >> beam.io.WriteToParquetBatched(
            f"{verdict.uri}/{PREDICTIONS_PREFIX}",
            make_schema([*folders, *lite_files]),
            file_name_suffix=".parquet",
        )
        found = (
            predictions
            | "Count" >> beam.FlatMap(counts.count_by_slice)
            | "Add" >> beam.CombinePerKey(counts.add)
            | "Average" >> beam.MapTuple(lambda key, sums: (key, counts.average(sums)))
        )
        write_metrics(found, evaluation.uri, {**folders, **lite_files})
    slices = read_metrics(evaluation.uri)
    if not slices:
        raise ValueError(f"{split} holds no image")
    with fileio.open(f"{model_run.uri}/{WINNER_FILE}", "rb") as file:
        macs = decode_winner(file.read()).macs.total
    judged = rules.judge(slices, macs, EvaluationConfig(**json.loads(config)), task)
    _write(f"{verdict.uri}/{VERDICT_FILE}", encode_verdict(judged))
    if lite_models:
        comparison = judge_lite_models(conversion, slices[()], int8_margin)
        _write(f"{verdict.uri}/{COMPARISON_FILE}", encode_comparison(comparison))
    write_validation(judged, evaluation.uri)
    _write_blessing(blessing, model, baseline_model, is_blessed=judged.is_blessed)


def _has_task(saved_model: str, task: ImageTask) -> bool:
    """Returns whether a model has the same classes and image size; earlier versions did not write them."""
    try:
        found = read_task(saved_model)
    except FileNotFoundError:
        return False
    return (found.class_names, found.image_size) == (task.class_names, task.image_size)


def _read_conversion(lite_models: Artifact | None) -> Conversion:
    if lite_models is None:
        return Conversion(forms=())
    with fileio.open(f"{lite_models.uri}/{CONVERSION_FILE}", "rb") as file:
        return decode_conversion(file.read())


def _write_blessing(blessing: Artifact, model: Artifact, baseline_model: Artifact | None, *, is_blessed: bool) -> None:
    """Writes the properties and the file that TFX's Evaluator writes."""
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if baseline_model:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline_model.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline_model.id)
    value = constants.BLESSED_VALUE if is_blessed else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    name = constants.BLESSED_FILE_NAME if is_blessed else constants.NOT_BLESSED_FILE_NAME
    _write(f"{blessing.uri}/{name}", b"")


def _write(path: str, content: bytes) -> None:
    """Writes a file of an artifact, which may be in a bucket."""
    fileio.makedirs(path.rpartition("/")[0])
    with fileio.open(path, "wb") as file:
        file.write(content)
