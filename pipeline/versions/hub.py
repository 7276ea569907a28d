"""`tokenlearner publish hub`: uploads a pushed version, with its card, to the Hugging Face Hub."""

from rich.console import Console

from components.errors import DataFailure, Failure, UsageFailure
from components.pusher.integrity import hash_file
from components.pusher.manifest import MANIFEST_FILE, Manifest
from pipeline.versions.pushed import PushedVersion

_CARD_FILE = "README.md"
_STALE = ["assets/*", "lite/*", "variables/*"]  # of an earlier version; other files may be the owner's


def show_upload(pushed: PushedVersion, repo: str, console: Console, *, is_private: bool) -> None:
    """Prints what `upload` would upload, and where; needs neither a token nor a network.

    Raises:
        As `upload`, but for those of the Hub.
    """
    from huggingface_hub import constants

    manifest = _check(pushed, repo)
    for name, file in sorted({**manifest.files, MANIFEST_FILE: hash_file(pushed.folder / MANIFEST_FILE)}.items()):
        console.out(f"{file.size_bytes:>10,}  {file.sha256}  {name}", highlight=False)
    kind = "private" if is_private else "public"
    console.out(
        f"Version {pushed.version}, {manifest.size}, would go to {constants.ENDPOINT}/{repo}, created as a {kind} "
        "repository if there is none. Nothing was sent.",
        highlight=False,
    )


def upload(pushed: PushedVersion, repo: str, console: Console, *, is_private: bool) -> None:
    """Creates the repository if there is none, and uploads all files of a version in one commit.

    Args:
        pushed: The version.
        repo: USER/NAME on the Hub, or NAME with the user of the token.
        console: Where to print the result.
        is_private: Create a private repository, and never upload to a public one.

    Raises:
        UsageFailure: If the name is invalid, the version has no card, nobody is logged in, or the repository is public
            but should be private.
        DataFailure: If the version is damaged.
        Failure: If the Hub cannot be reached, or rejects the upload.
    """
    from huggingface_hub import constants, get_token
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx

    manifest = _check(pushed, repo)
    if get_token() is None:
        raise UsageFailure(
            "you are not logged in to the Hugging Face Hub; run `hf auth login`, set HF_TOKEN, or add --dry-run."
        )
    try:
        page = _send(pushed, repo, is_private=is_private)
    except HfHubHTTPError as error:
        reason = error.server_message or str(error).splitlines()[0]
        raise Failure(f"{constants.ENDPOINT} rejects the upload to {repo}: {reason.rstrip('.')}.") from None
    except (httpx.HTTPError, OSError, RuntimeError) as error:  # the last from hf_xet, which transfers the files
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise Failure(f"{constants.ENDPOINT} cannot be reached: {reason}; try again later, or add --dry-run.") from None
    console.out(f"Version {pushed.version}, {manifest.size}, is on {page}.", highlight=False)


def _check(pushed: PushedVersion, repo: str) -> Manifest:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UsageFailure(f"{repo!r} is not a valid repository name: {error}") from None
    if pushed.integrity_errors or not pushed.manifest:
        raise DataFailure(
            f"version {pushed.version} is damaged and is not uploaded: {pushed.integrity_errors[0]}; "
            "`tokenlearner versions verify` lists all errors."
        )
    if _CARD_FILE not in pushed.manifest.files:
        raise UsageFailure(
            f"version {pushed.version} has no card ({_CARD_FILE}); `tokenlearner run` pushes a version that has one."
        )
    return pushed.manifest


def _send(pushed: PushedVersion, repo: str, *, is_private: bool) -> str:
    from huggingface_hub import HfApi

    api = HfApi()
    made = api.create_repo(repo, private=is_private, exist_ok=True)
    if is_private and not api.repo_info(made.repo_id).private:
        raise UsageFailure(f"{made} exists already and is public; make it private, or choose another name.")
    api.upload_folder(
        repo_id=made.repo_id,
        folder_path=pushed.folder,
        commit_message=f"Version {pushed.version}",
        delete_patterns=_STALE,
    )
    return str(made)
