"""A root with five runs, recorded once."""

import pathlib

import pytest
from recorded_root import PLANS, RecordedRoot


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RecordedRoot:
    root = RecordedRoot(tmp_path_factory.mktemp("recorded") / "root")
    for plan in PLANS:
        root.record(plan)
    return root


@pytest.fixture(scope="session")
def root_path(recorded: RecordedRoot) -> pathlib.Path:
    """Only to be read."""
    return recorded.path
