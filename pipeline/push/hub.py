"""`tokenlearner push hub`: takes a pushed version, with its card, to the Hugging Face Hub."""

import dataclasses
import hashlib
import pathlib
from typing import TYPE_CHECKING, Literal

import tyro
from rich.console import Console

from pipeline.config import PROFILES
from pipeline.failures import ExitCode, Failure, UsageFailure

if TYPE_CHECKING:  # the command line starts without it
    from huggingface_hub import HfApi

_CARD_FILE = "README.md"
_SERVED_FILE = "saved_model.pb"  # a folder without it is no version
_STALE = ("assets/*", "lite/*", "variables/*")  # of the version that was there before; other files may be the owner's
_READ_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class HubCommand:
    """Uploads a pushed version, model and card, to the Hugging Face Hub."""

    repo: tyro.conf.Positional[str]  # USER/NAME on the Hub; made there if there is none
    version: int | None = None  # None: the newest
    dry_run: bool = False  # only print what would go, and where to
    private: bool = False  # for no eyes but those that you let in
    profile: Literal["quick", "full"] = "quick"  # whose root holds the versions
    root: pathlib.Path | None = None  # pipeline root; None: the profile's

    def __call__(self) -> ExitCode:
        """Runs it."""
        profile = PROFILES[self.profile]
        config = dataclasses.replace(profile, root=self.root or profile.root)
        address = Address(repo=self.repo, is_private=self.private)
        parcel = pack(config.serving_dir, self.version)
        if self.dry_run:
            show_parcel(parcel, address, Console())
        else:
            upload(parcel, address, Console())
        return ExitCode.OK


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


def pack(serving_dir: pathlib.Path, version: int | None) -> Parcel:
    """Finds a pushed version and hashes its files.

    Args:
        serving_dir: Folder of the versions.
        version: None: the newest.

    Raises:
        UsageFailure: If there is no such version, or if it has no card.
    """
    files = serving_dir.glob(f"*/{_SERVED_FILE}")
    versions = sorted(int(file.parent.name) for file in files if file.parent.name.isdecimal())
    if not versions:
        raise UsageFailure(f"{serving_dir} holds no pushed version yet; `tokenlearner run` pushes one.")
    if version is not None and version not in versions:
        raise UsageFailure(
            f"{serving_dir} holds no pushed version {version}; there are {', '.join(map(str, versions))}."
        )
    chosen = versions[-1] if version is None else version
    folder = serving_dir / str(chosen)
    if not (folder / _CARD_FILE).is_file():
        raise UsageFailure(
            f"version {chosen} in {serving_dir} has no card ({_CARD_FILE}); push one that has, by `tokenlearner run`."
        )
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return Parcel(folder=folder, version=chosen, items=tuple(_describe(path, folder) for path in paths))


def _describe(path: pathlib.Path, folder: pathlib.Path) -> Item:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return Item(path=path.relative_to(folder).as_posix(), size_bytes=path.stat().st_size, sha256=digest.hexdigest())


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
        Failure: If the Hub cannot be reached, or refuses.
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
    except (httpx.HTTPError, OSError) as error:
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
