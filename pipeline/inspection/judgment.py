"""The Evaluator's metrics and verdict, for the terminal."""

import dataclasses
from collections.abc import Sequence

from rich.console import Console

from components.artifacts.verdict import Overall, Verdict
from pipeline.inspection.layout import format_measure, format_points, print_sentences, print_table


def show_metrics(console: Console, verdict: Verdict) -> None:
    """Shows metrics on all test images, with intervals, against the baseline."""
    baseline = verdict.baseline
    rows = [
        (
            field.name.replace("_", " "),
            *(
                format_measure(getattr(card.overall, field.name), is_share="entropy" not in field.name)
                if card
                else None
                for card in (verdict.candidate, baseline)
            ),
        )
        for field in dataclasses.fields(Overall)
    ]
    title = f"{verdict.candidate.images:,} test images, with 95 % intervals"
    print_table(console, ("metric", "candidate", "last blessed model"), rows, words=("metric",), title=title)
    if paired := verdict.paired:
        low, high = format_points(paired.low), format_points(paired.high)
        sentence = (
            f"On the same images the accuracy differs by {format_points(paired.difference)} points ({low} to {high}, "
            f"exact McNemar p = {paired.p_value:.2g}): only the candidate is right on "
            f"{paired.only_candidate_right:,}, only the baseline on {paired.only_baseline_right:,}."
        )
        print_sentences(console, "Against the last blessed model", [sentence])


def show_gate(console: Console, verdict: Verdict, notes: Sequence[str]) -> None:
    """Shows the rules one by one, and what else a person should know."""
    words = {
        "accuracy_floor": "floor",
        "not_worse": "not worse",
        "no_class_fell": "no class fell",
        "compute": "compute",
    }
    rows = [
        (
            words.get(rule.name, rule.name),
            ("passed" if rule.passed else "missed") if rule.is_applied else "not applied",
            rule.sentence,
        )
        for rule in verdict.rules
    ]
    title = "Evaluator: " + ("blessed" if verdict.is_blessed else "not blessed")
    print_table(console, ("rule", "outcome", "in words"), rows, words=("rule", "outcome", "in words"), title=title)
    sentences = [*([verdict.note] if verdict.note else []), *notes]
    if sentences:
        print_sentences(console, "Note", sentences)
