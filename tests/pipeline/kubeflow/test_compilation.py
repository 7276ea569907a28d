"""What stands in the file that `tokenlearner compile` writes: steps, edges, images, parameters, resources."""

import dataclasses
import json
import pathlib
import re

import pydantic
import pytest
from compiled_job import IMAGE, CompiledJob, compile_job
from sample_slice import SAMPLE
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.utils import import_utils

from components.example_gen.component import digest_source
from components.trainer.config import TrainerConfig
from pipeline.config import FULL, QUICK
from pipeline.kubeflow.step import ARTIFACT_CLASSES

EDGES = {
    "ExampleGen": [],
    "StatisticsGen": ["ExampleGen"],
    "Schema": [],
    "ExampleValidator": ["Schema", "StatisticsGen"],
    "DataGate": ["ExampleGen", "ExampleValidator", "Schema", "StatisticsGen"],
    "Transform": ["DataGate", "ExampleGen", "Schema"],
    "Trainer": ["ExampleGen", "Schema", "Transform"],
    "Baseline-model-blessing-resolver": [],
    "Baseline-model-resolver": [],  # its input is its edge
    "LiteConverter": ["ExampleGen", "Trainer"],
    "Evaluator": ["Baseline-model-resolver", "ExampleGen", "LiteConverter", "Trainer"],
    "ServingValidator": ["ExampleGen", "Trainer", "Transform"],
    "ModelCard": [*("DataGate", "Evaluator", "ExampleGen", "ServingValidator", "StatisticsGen", "Trainer")],
    "Pusher": ["Baseline-model-resolver", "Evaluator", "LiteConverter", "ModelCard", "ServingValidator", "Trainer"],
    "Report": [
        *("DataGate", "Evaluator", "ExampleGen", "ExampleValidator", "Pusher"),
        *("ServingValidator", "StatisticsGen", "Trainer"),
    ],
}
RESOLVERS = {"Baseline-model-blessing-resolver", "Baseline-model-resolver"}


def test_the_job_holds_every_step_with_its_edges(compiled: CompiledJob) -> None:
    tasks = compiled.spec.root.dag.tasks
    assert {step: sorted(task.dependent_tasks) for step, task in tasks.items()} == EDGES
    assert compiled.spec.pipeline_info.name == "tokenlearner-quick"
    assert compiled.spec.schema_version == "2.1.0"
    assert compiled.job.runtime_config.gcs_output_directory == "gs://bucket/runs"


def test_each_input_is_the_output_of_a_step_that_has_it(compiled: CompiledJob) -> None:
    components = compiled.spec.components
    for step, task in compiled.spec.root.dag.tasks.items():
        for key, source in task.inputs.artifacts.items():
            made = source.task_output_artifact
            output = components[made.producer_task].output_definitions.artifacts[made.output_artifact_key]
            if step not in RESOLVERS:
                taken = components[step].input_definitions.artifacts[key]
                assert output.artifact_type == taken.artifact_type, (step, key)
    pusher = compiled.spec.root.dag.tasks["Pusher"].inputs.artifacts
    assert pusher["model_blessing"].task_output_artifact.producer_task == "Evaluator"


def test_every_step_starts_in_the_image_by_its_entry_with_an_executor_that_exists(compiled: CompiledJob) -> None:
    assert set(compiled.containers) == set(EDGES) - RESOLVERS
    for step, container in compiled.containers.items():
        assert container.image == IMAGE
        assert list(container.command) == ["python", "-m", "pipeline.kubeflow.step"]
        assert container.args[2:4] == ["--json_serialized_invocation_args", "{{$}}"]
        executor = import_utils.import_class_by_path(container.args[1])
        assert issubclass(executor, BaseExecutor), step


def test_the_baseline_is_the_last_blessed_model_by_name(compiled: CompiledJob) -> None:
    executors = compiled.deployment.executors
    blessing = executors["Baseline-model-blessing-resolver_executor"].resolver.output_artifact_queries
    assert blessing["model_blessing"].filter.endswith("metadata.blessed.number_value=1")
    model = executors["Baseline-model-resolver_executor"].resolver.output_artifact_queries
    assert """name="{{$.inputs.artifacts['input'].metadata['current_model_id']}}\"""" in model["model"].filter


def test_the_trainer_is_told_what_it_is_told_here_but_for_the_place(compiled: CompiledJob) -> None:
    told = json.loads(compiled.parameters("Trainer")["custom_config"])
    trainer = pydantic.TypeAdapter(TrainerConfig).validate_python(told["trainer"])
    assert trainer.state.folder == "/gcs/bucket/runs/search"
    config = dataclasses.replace(QUICK, fit=dataclasses.replace(QUICK.fit, epochs=5))
    here = config.trainer(code_digest=trainer.state.code_digest)
    assert trainer == dataclasses.replace(here, state=trainer.state)
    assert compiled.parameters("Trainer")["run_fn"] == "components.trainer.run.run_fn"


def test_steps_find_data_and_folders_where_the_image_and_the_mounted_bucket_have_them(compiled: CompiledJob) -> None:
    example_gen = compiled.parameters("ExampleGen")
    assert example_gen["tfds_dir"] == "/tokenlearner/data/cifar10_sample"
    assert example_gen["source_digest"] == digest_source(SAMPLE)
    assert example_gen["train_images"] == 40_000
    assert compiled.parameters("Pusher")["serving_dir"] == "/gcs/bucket/runs/serving/tokenlearner"
    assert compiled.parameters("Evaluator")["min_accuracy"] == QUICK.evaluation.min_accuracy
    told = [value for step in EDGES for value in compiled.parameters(step).values()]
    assert not [value for value in told if str(SAMPLE.parents[1]) in str(value)]  # no folder of this machine


def test_the_trainer_alone_asks_for_resources(compiled: CompiledJob) -> None:
    resources = compiled.containers["Trainer"].resources
    assert (resources.cpu_limit, resources.memory_limit) == (16, 64)
    assert (resources.accelerator.type, resources.accelerator.count) == ("NVIDIA_TESLA_T4", 2)
    assert [step for step, each in compiled.containers.items() if each.HasField("resources")] == ["Trainer"]


def test_what_depends_on_more_than_its_inputs_never_comes_from_the_cache(compiled: CompiledJob) -> None:
    assert compiled.uncached == {"ServingValidator", "Pusher"}


def test_each_artifact_type_of_ours_leads_to_its_class(compiled: CompiledJob) -> None:
    names = set(re.findall(r"title: (tokenlearner\.\w+)", str(compiled.spec.components)))
    assert names == set(ARTIFACT_CLASSES)
    for name, path in ARTIFACT_CLASSES.items():
        assert name == import_utils.import_class_by_path(path).TYPE_NAME


def test_the_screen_tells_what_was_written_and_what_differs(compiled: CompiledJob) -> None:
    assert f"pipeline.json: 15 tasks of tokenlearner-quick in {IMAGE}." in compiled.said
    assert "`bless` does not work" in compiled.said
    assert "ExampleGen" not in compiled.said


def test_a_dataset_in_a_bucket_is_read_anew_in_each_run(tmp_path: pathlib.Path) -> None:
    data = dataclasses.replace(FULL.data, tfds_dir=pathlib.Path("gs://data/cifar10/3.0.2"))
    full = compile_job(tmp_path, dataclasses.replace(FULL, data=data))
    assert full.parameters("ExampleGen")["tfds_dir"] == "gs://data/cifar10/3.0.2"  # made a folder by the entry
    assert full.parameters("Evaluator")["min_accuracy"] == FULL.evaluation.min_accuracy
    assert full.uncached == {"ExampleGen", "ServingValidator", "Pusher"}
    assert "ExampleGen never comes from the cache" in full.said
    resources = full.containers["Trainer"].resources
    assert (resources.cpu_limit, resources.memory_limit) == (8, 32)
    assert not resources.HasField("accelerator")


def test_with_workers_elsewhere_the_steps_that_use_beam_keep_addresses(tmp_path: pathlib.Path) -> None:
    options = ("--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://bucket/tmp")
    compiled = compile_job(tmp_path, beam_options=options)
    by_tfx = ["python", "-m", "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"]
    assert {step for step, container in compiled.containers.items() if list(container.command) == by_tfx} == {
        *("ExampleGen", "StatisticsGen", "DataGate", "Transform", "Evaluator")
    }
    assert list(compiled.containers["Trainer"].command) == ["python", "-m", "pipeline.kubeflow.step"]
    for step in ("ExampleGen", "Evaluator"):
        assert list(compiled.containers[step].args[-5:]) == ["--runner=FnApiRunner", *options]


def test_more_workers_here_change_nothing_but_the_options(tmp_path: pathlib.Path, compiled: CompiledJob) -> None:
    options = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")
    here = compile_job(tmp_path, beam_options=options)
    for step, container in here.containers.items():
        assert list(container.command) == list(compiled.containers[step].command)
    assert list(here.containers["Transform"].args) == [*compiled.containers["Transform"].args, *options]


@pytest.mark.parametrize("root", ["/mnt/runs", "gs://bucket"])
def test_any_folder_that_every_step_sees_can_be_the_root(root: str, tmp_path: pathlib.Path) -> None:
    compiled = compile_job(tmp_path, root=root)
    assert compiled.job.runtime_config.gcs_output_directory == root
    seen = {"/mnt/runs": "/mnt/runs", "gs://bucket": "/gcs/bucket"}[root]
    assert compiled.parameters("Pusher")["serving_dir"] == f"{seen}/serving/tokenlearner"
