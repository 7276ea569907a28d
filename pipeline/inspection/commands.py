"""The command line `tokenlearner inspect`; no logic."""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console

from components.errors import ExitCode
from pipeline.config import PROFILES

if TYPE_CHECKING:  # it takes a second
    from components.metadata.root import Root


@dataclasses.dataclass(frozen=True, kw_only=True)
class _RootCommand:
    """Which runs are looked at, and how they are shown."""

    profile: Literal["quick", "full"] = "quick"  # whose root is looked at
    root: pathlib.Path | None = None  # pipeline root; None: the profile's
    json: bool = False  # JSON for programs, instead of tables

    def open_root(self) -> "Root":
        """Reads the metadata of the root."""
        from components.metadata.root import Root

        root = Root(self.root or PROFILES[self.profile].root)
        if root.is_busy and not root.run_in_progress:
            Console(stderr=True).print("Another run has begun; it has not reached its first step.")
        return root

    def show(self, facts: Any, show: Callable[[Console, Any], None]) -> ExitCode:
        """Shows dataclasses as tables or JSON."""
        if self.json:
            sys.stdout.write(json.dumps(facts, indent=2, default=dataclasses.asdict) + "\n")
        else:
            show(Console(), facts)
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class _RunCommand(_RootCommand):
    """Which run is looked at."""

    run: str | None = None  # the id of a run, or how it begins; None: the latest


@dataclasses.dataclass(frozen=True, kw_only=True)
class OverviewCommand(_RunCommand):
    """One run, by itself `inspect`: steps, data, search, metrics, the verdict rule by rule."""

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.inspection.overview import read_overview, show_overview

        root = self.open_root()
        return self.show(read_overview(root, root.find_run(self.run)), show_overview)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunsCommand(_RootCommand):
    """All runs: winner, compute, accuracy, blessed, pushed."""

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.inspection.runs import read_runs, show_runs

        return self.show(read_runs(self.open_root()), show_runs)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareCommand(_RootCommand):
    """Two runs side by side, their models paired on the same test images."""

    first: tyro.conf.Positional[str]  # the id of a run, or how it begins
    second: tyro.conf.Positional[str]  # the id of another

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.inspection.comparison import read_comparison, show_comparison

        root = self.open_root()
        comparison = read_comparison(root, root.find_run(self.first), root.find_run(self.second))
        return self.show(comparison, show_comparison)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SlicesCommand(_RunCommand):
    """Accuracy by class, brightness and contrast, and the confusion matrix."""

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.inspection.slices import read_slices, show_slices

        root = self.open_root()
        return self.show(read_slices(root, root.find_run(self.run)), show_slices)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrialsCommand(_RunCommand):
    """Every trial of the search."""

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.inspection.trials import read_trials, show_trials

        root = self.open_root()
        return self.show(read_trials(root, root.find_run(self.run)), show_trials)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LineageCommand(_RunCommand):
    """Which data, schema, transform graph and model a pushed version came from."""

    version: str | None = None  # a pushed version; None: the newest, of the run if one is named

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.inspection.lineage import read_lineage, show_lineage

        root = self.open_root()
        run_id = root.find_run(self.run) if self.run else None
        return self.show(read_lineage(root, run_id=run_id, version=self.version), show_lineage)


_VIEWS = {
    "overview": OverviewCommand,
    "runs": RunsCommand,
    "compare": CompareCommand,
    "slices": SlicesCommand,
    "trials": TrialsCommand,
    "lineage": LineageCommand,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class InspectCommand:
    """Shows what runs did and why; reads only, in seconds, also while a run is at work.

    By itself it shows the latest run. `--json` gives each view to programs.
    """

    view: tyro.conf.OmitSubcommandPrefixes[
        Annotated[OverviewCommand, tyro.conf.subcommand("overview")]
        | Annotated[RunsCommand, tyro.conf.subcommand("runs")]
        | Annotated[CompareCommand, tyro.conf.subcommand("compare")]
        | Annotated[SlicesCommand, tyro.conf.subcommand("slices")]
        | Annotated[TrialsCommand, tyro.conf.subcommand("trials")]
        | Annotated[LineageCommand, tyro.conf.subcommand("lineage")]
    ]

    def __call__(self) -> ExitCode:
        """Runs it."""
        return self.view()


def complete_arguments(arguments: list[str]) -> list[str]:
    """Names the view that `inspect` by itself shows."""
    if arguments[:1] != ["inspect"] or {"-h", "--help"} & set(arguments[1:2]):
        return arguments
    return arguments if arguments[1:2] and arguments[1] in _VIEWS else ["inspect", "overview", *arguments[1:]]
