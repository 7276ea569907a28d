"""Beam's options on the command line: taken out of it, checked, and handed on as they are."""

import pathlib
import re
import shlex

import pytest
from apache_beam.options.pipeline_options import DebugOptions, PortableOptions
from apache_beam.runners.portability.flink_runner import FlinkRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from commands import Command
from sample_slice import PROJECT
from tfx.dsl.compiler.compiler import Compiler
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration.local import runner_utils
from tfx.utils.dependency_utils import make_beam_dependency_flags

from components.errors import ExitCode, UsageFailure
from pipeline.beam_options import (
    BEAM_ARGS,
    check_beam_options,
    make_beam_pipeline,
    make_step_arguments,
    split_arguments,
)
from pipeline.config import QUICK
from pipeline.definition import create_pipeline
from pipeline.target import make_local_target


def test_options_are_taken_out_wherever_they_stand_and_their_values_stay_as_they_are() -> None:
    config = '{"command": "/opt/apache/beam/boot", "env": {"A": "=b c"}}'
    arguments = ["run", "--beam.runner", "FlinkRunner", "--profile", "full", f"--beam.environment-config={config}"]
    others, options = split_arguments([*arguments, "--beam.streaming", "--fit.epochs", "3", "--beam.faster_copy"])
    assert others == ["run", "--profile", "full", "--fit.epochs", "3"]
    assert options == ("--runner=FlinkRunner", f"--environment_config={config}", "--streaming", "--faster_copy")


def test_a_repeated_option_keeps_all_its_values_and_a_value_its_dashes() -> None:
    _, options = split_arguments(["--beam.experiments", "a-b", "--beam.experiments=--c=d", "--beam.objectReuse", ""])
    assert options == ("--experiments=a-b", "--experiments=--c=d", "--objectReuse=")
    seen = make_beam_pipeline(("--experiments=a-b", "--experiments=c=d")).options.view_as(DebugOptions)
    assert seen.experiments[:2] == ["a-b", "c=d"]


@pytest.mark.parametrize("argument", ["--beam.", "--beam.=x", "--beam.1", "--beam.a b"])
def test_an_option_without_a_name_is_rejected(argument: str) -> None:
    with pytest.raises(UsageFailure, match="names no option of Beam; write it as --beam"):
        split_arguments([argument])


def test_without_options_beam_runs_in_memory() -> None:
    assert isinstance(make_beam_pipeline(()).runner, FnApiRunner)


def test_a_runner_behind_a_job_server_may_have_options_that_only_the_server_knows() -> None:
    pipeline = make_beam_pipeline(("--runner=FlinkRunner", "--flink_master=host:8081", "--objectReuse=true"))
    assert isinstance(pipeline.runner, FlinkRunner)
    assert pipeline.options.view_as(PortableOptions).environment_type is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--runer=X",), "Beam knows no --beam.runer=X; it knows --beam.runner."),
        (("--objectReuse=true", "--wrong"), "Beam knows no --beam.objectReuse=true --beam.wrong."),
        (("--runner=Nonsense",), "Beam takes no --beam.runner=Nonsense: Unexpected pipeline runner: Nonsense."),
        (("--runner=no.such.Runner",), "Beam takes no --beam.runner=no.such.Runner: No module named 'no'."),
        (("--runner",), "Beam takes no --beam.runner: argument --runner: expected one argument."),
        (("--direct_num_workers=two",), "argument --direct_num_workers: invalid int value: 'two'."),
        (("--environment_type=PROCESS",), "Option process_command is required for environment type PROCESS."),
        (("--runner=DataflowRunner",), "Missing required option: project."),
    ],
)
def test_what_beam_rejects_is_named_in_one_sentence(options: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageFailure) as rejection:
        make_beam_pipeline(options)
    assert words in str(rejection.value)
    assert "\n" not in str(rejection.value)


def test_beam_takes_every_option_that_the_readme_tells() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if " --beam." in line]
    runners = set()
    for line in lines:
        others, options = split_arguments(shlex.split(line, comments=True))
        assert others[:2] in (["tokenlearner", command] for command in ("run", "compile", "predict"))
        check_beam_options(options)
        runners |= {option for option in options if option.startswith("--runner=")}
    assert runners == {f"--runner={name}Runner" for name in ("Portable", "Flink", "Spark", "Dataflow")}


def test_a_run_rejects_them_before_it_writes_anything(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    root = tmp_path / "root"
    done = tokenlearner("run", "--root", root, "--beam.runner", "FlinkRuner", "--fit.epochs", "3")
    assert done.code == ExitCode.USAGE
    assert "Beam takes no --beam.runner=FlinkRuner: Unexpected pipeline runner: FlinkRuner." in done.words
    assert len(done.err.splitlines()) == 1
    assert not root.exists()


def test_commands_without_beam_refuse_them(tokenlearner: Command) -> None:
    done = tokenlearner("inspect", "--beam.runner", "FlinkRunner")
    assert done.code == ExitCode.USAGE
    assert "which only run, compile and predict use" in done.words


def test_the_steps_that_use_beam_get_them_behind_ours() -> None:
    options = ("--runner=FlinkRunner", "--flink_master=host:8081")
    found = {}
    for given in (options, ()):
        dag = create_pipeline(QUICK, make_local_target(QUICK, given))
        specs = {component.id: component.executor_spec for component in dag.components}
        found[given] = {name: spec for name, spec in specs.items() if isinstance(spec, BeamExecutorSpec)}
    assert set(found[options]) == {"ExampleGen", "StatisticsGen", "DataGate", "Transform", "Evaluator"}
    assert all(spec.beam_pipeline_args == [*BEAM_ARGS, *options] for spec in found[options].values())
    in_memory = make_step_arguments(())
    assert all(spec.beam_pipeline_args == in_memory for spec in found[()].values())
    assert make_beam_dependency_flags(in_memory) == in_memory  # TFX does not pack itself for workers of its own process


def test_the_cache_knows_a_step_by_them_only_as_tfx_does_and_the_other_steps_not_at_all() -> None:
    steps, executors = [], []
    for options in ((), ("--direct_num_workers=2",)):
        compiled = Compiler().compile(create_pipeline(QUICK, make_local_target(QUICK, options)))
        deployment = runner_utils.extract_local_deployment_config(compiled)
        steps.append([node.pipeline_node for node in compiled.nodes])
        names = [node.node_info.id for node in steps[-1]]
        executors.append({name: runner_utils.extract_executor_spec(deployment, name) for name in names})
    assert steps[0] == steps[1]  # inputs, outputs and parameters
    changed = {name for name, executor in executors[0].items() if executor != executors[1][name]}
    assert changed == {"ExampleGen", "StatisticsGen", "DataGate", "Transform", "Evaluator"}
