"""The whole DAG on a slice of real CIFAR-10, through the command line, as a person runs it.

The tests run in the order in which they stand: each one goes on from the pipeline root that the one before left.
"""

import dataclasses
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
from sample_slice import PROJECT, make_slice

from components.pusher.manifest import read_manifest
from components.report.memory import reset_peak
from pipeline.failures import ExitCode
from pipeline.history import History
from pipeline.summary import describe_network

DATA_STEPS = ["ExampleGen", "Schema", "StatisticsGen", "ExampleValidator", "DataGate", "Transform"]
AFTER_TRAINER = [
    *("Baseline", "Evaluator", "LiteConverter", "ServingValidator", "Gate", "ModelCard"),
    *("Override", "Served", "Pusher", "Report"),
]
STEPS = [*DATA_STEPS, "Trainer", *AFTER_TRAINER]
MIN_ACCURACY = 0.15  # chance is 0.1; 200 test images put its 99 % bound below 0.15


@dataclasses.dataclass(frozen=True)
class Workplace:
    """A copy of the sources, which tests may edit, and a pipeline root."""

    sources: pathlib.Path
    root: pathlib.Path
    data: pathlib.Path

    def command(self, *arguments: str) -> list[str]:
        """Returns the command of a small run; later arguments override earlier ones."""
        return [
            *(sys.executable, "-m", "pipeline", "run", "--root", str(self.root), "--data.tfds-dir", str(self.data)),
            *("--model.dim", "32", "--model.depth", "2", "--model.mlp-dims", "32"),
            *("--search.placements", "1", "--search.token-counts", "4", "--search.reducers", "token_learner"),
            *("--search.max-epochs", "1", "--search.seeds", "2", "--search.finalists", "1"),
            *("--fit.epochs", "12", "--fit.batch-size", "20", "--fit.learning-rate", "0.003"),
            *("--evaluation.min-accuracy", str(MIN_ACCURACY), "--evaluation.max-accuracy-drop", "0.5"),
            *("--evaluation.max-class-accuracy-drop", "1"),  # a class has 20 images
            *arguments,
        ]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the pipeline to its end."""
        return subprocess.run(
            self.command(*arguments), cwd=self.sources, capture_output=True, text=True, timeout=600, check=False
        )

    def tokenlearner(self, *arguments: str) -> str:
        """Runs another command on the root and returns what it prints."""
        command = [sys.executable, "-m", "pipeline", *arguments, "--root", str(self.root)]
        return subprocess.run(command, cwd=self.sources, capture_output=True, text=True, timeout=60, check=True).stdout

    def history(self) -> History:
        """Reads ML Metadata."""
        return History(self.root / "metadata.sqlite")

    def executed(self) -> list[str]:
        """Returns the steps of the latest run that did not come from the cache."""
        history = self.history()
        return [
            step.name
            for step in history.steps(history.latest_run_id())
            if step.state == "COMPLETE" and step.name not in ("Baseline", "Override", "Served")  # resolvers run always
        ]

    def versions(self) -> list[str]:
        """Returns the pushed versions, oldest first."""
        return sorted(path.name for path in (self.root / "serving" / "tokenlearner").iterdir())


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, slice_dir: pathlib.Path) -> Workplace:
    sources = tmp_path_factory.mktemp("sources")
    for package in ("pipeline", "components", "models"):
        shutil.copytree(PROJECT / package, sources / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "README.md", sources)
    return Workplace(sources, tmp_path_factory.mktemp("root") / "run", slice_dir)


def test_a_run_killed_in_the_trainer_leaves_its_finished_steps(workplace: Workplace) -> None:
    process = subprocess.Popen(
        workplace.command(), cwd=workplace.sources, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    seen = next((line for line in process.stdout if "trial 1," in line), "no trial ended")
    assert "trial 1," in seen
    process.kill()
    process.wait()
    history = workplace.history()
    states = {step.name: step.state for step in history.steps(history.latest_run_id())}
    assert states == {**dict.fromkeys(DATA_STEPS, "COMPLETE"), "Trainer": "RUNNING"}
    assert not (workplace.root / "serving").exists()


def test_the_same_command_goes_on_from_the_last_finished_step_and_pushes(workplace: Workplace) -> None:
    trained = {path: path.stat().st_mtime_ns for path in workplace.root.glob("search/*/*.checkpoint")}
    assert trained
    done = workplace.run()
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    history = workplace.history()
    run_id = history.latest_run_id()
    states = {step.name: step.state for step in history.steps(run_id)}
    assert list(states) == STEPS
    assert [name for name, state in states.items() if state == "CACHED"] == DATA_STEPS
    assert [states[name] for name in STEPS[6:]] == ["COMPLETE"] * (1 + len(AFTER_TRAINER))

    run = history.read_run(run_id)
    assert (run.winner.depth, run.winner.valid_images) == (2, 100)
    assert run.winner.point in ("none", "token_learner-4@1")
    assert run.verdict.candidate.images == 200
    assert run.verdict.candidate.overall.accuracy.value >= MIN_ACCURACY
    assert run.verdict.is_blessed
    assert not run.verdict.has_baseline
    assert workplace.versions() == [run.pushed_version]
    assert run.lite is not None
    assert (run.lite.images, run.lite.failed) == (200, ())
    pushed = {twin.file for twin in run.lite.variants if twin.is_pushed}
    assert "model_float32.tflite" in pushed
    lite = workplace.root / "serving" / "tokenlearner" / str(run.pushed_version) / "lite"
    assert {path.name for path in lite.iterdir()} == {*pushed, "labels.txt"}


def test_the_manifest_of_what_was_pushed_tells_where_it_comes_from(workplace: Workplace) -> None:
    from components.example_gen.component import digest_source  # takes TFX's time

    history = workplace.history()
    run = history.read_run(history.latest_run_id())
    [model] = history.outputs(run.run_id, "Trainer", "model")
    [version] = (workplace.root / "serving" / "tokenlearner").iterdir()
    manifest = read_manifest(version)
    assert (manifest.run_id, manifest.model.artifact_id) == (run.run_id, model.id)
    assert (manifest.model.point, manifest.model.macs) == (run.winner.point, run.winner.macs)
    assert manifest.metrics.accuracy == run.verdict.candidate.overall.accuracy
    assert manifest.data_digest == digest_source(workplace.data)
    assert {"ExampleGen", "Schema", "Transform", "Trainer", "Gate"} <= set(manifest.code_digests)
    assert manifest.signatures["serving_default"].inputs == {"examples": "string [-1]"}
    assert manifest.signatures["serving_default"].outputs == {"probabilities": "float32 [-1, 10]"}
    assert "saved_model.pb" in manifest.files
    [facts] = json.loads(workplace.tokenlearner("push", "verify", "--json"))
    assert (facts["version"], facts["is_whole"]) == (int(version.name), True)


def test_the_run_left_a_page_that_is_made_anew_to_the_last_byte_without_tfx(
    workplace: Workplace, tmp_path: pathlib.Path
) -> None:
    history = workplace.history()
    run = history.read_run(history.latest_run_id())
    [artifact] = history.outputs(run.run_id, "Report", "report")
    page = pathlib.Path(artifact.uri) / "report.html"
    content = page.read_text()
    assert len(content.encode()) < 5 * 2**20
    for expected in (f"pushed as version {run.pushed_version}", f"{run.verdict.candidate.overall.accuracy.value:.1%}"):
        assert expected in content
    assert "tokenlearner run --root" in content
    assert ("not measured" in content) == (not reset_peak())
    if run.winner.point != "none":
        assert content.count('alt="Mean attention of token') == 4
    script = "import sys\nfrom pipeline.__main__ import main\ntry: main()\nfinally: print('tfx' in sys.modules)"
    output = tmp_path / "page.html"
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script, "report", "--no-open", "--root", workplace.root, "--output", output],
        cwd=workplace.sources,
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - begin < 60  # some 15 s on an idle machine
    assert done.stdout.splitlines() == [str(output), "False"]
    assert output.read_text() == content


def test_the_screen_tells_steps_trials_and_the_winner(workplace: Workplace) -> None:
    shown = workplace.run().stdout
    run = workplace.history().read_run(workplace.history().latest_run_id())
    assert [line.split()[2] for line in shown.splitlines() if line.startswith("✓")] == STEPS
    assert f"version {run.pushed_version}" in shown
    assert f"{run.verdict.candidate.overall.accuracy.value:.1%}" in shown
    assert describe_network(run.winner) in " ".join(shown.split())  # a long name wraps
    assert f"{run.winner.point} wins" in shown
    assert "At the same place and token count, token_learner-4@1" in " ".join(shown.split())
    assert "tensorflow" not in shown.lower()
    assert not any("Prism" in log.read_text() for log in (workplace.root / "logs").iterdir())


def test_a_run_after_an_edit_of_the_readme_re_runs_nothing(workplace: Workplace) -> None:
    versions = workplace.versions()
    with (workplace.sources / "README.md").open("a") as readme:
        readme.write("One more sentence.\n")
    assert workplace.run().returncode == ExitCode.OK
    assert workplace.executed() == []
    assert workplace.versions() == versions


def test_an_edit_of_the_evaluators_config_re_runs_the_evaluator_alone(workplace: Workplace) -> None:
    versions = workplace.versions()
    module = workplace.sources / "components" / "evaluator" / "eval_config.py"
    module.write_text(module.read_text().replace("TOP_K = 5", "TOP_K = 3"))
    assert workplace.run().returncode == ExitCode.OK
    assert workplace.executed() == ["Evaluator"]
    assert workplace.versions() == versions


def test_a_higher_floor_and_a_lower_budget_re_run_the_gate_and_bless_nothing(workplace: Workplace) -> None:
    versions = workplace.versions()
    done = workplace.run("--evaluation.min-accuracy", "0.99", "--evaluation.max-mmacs", "0.1")
    assert done.returncode == ExitCode.NOT_BLESSED
    assert workplace.executed() == ["Gate", "ModelCard", "Pusher", "Report"]
    shown = " ".join(done.stdout.split())
    assert "it must be at least 99.0%" in shown
    assert "allowed are 0.10" in shown
    assert workplace.versions() == versions


def test_an_edit_of_a_layer_re_runs_the_trainer_and_what_follows_against_the_last_blessed_model(
    workplace: Workplace,
) -> None:
    with (workplace.sources / "models" / "token_learner.py").open("a") as module:
        module.write("\n# An edit.\n")
    done = workplace.run("--fit.seed", "2")
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert workplace.executed() == [
        *("Trainer", "Evaluator", "LiteConverter", "ServingValidator", "Gate", "ModelCard", "Pusher", "Report")
    ]
    assert len(workplace.versions()) == 2
    history = workplace.history()
    run = history.read_run(history.latest_run_id())
    baselines = history.inputs(run.run_id, "Gate", "baseline_model")
    blessed = history.inputs(history.run_ids()[1], "Gate", "model")
    assert [model.uri for model in baselines] == [model.uri for model in blessed]
    assert run.verdict.paired is not None
    assert f"{100 * run.verdict.paired.difference:+.1f} points against the last blessed model" in " ".join(
        done.stdout.split()
    )


def test_a_model_blessed_by_hand_is_pushed_by_the_same_command_and_inspect_tells_why(workplace: Workplace) -> None:
    versions = workplace.versions()
    command = ("--fit.seed", "2", "--evaluation.min-accuracy", "0.99")
    assert workplace.run(*command).returncode == ExitCode.NOT_BLESSED
    refused = workplace.history().latest_run_id()
    workplace.tokenlearner("bless", "--run", refused, "--reason", "The floor was meant for more data.")
    done = workplace.run(*command)
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert workplace.executed() == ["Pusher", "Report"]
    assert "The floor was meant for more data." in " ".join(done.stdout.split())
    [version] = set(workplace.versions()) - set(versions)
    assert workplace.run(*command).returncode == ExitCode.OK
    assert workplace.executed() == []

    overview = json.loads(workplace.tokenlearner("inspect", "--json"))
    assert (overview["state"], overview["pushed_version"]) == ("pushed", version)
    assert overview["anomalies"] == []
    assert all(check["passed"] for check in overview["serving"]["checks"])
    assert not overview["verdict"]["is_blessed"]
    assert [override["why"] for override in overview["overrides"]] == ["The floor was meant for more data."]
    lineage = json.loads(workplace.tokenlearner("inspect", "lineage", "--json"))
    makers = {origin["key"]: origin["made_by"] for origin in lineage["origins"]}
    assert makers == {
        "examples": "ExampleGen",
        "statistics": "StatisticsGen",
        "schema": "Schema",
        "transform_graph": "Transform",
        "model": "Trainer",
        "model_run": "Trainer",
        "baseline_model": "Trainer",
        "verdict": "Gate",
        "model_blessing": "Bless",
        "infra_blessing": "ServingValidator",
        "lite_models": "LiteConverter",
        "model_card": "ModelCard",
    }
    assert lineage["version"] == version


def test_inspect_tells_all_runs_and_compares_two(workplace: Workplace) -> None:
    runs = json.loads(workplace.tokenlearner("inspect", "runs", "--json"))
    assert [run["state"] for run in runs][:2] == ["interrupted", "pushed"]
    assert {run["pushed_version"] for run in runs} - {None} == set(workplace.versions())
    first, last = runs[1]["run_id"], runs[-1]["run_id"]
    comparison = json.loads(workplace.tokenlearner("inspect", "compare", first, last, "--json"))
    accuracies = [comparison[side]["test_accuracy"]["value"] for side in ("first", "second")]
    assert comparison["paired"]["images"] == 200
    assert comparison["paired"]["difference"] == pytest.approx(accuracies[1] - accuracies[0])
    for view in ("slices", "trials", "lineage", "overview"):
        assert max(len(line.rstrip()) for line in workplace.tokenlearner("inspect", view).splitlines()) <= 90


def test_a_fresh_process_loads_the_pushed_model_and_both_signatures_agree(workplace: Workplace) -> None:
    script = """
import json, sys
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
records = list(tf.data.TFRecordDataset(sys.argv[2]).take(7).as_numpy_iterator())
values = [tf.train.Example.FromString(record).features.feature for record in records]
images = [tf.io.decode_png(value["image"].bytes_list.value[0]) for value in values]
of_examples = model.signatures["serving_default"](examples=tf.constant(records))["probabilities"].numpy()
of_images = model.signatures["serve_images"](images=tf.stack(images))["probabilities"].numpy()
print(json.dumps({"shape": of_examples.shape, "sums": of_examples.sum(axis=1).tolist(),
                  "same": bool((of_examples == of_images).all()), "tft": "tensorflow_transform" in sys.modules}))
"""
    model = workplace.root / "serving" / "tokenlearner" / workplace.versions()[-1]
    records = workplace.data / "cifar10-test.tfrecord-00000-of-00001"
    done = subprocess.run(
        [sys.executable, "-c", script, model, records], capture_output=True, text=True, check=True, cwd="/"
    )
    answer = json.loads(done.stdout)
    assert answer["shape"] == [7, 10]
    assert answer["sums"] == pytest.approx([1.0] * 7, abs=1e-5)
    assert answer["same"]
    assert not answer["tft"]


def test_going_back_to_an_older_model_pushes_it_again_and_a_rollback_holds(workplace: Workplace) -> None:
    versions = workplace.versions()
    by_hand = ("--fit.seed", "2", "--evaluation.min-accuracy", "0.99")
    assert workplace.run("--fit.seed", "2").returncode == ExitCode.OK
    assert "Pusher" in workplace.executed()
    [pushed] = set(workplace.versions()) - set(versions)
    assert workplace.run("--fit.seed", "2").returncode == ExitCode.OK
    assert workplace.executed() == []
    workplace.tokenlearner("push", "rollback", versions[0], "--reason", "It errs.")
    [back] = set(workplace.versions()) - {*versions, pushed}
    assert json.loads(workplace.tokenlearner("inspect", "lineage", "--json"))["version"] == back
    done = workplace.run("--fit.seed", "2")
    assert done.returncode == ExitCode.NOT_BLESSED
    assert f"because version {pushed} with this model was rolled back by" in " ".join(done.stdout.split())
    assert workplace.versions()[-1] == back
    workplace.tokenlearner("push", "rollback", pushed)
    assert workplace.run(*by_hand).returncode == ExitCode.OK


def test_two_runs_in_one_root_do_not_mix(workplace: Workplace) -> None:
    training = workplace.command("--fit.seed", "9")  # takes longer than a run that finds all in the cache
    first = subprocess.Popen(training, cwd=workplace.sources, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    first.stdout.readline()  # says where the log is: the root is locked
    second = workplace.run()
    first.send_signal(signal.SIGINT)
    first.communicate()
    assert second.returncode == ExitCode.USAGE
    assert "another run works in" in second.stderr
    assert first.returncode == ExitCode.INTERRUPTED


def test_corrupt_images_stop_the_run_before_the_trainer_and_are_named(
    workplace: Workplace, tmp_path: pathlib.Path
) -> None:
    import tensorflow as tf

    broken: dict[int, str] = {}

    def corrupt(position: int, record: bytes) -> bytes:
        if position not in (3, 77):
            return record
        example = tf.train.Example.FromString(record)
        values = example.features.feature
        broken.setdefault(position, values["id"].bytes_list.value[0].decode())
        image = values["image"].bytes_list.value[0]
        values["image"].bytes_list.value[0] = (
            image[:100] if position == 3 else tf.io.encode_png(tf.zeros([28, 28, 1], tf.uint8)).numpy()
        )
        return example.SerializeToString()

    corrupted = dataclasses.replace(workplace, root=tmp_path / "root", data=make_slice(tmp_path / "data", corrupt))
    done = corrupted.run()
    shown = " ".join(done.stderr.split())
    assert done.returncode == ExitCode.BAD_DATA, done.stdout + done.stderr
    assert "Step DataGate failed" in shown
    assert "cannot be decoded: " in shown
    assert "came as 28x28x1 instead of 32x32x3: " in shown
    assert all(example_id in shown for example_id in broken.values())
    assert "Traceback" not in done.stdout + done.stderr
    log = next((corrupted.root / "logs").iterdir())
    assert "Traceback" in log.read_text()
    history = corrupted.history()
    states = {step.name: step.state for step in history.steps(history.latest_run_id())}
    assert states == {**dict.fromkeys(DATA_STEPS[:4], "COMPLETE"), "DataGate": "FAILED"}
