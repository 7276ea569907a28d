"""Shows the TensorFlow Lite models of a run."""

from rich.console import Console

from components.artifacts.lite_comparison import LiteComparison, Variant
from pipeline.inspection.layout import Cell, format_measure, format_points, format_share, print_sentences, print_table


def show_lite(console: Console, lite: LiteComparison) -> None:
    """Shows the model and its TensorFlow Lite models side by side, then why each is (not) pushed."""
    columns = ("form", "KiB", "p50 ms", "p95 ms", "accuracy", "difference, points")
    title = f"TensorFlow Lite models, on {lite.images:,} test images"
    print_table(console, columns, map(_format, lite.variants), words=("form",), title=title)
    print_sentences(console, "Beside the model", [f"{name}: {message}." for name, message in lite.outcomes.items()])


def _format(variant: Variant) -> tuple[Cell, ...]:
    return (
        variant.name,
        f"{variant.size_bytes / 1024:,.0f}",
        f"{1000 * variant.p50_seconds:.2f}",
        f"{1000 * variant.p95_seconds:.2f}",
        format_share(variant.accuracy.value),
        format_measure(variant.difference, format_points),
    )
