"""The facts on a model card, read from a run's artifacts and from ML Metadata."""

import dataclasses
import pathlib

from components import features
from components.artifacts.duplicates import Duplicates, read_duplicates
from components.artifacts.lite_comparison import LiteComparison, read_comparison
from components.artifacts.search_results import SearchResults, read_search_results
from components.artifacts.serving_findings import ServingFindings, read_findings
from components.artifacts.verdict import Verdict, read_verdict
from components.model_card.weaknesses import Weaknesses, find_weaknesses
from components.report.data_summary import SplitSummary, locate_split, summarize_data
from components.report.environment import Environment
from components.report.provenance import Provenance, read_provenance
from components.report.recipe import Recipe, read_recipe
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
    provenance = read_provenance(sources.metadata_path, None, skip=_LATER_STEPS)
    return Facts(
        verdict=verdict,
        results=results,
        backbone_macs=count_macs(strip_reducer(results.winner.network)).total,
        splits=splits,
        duplicates=read_duplicates(sources.duplicates),
        weaknesses=find_weaknesses(verdict.candidate, verdict.task.class_names),
        recipe=read_recipe(provenance, splits[0].images),
        provenance=provenance,
        environment=sources.environment,
        serving=read_findings(sources.serving) if sources.serving else None,
        lite=read_comparison(sources.verdict),
    )
