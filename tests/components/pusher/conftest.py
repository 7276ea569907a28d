"""A served folder and a model to push."""

import pathlib

import pytest
from pushes import write_model


@pytest.fixture
def model(tmp_path: pathlib.Path) -> pathlib.Path:
    return write_model(tmp_path / "model")


@pytest.fixture
def base(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "serving" / "tokenlearner"
