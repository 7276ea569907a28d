"""Why a model was not pushed, and how often one was found not to serve."""

import pathlib

from components.evaluator.verdict import Verdict
from components.serving_validator.findings import ServingFindings
from pipeline.records import Records

_INFRA_BLESSING = "InfraBlessing"  # TFX's type


def count_refusals(metadata_path: pathlib.Path) -> int:
    """Counts the blessings that ML Metadata holds as withheld, by the ServingValidator or by TFX's InfraValidator.

    Latency and memory depend on what else a machine does, so a refusal must not come from the cache: this number is a
    parameter of the steps that refuse, and the next run asks the model anew. As long as nothing was refused in between,
    it stays the same, and so do their cache keys.

    Args:
        metadata_path: The sqlite file of ML Metadata; there need not be one.

    Returns:
        Their number; 0 before the first run.

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


def is_refused(serving: ServingFindings | None) -> bool:
    """Tells whether a model was asked to serve and failed."""
    return serving is not None and not serving.is_blessed


def describe_refusal(
    verdict: Verdict | None, serving: ServingFindings | None, withheld: str | None, *, is_overridden: bool
) -> str:
    """Says on whose account a model was not pushed.

    Args:
        verdict: Of the Gate.
        serving: Of the ServingValidator; None: it was not asked.
        withheld: Why the Pusher left it, a clause; tells if neither of the two refused it.
        is_overridden: Whether it was blessed by hand against the Gate.

    Returns:
        Such as ", because not blessed"; empty if nobody refused it.
    """
    reasons = []
    if verdict and not verdict.is_blessed and not (is_overridden and is_refused(serving)):
        reasons.append("not blessed")
    if is_refused(serving):
        reasons.append("it does not serve as it must")
    if withheld and not reasons:
        reasons.append(withheld)
    return f", because {' and '.join(reasons)}" if reasons else ""
