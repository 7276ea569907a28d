"""Fixtures that tests of the compiled pipeline share."""

import dataclasses

import pytest
from compiled_job import CompiledJob, compile_job

from pipeline.config import QUICK


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledJob:
    """The profile quick with 5 epochs, for a bucket and a Trainer of some size."""
    config = dataclasses.replace(QUICK, fit=dataclasses.replace(QUICK.fit, epochs=5))
    folder = tmp_path_factory.mktemp("compiled")
    return compile_job(folder, config, cpu=16, memory_gb=64, accelerator="NVIDIA_TESLA_T4", accelerator_count=2)
