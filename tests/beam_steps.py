"""The steps that use Beam, as the DAG wires them, on any runner; and what they leave, in comparable form."""

import dataclasses
import functools
import json
import pathlib
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_data_validation as tfdv
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from run_folder import make_winner
from tfx.orchestration import metadata
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
from pipeline.config import QUICK, PipelineConfig
from pipeline.definition import generate_components
from pipeline.prediction.batch import score_examples
from pipeline.target import make_local_target


@dataclasses.dataclass(frozen=True)
class BeamSteps:
    """The steps that use Beam, run with some options of Beam; each runs when it is first asked for."""

    root: pathlib.Path
    data: pathlib.Path
    options: tuple[str, ...]

    @functools.cached_property
    def artifacts(self) -> pathlib.Path:
        """Runs the DAG up to Transform."""
        data = dataclasses.replace(QUICK.data, tfds_dir=self.data)
        run_until_transform(dataclasses.replace(QUICK, root=self.root, data=data), self.options)
        return self.root

    @functools.cached_property
    def examples(self) -> standard_artifacts.Examples:
        """What ExampleGen left."""
        examples = standard_artifacts.Examples()
        [uri] = self.artifacts.glob("ExampleGen/examples/*")
        examples.uri = str(uri)
        examples.split_names = artifact_utils.encode_split_names(list(features.SPLITS))
        return examples

    @functools.cached_property
    def transform(self) -> tft.TFTransformOutput:
        """What Transform left."""
        [uri] = self.artifacts.glob("Transform/transform_graph/*")
        return tft.TFTransformOutput(str(uri))

    def records(self, split: str) -> list[bytes]:
        """Returns the records of a split, sorted."""
        files = sorted(map(str, pathlib.Path(self.examples.uri, f"Split-{split}").iterdir()))
        return sorted(tf.data.TFRecordDataset(files).as_numpy_iterator())

    def statistics(self, split: str) -> Any:
        """Returns what StatisticsGen wrote."""
        [file] = self.artifacts.glob(f"StatisticsGen/statistics/*/Split-{split}/FeatureStats.pb")
        return tfdv.load_stats_binary(str(file))

    def bad_images(self) -> list[str]:
        """Returns what DataGate wrote, file by file."""
        return [file.read_text() for file in self.artifacts.glob("DataGate/bad_images/*/*")]

    def transformed(self, split: str) -> dict[str, np.ndarray]:
        """Returns what the Transform graph makes of the records of a split."""
        spec = self.transform.raw_feature_spec()
        parsed = tf.io.parse_example(self.records(split), spec)
        return {name: values.numpy() for name, values in self.transform.transform_raw_features(parsed).items()}

    def evaluate(self, model: standard_artifacts.Model, examples: standard_artifacts.Examples) -> dict[Any, Any]:
        """Returns what the Evaluator measures of a model, by slice."""
        outputs = {"evaluation": standard_artifacts.ModelEvaluation(), "blessing": standard_artifacts.ModelBlessing()}
        outputs["verdict"] = EvaluationVerdict()
        for name, artifact in outputs.items():
            artifact.uri = str(self.root / name)
        model_run = standard_artifacts.ModelRun()
        model_run.uri = str(self.root / "model_run")
        pathlib.Path(model_run.uri).mkdir()
        write_winner(make_winner(PRESETS["quick"]), pathlib.Path(model_run.uri))
        pipeline = beam.Pipeline(argv=make_step_arguments(self.options))
        Evaluator.test_call(
            examples=examples,
            model=model,
            model_run=model_run,
            **outputs,
            **dataclasses.asdict(QUICK.evaluation),
            code_digest="",
            beam_pipeline=pipeline,
        )
        return {key: metrics[""] for key, metrics in tfma.load_eval_result(outputs["evaluation"].uri).slicing_metrics}

    def predict(self, model: standard_artifacts.Model, examples: standard_artifacts.Examples) -> dict[str, Any]:
        """Returns what `predict --examples` says of the test images, by id."""
        output = self.root / "answers"
        saved_model = pathlib.Path(path_utils.serving_model_dir(model.uri))
        code = score_examples([f"{examples.uri}/Split-test"], saved_model, output, self.options)
        assert code == ExitCode.OK
        lines = [json.loads(line) for file in output.glob("predictions-*.jsonl") for line in file.open()]
        assert len({line["id"] for line in lines}) == len(lines)
        return {line["id"]: line for line in lines}


def run_until_transform(config: PipelineConfig, options: tuple[str, ...]) -> None:
    """Runs the first steps of the DAG, as they are wired."""
    steps = []
    for component in generate_components(config, make_local_target(config)):
        steps.append(component)
        if component.id == "Transform":
            break
    LocalDagRunner().run(
        Pipeline(
            pipeline_name=config.name,
            pipeline_root=str(config.root),
            components=steps,
            enable_cache=True,
            metadata_connection_config=metadata.sqlite_metadata_connection_config(str(config.metadata_path)),
            beam_pipeline_args=make_step_arguments(options),
        )
    )
