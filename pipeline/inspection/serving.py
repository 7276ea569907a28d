"""Whether the model of a run serves, check by check, and how fast."""

from rich.console import Console

from components.artifacts.serving_findings import ServingFindings
from pipeline.inspection.layout import print_table


def show_serving(console: Console, findings: ServingFindings) -> None:
    """Shows what the ServingValidator found."""
    checks = [
        (check.name.replace("_", " "), "passed" if check.passed else "missed", check.sentence)
        for check in findings.checks
    ]
    columns = ("check", "outcome", "in words")
    title = "Serving: " + ("blessed" if findings.is_blessed else "not blessed")
    print_table(console, columns, checks, words=columns, title=title)
    timings = [
        (
            latency.signature,
            str(latency.batch_size),
            str(latency.requests),
            f"{1000 * latency.p50_seconds:,.1f}",
            f"{1000 * latency.p95_seconds:,.1f}",
        )
        for latency in findings.latencies
    ]
    if timings:
        print_table(console, ("signature", "images", "requests", "p50, ms", "p95, ms"), timings, words=("signature",))
