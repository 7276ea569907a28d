"""Reads ML Metadata: what a run did, what it made, and why its model was (not) blessed."""

import dataclasses
import json
import pathlib

from ml_metadata.proto import metadata_store_pb2

from components.artifacts.winner import Winner, read_winner
from components.data_gate.duplicates import Duplicates, read_duplicates
from components.evaluator.verdict import Verdict, read_verdict
from components.lite_converter.comparison import LiteComparison, read_comparison
from components.pusher.ledger import NOT_PUSHED_BECAUSE
from components.serving_validator.findings import ServingFindings, read_findings
from pipeline.override import Override, find_overrides
from pipeline.records import Records


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One execution of a component."""

    name: str
    state: str  # of ML Metadata: COMPLETE, CACHED, FAILED, RUNNING
    seconds: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the pipeline from ExampleGen to Pusher."""

    run_id: str
    steps: tuple[Step, ...]
    winner: Winner
    search_findings: tuple[str, ...]  # who won and how sure that is, in sentences
    verdict: Verdict
    pushed_version: str | None  # None: not pushed
    override: Override | None = None  # the last blessing of its model by hand
    serving: ServingFindings | None = None  # None: it was not asked to serve
    not_pushed_because: str | None = None  # a clause
    lite: LiteComparison | None = None  # None: a run from before there was a LiteConverter
    duplicates: Duplicates | None = None  # None: a run from before they were looked for


class History:
    """The runs that an sqlite file of ML Metadata holds now; what is written later needs a new History.

    Args:
        metadata_path: The file; it must exist.
    """

    def __init__(self, metadata_path: pathlib.Path) -> None:
        self._records = Records(metadata_path)

    def run_ids(self) -> list[str]:
        """Returns the ids of all runs, oldest first."""
        return self._records.run_ids

    def latest_run_id(self) -> str:
        """Returns the id of the newest run."""
        return self.run_ids()[-1]

    def steps(self, run_id: str) -> list[Step]:
        """Returns the executions of a run, in the order in which they began."""
        return [
            Step(
                name=name,
                state=metadata_store_pb2.Execution.State.Name(execution.last_known_state),
                seconds=(execution.last_update_time_since_epoch - execution.create_time_since_epoch) / 1000,
            )
            for name, execution in self._records.steps(run_id).items()
        ]

    def read_run(self, run_id: str) -> Run:
        """Reads a run that reached the Pusher.

        Args:
            run_id: Of ML Metadata.

        Returns:
            The run.
        """
        [verdict] = self.outputs(run_id, "Gate", "verdict")
        [model_run] = self.outputs(run_id, "Trainer", "model_run")
        [model] = self.outputs(run_id, "Trainer", "model")
        [pushed] = self.outputs(run_id, "Pusher", "pushed_model")
        return Run(
            run_id=run_id,
            steps=tuple(self.steps(run_id)),
            winner=read_winner(pathlib.Path(model_run.uri)),
            search_findings=_read_search_findings(pathlib.Path(model_run.uri)),
            verdict=read_verdict(pathlib.Path(verdict.uri)),
            pushed_version=pushed.custom_properties["pushed_version"].string_value or None,
            override=next(reversed(find_overrides(self._records, model)), None),
            serving=self._read_serving(run_id),
            lite=self._read_lite(run_id),
            duplicates=self._read_duplicates(run_id),
            not_pushed_because=pushed.custom_properties[NOT_PUSHED_BECAUSE].string_value or None,
        )

    def _read_serving(self, run_id: str) -> ServingFindings | None:
        if "ServingValidator" not in self._records.steps(run_id):  # the run is older than that step
            return None
        [blessing] = self.outputs(run_id, "ServingValidator", "blessing")
        return read_findings(pathlib.Path(blessing.uri))

    def _read_lite(self, run_id: str) -> LiteComparison | None:
        if "LiteConverter" not in self._records.steps(run_id):  # the same
            return None
        [lite_models] = self.outputs(run_id, "LiteConverter", "lite_models")
        return read_comparison(pathlib.Path(lite_models.uri))

    def _read_duplicates(self, run_id: str) -> Duplicates | None:
        written = self.outputs(run_id, "DataGate", "duplicates") if "DataGate" in self._records.steps(run_id) else []
        return read_duplicates(pathlib.Path(written[0].uri)) if written else None

    def inputs(self, run_id: str, component: str, key: str) -> list[metadata_store_pb2.Artifact]:
        """Returns what a component of a run read under a key."""
        return self._records.inputs(self._records.steps(run_id)[component], key)

    def outputs(self, run_id: str, component: str, key: str) -> list[metadata_store_pb2.Artifact]:
        """Returns what a component of a run wrote under a key, in this run or in the one that it was cached from."""
        return self._records.outputs(self._records.steps(run_id)[component], key)


def _read_search_findings(model_run: pathlib.Path) -> tuple[str, ...]:
    return tuple(json.loads((model_run / "search.json").read_text())["sentences"])
