"""Makes pipeline roots without running anything: a real metadata store, and the files that steps leave."""

import dataclasses
import pathlib
import shutil
from collections.abc import Iterable

import ml_metadata as mlmd
import numpy as np
from ml_metadata.proto import metadata_store_pb2
from ml_metadata.proto.metadata_store_pb2 import Artifact, Context, Event, Execution
from run_folder import make_search, make_trial, make_winner, write_comparison
from scored_images import judge_predictions, write_predictions
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.artifacts.duplicates import DUPLICATES_PREFIX
from components.artifacts.predictions import Predictions
from components.artifacts.search_outcome import write_search
from components.artifacts.serving_findings import Check, Latency, ServingFindings, write_findings
from components.artifacts.trial import append_trial
from components.artifacts.verdict import write_verdict
from components.artifacts.winner import write_winner
from components.evaluator.config import EvaluationConfig
from components.metadata.records import connect
from models.presets import PRESETS

GRAPH = {  # step: (what it reads, as "key" or "key from output"; what it writes, as "output" or "key from output")
    "ExampleGen": ((), ("examples",)),
    "Schema": ((), ("schema",)),
    "ExampleValidator": (("schema",), ("anomalies",)),
    "DataGate": (("examples", "anomalies"), ("bad_images", "duplicates")),
    "Transform": (("examples", "schema"), ("transform_graph",)),
    "Trainer": (("examples", "schema", "transform_graph"), ("model", "model_run")),
    "LiteConverter": (("examples", "model"), ("lite_models",)),
    "Evaluator": (("examples", "model", "lite_models"), ("blessing", "verdict")),
    "ServingValidator": (
        ("examples", "model", "model_run", "transform_graph"),
        ("blessing from infra_blessing",),
    ),
    "Pusher": (("model", "model_blessing from blessing", "infra_blessing"), ("pushed_model",)),
}
IMAGES = 200
MACS = 6_790_000
TYPES = {
    "model": "Model",
    "blessing": "ModelBlessing",
    "infra_blessing": "InfraBlessing",
    "pushed_model": "PushedModel",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A run as it is to be recorded."""

    run_id: str
    accuracy: float = 0.6  # of the candidate
    seed: int = 0  # of which images it gets right
    min_accuracy: float = 0.5  # of the Evaluator
    baseline: "Plan | None" = None
    cached_until: str | None = None  # the steps until this one are taken from the run recorded before
    stops_in: str | None = None
    state: int = Execution.RUNNING  # of the step in which it stops
    anomaly: str | None = None  # of the feature "image" in the split train
    point: str = "token_learner-8@2"
    serves: bool = True


KILLED = Plan(run_id="2026-01-01T10:00:00.000001", stops_in="Trainer")
FIRST = Plan(run_id="2026-01-02T10:00:00.000001", cached_until="Transform")
CACHED = Plan(run_id="2026-01-02T11:00:00.000001", cached_until="Pusher")
REFUSED = Plan(run_id="2026-01-03T10:00:00.000001", min_accuracy=0.99, cached_until="Trainer")
SECOND = Plan(run_id="2026-01-04T10:00:00.000001", accuracy=0.8, seed=1, baseline=FIRST, cached_until="Transform")
PLANS = (KILLED, FIRST, CACHED, REFUSED, SECOND)


def predict(plan: Plan) -> Predictions:
    """Returns what the model of a run answers: an exact share of the images is right, which ones is random."""
    labels = np.arange(IMAGES) % 10
    return Predictions(
        ids=np.array([f"test_{n:05d}" for n in range(IMAGES)]),
        labels=labels,
        brightness_quartile=np.arange(IMAGES) % 4,
        contrast_quartile=np.arange(IMAGES) // 50,
        candidate=_answer(plan, labels),
        baseline=_answer(plan.baseline, labels) if plan.baseline else None,
    )


def _answer(plan: Plan, labels: np.ndarray) -> np.ndarray:
    wrong = np.random.default_rng(plan.seed).permutation(IMAGES)[round(plan.accuracy * IMAGES) :]
    answers = labels.copy()
    answers[wrong] = (answers[wrong] + 1) % 10
    return np.where(np.arange(10) == answers[:, None], 0.82, 0.02).astype(np.float32)  # [images, classes]


class RecordedRoot:
    """A pipeline root that grows by recorded runs.

    Args:
        path: Made.
    """

    def __init__(self, path: pathlib.Path) -> None:
        path.mkdir(parents=True)
        self.path = path
        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = str(path / "metadata.sqlite")
        self.store = mlmd.MetadataStore(connection)
        self._pipeline = Context(type_id=self._put_context_type("pipeline"), name="tokenlearner-quick")
        self._latest: dict[str, Artifact] = {}  # by the key under which it was written

    def record(self, plan: Plan) -> None:
        """Records a run, step by step."""
        run = Context(type_id=self._put_context_type("pipeline_run"), name=plan.run_id)
        is_cached = plan.cached_until is not None
        for step in GRAPH:
            if step == plan.stops_in:
                self._put(step, run, plan.state, {})
                return
            if is_cached:
                self._put(step, run, Execution.CACHED, {name: self._latest[name] for _, name in _split(GRAPH[step][1])})
            else:
                made = {name: self._make(name, plan) for _, name in _split(GRAPH[step][1])}
                self._latest |= self._put(step, run, Execution.COMPLETE, made)
            is_cached = is_cached and step != plan.cached_until

    def artifact(self, key: str) -> Artifact:
        """Returns what was last written under a key."""
        return self._latest[key]

    def _put(self, step: str, run: Context, state: int, outputs: dict[str, Artifact]) -> dict[str, Artifact]:
        execution = Execution(
            type_id=self.store.put_execution_type(metadata_store_pb2.ExecutionType(name=f"type of {step}")),
            last_known_state=state,
        )
        if step == "ExampleGen":
            execution.custom_properties["source_digest"].string_value = "cafe"
        reads = _split(GRAPH[step][0])
        keys = {name: key for key, name in _split(GRAPH[step][1])}
        pairs = [(self._latest[source], _make_event(Event.INPUT, key)) for key, source in reads]
        pairs += [(artifact, _make_event(Event.OUTPUT, keys[name])) for name, artifact in outputs.items()]
        node = Context(type_id=self._put_context_type("node"), name=f"tokenlearner-quick.{step}")
        _, artifact_ids, _ = self.store.put_execution(
            execution, pairs, [self._pipeline, run, node], reuse_context_if_already_exist=True
        )
        made = self.store.get_artifacts_by_id(artifact_ids[len(reads) :])
        return dict(zip(outputs, made, strict=True))

    def _make(self, key: str, plan: Plan) -> Artifact:
        """Makes an artifact, its folder named unlike TFX does."""
        folder = self.path / f"{len(list(self.path.iterdir()))}-of-{plan.run_id}"
        folder.mkdir()
        type_id = self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name=TYPES.get(key, f"type of {key}")))
        artifact = Artifact(type_id=type_id, uri=str(folder), state=Artifact.LIVE)
        writer = getattr(self, f"_write_{key}", None)
        if writer:
            writer(folder, artifact, plan)
        return artifact

    def _write_anomalies(self, folder: pathlib.Path, _: Artifact, plan: Plan) -> None:
        anomalies = anomalies_pb2.Anomalies()
        if plan.anomaly:
            anomalies.anomaly_info["image"].reason.add().description = plan.anomaly
        (folder / "Split-train").mkdir()
        (folder / "Split-train" / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())

    def _write_duplicates(self, folder: pathlib.Path, _: Artifact, __: Plan) -> None:
        (folder / f"{DUPLICATES_PREFIX}-00000-of-00001.jsonl").write_text("")

    def _write_model_run(self, folder: pathlib.Path, _: Artifact, plan: Plan) -> None:
        network = dataclasses.replace(
            PRESETS["convolution_stem"], token_reducer="token_learner", blocks_before_token_learner=2, num_tokens=8
        )
        fitted = {"valid_accuracy": plan.accuracy, "parameters": 174_410, "epochs": (), "best_epoch": 1}
        write_winner(make_winner(network, point=plan.point, macs=MACS, **fitted), folder)
        write_search(make_search(plan.point), folder)
        append_trial(make_trial(plan.point, [0.4], macs=MACS), folder)
        append_trial(
            make_trial("no_reducer", [0.3], macs=2 * MACS, status="dropped", reason="is too expensive"), folder
        )

    def _write_verdict(self, folder: pathlib.Path, _: Artifact, plan: Plan) -> None:
        predictions = predict(plan)
        write_predictions(predictions, folder)
        write_verdict(judge_predictions(predictions, MACS, _make_thresholds(plan)), folder)
        write_comparison(folder)

    def _write_blessing(self, _: pathlib.Path, artifact: Artifact, plan: Plan) -> None:
        is_blessed = judge_predictions(predict(plan), MACS, _make_thresholds(plan)).is_blessed
        artifact.custom_properties["blessed"].int_value = int(is_blessed)
        artifact.custom_properties["current_model"].string_value = self._latest["model"].uri
        artifact.custom_properties["current_model_id"].int_value = self._latest["model"].id

    def _write_infra_blessing(self, folder: pathlib.Path, artifact: Artifact, plan: Plan) -> None:
        write_findings(make_findings(serves=plan.serves), folder)
        artifact.custom_properties["blessed"].int_value = int(plan.serves)

    def _write_pushed_model(self, _: pathlib.Path, artifact: Artifact, plan: Plan) -> None:
        is_pushed = judge_predictions(predict(plan), MACS, _make_thresholds(plan)).is_blessed and plan.serves
        artifact.custom_properties["pushed"].int_value = int(is_pushed)
        if is_pushed:
            version = str(100 + len(list(self.path.iterdir())))
            artifact.custom_properties["pushed_version"].string_value = version
            artifact.custom_properties["pushed_destination"].string_value = f"serving/{version}"

    def _put_context_type(self, name: str) -> int:
        type_id: int = self.store.put_context_type(metadata_store_pb2.ContextType(name=name))
        return type_id


def make_findings(*, serves: bool) -> ServingFindings:
    """Makes what the ServingValidator finds."""
    slow = "half of the requests with 1 image to serving_default take up to 2.0 milliseconds; allowed are 1.0"
    return ServingFindings(
        checks=(
            Check(name="loading", passed=True, message="TensorFlow 2.0 alone loads the model"),
            Check(name="latency", passed=serves, message="nearest to its budget: 2.0 milliseconds" if serves else slow),
        ),
        latencies=(
            Latency(signature="serving_default", batch_size=1, requests=40, p50_seconds=0.002, p95_seconds=0.0035),
        ),
        load_seconds=1.5,
        peak_memory_bytes=600 * 2**20,
        tensorflow_version="2.0",
    )


def copy_root(root: RecordedRoot, path: pathlib.Path) -> pathlib.Path:
    """Copies a root, for a test that writes to it."""
    shutil.copytree(root.path, path)
    return path


def open_store(root: pathlib.Path) -> mlmd.MetadataStore:
    """Opens the metadata of a root."""
    return connect(root / "metadata.sqlite", is_read_only=False)


def _make_thresholds(plan: Plan) -> EvaluationConfig:
    return EvaluationConfig(
        min_accuracy=plan.min_accuracy,
        max_accuracy_drop=0.5,
        max_class_accuracy_drop=1.0,
        min_slice_images=1,
        max_mmacs=None,
    )


def _split(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Returns key and name of each "key from name", or twice the same of a bare key."""
    return [(key, name or key) for key, _, name in (each.partition(" from ") for each in keys)]


def _make_event(event_type: int, key: str) -> Event:
    event = Event(type=event_type)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event
