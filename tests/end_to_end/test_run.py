"""The whole DAG on a slice of real CIFAR-10, through the command line, as a person runs it.

The tests run in the order in which they stand: each one goes on from the pipeline root that the one before left. The
first training goes through processes of its own; later runs go through this one, which has imported TFX. What the cache
sees of an edit is in `tests/pipeline/test_definition.py`.
"""

import io
import json
import pathlib
import re
import subprocess
from typing import Any

import huggingface_hub
import pytest
import tensorflow as tf
from commands import Command
from rich.console import Console
from workplace import MIN_ACCURACY, TIMED_REQUESTS, Workplace

from components.artifacts.serving_findings import read_findings
from components.errors import ExitCode
from components.example_gen.component import digest_source
from components.metadata.root import Root
from components.pusher.manifest import read_manifest
from pipeline.config import QUICK
from pipeline.summary import print_run

DATA_STEPS = ["ExampleGen", "Schema", "StatisticsGen", "ExampleValidator", "DataGate", "Transform"]
AFTER_TRAINER = [
    *("Baseline", "LiteConverter", "ServingValidator", "Evaluator", "ModelCard", "Pusher", "Report"),
]
STEPS = [*DATA_STEPS, "Trainer", *AFTER_TRAINER]
SECOND_MODEL = ("--fit.epochs", "2", "--evaluation.min-accuracy", "0.99", "--evaluation.max-mmacs", "0.1")


def test_two_runs_in_one_root_do_not_mix(workplace: Workplace, killed: str) -> None:
    assert killed == f"another run works in {workplace.root}; wait for it, or name another folder with --root."


@pytest.mark.usefixtures("killed")
def test_a_run_killed_in_the_trainer_leaves_its_finished_steps(workplace: Workplace) -> None:
    states = {step.name: step.state for step in workplace.read_run(0).steps}
    assert states == {**dict.fromkeys(DATA_STEPS, "done"), "Trainer": "interrupted"}
    assert list(workplace.root.glob("Trainer/model_run/*/tensorboard/backbone,seed=1/events.*"))


@pytest.mark.usefixtures("first")
def test_the_same_command_goes_on_from_the_last_finished_step_and_pushes(workplace: Workplace) -> None:
    run = workplace.read_run()
    states = {step.name: step.state for step in run.steps}
    assert list(states) == STEPS
    assert [name for name, state in states.items() if state == "cached"] == DATA_STEPS
    assert [states[name] for name in STEPS[6:]] == ["done"] * (1 + len(AFTER_TRAINER))

    assert (run.winner.network.depth, run.winner.valid_images) == (1, 100)
    assert run.winner.point in ("no_reducer", "token_learner-4@0")
    assert run.verdict.candidate.images == 200
    assert run.verdict.candidate.overall.accuracy.value >= MIN_ACCURACY
    assert run.verdict.is_blessed
    assert not run.verdict.has_baseline
    assert workplace.versions() == [run.pushed_version]
    assert run.lite is not None
    assert (run.lite.images, run.lite.failed) == (200, ())
    pushed = {lite_model.file for lite_model in run.lite.variants if lite_model.is_pushed}
    assert "model_float32.tflite" in pushed
    lite = workplace.root / "serving" / "tokenlearner" / str(run.pushed_version) / "lite"
    assert {path.name for path in lite.iterdir()} == {*pushed, "labels.txt"}


def test_the_screen_tells_steps_trials_and_the_winner(
    workplace: Workplace, first: subprocess.CompletedProcess[str]
) -> None:
    shown, run = first.stdout, workplace.read_run()
    ended = [line.split() for line in shown.splitlines() if line.startswith("✓")]
    assert [line[2] for line in ended] == STEPS
    assert [line[2] for line in ended if line[3:] == ["cached"]] == DATA_STEPS
    assert "Resuming: 1 of 2 trainings found" in shown
    assert "Report: " in shown
    assert f"tokenlearner predict FOLDER_OR_IMAGE --root {workplace.root}" in shown
    assert "Cached: 2 of 2 trainings found" in workplace.run("--dry-run").stdout
    assert f"version {run.pushed_version}" in shown
    assert shown.count("Warning: Tracking at http://127.0.0.1:9 stopped; the run continues (") == 1
    assert f"{run.verdict.candidate.overall.accuracy.value:.1%}" in shown
    assert f"winner {run.winner.point} (" in " ".join(shown.split())
    assert "4 learned tokens before block 1: " in " ".join(shown.split())
    assert "tensorflow" not in shown.lower()
    assert not any("Prism" in log.read_text() for log in (workplace.root / "logs").iterdir())


@pytest.mark.usefixtures("first")
def test_as_many_images_as_may_occur_twice_are_listed(workplace: Workplace) -> None:
    def read(key: str) -> dict[str, str]:
        artifact = workplace.read_run(0).find_output(key, step="DataGate")
        return {file.name.partition("-")[0]: file.read_text() for file in pathlib.Path(artifact.uri).iterdir()}

    written = read("duplicates")
    assert (read("bad_images")["bad_images"], written["shared_ids"]) == ("", "")
    assert sorted(json.loads(line) for line in written["duplicates"].splitlines()) == sorted(workplace.copies.pairs)
    assert not (workplace.root / "duplicates.json").exists()


@pytest.mark.usefixtures("first")
def test_the_manifest_of_what_was_pushed_tells_where_it_comes_from(workplace: Workplace, tokenlearner: Command) -> None:
    run = workplace.read_run()
    model = run.find_output("model")
    [version] = (workplace.root / "serving" / "tokenlearner").iterdir()
    manifest = read_manifest(version)
    assert (manifest.run_id, manifest.model.artifact_id) == (run.run_id, model.id)
    assert (manifest.model.point, manifest.model.macs) == (run.winner.point, run.winner.macs.total)
    assert manifest.metrics.accuracy == run.verdict.candidate.overall.accuracy
    assert manifest.data_digest == digest_source(workplace.data)
    assert {"ExampleGen", "Schema", "Transform", "Trainer", "Evaluator"} <= set(manifest.code_digests)
    assert manifest.signatures["serving_default"].inputs == {"examples": "string [-1]"}
    assert manifest.signatures["serving_default"].outputs == {"probabilities": "float32 [-1, 10]"}
    assert "saved_model.pb" in manifest.files
    [facts] = json.loads(tokenlearner("push", "verify", "--json", "--root", workplace.root).out)
    assert (facts["version"], facts["is_whole"]) == (int(version.name), True)


@pytest.mark.usefixtures("first")
def test_the_card_of_what_was_pushed_tells_how_it_was_found_to_serve(workplace: Workplace) -> None:
    [version] = (workplace.root / "serving" / "tokenlearner").iterdir()
    card = (version / "README.md").read_text()
    blessing = workplace.first_output("ServingValidator", "blessing")
    peak = read_findings(pathlib.Path(blessing.uri)).peak_memory_bytes
    assert peak is not None
    assert f"{peak / 2**20:.0f} MiB" in card
    assert "### TensorFlow Lite models" in card
    assert f"huggingface_hub {huggingface_hub.__version__}" in card
    manifest = read_manifest(version)
    assert manifest.run_id == workplace.read_run().run_id
    assert {"Examples", "Schema", "TransformGraph", "Model", "ModelCard"} <= {each.kind for each in manifest.lineage}
    assert (version / "search.png").exists()


@pytest.mark.usefixtures("first")
def test_a_fresh_process_has_proven_that_the_model_serves(workplace: Workplace) -> None:
    run = workplace.read_run()
    blessing = run.find_output("blessing", step="ServingValidator")
    assert sorted(file.name for file in pathlib.Path(blessing.uri).iterdir()) == ["INFRA_BLESSED", "serving.json"]
    found = read_findings(pathlib.Path(blessing.uri))
    assert found.is_blessed, found.reasons
    assert [check.name for check in found.checks] == [
        *("loading", "batch_sizes", "equal_to_trainer", "session", "malformed_records", "latency", "memory"),
    ]
    asked = {(latency.signature, latency.batch_size): latency for latency in found.latencies}
    assert set(asked) == {(name, size) for name in ("serving_default", "serve_images") for size in (1, 32)}
    assert all(0 < latency.p50_seconds <= latency.p95_seconds for latency in found.latencies)
    assert {latency.requests for latency in found.latencies} == {TIMED_REQUESTS}
    assert found.load_seconds is not None
    assert found.load_seconds > 0
    assert found.tensorflow_version == tf.__version__
    assert found.peak_memory_bytes is not None
    assert 100 * 2**20 < found.peak_memory_bytes <= QUICK.serving.max_memory_mib * 2**20


@pytest.mark.usefixtures("first")
def test_the_run_left_a_page_that_is_made_anew_to_the_last_byte(
    workplace: Workplace, tokenlearner: Command, tmp_path: pathlib.Path
) -> None:
    run = workplace.read_run()
    artifact = run.find_output("report")
    page = pathlib.Path(artifact.uri) / "report.html"
    content = page.read_text()
    assert len(content.encode()) < 5 * 2**20
    for expected in (f"pushed as version {run.pushed_version}", f"{run.verdict.candidate.overall.accuracy.value:.1%}"):
        assert expected in content
    assert "tokenlearner run --root" in content
    if run.winner.point != "no_reducer":
        assert content.count(': mean" title="token') == 4
    output = tmp_path / "page.html"
    done = tokenlearner("report", "--no-open", "--root", workplace.root, "--output", output)
    assert done.out.splitlines() == [str(output)]
    assert output.read_text() == content


@pytest.mark.usefixtures("first")
def test_a_second_run_without_edits_runs_nothing_again(workplace: Workplace) -> None:
    versions = workplace.versions()
    workplace.run_here()
    assert workplace.executed() == []
    assert workplace.versions() == versions


@pytest.fixture(scope="module")
def second(workplace: Workplace, first: subprocess.CompletedProcess[str]) -> Any:
    """A run that trains another model, held against a floor and a budget that it misses."""
    assert first.returncode == ExitCode.OK
    return workplace.run_here(*options_of_second(workplace))


def options_of_second(workplace: Workplace) -> tuple[str, ...]:
    """Returns the options of the second model, whose trainings start from the first one."""
    return (*SECOND_MODEL, "--fit.initial-model", workplace.versions()[0])


def test_another_model_is_held_against_the_last_blessed_one_and_a_floor_and_a_budget_keep_it_from_being_pushed(
    workplace: Workplace, second: Any
) -> None:
    assert second.pushed_version is None
    [version] = workplace.versions()
    assert second.winner.initial_model == f"version {version} of CIFAR-10"
    [start] = [sentence for sentence in second.search.sentences if "start from" in sentence]
    fitting, weights = re.findall(r"(\d+) of the (\d+) weights", start)[0]
    assert fitting == weights
    assert workplace.executed() == [
        *("Trainer", "LiteConverter", "ServingValidator", "Evaluator", "ModelCard", "Pusher", "Report")
    ]
    screen = io.StringIO()
    print_run(Console(file=screen, width=100), second)
    shown = " ".join(screen.getvalue().split())
    assert "it must be at least 99.0%" in shown
    assert "allowed are 0.10" in shown
    assert len(workplace.versions()) == 1
    records = Root(workplace.root).records
    [baseline] = records.inputs(records.steps(second.run_id)["Evaluator"], "baseline_model")
    assert baseline.uri == workplace.first_output("Trainer", "model").uri
    assert second.verdict.paired is not None
    assert f"{second.verdict.paired.describe()} against the last blessed model" in shown


def test_a_model_blessed_by_hand_is_pushed_by_the_same_command_and_inspect_tells_why(
    workplace: Workplace, second: Any, tokenlearner: Command
) -> None:
    def tell(*arguments: str) -> str:
        return tokenlearner(*arguments, "--root", workplace.root).out

    [version] = workplace.versions()
    tell("bless", "--run", second.run_id, "--reason", "The floor was meant for more data.")
    options = options_of_second(workplace)
    run = workplace.run_here(*options)
    assert workplace.executed() == ["Pusher", "Report"]
    assert workplace.versions() == [version, run.pushed_version]
    assert workplace.run_here(*options).pushed_version == run.pushed_version
    assert workplace.executed() == []

    overview = json.loads(tell("inspect", "--json"))
    assert (overview["state"], overview["pushed_version"]) == ("pushed", run.pushed_version)
    [repeated] = overview["anomalies"]
    assert "4 images have the same pixels as another one (also in another split: 2 of test, 2 of train)" in repeated
    assert all(check["passed"] for check in overview["serving"]["checks"])
    assert not overview["verdict"]["is_blessed"]
    assert [override["why"] for override in overview["overrides"]] == ["The floor was meant for more data."]
    lineage = json.loads(tell("inspect", "lineage", "--json"))
    assert {artifact["step"] for artifact in lineage["artifacts"]} == {
        *("ExampleGen", "StatisticsGen", "ExampleValidator", "Schema", "DataGate", "Transform", "Trainer"),
        *("Evaluator", "ServingValidator", "LiteConverter", "ModelCard"),
    }
    assert lineage["version"] == run.pushed_version


@pytest.mark.usefixtures("second")
def test_going_back_to_an_older_model_pushes_it_again_and_a_rollback_holds(
    workplace: Workplace, tokenlearner: Command
) -> None:
    versions = workplace.versions()
    pushed = workplace.run_here().pushed_version
    assert workplace.executed() == ["Evaluator", "ModelCard", "Pusher", "Report"]  # the baseline is another model now
    assert workplace.versions() == [*versions, pushed]
    root = ("--root", workplace.root)
    tokenlearner("push", "rollback", versions[1], "--reason", "It errs.", *root)
    [back] = set(workplace.versions()) - {*versions, str(pushed)}
    assert json.loads(tokenlearner("inspect", "lineage", "--json", *root).out)["version"] == back
    held = workplace.run_here()
    assert held.pushed_version is None
    assert f"version {pushed} with this model was rolled back by" in str(held.not_pushed_because)
    assert workplace.versions()[-1] == back
