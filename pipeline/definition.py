"""The DAG, top to bottom."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from tfx.components import ExampleValidator, StatisticsGen, Trainer, Transform
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2, transform_pb2

from components import features
from components.data_gate.component import DataGate
from components.evaluator.component import Evaluator
from components.example_gen.component import ImageExampleGen
from components.lite_converter.component import LiteConverter
from components.model_card import card
from components.model_card.component import ModelCard
from components.pusher.component import Pusher
from components.report import page
from components.report.component import Report
from components.schema import DatasetSchema, describe_schema
from components.serving_validator.component import ServingValidator
from components.source_digest import digest_sources
from components.templates import digest_templates
from components.trainer.run import run_fn
from components.trainer.training.fitter import Fitter
from components.transform import preprocessing_fn
from pipeline.beam_options import make_step_arguments
from pipeline.config import PipelineConfig
from pipeline.target import Target, make_local_target


def create_pipeline(config: PipelineConfig, target: Target | None = None) -> Pipeline:
    """Makes the pipeline for any TFX runner.

    Args:
        config: Everything that the run depends on, its root as the steps see it.
        target: Where the steps run; None: on this machine.

    Raises:
        BadDataError: No target is given and `config.data.tfds_dir` holds no complete TFDS dataset.
    """
    target = target or make_local_target(config)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=target.root,
        components=list(generate_components(config, target)),
        enable_cache=True,
        metadata_connection_config=target.metadata_connection,
        beam_pipeline_args=make_step_arguments(target.beam_options),
    )


def generate_components(config: PipelineConfig, target: Target) -> Iterator[BaseNode]:
    """Yields one component after the other, in the order of the DAG."""
    example_gen = ImageExampleGen(
        tfds_dir=target.tfds_dir,
        train_images=config.data.train_images,
        valid_share=config.data.valid_share,
        test_share=config.data.test_share,
        source_digest=target.source_digest,
        code_digest=_digest_code(ImageExampleGen),
    ).with_id("ExampleGen")
    yield example_gen
    examples = example_gen.outputs["examples"]

    statistics_gen = StatisticsGen(examples=examples)
    yield statistics_gen
    statistics = statistics_gen.outputs["statistics"]

    dataset_schema = DatasetSchema(
        text=describe_schema(config.dataset), code_digest=_digest_code(DatasetSchema)
    ).with_id("Schema")
    yield dataset_schema
    schema = dataset_schema.outputs["schema"]

    example_validator = ExampleValidator(statistics=statistics, schema=schema)
    yield example_validator

    data_gate = DataGate(
        examples=examples,
        statistics=statistics,
        schema=schema,
        anomalies=example_validator.outputs["anomalies"],
        image_size=config.task.image_size if config.dataset.is_square(config.task.image_size) else 0,
        class_names=json.dumps(config.task.class_names),
        max_duplicate_share=config.data.max_duplicate_share,
        duplicates_path=f"{target.root}/duplicates.json",
        code_digest=_digest_code(DataGate),
    )
    yield data_gate

    transform = Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn=_import_path(preprocessing_fn),
        splits_config=transform_pb2.SplitsConfig(analyze=[features.TRAIN_SPLIT]),
        materialize=False,
        disable_statistics=True,
        custom_config={"image_size": config.task.image_size, "code_digest": _digest_code(preprocessing_fn)},
    )
    transform.add_upstream_node(data_gate)
    yield transform

    trainer = Trainer(
        run_fn=_import_path(run_fn),
        examples=examples,
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        train_args=trainer_pb2.TrainArgs(splits=[features.TRAIN_SPLIT]),
        eval_args=trainer_pb2.EvalArgs(splits=[features.VALID_SPLIT]),
        custom_config={
            "trainer": dataclasses.asdict(config.trainer(code_digest=_digest_code(Fitter))),
            "code_digest": _digest_code(run_fn),
        },
    )
    yield trainer
    model = trainer.outputs["model"]

    baseline = target.make_baseline(model).with_id("Baseline")
    yield baseline

    lite_converter = LiteConverter(
        examples=examples,
        model=model,
        calibration_images=config.push.count_calibration_images(config.task),
        code_digest=_digest_code(LiteConverter),
    )
    yield lite_converter
    lite_models = lite_converter.outputs["lite_models"]

    evaluator = Evaluator(
        examples=examples,
        model=model,
        model_run=trainer.outputs["model_run"],
        baseline_model=baseline.outputs["model"],
        lite_models=lite_models,
        int8_margin=config.push.int8_margin,
        config=json.dumps(dataclasses.asdict(config.evaluation)),
        code_digest=_digest_code(Evaluator),
    )
    yield evaluator
    verdict = evaluator.outputs["verdict"]

    serving_validator = ServingValidator(
        examples=examples,
        model=model,
        model_run=trainer.outputs["model_run"],
        transform_graph=transform.outputs["transform_graph"],
        config=json.dumps(dataclasses.asdict(config.serving)),
        rejections=target.rejections,
        code_digest=_digest_code(ServingValidator),
    )
    yield serving_validator

    model_card = ModelCard(
        examples=examples,
        statistics=statistics,
        duplicates=data_gate.outputs["duplicates"],
        model=model,
        model_run=trainer.outputs["model_run"],
        verdict=verdict,
        serving_blessing=serving_validator.outputs["blessing"],
        metadata_path=str(config.metadata_path.resolve()),
        code_digest=_digest_code(ModelCard),
        template_digest=digest_templates(card.TEMPLATES),
    )
    yield model_card

    pusher = Pusher(
        model=model,
        model_run=trainer.outputs["model_run"],
        verdict=verdict,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_validator.outputs["blessing"],
        lite_models=lite_models,
        model_card=model_card.outputs["model_card"],
        baseline_model=baseline.outputs["model"],
        serving_dir=str(config.serving_dir.resolve()),
        keep_versions=config.push.keep_versions,
        metadata_path=str(config.metadata_path.resolve()),
        code_digest=_digest_code(Pusher),
    )
    yield pusher

    yield Report(
        examples=examples,
        statistics=statistics,
        anomalies=example_validator.outputs["anomalies"],
        bad_images=data_gate.outputs["bad_images"],
        duplicates=data_gate.outputs["duplicates"],
        model=model,
        model_run=trainer.outputs["model_run"],
        verdict=verdict,
        infra_blessing=serving_validator.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        metadata_path=str(config.metadata_path.resolve()),
        code_digest=_digest_code(Report),
        template_digest=digest_templates(page.TEMPLATES),
    )


def _import_path(function: Any) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _digest_code(part: Any) -> str:
    return digest_sources(part.__module__)
