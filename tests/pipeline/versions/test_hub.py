"""`tokenlearner publish hub`: what is uploaded to the Hub, and the messages when nothing can be."""

import hashlib
import pathlib
import socket
from types import SimpleNamespace
from unittest.mock import Mock, create_autospec

import pytest
from commands import Command
from huggingface_hub import HfApi, RepoUrl
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import httpx
from pushes import push, write_model

from components.errors import ExitCode
from pipeline.config import locate_serving_dir


@pytest.fixture
def root_path(tmp_path: pathlib.Path) -> pathlib.Path:
    """A root with the versions 9 and 10."""
    for version in (9, 10):
        push(locate_serving_dir(tmp_path / "root"), write_model(tmp_path / "model"), now=version)
    return tmp_path / "root"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Mock:
    """The Hub's client, and a token for it."""
    api = create_autospec(HfApi, instance=True)
    api.create_repo.return_value = RepoUrl("https://huggingface.co/me/tokens")
    api.repo_info.return_value = SimpleNamespace(private=False)
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: api)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    return api


def test_a_version_is_uploaded_in_one_commit(tokenlearner: Command, root_path: pathlib.Path, api: Mock) -> None:
    for options, version in (((), 10), (("--version", 9), 9)):
        done = tokenlearner("publish", "hub", "me/tokens", *options, "--root", root_path)
        assert done.code == ExitCode.OK, done.err
        assert done.out == f"Version {version}, 3 files of 0.01 MB in all, is on https://huggingface.co/me/tokens.\n"
        api.create_repo.assert_called_with("me/tokens", private=False, exist_ok=True)
        api.upload_folder.assert_called_with(
            repo_id="me/tokens",
            folder_path=locate_serving_dir(root_path) / str(version),
            commit_message=f"Version {version}",
            delete_patterns=["assets/*", "lite/*", "variables/*"],
        )
    assert api.upload_folder.call_count == 2


def test_private_is_never_uploaded_to_a_public_repository(
    tokenlearner: Command, root_path: pathlib.Path, api: Mock
) -> None:
    done = tokenlearner("publish", "hub", "me/tokens", "--private", "--root", root_path)
    assert done.code == ExitCode.USAGE
    assert "me/tokens exists already and is public; make it private" in done.words
    api.upload_folder.assert_not_called()
    api.repo_info.return_value = SimpleNamespace(private=True)
    assert tokenlearner("publish", "hub", "me/tokens", "--private", "--root", root_path).code == ExitCode.OK
    api.create_repo.assert_called_with("me/tokens", private=True, exist_ok=True)


def test_a_rejection_by_the_hub_is_reported(tokenlearner: Command, root_path: pathlib.Path, api: Mock) -> None:
    response = httpx.Response(401, request=httpx.Request("POST", "https://huggingface.co"))
    api.create_repo.side_effect = HfHubHTTPError("401", response=response, server_message="Invalid password.")
    done = tokenlearner("publish", "hub", "me/tokens", "--root", root_path)
    assert done.code == ExitCode.STEP_FAILED
    assert "https://huggingface.co rejects the upload to me/tokens: Invalid password." in done.words


def test_a_hub_that_cannot_be_reached_is_reported(
    tokenlearner: Command, root_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    done = tokenlearner("publish", "hub", "me/tokens", "--root", root_path)
    assert done.code == ExitCode.STEP_FAILED
    assert f"{url} cannot be reached: " in done.words
    assert "refused; try again later, or add --dry-run." in done.words


def test_a_dry_run_lists_the_files_without_token_and_network(
    tokenlearner: Command, root_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket", None)
    done = tokenlearner("publish", "hub", "me/tokens", "--version", 9, "--dry-run", "--private", "--root", root_path)
    assert done.code == ExitCode.OK, done.err
    *items, last = done.out.splitlines()
    version = locate_serving_dir(root_path) / "9"
    contents = {name: (version / name).read_bytes() for name in ("README.md", "manifest.json", "saved_model.pb")}
    expected = [[str(len(each)), hashlib.sha256(each).hexdigest(), name] for name, each in contents.items()]
    assert [line.replace(",", "").split() for line in items][:3] == expected
    assert len(items) == 4
    assert "would go to https://huggingface.co/me/tokens, created as a private repository" in last


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("me/tokens",), ExitCode.USAGE, "you are not logged in to the Hugging Face Hub; run `hf auth login`"),
        (("a/b..c",), ExitCode.USAGE, "'a/b..c' is not a valid repository name"),
        (("a/b/c", "--dry-run"), ExitCode.USAGE, "'a/b/c' is not a valid repository name"),
        (("me/tokens", "--version", 9), ExitCode.BAD_DATA, "version 9 is damaged and is not uploaded: saved_model.pb"),
        (("me/tokens", "--version", 8, "--dry-run"), ExitCode.USAGE, "version 8 has no card (README.md)"),
    ],
)
def test_wrong_usage_and_damage_are_reported_before_anything_is_sent(
    arguments: tuple[object, ...],
    code: ExitCode,
    words: str,
    tokenlearner: Command,
    root_path: pathlib.Path,
    tmp_path: pathlib.Path,
    api: Mock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    (locate_serving_dir(root_path) / "9" / "saved_model.pb").write_bytes(b"?")
    (tmp_path / "model" / "README.md").unlink()
    push(tmp_path / "other" / "versions", tmp_path / "model", now=8)
    (tmp_path / "other" / "versions" / "8").rename(locate_serving_dir(root_path) / "8")
    done = tokenlearner("publish", "hub", *arguments, "--root", root_path)
    assert done.code == code
    assert words in done.words
    assert done.err.count("\n") == 1
    api.create_repo.assert_not_called()
