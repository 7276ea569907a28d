"""The component ServingValidator."""

import pathlib

from tfx.components.util import model_utils
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

from components import features
from components.artifacts.serving_findings import write_findings
from components.saved_model import locate_saved_model
from components.serving_validator import expectation, judge, process, requests
from components.trainer.export import NETWORK_FILE

# As TFX's InfraValidator names them; its module, which has them as private names, also imports docker and kubernetes.
_BLESSED_KEY = "blessed"
_BLESSED_FILE = "INFRA_BLESSED"
_NOT_BLESSED_FILE = "INFRA_NOT_BLESSED"


@component
def ServingValidator(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    transform_graph: InputArtifact[standard_artifacts.TransformGraph],
    blessing: OutputArtifact[standard_artifacts.InfraBlessing],
    records: Parameter[int],
    tolerance: Parameter[float],
    timed_requests: Parameter[int],
    max_batch_1_p50_seconds: Parameter[float],
    max_batch_1_p95_seconds: Parameter[float],
    max_batch_32_p50_seconds: Parameter[float],
    max_batch_32_p95_seconds: Parameter[float],
    max_memory_mib: Parameter[int],
    time_limit_seconds: Parameter[float],
    rejections: Parameter[int],  # noqa: ARG001 (read by the cache)
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
    docker_blessing: InputArtifact[standard_artifacts.InfraBlessing] = None,
) -> None:
    """Lets a fresh process serve the exported model, and withholds the blessing unless that does all it has to.

    Args:
        examples: Records of split test are sent.
        model: The candidate.
        model_run: Of the Trainer; `model.keras` is the candidate's network by itself.
        transform_graph: What that network sees records through.
        blessing: As TFX's InfraValidator writes it, for the Pusher; `serving.json` beside it tells why.
        records: How many are sent.
        tolerance: See `judge.Budgets`, as for the following.
        timed_requests: Of each signature and batch size.
        max_batch_1_p50_seconds: Of a request with one image.
        max_batch_1_p95_seconds: The same.
        max_batch_32_p50_seconds: Of a request with 32 images.
        max_batch_32_p95_seconds: The same.
        max_memory_mib: Of the fresh process.
        time_limit_seconds: After which the fresh process is ended.
        rejections: How many there were before: one that a busy machine was the cause of must not come from the cache.
        code_digest: Of the sources that this step depends on.
        docker_blessing: Of TFX's InfraValidator, if it was asked; withheld, so is this one.
    """
    split = pathlib.Path(artifact_utils.get_split_uri([examples], features.TEST_SPLIT))
    expected = expectation.expect(
        expectation.read_records(split, records),
        pathlib.Path(transform_graph.uri),
        pathlib.Path(model_run.uri) / NETWORK_FILE,
    )
    plan = requests.make_plan(expected.records, expected.pixels, timed_requests)
    budgets = judge.Budgets(
        tolerance=tolerance,
        max_batch_1_p50_seconds=max_batch_1_p50_seconds,
        max_batch_1_p95_seconds=max_batch_1_p95_seconds,
        max_batch_32_p50_seconds=max_batch_32_p50_seconds,
        max_batch_32_p95_seconds=max_batch_32_p95_seconds,
        max_memory_mib=max_memory_mib,
    )
    served = locate_saved_model(model)
    found = judge.judge(
        plan,
        process.ask(served, plan, time_limit_seconds),
        expected.probabilities,
        budgets,
        is_served_by_docker=model_utils.is_infra_validated(docker_blessing) if docker_blessing else None,
    )
    folder = pathlib.Path(blessing.uri)
    folder.mkdir(parents=True, exist_ok=True)
    write_findings(found, folder)
    _bless(blessing, folder, is_blessed=found.is_blessed)


def _bless(blessing: Artifact, folder: pathlib.Path, *, is_blessed: bool) -> None:
    """Writes the property and the file that TFX's InfraValidator writes."""
    blessing.set_int_custom_property(_BLESSED_KEY, int(is_blessed))
    (folder / (_BLESSED_FILE if is_blessed else _NOT_BLESSED_FILE)).touch()
