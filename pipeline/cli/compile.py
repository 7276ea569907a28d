"""The command `tokenlearner compile`."""

import dataclasses
from typing import Annotated, Literal

import tyro
from rich.console import Console

from components.errors import ExitCode
from pipeline.beam_options import check_beam_options
from pipeline.cli.config import ConfiguredCommand
from pipeline.kubeflow.options import KubeflowTarget, check_target
from pipeline.quiet import start_tensorflow

_UNKNOWN = KubeflowTarget(image=tyro.MISSING, pipeline_root=tyro.MISSING, output=tyro.MISSING)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompileCommand(ConfiguredCommand):
    """Writes the pipeline to a file for a cluster, offline and without running anything.

    `--beam.NAME VALUE` are Beam's own options, as for `run`.
    """

    target: Annotated[KubeflowTarget, tyro.conf.arg(name="")] = _UNKNOWN
    engine: Literal["kubeflow"] = "kubeflow"  # Kubeflow Pipelines v2, as Vertex AI runs them
    beam_options: tyro.conf.Suppress[tyro.conf.Fixed[tuple[str, ...]]] = ()  # of --beam.…, which tyro does not see

    def __call__(self) -> ExitCode:
        check_target(self.configuration, self.target)
        start_tensorflow()
        check_beam_options(self.beam_options)
        self.configuration.check_dataset()
        from pipeline.kubeflow.job import compile_pipeline  # takes 20 seconds

        compile_pipeline(self.configuration, self.target, self.beam_options, Console())
        return ExitCode.OK
