"""A pipeline root in which the whole DAG runs on a slice of real CIFAR-10, as a person runs it."""

import dataclasses
import pathlib
import subprocess
import sys
from typing import Any

from sample_slice import PROJECT, Copies

from components.metadata.root import Root
from components.metadata.run_record import RunRecord
from pipeline.__main__ import read_command
from pipeline.config import PipelineConfig
from pipeline.definition import create_pipeline
from pipeline.local import run_locally

RESOLVERS = ("Baseline",)  # run always
MIN_ACCURACY = 0.15  # chance is 0.1; 200 test images put its 99 % bound below 0.15
TIMED_REQUESTS = 5


@dataclasses.dataclass(frozen=True)
class Workplace:
    """A pipeline root, and data."""

    root: pathlib.Path
    data: pathlib.Path
    copies: Copies  # images of test that train has, too, as many as may be

    def arguments(self, *arguments: str) -> list[str]:
        """Returns those of a small run; later ones override earlier ones."""
        return [
            *("run", "--root", str(self.root), "--data.tfds-dir", str(self.data)),
            *("--model.dim", "32", "--model.depth", "1", "--model.mlp-dims", "32"),
            *("--search.placements", "0", "--search.token-counts", "4", "--search.reducers", "token_learner"),
            *("--search.controls", "--search.min-epochs", "1", "--search.max-epochs", "1", "--search.finalists", "1"),
            *("--search.backbone-epochs", "1"),
            *(
                "--fit.epochs",
                "12",
                "--fit.passes-per-epoch",
                "1",
                "--fit.batch-size",
                "20",
                "--fit.learning-rate",
                "0.003",
            ),
            *("--evaluation.min-accuracy", str(MIN_ACCURACY), "--evaluation.max-accuracy-drop", "0.5"),
            *("--evaluation.max-class-accuracy-drop", "1"),  # a class has 20 images
            *("--serving.timed-requests", str(TIMED_REQUESTS)),
            *arguments,
        ]

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Starts a run in a group of processes of its own."""
        command = [sys.executable, "-m", "pipeline", *self.arguments(*arguments)]
        return subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the pipeline to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def configure(self, *arguments: str) -> PipelineConfig:
        """Reads the options of a run."""
        config: PipelineConfig = read_command(self.arguments(*arguments)).configuration
        return config

    def run_here(self, *arguments: str) -> Any:
        """Runs the pipeline to its end in this process; returns its RunRecord."""
        run_locally(create_pipeline(self.configure(*arguments)))
        return self.read_run()

    def read_run(self, number: int = -1) -> Any:
        """Returns the RunRecord of a run, the latest by default."""
        root = Root(self.root)
        return RunRecord(root, root.records.run_ids[number])

    def first_output(self, step: str, key: str) -> Any:
        """Returns what a step wrote in the first run that was not killed."""
        return self.read_run(1).find_output(key, step=step)

    def executed(self) -> list[str]:
        """Returns the steps of the latest run that did not come from the cache."""
        return [step.name for step in self.read_run().steps if step.state == "done" and step.name not in RESOLVERS]

    def versions(self) -> list[str]:
        """Returns the pushed versions, oldest first."""
        return sorted(path.name for path in (self.root / "serving" / "tokenlearner").iterdir())
