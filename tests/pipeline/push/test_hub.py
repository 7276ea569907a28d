"""`tokenlearner push hub`: what goes to the Hub, and what is said when nothing can go."""

import hashlib
import io
import pathlib
import socket
from collections.abc import Iterator

import pytest
from commands import Command
from fake_hub import TOKEN, FakeHub
from killed_pushes import DRAFT
from rich.console import Console

from components.errors import ExitCode, Failure, UsageFailure
from components.pusher.shelf import open_shelf
from pipeline.config import locate_serving_dir
from pipeline.push import hub
from pipeline.push.pushed import read_versions, select_version

FILES = {"README.md": b"# Card\n", "saved_model.pb": b"\x08\x01", "variables/index": b"abc"}


@pytest.fixture
def root_path(tmp_path: pathlib.Path) -> pathlib.Path:
    """A root with the versions 9 and 10, pushed for real."""
    root_path = tmp_path / "root"
    for version in (9, 10):
        for name, content in FILES.items():
            path = tmp_path / "made" / str(version) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content + b"of %d" % version)
        files = {name: tmp_path / "made" / str(version) / name for name in FILES}
        with open_shelf(locate_serving_dir(root_path)) as shelf:
            shelf.publish(files, DRAFT, (), version)
    return root_path


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Nobody is logged in."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))


@pytest.fixture
def a_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """One that knows the token that is set."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with FakeHub() as fake:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", fake.url)
        yield fake


def _pack(root_path: pathlib.Path, version: int = 10) -> hub.Parcel:
    return hub.pack(select_version(read_versions(root_path, None), version))


def _read(root_path: pathlib.Path, version: int) -> dict[str, bytes]:
    folder = locate_serving_dir(root_path) / str(version)
    return {name: (folder / name).read_bytes() for name in ("README.md", "manifest.json", *list(FILES)[1:])}


def _upload(parcel: hub.Parcel, repo: str, *, is_private: bool = False) -> str:
    said = io.StringIO()
    hub.upload(parcel, hub.Address(repo=repo, is_private=is_private), Console(file=said))
    return said.getvalue()


def test_the_newest_version_goes_in_one_commit_with_all_its_files(a_hub: FakeHub, root_path: pathlib.Path) -> None:
    said = _upload(_pack(root_path), "me/tokens")
    assert a_hub.repositories == {"me/tokens": _read(root_path, 10)}
    assert a_hub.messages == ["Version 10"]
    assert not a_hub.private["me/tokens"]
    assert said == f"Version 10, 4 files of 0.00 MB in all, is on {a_hub.url}/me/tokens.\n"


def test_what_an_older_version_left_goes_away_but_not_what_the_owner_added(
    a_hub: FakeHub, root_path: pathlib.Path
) -> None:
    a_hub.repositories["me/tokens"] = {
        "lite/model_int8.tflite": b"of an older model",
        "notes.md": b"mine",
        "saved_model.pb": b"old",
    }
    _upload(_pack(root_path, 9), "me/tokens")
    assert a_hub.repositories["me/tokens"] == {**_read(root_path, 9), "notes.md": b"mine"}


def test_private_is_private_and_never_goes_to_a_public_repository(a_hub: FakeHub, root_path: pathlib.Path) -> None:
    parcel = _pack(root_path)
    _upload(parcel, "me/secret", is_private=True)
    assert a_hub.private["me/secret"]
    a_hub.repositories["me/open"] = {}
    with pytest.raises(UsageFailure, match=r"me/open is there already, and public; make it private"):
        _upload(parcel, "me/open", is_private=True)
    assert a_hub.repositories["me/open"] == {}


def test_a_token_that_the_hub_does_not_know_is_told_in_one_sentence(
    a_hub: FakeHub, root_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(Failure, match=r"takes no upload to me/tokens: .*Invalid username or password") as failure:
        _upload(_pack(root_path), "me/tokens")
    assert failure.value.exit_code == ExitCode.STEP_FAILED
    assert "\n" not in str(failure.value)
    assert "hf_wrong" not in str(failure.value)
    assert a_hub.repositories == {}


def test_without_a_token_nothing_is_asked(root_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub() as fake:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", fake.url)
        with pytest.raises(UsageFailure, match="nobody is logged in to the Hugging Face Hub here; run `hf auth login`"):
            _upload(_pack(root_path), "me/tokens")
        assert fake.repositories == {}


def test_a_hub_that_cannot_be_reached_is_told_in_one_sentence(
    root_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    with pytest.raises(Failure, match=rf"{url} cannot be reached: .*refused; try again later") as failure:
        _upload(_pack(root_path), "me/tokens")
    assert failure.value.exit_code == ExitCode.STEP_FAILED


def test_a_dry_run_lists_what_would_go_without_token_and_network(
    tokenlearner: Command, root_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket", None)
    done = tokenlearner("push", "hub", "me/tokens", "--version", 9, "--dry-run", "--private", "--root", root_path)
    assert done.code == ExitCode.OK, done.err
    *items, last = done.out.splitlines()
    assert [line.replace(",", "").split() for line in items] == [
        [str(len(content)), hashlib.sha256(content).hexdigest(), name] for name, content in _read(root_path, 9).items()
    ]
    assert last == (
        "Version 9, 4 files of 0.00 MB in all, would go to https://huggingface.co/me/tokens, made as a private "
        "repository if there is none. Nothing was sent."
    )


@pytest.mark.parametrize("repo", ["a/b/c", "-a/b", "a/b..c", "a/b.git", "", "a/" + 97 * "b"])
def test_what_is_no_name_is_told_before_anything_else(repo: str) -> None:
    with pytest.raises(UsageFailure, match=r"is no name for a repository of the Hub; it must be USER/NAME"):
        hub.Address(repo=repo, is_private=False)


def test_without_a_version_number_the_served_one_goes(tokenlearner: Command, root_path: pathlib.Path) -> None:
    done = tokenlearner("push", "hub", "me/tokens", "--dry-run", "--root", root_path)
    assert done.out.splitlines()[-1].startswith("Version 10, ")
    done = tokenlearner("push", "hub", "me/tokens", "--version", 11, "--dry-run", "--root", root_path)
    assert done.code == ExitCode.USAGE
    assert "holds no version 11; there are 9, 10." in done.words


def test_a_version_that_is_not_whole_stays_here(tokenlearner: Command, root_path: pathlib.Path) -> None:
    (locate_serving_dir(root_path) / "10" / "saved_model.pb").write_bytes(b"\x08\x02of 10")
    done = tokenlearner("push", "hub", "me/tokens", "--dry-run", "--root", root_path)
    assert done.code == ExitCode.BAD_DATA
    assert "version 10 is not whole and stays here: saved_model.pb was changed" in done.words


def test_a_version_without_a_card_stays_here(tmp_path: pathlib.Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    with open_shelf(locate_serving_dir(tmp_path / "root")) as shelf:
        shelf.publish({"saved_model.pb": tmp_path / "saved_model.pb"}, DRAFT, (), 10)
    with pytest.raises(UsageFailure, match=r"version 10 has no card \(README.md\); `tokenlearner run` pushes"):
        _pack(tmp_path / "root")
