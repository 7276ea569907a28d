"""Processes that push and are killed at random moments, and one that looks all the time, as a server does.

They import little, so that they start fast.
"""

import dataclasses
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

from components.artifacts.verdict import Measure
from components.pusher.faults import find_faults, list_files
from components.pusher.manifest import Manifest, Metrics, ModelRecord
from components.pusher.shelf import locate_workshop, open_shelf
from components.pusher.versions import find_versions

_KEEP_VERSIONS = 3
_MOST_SECONDS_BEFORE_KILL = 0.2  # after the first push began; a push takes a quarter of it or so
_MEASURE = Measure(value=0.5, low=0.4, high=0.6)
DRAFT = Manifest(
    version=0,
    run_id=None,
    pushed_at="",
    model=ModelRecord(artifact_id=1, folder="1", point="no_reducer", macs=1, parameters=1),
    data_digest=None,
    code_digests={},
    metrics=Metrics(
        images=10,
        accuracy=_MEASURE,
        top_5_accuracy=_MEASURE,
        cross_entropy=_MEASURE,
        expected_calibration_error=_MEASURE,
    ),
    signatures={},
    files={},
)


@dataclasses.dataclass(kw_only=True)
class Seen:
    """What a reader saw."""

    polls: int = 0
    versions: set[int] = dataclasses.field(default_factory=set)
    partial: list[str] = dataclasses.field(default_factory=list)  # in words
    backward: list[int] = dataclasses.field(default_factory=list)  # versions that came after a larger one

    def look(self, base: pathlib.Path) -> None:
        """Reads every byte of all versions that are listed."""
        self.polls += 1
        strangers = [path.name for path in base.iterdir() if not path.name.isdecimal()] if base.is_dir() else []
        self.partial += [f"{name} is no version" for name in strangers]
        for version, folder in find_versions(base).items():
            faults = find_faults(folder)
            if faults and folder.exists():  # else it was removed, as old ones are, while it was read
                self.partial.append(f"{version}: {faults[0].file} {faults[0].sentence}")
            if version not in self.versions and version < max(self.versions, default=0):
                self.backward.append(version)
            self.versions.add(version)


def push_for_ever(base: pathlib.Path, model: pathlib.Path) -> None:
    """Pushes one version after the other; meant for a process that is killed."""
    files = {name: model / name for name in list_files(model)}
    print("begin", flush=True)
    while True:
        with open_shelf(base) as shelf:
            shelf.publish(files, DRAFT, (), time.time())
            shelf.remove_outdated(_KEEP_VERSIONS, None)


def watch(base: pathlib.Path) -> None:
    """Looks until it is terminated, then prints what it saw."""
    seen, stops = Seen(), []
    signal.signal(signal.SIGTERM, lambda *_: stops.append(True))
    while not stops:
        seen.look(base)
    print(json.dumps({**dataclasses.asdict(seen), "versions": sorted(seen.versions)}))


def push_and_kill(base: pathlib.Path, model: pathlib.Path, kills: int) -> tuple[int, Seen]:
    """Starts pushes and kills them at random moments, then makes a last one in peace.

    Args:
        base: The folder that is served.
        model: A SavedModel.
        kills: How many.

    Returns:
        How many folders are left aside at the end, and what a reader saw meanwhile.
    """
    draw = random.Random(1)
    reader = subprocess.Popen(_command("--watch", base), stdout=subprocess.PIPE, text=True, env=_environment())
    for _ in range(kills):
        _push_until_killed(base, model, draw.uniform(0, _MOST_SECONDS_BEFORE_KILL))
    with open_shelf(base) as shelf:
        shelf.publish({name: model / name for name in list_files(model)}, DRAFT, (), time.time())
    reader.terminate()
    output, _ = reader.communicate()
    found = json.loads(output)
    return _count_leftovers(base), Seen(**{**found, "versions": set(found["versions"])})


def _push_until_killed(base: pathlib.Path, model: pathlib.Path, seconds: float) -> None:
    command = _command("--push", base, model)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "begin\n"
        time.sleep(seconds)
        child.kill()


def _count_leftovers(base: pathlib.Path) -> int:
    workshop = locate_workshop(base)
    return sum(
        len(list((workshop / name).iterdir())) for name in ("incoming", "outgoing") if (workshop / name).is_dir()
    )


def _command(role: str, *folders: pathlib.Path) -> list[str]:
    return [sys.executable, "-m", pathlib.Path(__file__).stem, role, *map(str, folders)]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--push", base_path, model_path]:
            push_for_ever(pathlib.Path(base_path), pathlib.Path(model_path))
        case ["--watch", base_path]:
            watch(pathlib.Path(base_path))
