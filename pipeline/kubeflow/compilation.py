"""Writes the DAG into a file for Kubeflow, and says what differs there."""

import json

from rich.console import Console

from components.errors import BadDataError, DataFailure
from pipeline.beam_options import check_beam_options
from pipeline.config import PipelineConfig
from pipeline.kubeflow.options import SHIPPED_SAMPLE, KubeflowTarget, check_target
from pipeline.prediction.files import write_whole
from pipeline.quiet import start_tensorflow

_DIFFERENCES = (
    "The baseline is the last blessed model, even if that is the candidate; TFX's own strategy looks for it.",
    "`bless` does not work: the Pusher follows the Evaluator and the ServingValidator.",
    "ServingValidator and Pusher never come from the cache: a run again pushes the same model as a new version.",
    "Manifest, model card and report tell nothing of lineage, nor of each step's time and memory.",
)
_UNKNOWN_DATA = "ExampleGen never comes from the cache, since what the dataset holds is not known here."


def compile_pipeline(config: PipelineConfig, target: KubeflowTarget, console: Console) -> None:
    """Compiles the DAG and writes it, whole or not at all.

    Args:
        config: As for a run here, but for its root.
        target: What it is to run on.
        console: Where to say what was written, and what differs from a run here.

    Raises:
        UsageFailure: If the target or the configuration cannot be, or Beam rejects its options.
        DataFailure: If the shipped sample is meant and is not whole.
    """
    check_target(config, target)
    start_tensorflow()
    if target.beam_options:
        check_beam_options(target.beam_options)
    from pipeline.kubeflow.job import make_job  # takes 20 seconds

    try:
        job = make_job(config, target)
    except BadDataError as error:
        raise DataFailure(f"{error}; run this in the project's folder.") from None
    with write_whole(target.output) as aside:
        aside.write_text(json.dumps(job, indent=2, sort_keys=True) + "\n")
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    is_sample = config.data.tfds_dir == SHIPPED_SAMPLE
    differences = (*_DIFFERENCES, *(() if is_sample else (_UNKNOWN_DATA,)))
    _say(console, f"Wrote {target.output}: {len(tasks)} tasks of {config.name} in {target.image}.")
    _say(console, "Unlike with `tokenlearner run`, on the cluster:", *(f"- {each}" for each in differences))


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
