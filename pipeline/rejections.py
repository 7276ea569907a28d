"""The reasons not to push a model, and the number of models that could not be served."""

import pathlib

from components.artifacts.serving_findings import ServingFindings
from components.artifacts.verdict import Verdict
from components.metadata.records import Records

_INFRA_BLESSING = "InfraBlessing"  # TFX's type


def count_rejections(metadata_path: pathlib.Path) -> int:
    """Counts the rejections of the ServingValidator in ML Metadata.

    Latency and memory depend on the load of the machine, so a rejection must not come from the cache. The number is a
    parameter of the step: after a rejection it changes, the cache key with it, and the next run checks the model again.

    Args:
        metadata_path: The sqlite file of ML Metadata; without one, the count is 0.

    Raises:
        UsageFailure: Another process holds the file, or it may not be read.
        DataFailure: The file is damaged.
    """
    if not metadata_path.is_file() or not metadata_path.stat().st_size:  # a kill right at the start leaves it empty
        return 0
    return sum(
        artifact.type == _INFRA_BLESSING and artifact.custom_properties["blessed"].int_value != 1
        for artifact in Records(metadata_path).artifacts.values()
    )


def is_rejected(serving: ServingFindings | None) -> bool:
    """Whether the ServingValidator rejected a model."""
    return serving is not None and not serving.is_blessed


def describe_rejection(
    verdict: Verdict | None, serving: ServingFindings | None, pusher_reason: str | None, *, is_overridden: bool
) -> str:
    """Describes why a model was not pushed.

    Args:
        verdict: Of the Evaluator.
        serving: Of the ServingValidator; None: it did not run.
        pusher_reason: Reason of the Pusher, a clause; used if neither of the two rejected it.
        is_overridden: Whether a manual blessing overrides the Evaluator.

    Returns:
        Such as ", because not blessed"; empty without a reason.
    """
    reasons = []
    if verdict and not verdict.is_blessed and not (is_overridden and is_rejected(serving)):
        reasons.append("not blessed")
    if is_rejected(serving):
        reasons.append("it failed a serving check")
    if pusher_reason and not reasons:
        reasons.append(pusher_reason)
    return f", because {' and '.join(reasons)}" if reasons else ""
