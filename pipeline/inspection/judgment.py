"""Shows the metrics and the verdict of the Evaluator, and the findings of the ServingValidator."""

from collections.abc import Sequence

from rich.console import Console

from components.artifacts.serving_findings import ServingFindings
from components.artifacts.verdict import Verdict
from pipeline.inspection.layout import describe_paired, format_measure, print_sentences, print_table


def show_metrics(console: Console, verdict: Verdict) -> None:
    """Shows metrics on all test images, with intervals, against the baseline."""
    cards = (verdict.candidate, verdict.baseline)
    rows = []
    for name in verdict.metrics:
        form = "{:.3f}" if name == "cross_entropy" else "{:.1%}"
        cells = (format_measure(getattr(card.overall, name), form.format) if card else None for card in cards)
        rows.append((name.replace("_", " "), *cells))
    title = f"{verdict.candidate.images:,} test images, with 95% intervals"
    print_table(console, ("metric", "candidate", "last blessed model"), rows, words=("metric",), title=title)
    if paired := verdict.paired:
        sentence = f"On the same images, {describe_paired(paired, 'candidate', 'baseline')}"
        print_sentences(console, "Against the last blessed model", [sentence])


def show_verdict(console: Console, verdict: Verdict, notes: Sequence[str]) -> None:
    """Shows the rules one by one, and notes on the verdict."""
    outcomes = [("passed" if rule.passed else "failed") if rule.is_applied else "not applied" for rule in verdict.rules]
    rows = [(rule.name, outcome, rule.message) for rule, outcome in zip(verdict.rules, outcomes, strict=True)]
    _show_checks(console, "Evaluator", "rule", rows, is_blessed=verdict.is_blessed)
    print_sentences(console, "Note", [*filter(None, [verdict.note]), *notes])


def show_serving(console: Console, findings: ServingFindings) -> None:
    """Shows whether the model can be served, check by check, and how fast it is."""
    rows = [(check.name, "passed" if check.passed else "failed", check.message) for check in findings.checks]
    _show_checks(console, "Serving", "check", rows, is_blessed=findings.is_blessed)
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


def _show_checks(console: Console, step: str, kind: str, rows: Sequence[Sequence[str]], *, is_blessed: bool) -> None:
    columns = (kind, "outcome", "in words")
    cells = [(name.replace("_", " "), *others) for name, *others in rows]
    title = f"{step}: {'blessed' if is_blessed else 'not blessed'}"
    print_table(console, columns, cells, words=columns, title=title)
