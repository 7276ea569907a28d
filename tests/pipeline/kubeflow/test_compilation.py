"""The file that `tokenlearner compile` writes: steps, edges, images, parameters, resources."""

import dataclasses
import json
import pathlib
import re
import shutil

import pydantic
from compiled_job import IMAGE, CompiledJob, compile_job
from sample_slice import SAMPLE
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.utils import import_utils

from components.example_gen.component import digest_source
from components.trainer.config import TrainerConfig
from pipeline.config import FULL, QUICK
from pipeline.definition import create_pipeline
from pipeline.kubeflow.step import ARTIFACT_CLASSES

RESOLVERS = {"Baseline-model-blessing-resolver", "Baseline-model-resolver"}
ENTRY = ["python", "-m", "pipeline.kubeflow.step"]


def test_the_job_holds_every_step_with_its_edges_and_types(compiled: CompiledJob) -> None:
    tasks, components = compiled.spec.root.dag.tasks, compiled.spec.components
    edges = {step: sorted(task.dependent_tasks) for step, task in tasks.items()}
    assert edges == {step: [] for step in RESOLVERS} | {
        step.id: sorted(each.id.replace("Baseline", "Baseline-model-resolver") for each in step.upstream_nodes)
        for step in create_pipeline(QUICK).components
        if step.id != "Baseline"
    }
    assert compiled.spec.pipeline_info.name == "tokenlearner-quick"
    assert compiled.spec.schema_version == "2.1.0"
    assert compiled.job.runtime_config.gcs_output_directory == "gs://bucket/runs"
    assert compiled.uncached == {"ServingValidator", "Pusher"}
    assert f"pipeline.json: 15 tasks of tokenlearner-quick in {IMAGE}." in compiled.said
    for step in tasks.keys() - RESOLVERS:
        for key, source in tasks[step].inputs.artifacts.items():
            made = source.task_output_artifact
            output = components[made.producer_task].output_definitions.artifacts[made.output_artifact_key]
            assert output.artifact_type == components[step].input_definitions.artifacts[key].artifact_type, (step, key)
    names = set(re.findall(r"title: (tokenlearner\.\w+)", str(components)))
    assert names == set(ARTIFACT_CLASSES)
    for name, path in ARTIFACT_CLASSES.items():
        assert name == import_utils.import_class_by_path(path).TYPE_NAME


def test_every_step_starts_in_the_image_by_its_entry_and_the_trainer_has_resources(compiled: CompiledJob) -> None:
    assert set(compiled.containers) == compiled.spec.root.dag.tasks.keys() - RESOLVERS
    for step, container in compiled.containers.items():
        assert container.image == IMAGE
        assert list(container.command) == ENTRY
        assert container.args[2:4] == ["--json_serialized_invocation_args", "{{$}}"]
        assert issubclass(import_utils.import_class_by_path(container.args[1]), BaseExecutor), step
    assert [step for step, each in compiled.containers.items() if each.HasField("resources")] == ["Trainer"]
    resources = compiled.containers["Trainer"].resources
    assert (resources.cpu_limit, resources.memory_limit) == (16, 64)
    assert (resources.accelerator.type, resources.accelerator.count) == ("NVIDIA_TESLA_T4", 2)


def test_the_baseline_is_the_last_blessed_model_by_name(compiled: CompiledJob) -> None:
    executors = compiled.deployment.executors
    blessing = executors["Baseline-model-blessing-resolver_executor"].resolver.output_artifact_queries
    assert blessing["model_blessing"].filter.endswith("metadata.blessed.number_value=1")
    model = executors["Baseline-model-resolver_executor"].resolver.output_artifact_queries
    assert """name="{{$.inputs.artifacts['input'].metadata['current_model_id']}}\"""" in model["model"].filter


def test_steps_get_the_configuration_with_paths_in_the_image_and_the_mounted_bucket(compiled: CompiledJob) -> None:
    custom_config = json.loads(compiled.parameters("Trainer")["custom_config"])
    trainer = pydantic.TypeAdapter(TrainerConfig).validate_python(custom_config["trainer"])
    assert trainer.state.folder == "/gcs/bucket/runs/search"
    config = dataclasses.replace(QUICK, fit=dataclasses.replace(QUICK.fit, epochs=5))
    here = config.trainer(code_digest=trainer.state.code_digest)
    assert trainer == dataclasses.replace(here, state=trainer.state)
    assert compiled.parameters("Trainer")["run_fn"] == "components.trainer.run.run_fn"
    example_gen = compiled.parameters("ExampleGen")
    assert example_gen["tfds_dir"] == "/tokenlearner/data/cifar10_sample"
    assert example_gen["source_digest"] == digest_source(SAMPLE)
    assert compiled.parameters("Pusher")["serving_dir"] == "/gcs/bucket/runs/serving/tokenlearner"
    values = [value for step in compiled.containers for value in compiled.parameters(step).values()]
    assert not [value for value in values if str(SAMPLE.parents[1]) in str(value)]  # no folder of this machine


def test_with_workers_elsewhere_steps_with_beam_keep_addresses_and_the_dataset_is_a_copy_of_the_one_here(
    tmp_path: pathlib.Path,
) -> None:
    copy = shutil.copytree(SAMPLE, tmp_path / "pets" / "1.0.0")
    (copy / "label.labels.txt").write_text("".join(f"pet {n}\n" for n in range(10)))
    config = dataclasses.replace(FULL, data=dataclasses.replace(FULL.data, tfds_dir=copy))
    options = ("--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://bucket/tmp")
    address = "gs://data/pets/1.0.0"
    full = compile_job(tmp_path, config, root="/mnt/runs", beam_options=options, dataset_address=address)
    assert full.job.runtime_config.gcs_output_directory == "/mnt/runs"
    assert full.parameters("Pusher")["serving_dir"] == "/mnt/runs/serving/tokenlearner"
    example_gen = full.parameters("ExampleGen")
    assert example_gen["tfds_dir"] == address  # the entry maps it to a folder
    assert example_gen["source_digest"] == digest_source(SAMPLE)
    assert '"pet 9"' in full.parameters("Trainer")["custom_config"]
    assert json.loads(full.parameters("Evaluator")["config"]) == dataclasses.asdict(FULL.evaluation)
    assert full.uncached == {"ServingValidator", "Pusher"}
    resources = full.containers["Trainer"].resources
    assert (resources.cpu_limit, resources.memory_limit) == (8, 32)
    assert not resources.HasField("accelerator")
    assert {step for step, container in full.containers.items() if list(container.command) != ENTRY} == {
        *("ExampleGen", "StatisticsGen", "DataGate", "Transform", "Evaluator")
    }
    tfx = ["python", "-m", "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"]
    for step in ("ExampleGen", "Evaluator"):
        assert list(full.containers[step].command) == tfx
        assert list(full.containers[step].args[-5:]) == ["--runner=FnApiRunner", *options]


def test_more_workers_here_change_only_the_options(tmp_path: pathlib.Path, compiled: CompiledJob) -> None:
    options = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")
    here = compile_job(tmp_path, root="gs://bucket", beam_options=options)
    assert here.parameters("Pusher")["serving_dir"] == "/gcs/bucket/serving/tokenlearner"
    assert {tuple(container.command) for container in here.containers.values()} == {tuple(ENTRY)}
    assert list(here.containers["Transform"].args) == [*compiled.containers["Transform"].args, *options]
