"""`tokenlearner push hub`: takes a pushed version, with its card, to the Hugging Face Hub."""

import dataclasses
import pathlib
from typing import TYPE_CHECKING

from rich.console import Console

from components.errors import DataFailure, Failure, UsageFailure
from components.pusher.faults import hash_file, list_files
from pipeline.push.pushed import PushedVersion

if TYPE_CHECKING:  # the command line starts without it
    from huggingface_hub import HfApi

_CARD_FILE = "README.md"
_STALE = ("assets/*", "lite/*", "variables/*")  # of the version that was there before; other files may be the owner's


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """Where a version goes.

    Raises:
        UsageFailure: If the Hub would not take the name.
    """

    repo: str  # USER/NAME, or NAME with the user of the token
    is_private: bool

    def __post_init__(self) -> None:
        """Rejects what is no name."""
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils import validate_repo_id

        try:
            validate_repo_id(self.repo)
        except HFValidationError:
            raise UsageFailure(
                f"{self.repo!r} is no name for a repository of the Hub; it must be USER/NAME, each of 1 to 96 "
                "letters, digits, '-', '_' and '.', without '--' or '..', and must neither begin nor end with '-' or "
                "'.', nor end with '.git'."
            ) from None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """One file that goes."""

    path: str  # in the repository
    size_bytes: int
    sha256: str  # hexadecimal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parcel:
    """A pushed version, ready to go."""

    folder: pathlib.Path
    version: int
    items: tuple[Item, ...]

    @property
    def summary(self) -> str:
        """How much it is, in words."""
        return f"{len(self.items)} files of {sum(item.size_bytes for item in self.items) / 1e6:.2f} MB in all"


def pack(pushed: PushedVersion) -> Parcel:
    """Lists what of a pushed version goes: everything.

    Args:
        pushed: The version.

    Raises:
        DataFailure: If it is not whole.
        UsageFailure: If it has no card.
    """
    if pushed.faults:
        fault = pushed.faults[0]
        raise DataFailure(
            f"version {pushed.version} is not whole and stays here: {fault.file} {fault.sentence}; "
            "`tokenlearner push verify` tells all of it."
        )
    names = list_files(pushed.folder)
    if _CARD_FILE not in names:
        raise UsageFailure(
            f"version {pushed.version} has no card ({_CARD_FILE}); `tokenlearner run` pushes a version that has one."
        )
    items = tuple(_describe(name, pushed.folder) for name in sorted(names))
    return Parcel(folder=pushed.folder, version=pushed.version, items=items)


def _describe(name: str, folder: pathlib.Path) -> Item:
    record = hash_file(folder / name)
    return Item(path=name, size_bytes=record.size_bytes, sha256=record.sha256)


def show_parcel(parcel: Parcel, address: Address, console: Console) -> None:
    """Prints what would go, and where to; asks neither for a token nor for a network."""
    from huggingface_hub import constants

    for item in parcel.items:
        line = f"{item.size_bytes:>10,}  {item.sha256}  {item.path}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    kind = "private" if address.is_private else "public"
    console.print(
        f"Version {parcel.version}, {parcel.summary}, would go to {constants.ENDPOINT}/{address.repo}, made as a "
        f"{kind} repository if there is none. Nothing was sent.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def upload(parcel: Parcel, address: Address, console: Console) -> None:
    """Makes the repository if there is none, and uploads all files of a version in one commit.

    Args:
        parcel: What goes.
        address: Where to.
        console: Is told where it went.

    Raises:
        UsageFailure: If nobody is logged in, or if what shall be private would be public.
        Failure: If the Hub cannot be reached, or rejects the upload.
    """
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx

    if get_token() is None:
        raise UsageFailure(
            "nobody is logged in to the Hugging Face Hub here; run `hf auth login`, set HF_TOKEN, or add --dry-run."
        )
    try:
        page = _send(HfApi(), parcel, address)
    except HfHubHTTPError as error:
        reason = error.server_message or str(error).splitlines()[0]
        raise Failure(f"{constants.ENDPOINT} takes no upload to {address.repo}: {reason.rstrip('.')}.") from None
    except (httpx.HTTPError, OSError, RuntimeError) as error:  # the last of hf_xet, which carries the files
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise Failure(f"{constants.ENDPOINT} cannot be reached: {reason}; try again later, or add --dry-run.") from None
    console.print(
        f"Version {parcel.version}, {parcel.summary}, is on {page}.", markup=False, highlight=False, soft_wrap=True
    )


def _send(api: "HfApi", parcel: Parcel, address: Address) -> str:
    made = api.create_repo(address.repo, private=address.is_private, exist_ok=True)
    if address.is_private and not api.repo_info(made.repo_id).private:
        raise UsageFailure(f"{made} is there already, and public; make it private, or choose another name.")
    api.upload_folder(
        repo_id=made.repo_id,
        folder_path=parcel.folder,
        commit_message=f"Version {parcel.version}",
        delete_patterns=list(_STALE),
    )
    return str(made)
