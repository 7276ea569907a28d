"""The authors' archive on the net: whether it can be reached at all, and how far its download is."""

import collections.abc
import contextlib
import pathlib
import threading

import requests
import rich.progress

from components.errors import DataFailure
from pipeline.dataset.edition import Edition

_TIMEOUTS_SECONDS = (4.0, 8.0)  # to connect, and to the first byte
_PATIENCE_SECONDS = 13.0  # in all: name resolution knows no timeout
_POLL_SECONDS = 0.5


def find_url(edition: Edition) -> str:
    """Says where TFDS downloads the archive from.

    Args:
        edition: Its own download, if it has one, stands in for the one that TFDS knows.

    Returns:
        The URL.
    """
    if edition.download is not None:
        return edition.download.url
    import tensorflow_datasets as tfds  # brings no TensorFlow yet, which would take most of our 20 seconds

    (url,) = tfds.image_classification.Cifar10.url_infos
    return url


def check_reachable(url: str) -> None:
    """Asks for the file once, as TFDS does, but without TFDS's minutes of retries.

    Args:
        url: What TFDS is going to download.

    Raises:
        DataFailure: It cannot be had, which is known within 20 seconds; names the other ways to get the data.
    """
    answers: list[str | None] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(url)), daemon=True)
    asking.start()
    asking.join(_PATIENCE_SECONDS)
    obstacle = answers[0] if answers else f"no answer within {_PATIENCE_SECONDS:.0f} seconds"
    if obstacle:
        raise DataFailure(
            f"TFDS cannot download {url} ({obstacle}); use `--source npm`, which needs the npm registry only, "
            "or `--source archive --path …` with a copy of that file."
        )


def _ask(url: str) -> str | None:
    """Returns what stands in the way, None for nothing."""
    try:
        with requests.get(url, stream=True, timeout=_TIMEOUTS_SECONDS) as response:
            return None if response.ok else f"HTTP status {response.status_code}"
    except requests.Timeout:
        return "no answer in time"
    except requests.ConnectionError as error:
        return "the name does not resolve" if "resol" in str(error) else "the host cannot be reached"
    except Exception as error:
        return str(error)


@contextlib.contextmanager
def show_download(
    folder: pathlib.Path, num_bytes: int, progress: rich.progress.Progress, by: str = "TFDS"
) -> collections.abc.Iterator[None]:
    """Shows how much of a download has arrived, whoever downloads it.

    Args:
        folder: Where the file grows.
        num_bytes: Its size in the end.
        progress: Display for the bar.
        by: Who downloads it.
    """
    task = progress.add_task(f"Downloading with {by}", total=num_bytes)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            progress.update(task, completed=min(_count_bytes(folder), num_bytes))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
        progress.update(task, completed=num_bytes)
    finally:
        done.set()
        watching.join()


def _count_bytes(folder: pathlib.Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # TFDS renames while we look
            total += path.stat().st_size
    return total
