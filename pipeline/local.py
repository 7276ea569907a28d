"""Runs the DAG on this machine; the stock `tfx` CLI takes this file too."""

import components  # noqa: F401 - before TensorFlow

# isort: split
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline

from pipeline.config import QUICK
from pipeline.definition import create_pipeline


def run_locally(pipeline: Pipeline) -> None:
    """Runs all steps, one after the other, in this process."""
    LocalDagRunner().run(pipeline)


if __name__ == "__main__":
    run_locally(create_pipeline(QUICK))
