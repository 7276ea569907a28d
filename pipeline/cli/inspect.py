"""The commands `tokenlearner inspect …`."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console

from components.errors import ExitCode, UsageFailure
from pipeline.cli.profile import ProfileCommand

if TYPE_CHECKING:  # it takes a second
    from components.metadata.root import Root
    from pipeline.inspection.runs import RunFacts

_SECONDS_BETWEEN_VIEWS = 3

View = tuple[Any, Callable[[Console, Any], None]]  # facts, and the function that shows them


@dataclasses.dataclass(frozen=True, kw_only=True)
class _RootCommand(ProfileCommand):
    """The runs of a pipeline root."""

    json: bool = False  # JSON for programs, instead of tables
    watch: bool = False  # show it again every few seconds until the run in progress ends

    def __call__(self) -> ExitCode:
        """Shows the view as tables or JSON."""
        from components.metadata.root import Root

        if self.json and getattr(self, "csv", False):
            raise UsageFailure("--csv and --json exclude each other; leave out one of them.")
        console = Console()
        while True:
            root = Root(self.root_path)
            if root.is_busy and not root.run_in_progress:
                Console(stderr=True).print("Another run has begun; it has not reached its first step.")
            facts, show = self.read(root)
            if self.watch:
                console.clear()
            if self.json:
                sys.stdout.write(json.dumps(facts, indent=2, default=dataclasses.asdict) + "\n")
            else:
                show(console, facts)
            if not (self.watch and root.is_busy):
                return self.judge(facts)
            time.sleep(_SECONDS_BETWEEN_VIEWS)

    def read(self, root: "Root") -> View:
        """Reads the facts of the view."""
        raise NotImplementedError

    def judge(self, facts: Any) -> ExitCode:  # noqa: ARG002
        """Returns the exit code."""
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class _RunCommand(_RootCommand):
    """One run of a pipeline root."""

    run: str | None = None  # the id of a run, or its beginning; None: the latest


@dataclasses.dataclass(frozen=True, kw_only=True)
class OverviewCommand(_RunCommand):
    """One run, the default: steps, data, search, metrics, the verdict rule by rule."""

    def read(self, root: "Root") -> View:
        from pipeline.inspection.overview import read_overview, show_overview

        return read_overview(root, root.find_run(self.run)), show_overview


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunsCommand(_RootCommand):
    """All runs: winner, compute, accuracy, blessed, pushed; the exit code is 3 if a file of a run is damaged."""

    def read(self, root: "Root") -> View:
        from pipeline.inspection.runs import read_runs, show_runs

        return read_runs(root), show_runs

    def judge(self, facts: "list[RunFacts]") -> ExitCode:
        return ExitCode.BAD_DATA if any(run.damage for run in facts) else ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareCommand(_RootCommand):
    """Two runs side by side, their models paired on the same test images."""

    first: tyro.conf.Positional[str]  # the id of a run, or its beginning
    second: tyro.conf.Positional[str]  # the id of another run

    def read(self, root: "Root") -> View:
        from pipeline.inspection.comparison import read_comparison, show_comparison

        return read_comparison(root, root.find_run(self.first), root.find_run(self.second)), show_comparison


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlicesCommand(_RunCommand):
    """Accuracy by class, brightness and contrast, and the confusion matrix."""

    def read(self, root: "Root") -> View:
        from pipeline.inspection.slices import read_slices, show_slices

        return read_slices(root, root.find_run(self.run)), show_slices


@dataclasses.dataclass(frozen=True, kw_only=True)
class ErrorsCommand(_RunCommand):
    """The test images that the model is most confidently wrong about."""

    csv: bool = False  # CSV for spreadsheets, instead of a table
    count: int = 20  # how many images

    def read(self, root: "Root") -> View:
        from pipeline.inspection.mistakes import read_mistakes, show_mistakes, write_csv

        if self.count < 1:
            raise UsageFailure(f"--count is {self.count}; it must be at least 1.")
        return read_mistakes(root, root.find_run(self.run), self.count), write_csv if self.csv else show_mistakes


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialsCommand(_RunCommand):
    """Every trial of the search."""

    csv: bool = False  # CSV for spreadsheets, instead of a table

    def read(self, root: "Root") -> View:
        from pipeline.inspection.trials import read_trials, show_trials, write_csv

        return read_trials(root, root.find_run(self.run)), write_csv if self.csv else show_trials


@dataclasses.dataclass(frozen=True, kw_only=True)
class LineageCommand(_RunCommand):
    """The data, schema, transform graph and model that a pushed version was made from."""

    version: str | None = None  # a pushed version; None: the newest, of the run if one is named

    def read(self, root: "Root") -> View:
        from pipeline.inspection.lineage import read_lineage, show_lineage

        run_id = root.find_run(self.run) if self.run else None
        return read_lineage(root, run_id=run_id, version=self.version), show_lineage


@dataclasses.dataclass(frozen=True, kw_only=True)
class InspectCommand:
    """Shows what runs did and why; only reads, within seconds, also while a run is in progress.

    Without a view it shows the latest run. Views take --json and --watch, most of them --run; `trials` and `errors`
    also take --csv.
    """

    view: tyro.conf.OmitSubcommandPrefixes[
        Annotated[OverviewCommand, tyro.conf.subcommand("overview")]
        | Annotated[RunsCommand, tyro.conf.subcommand("runs")]
        | Annotated[CompareCommand, tyro.conf.subcommand("compare")]
        | Annotated[SlicesCommand, tyro.conf.subcommand("slices")]
        | Annotated[ErrorsCommand, tyro.conf.subcommand("errors")]
        | Annotated[TrialsCommand, tyro.conf.subcommand("trials")]
        | Annotated[LineageCommand, tyro.conf.subcommand("lineage")]
    ]

    def __call__(self) -> ExitCode:
        return self.view()


def complete_arguments(arguments: list[str]) -> list[str]:
    """Adds the default view of `inspect` if the arguments name none."""
    first = [*arguments[1:2], "-"][0]
    if arguments[:1] == ["inspect"] and first.startswith("-") and first not in ("-h", "--help"):
        return ["inspect", "overview", *arguments[1:]]
    return arguments
