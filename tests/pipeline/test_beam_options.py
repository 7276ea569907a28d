"""Beam's options on the command line: separated from it, checked, and passed on as they are."""

import pathlib
import re
import shlex

import pytest
from apache_beam.options.pipeline_options import DebugOptions
from apache_beam.runners.portability.flink_runner import FlinkRunner
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from commands import Command
from sample_slice import PROJECT
from tfx.dsl.compiler.compiler import Compiler
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
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


def test_options_are_separated_wherever_they_are_and_their_values_stay_as_they_are() -> None:
    config = '{"command": "/opt/apache/beam/boot", "env": {"A": "=b c"}}'
    others, options = split_arguments(
        [
            *("run", "--beam.runner", "FlinkRunner", "--profile", "full", f"--beam.environment-config={config}"),
            *("--beam.streaming", "--fit.epochs", "3", "--beam.faster_copy", "--beam.experiments", "a-b"),
            *("--beam.experiments=--c=d", "--beam.objectReuse", ""),
        ]
    )
    assert others == ["run", "--profile", "full", "--fit.epochs", "3"]
    assert options == (
        *("--runner=FlinkRunner", f"--environment_config={config}", "--streaming", "--faster_copy"),
        *("--experiments=a-b", "--experiments=--c=d", "--objectReuse="),
    )


@pytest.mark.parametrize("argument", ["--beam.", "--beam.=x", "--beam.1", "--beam.a b"])
def test_an_option_without_a_name_is_rejected(argument: str) -> None:
    with pytest.raises(UsageFailure, match="names no option of Beam; write it as --beam"):
        split_arguments([argument])


def test_beam_runs_in_memory_unless_options_name_a_runner_with_options_of_its_own() -> None:
    assert isinstance(make_beam_pipeline(()).runner, FnApiRunner)
    options = ("--runner=FlinkRunner", "--objectReuse=true", "--experiments=a-b", "--experiments=c=d")
    pipeline = make_beam_pipeline(options)
    assert isinstance(pipeline.runner, FlinkRunner)
    assert pipeline.options.view_as(DebugOptions).experiments[:2] == ["a-b", "c=d"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--objectReuse=true", "--wrong"), "Beam has no option --beam.objectReuse --beam.wrong."),
        (("--runner=Nonsense",), "Beam rejects --beam.runner=Nonsense: Unexpected pipeline runner: Nonsense."),
        (("--runner=no.such.Runner",), "Beam rejects --beam.runner=no.such.Runner: No module named 'no'."),
        (("--runner",), "--beam.runner must have a value."),
        (("--direct_num_workers=two",), "argument --direct_num_workers: invalid int value: 'two'."),
        (("--environment_type=PROCESS",), "Option process_command is required for environment type PROCESS."),
        (("--runner=DataflowRunner",), "Missing required option: project."),
    ],
)
def test_a_rejection_of_beam_is_one_message(options: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageFailure) as rejection:
        make_beam_pipeline(options)
    assert words in str(rejection.value)
    assert "\n" not in str(rejection.value)


def test_beam_accepts_every_option_in_the_guide() -> None:
    blocks = re.findall(
        r"^```sh\n(.*?)^```", (PROJECT / "docs/how-to/beam-runners.md").read_text(), re.MULTILINE | re.DOTALL
    )
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if " --beam." in line]
    runners = set()
    for line in lines:
        others, options = split_arguments(shlex.split(line, comments=True))
        assert others[:2] in (["tokenlearner", command] for command in ("run", "compile", "predict"))
        check_beam_options(options)
        runners |= {option for option in options if option.startswith("--runner=")}
    assert runners == {f"--runner={name}Runner" for name in ("Portable", "Flink", "Spark", "Dataflow")}


def test_a_run_rejects_them_before_it_writes_anything(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    done = tokenlearner("run", "--root", tmp_path / "root", "--beam.runner", "FlinkRuner", "--fit.epochs", "3")
    assert done.code == ExitCode.USAGE
    assert done.err.startswith("tokenlearner: Beam rejects --beam.runner=FlinkRuner: ")
    assert list(tmp_path.iterdir()) == []


def test_the_steps_that_use_beam_get_them_after_ours_and_the_cache_ignores_them() -> None:
    given = ("--runner=FlinkRunner", "--flink_master=host:8081")
    dags = [create_pipeline(QUICK, make_local_target(QUICK, options)) for options in ((), given)]
    in_memory = make_step_arguments(())
    assert make_beam_dependency_flags(in_memory) == in_memory  # TFX does not pack itself for workers in this process
    for dag, arguments in zip(dags, (in_memory, [*BEAM_ARGS, *given]), strict=True):
        specs = {step.id: step.executor_spec for step in dag.components}
        beam_specs = {name: spec for name, spec in specs.items() if isinstance(spec, BeamExecutorSpec)}
        assert set(beam_specs) == {"ExampleGen", "StatisticsGen", "DataGate", "Transform", "Evaluator"}
        assert all(spec.beam_pipeline_args == arguments for spec in beam_specs.values())
    nodes = [[node.pipeline_node for node in Compiler().compile(dag).nodes] for dag in dags]
    assert nodes[0] == nodes[1]  # inputs, outputs and parameters
