"""The steps that use Beam, as the DAG wires them, on any runner; and their outputs in comparable form."""

import dataclasses
import functools
import itertools
import json
import pathlib
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_data_validation as tfdv
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from run_folder import make_winner
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from components import features
from components.artifacts.winner import write_winner
from components.errors import ExitCode
from components.evaluator.artifact import EvaluationVerdict
from components.evaluator.component import Evaluator
from models.presets import PRESETS
from pipeline.beam_options import make_step_arguments
from pipeline.config import QUICK
from pipeline.definition import generate_components
from pipeline.prediction.batch import score_examples
from pipeline.target import make_local_target

_STEPS_BEFORE_TRAINER = 6


@dataclasses.dataclass(frozen=True)
class BeamSteps:
    """The steps that use Beam, run with some of Beam's options; each runs on first use."""

    root: pathlib.Path
    data: pathlib.Path
    options: tuple[str, ...]

    @functools.cached_property
    def artifacts(self) -> pathlib.Path:
        """Runs the DAG up to Transform."""
        data = dataclasses.replace(QUICK.data, tfds_dir=self.data)
        config = dataclasses.replace(QUICK, root=self.root, data=data)
        target = make_local_target(config, self.options)
        pipeline = Pipeline(
            pipeline_name=config.name,
            pipeline_root=target.root,
            components=list(itertools.islice(generate_components(config, target), _STEPS_BEFORE_TRAINER)),
            metadata_connection_config=target.metadata_connection,
            beam_pipeline_args=make_step_arguments(self.options),
        )
        LocalDagRunner().run(pipeline)
        return self.root

    @functools.cached_property
    def examples(self) -> standard_artifacts.Examples:
        """The output of ExampleGen."""
        examples = standard_artifacts.Examples()
        [uri] = self.artifacts.glob("ExampleGen/examples/*")
        examples.uri = str(uri)
        examples.split_names = artifact_utils.encode_split_names(list(features.SPLITS))
        return examples

    @functools.cached_property
    def transform(self) -> tft.TFTransformOutput:
        """The output of Transform."""
        [uri] = self.artifacts.glob("Transform/transform_graph/*")
        return tft.TFTransformOutput(str(uri))

    def describe_split(self, split: str) -> dict[str, Any]:
        """Returns the sorted records of a split, their statistics, and their transformed features."""
        files = sorted(map(str, pathlib.Path(self.examples.uri, f"Split-{split}").iterdir()))
        records = sorted(tf.data.TFRecordDataset(files).as_numpy_iterator())
        [statistics] = self.artifacts.glob(f"StatisticsGen/statistics/*/Split-{split}/FeatureStats.pb")
        parsed = tf.io.parse_example(records, self.transform.raw_feature_spec())
        transformed = self.transform.transform_raw_features(parsed)
        return {
            "records": records,
            "statistics": tfdv.load_stats_binary(str(statistics)),
            **{name: values.numpy().tobytes() for name, values in transformed.items()},
        }

    def evaluate(self, model: standard_artifacts.Model, examples: standard_artifacts.Examples) -> dict[Any, Any]:
        """Returns the metrics of the Evaluator by slice."""
        outputs = {
            "evaluation": standard_artifacts.ModelEvaluation(),
            "blessing": standard_artifacts.ModelBlessing(),
            "verdict": EvaluationVerdict(),
            "model_run": standard_artifacts.ModelRun(),
        }
        for name, artifact in outputs.items():
            artifact.uri = str(self.root / name)
        (self.root / "model_run").mkdir()
        write_winner(make_winner(PRESETS["convolution_stem"]), self.root / "model_run")
        Evaluator.test_call(
            examples=examples,
            model=model,
            **outputs,
            **dataclasses.asdict(QUICK.evaluation),
            code_digest="",
            beam_pipeline=beam.Pipeline(argv=make_step_arguments(self.options)),
        )
        return {key: metrics[""] for key, metrics in tfma.load_eval_result(outputs["evaluation"].uri).slicing_metrics}

    def predict(self, model: standard_artifacts.Model, examples: standard_artifacts.Examples) -> dict[str, Any]:
        """Returns the output of `predict --examples` for the test images by their ids."""
        output = self.root / "predictions"
        saved_model = pathlib.Path(path_utils.serving_model_dir(model.uri))
        code = score_examples([f"{examples.uri}/Split-test"], saved_model, output, self.options)
        assert code == ExitCode.OK
        lines = [json.loads(line) for file in output.glob("predictions-*.jsonl") for line in file.open()]
        assert len({line["id"] for line in lines}) == len(lines)
        return {line["id"]: line for line in lines}
