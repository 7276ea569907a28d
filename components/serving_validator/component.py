"""The component ServingValidator."""

import json
import pathlib

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from components import features
from components.artifacts.serving_findings import write_findings
from components.saved_model import locate_saved_model
from components.serving_validator.config import ServingConfig
from components.serving_validator.expectation import predict_records
from components.serving_validator.judge import judge
from components.serving_validator.process import serve
from components.serving_validator.requests import make_plan
from components.trainer.export import NETWORK_FILE


@component
def ServingValidator(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    model_run: InputArtifact[standard_artifacts.ModelRun],
    transform_graph: InputArtifact[standard_artifacts.TransformGraph],
    blessing: OutputArtifact[standard_artifacts.InfraBlessing],
    config: Parameter[str],
    rejections: Parameter[int],  # noqa: ARG001 (read by the cache)
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
) -> None:
    """Serves the exported model in a fresh process, and blesses it if it passes all checks.

    Args:
        examples: Records of the test split are sent.
        model: The candidate.
        model_run: Output of the Trainer with the candidate's network, `model.keras`.
        transform_graph: Prepares the records for that network.
        blessing: As TFX's InfraValidator writes it, for the Pusher; beside it `serving.json` holds the findings.
        config: A `ServingConfig` as JSON.
        rejections: Number of earlier rejections: one that a busy machine caused must not come from the cache.
        code_digest: Of the sources that this step depends on.
    """
    serving = ServingConfig(**json.loads(config))
    expected = predict_records(
        pathlib.Path(artifact_utils.get_split_uri([examples], features.TEST_SPLIT)),
        serving.records,
        pathlib.Path(transform_graph.uri),
        pathlib.Path(model_run.uri) / NETWORK_FILE,
    )
    plan = make_plan(expected.records, expected.pixels, serving.timed_requests)
    findings = judge(
        plan,
        serve(locate_saved_model(model), plan, serving.time_limit_seconds),
        expected.probabilities,
        serving,
    )
    folder = pathlib.Path(blessing.uri)
    folder.mkdir(parents=True, exist_ok=True)
    write_findings(findings, folder)
    # As TFX's InfraValidator does; its module, where these names are private, also imports docker and kubernetes.
    blessing.set_int_custom_property("blessed", int(findings.is_blessed))
    (folder / ("INFRA_BLESSED" if findings.is_blessed else "INFRA_NOT_BLESSED")).touch()
