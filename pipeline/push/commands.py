"""The command line `tokenlearner push`; no logic."""

import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from components.errors import ExitCode, UsageFailure
from pipeline.config import PROFILES


@dataclasses.dataclass(frozen=True, kw_only=True)
class _RootCommand:
    """Whose versions."""

    profile: Literal["quick", "full"] = "quick"  # whose root holds the versions
    root: pathlib.Path | None = None  # pipeline root; None: the profile's

    @property
    def root_path(self) -> pathlib.Path:
        """The pipeline root."""
        return self.root or PROFILES[self.profile].root


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerifyCommand(_RootCommand):
    """Reads every byte of a version, or of all, and names each file that was changed, added or removed."""

    version: tyro.conf.Positional[str] = "all"  # a version, or all
    json: bool = False  # JSON for programs, instead of sentences

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.push.pushed import read_versions, select_version
        from pipeline.push.verification import describe_verification, judge, show_verifications

        if self.version != "all" and not self.version.isdecimal():
            raise UsageFailure(f"version is {self.version}; it must be a number, see `push list`, or all.")
        versions = read_versions(self.root_path)
        chosen = versions if self.version == "all" else [select_version(versions, int(self.version))]
        verifications = [describe_verification(each) for each in chosen]
        _show(verifications, show_verifications, is_json=self.json)
        return judge(verifications)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListCommand(_RootCommand):
    """All versions: run, time, model, which one is served, which one is the baseline, and whether each is whole."""

    json: bool = False  # JSON for programs, instead of a table

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.push.listing import describe_versions, show_versions
        from pipeline.push.pushed import read_versions

        versions = read_versions(self.root_path)
        _show(describe_versions(versions), show_versions, is_json=self.json)
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class RollbackCommand(_RootCommand):
    """Serves an older version again, as a copy under a new number; the model it replaces is not pushed again."""

    version: tyro.conf.Positional[int]  # that is to come back, see `push list`
    reason: str | None = None  # recorded with your login name and the time, and shown by `inspect`

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.push.rollback import roll_back

        roll_back(self.root_path, self.version, self.reason, Console())
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class HubCommand(_RootCommand):
    """Uploads a version, model and card, to the Hugging Face Hub."""

    repo: tyro.conf.Positional[str]  # USER/NAME on the Hub; made there if there is none
    version: int | None = None  # see `push list`; None: the one that is served
    dry_run: bool = False  # only print what would go, and where to
    private: bool = False  # for no eyes but those that you let in

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.push.hub import Address, pack, show_parcel, upload
        from pipeline.push.pushed import read_versions, select_version

        address = Address(repo=self.repo, is_private=self.private)
        versions = read_versions(self.root_path)
        parcel = pack(versions[-1] if self.version is None else select_version(versions, self.version))
        (show_parcel if self.dry_run else upload)(parcel, address, Console())
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushCommand:
    """Looks after what was pushed, and takes it to the Hub; a `run` pushes."""

    command: tyro.conf.OmitSubcommandPrefixes[
        Annotated[VerifyCommand, tyro.conf.subcommand("verify")]
        | Annotated[ListCommand, tyro.conf.subcommand("list")]
        | Annotated[RollbackCommand, tyro.conf.subcommand("rollback")]
        | Annotated[HubCommand, tyro.conf.subcommand("hub")]
    ]

    def __call__(self) -> ExitCode:
        """Runs it."""
        return self.command()


def _show(facts: list[Any], show: Callable[[Console, Any], None], *, is_json: bool) -> None:
    if is_json:
        sys.stdout.write(json.dumps(facts, indent=2, default=dataclasses.asdict) + "\n")
    else:
        show(Console(), facts)
