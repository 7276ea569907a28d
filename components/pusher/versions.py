"""Which versions exist, which number comes next and which may be removed; without TFX and TensorFlow."""

import contextlib
import pathlib
from collections.abc import Iterable, Mapping

from components.pusher.manifest import Manifest, read_manifest

_LARGEST = 2**63 - 1  # TensorFlow Serving's limit


def find_versions(base: pathlib.Path) -> dict[int, pathlib.Path]:
    """Finds what TensorFlow Serving treats as versions: folders named by an integer.

    Args:
        base: The folder that is served; it need not exist.

    Returns:
        Folder by version, oldest first.
    """
    if not base.is_dir():
        return {}
    folders = (path for path in base.iterdir() if path.name.isascii() and path.name.isdecimal() and path.is_dir())
    found = {int(path.name): path for path in folders}
    return {version: found[version] for version in sorted(found) if version <= _LARGEST}


def read_manifests(folders: Mapping[int, pathlib.Path]) -> dict[int, Manifest]:
    """Reads the manifests of versions; a version whose manifest is missing or changed is left out."""
    manifests = {}
    for version, folder in folders.items():
        with contextlib.suppress(OSError, ValueError):
            manifests[version] = read_manifest(folder)
    return manifests


def choose_version(seen: Iterable[int], now: float) -> int:
    """Chooses the next version.

    Args:
        seen: Every version that is known to have been pushed, even if it is gone.
        now: Seconds since 1970.

    Returns:
        The time, or one more than the largest version if that is larger.
    """
    return max(int(now), 1 + max(seen, default=0))


def choose_outdated(manifests: Mapping[int, Manifest], keep: int, baseline_id: int | None) -> list[int]:
    """Chooses the versions to remove.

    Args:
        manifests: By version.
        keep: How many of the newest stay, at least 1.
        baseline_id: Id of the last other blessed model; its newest version stays, too.

    Returns:
        Versions, oldest first.
    """
    newest = sorted(manifests, reverse=True)
    spared = choose_newest_holder(manifests, baseline_id)
    return sorted(version for version in newest[max(keep, 1) :] if version != spared)


def choose_newest_holder(manifests: Mapping[int, Manifest], model_id: int | None) -> int | None:
    """Returns the newest version of a model; None: there is none."""
    return max((version for version, each in manifests.items() if each.model.artifact_id == model_id), default=None)
