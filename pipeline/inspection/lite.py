"""The TensorFlow Lite models of a run."""

from rich.console import Console

from components.artifacts.lite_comparison import LiteComparison, Variant
from pipeline.inspection.layout import Cell, format_points, format_share, print_sentences, print_table


def show_lite(console: Console, lite: LiteComparison) -> None:
    """Shows the model and its TensorFlow Lite models side by side, then why each is (not) pushed."""
    columns = ("form", "KiB", "p50 ms", "p95 ms", "accuracy", "difference, points")
    rows = [
        (
            variant.name,
            f"{variant.size_bytes / 1024:,.0f}",
            f"{1000 * variant.p50_seconds:.2f}",
            f"{1000 * variant.p95_seconds:.2f}",
            format_share(variant.accuracy.value),
            _format_difference(variant),
        )
        for variant in lite.variants
    ]
    title = f"TensorFlow Lite models, on {lite.images:,} test images"
    print_table(console, columns, rows, words=("form",), title=title)
    print_sentences(console, "Beside the model", [f"{name}: {sentence}." for name, sentence in lite.outcomes.items()])


def _format_difference(variant: Variant) -> Cell:
    if variant.difference is None:
        return None
    value, low, high = (
        format_points(share) for share in (variant.difference.value, variant.difference.low, variant.difference.high)
    )
    return f"{value} ({low} to {high})"
