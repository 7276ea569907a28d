"""`tokenlearner push verify`: whether every byte of what was pushed is still as it was."""

import dataclasses

from rich.console import Console

from components.errors import ExitCode
from components.pusher.faults import Fault
from pipeline.push.pushed import PushedVersion


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verification:
    """What a version's bytes say; keys are those of `push verify --json`."""

    version: int
    is_whole: bool
    files: int | None  # that its manifest names; None: the manifest cannot be read, as below
    size_bytes: int | None  # of these
    faults: tuple[Fault, ...]


def describe_verification(pushed: PushedVersion) -> Verification:
    """Counts what was compared."""
    files = pushed.manifest.files.values() if pushed.manifest else None
    return Verification(
        version=pushed.version,
        is_whole=not pushed.faults,
        files=None if files is None else len(files),
        size_bytes=None if files is None else sum(file.size_bytes for file in files),
        faults=pushed.faults,
    )


def show_verifications(console: Console, verifications: list[Verification]) -> None:
    """Says of each version that it is whole, or what is wrong with which file."""
    for each in verifications:
        sentences = [f"{fault.file} {fault.sentence}" for fault in each.faults]
        if each.size_bytes is not None and not sentences:
            sentences = [f"whole, {each.files} files of {each.size_bytes / 1e6:.2f} MB in all"]
        for sentence in sentences:
            console.print(f"Version {each.version}: {sentence}.", markup=False, highlight=False, soft_wrap=True)
    damaged = [str(each.version) for each in verifications if not each.is_whole]
    if damaged:
        advice = "`tokenlearner push rollback VERSION` serves a whole one; a run pushes the newest one anew"
        console.print(f"Damaged: {', '.join(damaged)}; {advice}.", markup=False, highlight=False, soft_wrap=True)


def judge(verifications: list[Verification]) -> ExitCode:
    """Returns what the command returns to the shell."""
    return ExitCode.OK if all(each.is_whole for each in verifications) else ExitCode.BAD_DATA
