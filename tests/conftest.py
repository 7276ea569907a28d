"""Fixtures that tests of all folders share."""

import pathlib

import pytest
from sample_slice import make_slice


@pytest.fixture(scope="session")
def slice_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The slice as it is: 400 train, 100 valid and 200 test images."""
    return make_slice(tmp_path_factory.mktemp("data") / "slice")
