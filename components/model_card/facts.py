"""Facts: all that a model card says, read from a run's artifacts and from ML Metadata."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable

from components import features
from components.artifacts.duplicates import Duplicates, read_duplicates
from components.artifacts.lite_comparison import LiteComparison, read_comparison
from components.artifacts.search_results import SearchResults, read_search_results
from components.artifacts.serving_findings import ServingFindings, read_findings
from components.artifacts.verdict import Verdict, read_verdict
from components.model_card.recipe import Recipe, read_recipe
from components.model_card.weaknesses import Weaknesses, find_weaknesses
from components.report.data_summary import SplitSummary, summarize_data
from components.report.environment import Environment
from components.report.provenance import ArtifactRecord, Provenance, StepRecord, read_provenance
from models.macs import Macs, count_macs
from models.vit_config import ViTConfig

_LATER_STEPS = ("ModelCard", "Pusher", "Report")  # a card made anew says what it said at first


@dataclasses.dataclass(frozen=True, kw_only=True)
class CardSources:
    """What a card is written from: folders of a run's artifacts; None for what there is not."""

    examples: pathlib.Path
    statistics: pathlib.Path
    duplicates: pathlib.Path
    model: pathlib.Path  # the SavedModel
    model_run: pathlib.Path
    verdict: pathlib.Path
    serving: pathlib.Path | None = None  # of the ServingValidator
    metadata_path: pathlib.Path | None = None  # the sqlite file of ML Metadata
    environment: Environment

    @property
    def test_split(self) -> pathlib.Path:
        """Folder of the test images."""
        return locate_split(self.examples, features.TEST_SPLIT)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Digest:
    """The SHA-256 of something that the model depends on, as ML Metadata recorded it."""

    of: str  # in words
    value: str  # hexadecimal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """What there is to say about a model; None for what was not measured or not recorded."""

    verdict: Verdict
    results: SearchResults
    network: ViTConfig
    macs: Macs
    splits: tuple[SplitSummary, ...]
    duplicates: Duplicates
    weaknesses: Weaknesses
    recipe: Recipe | None
    provenance: Provenance | None
    digests: tuple[Digest, ...]
    environment: Environment
    serving: ServingFindings | None
    lite: LiteComparison | None

    @property
    def macs_of_backbone(self) -> int:
        """Multiply-accumulates of the same network without a token reducer."""
        backbone = dataclasses.replace(
            self.network,
            token_reducer=None,
            blocks_before_token_learner=None,
            num_tokens=None,
            use_token_fuser=False,
        )
        return count_macs(backbone).total

    @property
    def training_seconds(self) -> float | None:
        """Of the step Trainer: search and final fit; None if not recorded."""
        steps = self.provenance.steps if self.provenance else ()
        return next((step.seconds for step in steps if step.name == "Trainer"), None)


def locate_split(examples: pathlib.Path, split: str) -> pathlib.Path:
    """Returns the folder of a split, named as TFX does."""
    return examples / f"Split-{split}"


def read_facts(sources: CardSources) -> Facts:
    """Reads them.

    Args:
        sources: Of one run.

    Returns:
        The facts.

    Raises:
        FileNotFoundError: If an artifact lacks a file; the message names it.
    """
    verdict = read_verdict(sources.verdict)
    results = read_search_results(sources.model_run)
    splits = summarize_data(sources.statistics, None, sources.examples)
    train_images = next(split.images for split in splits if split.name == features.TRAIN_SPLIT)
    provenance = _read_provenance(sources.metadata_path)
    return Facts(
        verdict=verdict,
        results=results,
        network=results.winner.network,
        macs=results.winner.macs,
        splits=splits,
        duplicates=read_duplicates(sources.duplicates),
        weaknesses=find_weaknesses(verdict.candidate),
        recipe=read_recipe(provenance, train_images) if provenance else None,
        provenance=provenance,
        digests=tuple(_list_digests(provenance.steps)) if provenance else (),
        environment=sources.environment,
        serving=read_findings(sources.serving) if sources.serving else None,
        lite=read_comparison(sources.verdict),
    )


def _read_provenance(path: pathlib.Path | None) -> Provenance | None:
    if path is None or not path.is_file():
        return None
    whole = read_provenance(path, {}, None)
    return dataclasses.replace(
        whole,
        steps=tuple(step for step in whole.steps if step.name not in _LATER_STEPS),
        artifacts=tuple(_shorten(artifact) for artifact in whole.artifacts if artifact.step not in _LATER_STEPS),
    )


def _shorten(artifact: ArtifactRecord) -> ArtifactRecord:
    """Keeps of a folder outside the root no more than what TFX named; where it stands may tell of people."""
    folder = pathlib.PurePath(artifact.folder)
    if not folder.is_absolute():
        return artifact
    named = folder.parts[-3:] if artifact.step in folder.parts[-3:-2] else folder.parts[-1:]  # step, key, execution
    return dataclasses.replace(artifact, folder="/".join(named))


def _list_digests(steps: Iterable[StepRecord]) -> Iterable[Digest]:
    for step in steps:
        if "source_digest" in step.parameters:
            yield Digest(of="records of the TFDS dataset", value=str(step.parameters["source_digest"]))
        own = json.loads(str(step.parameters.get("custom_config") or "null")) or {}
        digest = step.parameters.get("code_digest") or own.get("code_digest")
        if digest:
            yield Digest(of=f"sources of the step {step.name}", value=str(digest))
