"""What a small run leaves, with a real exported model, its real answers to 200 test images, and real metadata."""

import dataclasses
import json
import pathlib
from typing import Any

import pytest
from recorded_root import Plan, RecordedRoot
from run_folder import write_duplicates, write_model_run, write_verdict_folder
from scored_images import score_split
from tensorflow_metadata.proto.v0 import statistics_pb2

from components import features
from components.artifacts.lite_comparison import COMPARISON_FILE, LiteComparison, Variant, encode_comparison
from components.artifacts.search_outcome import Difference, Finalist, read_search, write_search
from components.artifacts.serving_findings import Check, Latency, ServingFindings, write_findings
from components.artifacts.verdict import Measure
from components.artifacts.winner import read_winner, write_winner
from components.example_gen.splits import copy_shard
from components.model_card.card import write_card
from components.model_card.facts import CardSources, Facts, read_facts
from components.model_card.figures import AttentionPicture, draw_attention_picture
from components.report.environment import Environment
from models.macs import count_macs
from models.vit_config import ViTConfig
from pipeline.config import QUICK

DATA_DIGEST = "da7a" * 16
CODE_DIGESTS = {"Transform": "7f" * 32, "Trainer": "79" * 32, "Evaluator": "6a" * 32}
FIT = dataclasses.replace(QUICK.fit, epochs=7, batch_size=40, learning_rate=0.002, weight_decay=0.07, seed=5)
IMAGES = {"train": 400, "valid": 100, "test": 200}


def _write_examples(slice_dir: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    for split in features.SPLITS:
        (folder / f"Split-{split}").mkdir(parents=True)
    for tfds_split, images in (("train", 500), ("test", 200)):
        [shard] = slice_dir.glob(f"cifar10-{tfds_split}.tfrecord-*")
        copy_shard(str(shard), tfds_split, images, str(folder), 40_000)
    return folder


def _write_statistics(folder: pathlib.Path) -> pathlib.Path:
    for split, images in IMAGES.items():
        statistics = statistics_pb2.DatasetFeatureStatisticsList()
        image = statistics.datasets.add(num_examples=images).features.add(
            type=statistics_pb2.FeatureNameStatistics.STRING
        )
        image.path.step.append("image")
        image.string_stats.avg_length = 2250
        (folder / f"Split-{split}").mkdir(parents=True)
        (folder / f"Split-{split}" / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    return folder


def _write_search(folder: pathlib.Path, network: ViTConfig) -> pathlib.Path:
    write_model_run(folder)
    write_winner(dataclasses.replace(read_winner(folder), network=network, macs=count_macs(network)), folder)
    finalists = tuple(
        Finalist(point=point, macs=macs, valid_accuracies=(accuracy,), valid_images=100)
        for point, macs, accuracy in (("token_learner-4@1", 4_600_000, 0.33), ("no_reducer", 11_900_000, 0.31))
    )
    difference = Difference(point="token_learner-4@1", than="no_reducer", difference=0.02, standard_error=0.0345)
    search = dataclasses.replace(
        read_search(folder), winner="token_learner-4@1", finalists=finalists, winner_differences=(difference,)
    )
    write_search(search, folder)
    return folder


def _write_metadata(root: pathlib.Path) -> pathlib.Path:
    """Records a run, and what its steps were given."""
    recorded = RecordedRoot(root)
    recorded.record(Plan(run_id="2026-01-02T10:00:00.000001"))
    trainer = dataclasses.replace(QUICK, fit=FIT).trainer(code_digest="")
    custom_configs = {
        "Trainer": {"trainer": dataclasses.asdict(trainer), "code_digest": CODE_DIGESTS["Trainer"]},
        "Transform": {"code_digest": CODE_DIGESTS["Transform"]},
    }
    executions = {execution.type.removeprefix("type of "): execution for execution in recorded.store.get_executions()}
    executions["ExampleGen"].custom_properties["source_digest"].string_value = DATA_DIGEST
    executions["Evaluator"].custom_properties["code_digest"].string_value = CODE_DIGESTS["Evaluator"]
    for step, custom_config in custom_configs.items():
        executions[step].custom_properties["custom_config"].string_value = json.dumps(custom_config)
    recorded.store.put_executions(executions.values())
    return root / "metadata.sqlite"


def _write_serving(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir()
    findings = ServingFindings(
        checks=(Check(name="batch_order", passed=True, sentence="a turned batch gets turned answers"),),
        latencies=(
            Latency(signature="serving_default", batch_size=1, requests=200, p50_seconds=0.0042, p95_seconds=0.0078),
            Latency(signature="serving_default", batch_size=32, requests=50, p50_seconds=0.0311, p95_seconds=0.0444),
        ),
        load_seconds=3.25,
        peak_memory_bytes=437 * 2**20,
        tensorflow_version="2.16.2",
    )
    write_findings(findings, folder)
    return folder


def _write_lite(folder: pathlib.Path) -> pathlib.Path:
    def variant(name: Any, file: str | None, lost: float, *, is_pushed: bool) -> Variant:
        return Variant(
            name=name,
            file=file,
            size_bytes=123_904 if file else 1_234_944,
            accuracy=Measure(value=0.4 - lost, low=0.35 - lost, high=0.45 - lost),
            difference=Measure(value=-lost, low=-lost - 0.01, high=-lost + 0.01) if file else None,
            p50_seconds=0.0016,
            p95_seconds=0.0023,
            is_pushed=is_pushed,
            sentence=f"what is to be said of {name}",
        )

    variants = (
        variant("saved_model", None, 0, is_pushed=True),
        variant("float32", "model_float32.tflite", 0.001, is_pushed=True),
        variant("int8", "model_int8.tflite", 0.123, is_pushed=False),
    )
    comparison = LiteComparison(images=200, margin=0.025, variants=variants)
    (folder / COMPARISON_FILE).write_bytes(encode_comparison(comparison))
    return folder


@pytest.fixture(scope="session")
def sources(exported_model: Any, slice_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> CardSources:
    """Everything that a card is written from."""
    folder = tmp_path_factory.mktemp("card_run")
    examples = _write_examples(slice_dir, folder / "examples")
    predictions = score_split(examples / "Split-test", exported_model.saved_model)
    return CardSources(
        examples=examples,
        statistics=_write_statistics(folder / "statistics"),
        duplicates=write_duplicates(folder / "duplicates"),
        model=exported_model.saved_model,
        model_run=_write_search(folder / "model_run", exported_model.config),
        verdict=_write_lite(write_verdict_folder(folder / "verdict", predictions, min_accuracy=0.01)),
        serving=_write_serving(folder / "serving"),
        metadata_path=_write_metadata(folder / "root"),
        environment=Environment(
            command="tokenlearner run --root /home/jane/secret",
            python="3.10.1",
            system="Linux x86_64",
            packages={"tensorflow": "2.16.2"},
            machine="2 cores",
        ),
    )


@pytest.fixture(scope="session")
def facts(sources: CardSources) -> Facts:
    return read_facts(sources)


@pytest.fixture(scope="session")
def attention(sources: CardSources) -> AttentionPicture:
    picture = draw_attention_picture(sources.model, sources.test_split, sources.verdict)
    assert picture is not None
    return picture


@pytest.fixture(scope="session")
def card(facts: Facts, attention: AttentionPicture, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("card")
    write_card(facts, attention, folder)
    return folder


@pytest.fixture(scope="session")
def text(card: pathlib.Path) -> str:
    return (card / "README.md").read_text()
