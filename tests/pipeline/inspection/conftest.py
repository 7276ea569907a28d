"""A root with five runs, recorded once."""

import pathlib

import pytest
from commands import Command, Done
from recorded_root import PLANS, RecordedRoot


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RecordedRoot:
    root = RecordedRoot(tmp_path_factory.mktemp("recorded") / "root")
    for plan in PLANS:
        root.record(plan)
    return root


@pytest.fixture
def root(tmp_path: pathlib.Path) -> RecordedRoot:
    """An empty one, to record runs in."""
    return RecordedRoot(tmp_path / "root")


@pytest.fixture
def inspect(tokenlearner: Command, recorded: RecordedRoot) -> Command:
    """Runs `tokenlearner inspect` on the recorded root, or on another one."""

    def call(*arguments: object, root: pathlib.Path = recorded.path) -> Done:
        return tokenlearner("inspect", *arguments, "--root", root)

    return call
