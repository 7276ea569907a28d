"""`tokenlearner push hub`: what goes to the Hub, and what is said when nothing can go."""

import hashlib
import io
import pathlib
import socket
from collections.abc import Iterator

import pytest
import tyro
from fake_hub import TOKEN, FakeHub
from rich.console import Console

from pipeline.failures import ExitCode, Failure, UsageFailure
from pipeline.push import hub

FILES = {"README.md": b"# Card\n", "manifest.json": b"{}", "saved_model.pb": b"\x08\x01", "variables/index": b"abc"}


@pytest.fixture
def serving_dir(tmp_path: pathlib.Path) -> pathlib.Path:
    """The versions 9 and 10, and what is none."""
    folder = tmp_path / "serving" / "tokenlearner"
    for version in ("9", "10", "incoming"):
        for name, content in FILES.items():
            path = folder / version / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content + version.encode())
    (folder / "11").mkdir()  # no model in it
    return folder


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


def _upload(parcel: hub.Parcel, repo: str, *, is_private: bool = False) -> str:
    said = io.StringIO()
    hub.upload(parcel, hub.Address(repo=repo, is_private=is_private), Console(file=said))
    return said.getvalue()


def test_the_newest_version_goes_in_one_commit_with_all_its_files(a_hub: FakeHub, serving_dir: pathlib.Path) -> None:
    said = _upload(hub.pack(serving_dir, None), "me/tokens")
    assert a_hub.repositories == {"me/tokens": {name: content + b"10" for name, content in FILES.items()}}
    assert a_hub.messages == ["Version 10"]
    assert not a_hub.private["me/tokens"]
    assert said == f"Version 10, 4 files of 0.00 MB in all, is on {a_hub.url}/me/tokens.\n"


def test_what_an_older_version_left_goes_away_but_not_what_the_owner_added(
    a_hub: FakeHub, serving_dir: pathlib.Path
) -> None:
    a_hub.repositories["me/tokens"] = {
        "lite/model_int8.tflite": b"of an older model",
        "notes.md": b"mine",
        "saved_model.pb": b"old",
    }
    _upload(hub.pack(serving_dir, 9), "me/tokens")
    assert set(a_hub.repositories["me/tokens"]) == {*FILES, "notes.md"}
    assert a_hub.repositories["me/tokens"]["saved_model.pb"] == b"\x08\x019"


def test_private_is_private_and_never_goes_to_a_public_repository(a_hub: FakeHub, serving_dir: pathlib.Path) -> None:
    parcel = hub.pack(serving_dir, None)
    _upload(parcel, "me/secret", is_private=True)
    assert a_hub.private["me/secret"]
    a_hub.repositories["me/open"] = {}
    with pytest.raises(UsageFailure, match=r"me/open is there already, and public; make it private"):
        _upload(parcel, "me/open", is_private=True)
    assert a_hub.repositories["me/open"] == {}


def test_a_token_that_the_hub_does_not_know_is_told_in_one_sentence(
    a_hub: FakeHub, serving_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(Failure, match=r"takes no upload to me/tokens: .*Invalid username or password") as failure:
        _upload(hub.pack(serving_dir, None), "me/tokens")
    assert failure.value.exit_code == ExitCode.STEP_FAILED
    assert "\n" not in str(failure.value)
    assert "hf_wrong" not in str(failure.value)
    assert a_hub.repositories == {}


def test_without_a_token_nothing_is_asked(serving_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub() as fake:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", fake.url)
        with pytest.raises(UsageFailure, match="nobody is logged in to the Hugging Face Hub here; run `hf auth login`"):
            _upload(hub.pack(serving_dir, None), "me/tokens")
        assert fake.repositories == {}


def test_a_hub_that_cannot_be_reached_is_told_in_one_sentence(
    serving_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    with pytest.raises(Failure, match=rf"{url} cannot be reached: .*refused; try again later") as failure:
        _upload(hub.pack(serving_dir, None), "me/tokens")
    assert failure.value.exit_code == ExitCode.STEP_FAILED


def _run(*arguments: object) -> ExitCode:
    return tyro.cli(hub.HubCommand, args=[str(argument) for argument in arguments])()


def test_a_dry_run_lists_what_would_go_without_token_and_network(
    serving_dir: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket", None)
    root = serving_dir.parents[1]
    assert _run("me/tokens", "--version", 9, "--dry-run", "--private", "--root", root) == ExitCode.OK
    *items, last = capsys.readouterr().out.splitlines()
    assert [line.split() for line in items] == [
        [str(len(content) + 1), hashlib.sha256(content + b"9").hexdigest(), name] for name, content in FILES.items()
    ]
    assert last == (
        "Version 9, 4 files of 0.00 MB in all, would go to https://huggingface.co/me/tokens, made as a private "
        "repository if there is none. Nothing was sent."
    )


@pytest.mark.parametrize("repo", ["a/b/c", "-a/b", "a/b..c", "a/b.git", "", "a/" + 97 * "b"])
def test_what_is_no_name_is_told_before_anything_else(repo: str) -> None:
    with pytest.raises(UsageFailure, match=r"is no name for a repository of the Hub; it must be USER/NAME"):
        hub.Address(repo=repo, is_private=False)


def test_a_version_without_a_card_stays_here(serving_dir: pathlib.Path) -> None:
    (serving_dir / "10" / "README.md").unlink()
    with pytest.raises(UsageFailure, match=r"version 10 in .* has no card \(README.md\)"):
        hub.pack(serving_dir, None)
    assert hub.pack(serving_dir, 9).version == 9


def test_a_version_that_is_not_there_is_told_with_those_that_are(serving_dir: pathlib.Path) -> None:
    with pytest.raises(UsageFailure, match=r"holds no pushed version 11; there are 9, 10\."):
        hub.pack(serving_dir, 11)
    with pytest.raises(UsageFailure, match=r"holds no pushed version yet"):
        hub.pack(serving_dir / "nowhere", None)
