"""The outputs of a small run: a real exported model, its predictions for 200 test images, and real metadata."""

import dataclasses
import json
import pathlib
from typing import Any

import pytest
from recorded_root import Plan, RecordedRoot, make_findings
from run_folder import (
    write_duplicates,
    write_examples,
    write_model_run,
    write_statistics,
    write_verdict_folder,
)
from scored_images import score_split

from components.artifacts.search_outcome import Difference, Finalist, read_search, write_search
from components.artifacts.serving_findings import write_findings
from components.artifacts.winner import read_winner, write_winner
from components.image_dataset import CIFAR10
from components.model_card.card import write_card
from components.model_card.facts import CardSources, Facts, read_facts
from components.model_card.figures import AttentionPicture, draw_attention_picture
from components.report.environment import Environment
from models.macs import count_macs
from models.vit_config import ViTConfig
from pipeline.config import QUICK

FIT = dataclasses.replace(
    QUICK.fit, epochs=7, passes_per_epoch=1, batch_size=40, learning_rate=0.002, weight_decay=0.07, seed=5
)


def _write_search(folder: pathlib.Path, network: ViTConfig) -> pathlib.Path:
    write_model_run(folder)
    write_winner(dataclasses.replace(read_winner(folder), network=network, macs=count_macs(network)), folder)
    finalists = tuple(
        Finalist(point=point, macs=macs, valid_accuracies=(accuracy,), valid_images=100)
        for point, macs, accuracy in (("token_learner-4@1", 4_600_000, 0.33), ("no_reducer", 11_900_000, 0.31))
    )
    difference = Difference(point="token_learner-4@1", than="no_reducer", difference=0.02, standard_error=0.0345)
    search = dataclasses.replace(read_search(folder), finalists=finalists, winner_differences=(difference,))
    write_search(search, folder)
    return folder


def _write_metadata(root: pathlib.Path) -> pathlib.Path:
    """Records a run with the parameters of its steps, and with one artifact outside the root."""
    recorded = RecordedRoot(root)
    recorded.record(Plan(run_id="2026-01-02T10:00:00.000001"))
    recorded.artifact("schema").uri = "/home/jane/secret"
    recorded.store.put_artifacts([recorded.artifact("schema")])
    trainer = dataclasses.asdict(dataclasses.replace(QUICK, fit=FIT).trainer(code_digest=""))
    parameters = {
        "ExampleGen": {"source_digest": "da7a" * 16},
        "Trainer": {"custom_config": json.dumps({"trainer": trainer, "code_digest": "79" * 32})},
    }
    executions = recorded.store.get_executions()
    for execution in executions:
        for name, value in parameters.get(execution.type.removeprefix("type of "), {}).items():
            execution.custom_properties[name].string_value = value
    recorded.store.put_executions(executions)
    return root / "metadata.sqlite"


@pytest.fixture(scope="session")
def sources(exported_model: Any, slice_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> CardSources:
    """The sources of a card with all sections."""
    folder = tmp_path_factory.mktemp("card_run")
    examples = write_examples(slice_dir, folder / "examples")
    predictions = score_split(examples / "Split-test", exported_model.saved_model)
    (folder / "serving").mkdir()
    write_findings(make_findings(serves=True), folder / "serving")
    return CardSources(
        examples=examples,
        statistics=write_statistics(folder / "statistics"),
        duplicates=write_duplicates(folder / "duplicates"),
        model=exported_model.saved_model,
        model_run=_write_search(folder / "model_run", exported_model.config),
        verdict=write_verdict_folder(folder / "verdict", predictions, min_accuracy=0.01),
        serving=folder / "serving",
        metadata_path=_write_metadata(folder / "root"),
        environment=Environment(
            command="tokenlearner run --root /home/jane",
            python="3.10.1",
            system="Linux x86_64",
            packages={"tensorflow": "2.16.2"},
        ),
    )


@pytest.fixture(scope="session")
def facts(sources: CardSources) -> Facts:
    return read_facts(sources)


@pytest.fixture(scope="session")
def attention(sources: CardSources) -> AttentionPicture:
    picture = draw_attention_picture(sources.model, sources.test_split, sources.verdict, CIFAR10.class_names)
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
