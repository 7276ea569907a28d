"""The command line `tokenlearner compile`; no logic."""

import dataclasses
import pathlib
from typing import Annotated, Literal

import tyro
from rich.console import Console

from components.errors import ExitCode
from pipeline.config import PipelineConfig
from pipeline.kubeflow.options import KubeflowTarget, TrainerResources


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompileCommand:
    """Writes the pipeline into a file for a cluster; offline, nothing is run.

    `--beam.NAME VALUE` are Beam's own options, as for `run`.
    """

    config: Annotated[PipelineConfig, tyro.conf.arg(name="")]
    profile: Literal["quick", "full"] = "quick"  # whose fields are the defaults
    engine: Literal["kubeflow"] = "kubeflow"  # Kubeflow Pipelines v2, as Vertex AI runs them
    image: str  # built from the Dockerfile, such as europe-docker.pkg.dev/project/repository/tokenlearner:1
    pipeline_root: str  # of all outputs on the cluster: gs://bucket/path, or an absolute path that every step sees
    output: pathlib.Path  # the file, such as pipeline.json
    trainer: TrainerResources = TrainerResources()  # noqa: RUF009 (frozen)
    beam_options: tyro.conf.Suppress[tyro.conf.Fixed[tuple[str, ...]]] = ()  # of --beam.…, which tyro does not see

    def __call__(self) -> ExitCode:
        """Runs it."""
        from pipeline.kubeflow.compilation import compile_pipeline

        target = KubeflowTarget(
            image=self.image,
            pipeline_root=self.pipeline_root,
            output=self.output,
            trainer=self.trainer,
            beam_options=self.beam_options,
        )
        compile_pipeline(self.config, target, Console())
        return ExitCode.OK

    @classmethod
    def of(cls, config: PipelineConfig) -> "CompileCommand":
        """Returns what the command line completes."""
        missing = {"image": tyro.MISSING, "pipeline_root": tyro.MISSING, "output": tyro.MISSING}
        return cls(config=config, **missing)
