"""Versions as numbers: which there are, which comes next and which may go; without TFX and TensorFlow."""

import pathlib
from collections.abc import Iterable, Mapping

from components.pusher.manifest import Manifest

LARGEST = 2**63 - 1  # what TensorFlow Serving can count to


def find_versions(base: pathlib.Path) -> dict[int, pathlib.Path]:
    """Finds what TensorFlow Serving takes for versions: folders named by an integer.

    Args:
        base: The folder that is served; it need not exist.

    Returns:
        Folder by version, oldest first.
    """
    if not base.is_dir():
        return {}
    folders = (path for path in base.iterdir() if path.name.isascii() and path.name.isdecimal() and path.is_dir())
    found = {int(path.name): path for path in folders}
    return {version: found[version] for version in sorted(found) if version <= LARGEST}


def choose_version(seen: Iterable[int], now: float) -> int:
    """Chooses the next version.

    Args:
        seen: Every version that is known to have been pushed, whether it is still there or not.
        now: Seconds since 1970; a clock that went backwards does no harm.

    Returns:
        The time, or the next integer where a version is already as large.

    Raises:
        OverflowError: There is no larger one.
    """
    version = max(int(now), 1 + max(seen, default=0))
    if version > LARGEST:
        raise OverflowError(f"there is no version after {LARGEST}")
    return version


def choose_outdated(manifests: Mapping[int, Manifest], keep: int, baseline_id: int | None) -> list[int]:
    """Chooses the versions that may go.

    Args:
        manifests: Of the versions that are ours.
        keep: How many of the newest stay, at least 1.
        baseline_id: ML Metadata's artifact of the last blessed model; the newest version that holds it stays, too.

    Returns:
        Versions, oldest first.
    """
    newest = sorted(manifests, reverse=True)
    spared = choose_newest_holder(manifests, baseline_id)
    return sorted(version for version in newest[max(keep, 1) :] if version != spared)


def choose_newest_holder(manifests: Mapping[int, Manifest], model_id: int | None) -> int | None:
    """Returns the newest version that holds a model; None: there is none."""
    return max((version for version, each in manifests.items() if each.model.artifact_id == model_id), default=None)
