"""The facts on a model card, read from a run's artifacts and from ML Metadata."""

import dataclasses
import json
import pathlib
from typing import Any

import pydantic

from components import features
from components.artifacts.duplicates import Duplicates, read_duplicates
from components.artifacts.lite_comparison import LiteComparison, read_comparison
from components.artifacts.search_results import SearchResults, read_search_results
from components.artifacts.serving_findings import ServingFindings, read_findings
from components.artifacts.verdict import Verdict, read_verdict
from components.model_card.weaknesses import Weaknesses, find_weaknesses
from components.report.data_summary import SplitSummary, locate_split, summarize_data
from components.report.environment import Environment
from components.report.provenance import ArtifactRecord, Provenance, read_provenance
from components.trainer.config import TrainerConfig
from components.trainer.training.learning_rate import Cycle, make_cycle
from components.trainer.training.loop import make_optimizer
from models.macs import count_macs
from models.search_space import strip_reducer

_LATER_STEPS = ("ModelCard", "Pusher", "Report")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CardSources:
    """Folders of a run's artifacts; None for whatever is missing."""

    examples: pathlib.Path
    statistics: pathlib.Path
    duplicates: pathlib.Path
    model: pathlib.Path  # the SavedModel
    model_run: pathlib.Path
    verdict: pathlib.Path
    serving: pathlib.Path | None = None  # of the ServingValidator
    metadata_path: pathlib.Path  # the sqlite file of ML Metadata; may be missing
    environment: Environment

    @property
    def test_split(self) -> pathlib.Path:
        """Folder of the test images."""
        return locate_split(self.examples, features.TEST_SPLIT)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """The configuration of the Trainer, and the resulting optimizer of the final fit."""

    config: TrainerConfig
    steps_per_epoch: int  # updates; the last, smaller batch is dropped
    optimizer: dict[str, Any]  # its Keras config without the learning rate
    schedule: Cycle


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about a model; None for whatever was not measured or not recorded."""

    verdict: Verdict
    results: SearchResults
    backbone_macs: int  # of the same network without a token reducer
    splits: list[SplitSummary]
    duplicates: Duplicates
    weaknesses: Weaknesses
    recipe: Recipe | None
    provenance: Provenance | None
    code_digests: dict[str, str]  # SHA-256 of the sources of steps, by step
    environment: Environment
    serving: ServingFindings | None
    lite: LiteComparison | None


def read_facts(sources: CardSources) -> Facts:
    """Reads the facts of one run.

    Raises:
        FileNotFoundError: If an artifact lacks a file; the message names it.
    """
    verdict = read_verdict(sources.verdict)
    results = read_search_results(sources.model_run)
    splits = summarize_data(sources.statistics, None, sources.examples)
    provenance = read_provenance(sources.metadata_path, {}, None, skip=_LATER_STEPS)
    if provenance:
        provenance = dataclasses.replace(provenance, artifacts=tuple(map(_hide_folder, provenance.artifacts)))
    parameters = {step.name: step.parameters for step in provenance.steps} if provenance else {}
    configs = {step: json.loads(given.get("custom_config", "null")) or {} for step, given in parameters.items()}
    code_digests = {step: {**configs[step], **given}.get("code_digest") for step, given in parameters.items()}
    return Facts(
        verdict=verdict,
        results=results,
        backbone_macs=count_macs(strip_reducer(results.winner.network)).total,
        splits=splits,
        duplicates=read_duplicates(sources.duplicates),
        weaknesses=find_weaknesses(verdict.candidate),
        recipe=_make_recipe(configs["Trainer"]["trainer"], splits[0].images) if "Trainer" in configs else None,
        provenance=provenance,
        code_digests={step: digest for step, digest in code_digests.items() if digest},
        environment=sources.environment,
        serving=read_findings(sources.serving) if sources.serving else None,
        lite=read_comparison(sources.verdict),
    )


def _hide_folder(artifact: ArtifactRecord) -> ArtifactRecord:
    """Shortens an absolute folder, which is outside the root, to its name: a public card contains no private paths."""
    folder = pathlib.PurePath(artifact.folder)
    return dataclasses.replace(artifact, folder=folder.name) if folder.is_absolute() else artifact


def _make_recipe(recorded: dict[str, Any], train_images: int) -> Recipe:
    config = pydantic.TypeAdapter(TrainerConfig).validate_python(recorded)
    steps_per_epoch = train_images // config.fit.batch_size
    optimizer = make_optimizer(config.fit).get_config()
    schedule = make_cycle(config.fit, steps_per_epoch * config.fit.epochs)
    return Recipe(config=config, steps_per_epoch=steps_per_epoch, optimizer=optimizer, schedule=schedule)
