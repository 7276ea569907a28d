"""The commands `tokenlearner versions …` and `tokenlearner publish`."""

import dataclasses
import json
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from components.errors import ExitCode, UsageFailure
from pipeline.cli.profile import ProfileCommand


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerifyCommand(ProfileCommand):
    """Reads every byte of a version, or of all, and names each file that was changed, added or removed."""

    version: tyro.conf.Positional[str] = "all"  # a version, or all
    json: bool = False  # JSON for programs, instead of text

    def __call__(self) -> ExitCode:
        from pipeline.versions.listing import describe_verification, show_verification
        from pipeline.versions.pushed import read_versions, select_version

        if self.version != "all" and not self.version.isdecimal():
            raise UsageFailure(f"version is {self.version}; it must be a number, see `versions list`, or all.")
        versions = read_versions(self.root_path)
        if self.version != "all":
            versions = [select_version(versions, int(self.version))]
        _show(versions, describe_verification, show_verification, is_json=self.json)
        return ExitCode.OK if all(each.is_whole for each in versions) else ExitCode.BAD_DATA


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListCommand(ProfileCommand):
    """All versions: run, time, model, which one is served, which one is the baseline, and whether each is intact."""

    json: bool = False  # JSON for programs, instead of a table

    def __call__(self) -> ExitCode:
        from pipeline.versions.listing import describe_version, show_versions
        from pipeline.versions.pushed import read_versions

        _show(read_versions(self.root_path), describe_version, show_versions, is_json=self.json)
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class RollbackCommand(ProfileCommand):
    """Serves an older version again, as a copy under a new number; the model it replaces is not pushed again."""

    version: tyro.conf.Positional[int]  # to serve again, see `versions list`
    reason: str | None = None  # recorded with your login name and the time, and shown by `inspect`

    def __call__(self) -> ExitCode:
        from pipeline.versions.rollback import roll_back

        roll_back(self.root_path, self.version, self.reason, Console())
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class PublishCommand(ProfileCommand):
    """Uploads a version, model and card, to the Hugging Face Hub."""

    target: tyro.conf.Positional[Annotated[Literal["hub"], tyro.conf.arg(metavar="hub")]]
    repo: tyro.conf.Positional[str]  # USER/NAME on the Hub; created if there is none
    version: int | None = None  # see `versions list`; None: the one that is served
    dry_run: bool = False  # only print what would be uploaded, and where
    private: bool = False  # create a private repository; never upload to a public one

    def __call__(self) -> ExitCode:
        from pipeline.versions.hub import show_upload, upload
        from pipeline.versions.pushed import read_versions, select_version

        versions = read_versions(self.root_path)
        chosen = versions[-1] if self.version is None else select_version(versions, self.version)
        (show_upload if self.dry_run else upload)(chosen, self.repo, Console(), is_private=self.private)
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class VersionsCommand:
    """Lists, verifies and rolls back pushed versions; a `run` pushes."""

    command: tyro.conf.OmitSubcommandPrefixes[
        Annotated[VerifyCommand, tyro.conf.subcommand("verify")]
        | Annotated[ListCommand, tyro.conf.subcommand("list")]
        | Annotated[RollbackCommand, tyro.conf.subcommand("rollback")]
    ]

    def __call__(self) -> ExitCode:
        return self.command()


def _show(
    versions: list[Any], describe: Callable[[Any], Any], show: Callable[[Console, list[Any]], None], *, is_json: bool
) -> None:
    if is_json:
        facts = [describe(each) for each in versions]
        sys.stdout.write(json.dumps(facts, indent=2, default=dataclasses.asdict) + "\n")
    else:
        show(Console(), versions)
