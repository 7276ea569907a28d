"""What each section of the page shows; None where there is nothing to show."""

from collections.abc import Mapping, Sequence
from typing import Any

from components import features
from components.artifacts.duplicates import read_duplicates
from components.artifacts.lite_comparison import read_comparison
from components.artifacts.predictions import stream_predictions
from components.artifacts.search_results import (
    SearchResults,
    find_common_epochs,
    read_search_results,
    trace_curves,
)
from components.artifacts.serving_findings import read_findings
from components.artifacts.verdict import Verdict, read_verdict
from components.report import pictures
from components.report.comparison_chart import draw_comparison_chart
from components.report.compute_chart import draw_legend, draw_search_chart
from components.report.curve_charts import draw_final_fit, draw_search_curves
from components.report.data_summary import SplitSummary, summarize_data
from components.report.gallery import arrange_flips, arrange_gallery, arrange_maps
from components.report.heat_maps import HeatMap, draw_heat_maps
from components.report.keras_example import CONDITIONS
from components.report.selection import Selection, select_images
from components.report.sources import Sources
from components.report.verdict_charts import draw_calibration, draw_slices
from models.reducers.registry import REDUCERS

_CHART = (420, 330)  # width and height, CSS pixels; two stand beside each other where there is room
_EXAMPLES = 4  # images of each sort: right, wrong, uncertain


def assemble(sources: Sources) -> dict[str, Any]:
    """Reads all there is and draws it.

    Args:
        sources: Of one run.

    Returns:
        The context of the template `page.html`.
    """
    results = read_search_results(sources.model_run) if sources.model_run else None
    verdict = read_verdict(sources.verdict) if sources.verdict else None
    selection = select_images(stream_predictions(sources.verdict), _EXAMPLES) if sources.verdict else None
    splits = _summarize(sources)
    records = pictures.read_records(sources.test_split, selection.ids) if selection and sources.test_split else {}
    attention = _read_attention(sources, selection, records)
    images = {name: image for name, (_, image) in records.items()}
    return {
        "sources": sources,
        "results": results,
        "verdict": verdict,
        "serving": read_findings(sources.serving) if sources.serving else None,
        "class_names": features.CLASS_NAMES,
        "compute": _draw_compute(results) if results else None,
        "comparison": _draw_comparison(results, verdict, splits) if results and verdict else None,
        "heat_maps": _draw_heat_maps(results) if results else (),
        "controls": _list_controls(results) if results else [],
        "curves": _draw_curves(results) if results else None,
        "attention": attention,
        "mean_maps": arrange_maps(attention.mean, None) if attention else [],
        "gallery": arrange_gallery(selection, images, attention),
        "evaluation": _draw_evaluation(verdict),
        "flips": arrange_flips(selection, verdict.paired if verdict else None, images),
        "lite": read_comparison(sources.verdict) if sources.verdict else None,
        "splits": splits,
        "bad_images": _count_bad_images(sources),
        "duplicates": read_duplicates(sources.duplicates) if sources.duplicates else None,
        "provenance": sources.provenance,
        "environment": sources.environment,
    }


def _read_attention(
    sources: Sources,
    selection: Selection | None,
    records: Mapping[str, tuple[bytes, bytes]],
) -> pictures.Attention | None:
    if selection is None or sources.model is None or sources.test_split is None:
        return None
    names = {image.example_id for image in selection.samples}
    wanted = {name: record for name, (record, _) in sorted(records.items()) if name in names}
    return pictures.read_attention(sources.model, sources.test_split, wanted)


def _draw_compute(results: SearchResults) -> dict[str, Any] | None:
    if not results.points:
        return None
    return {
        "search": draw_search_chart(results, name="search", size=_CHART),
        "legend": draw_legend(results, name="legend", size=(900, 44), columns=5),
        "narrow_legend": draw_legend(results, name="narrow-legend", size=(350, 116), columns=2),
        "epochs": max(point.epochs for point in results.points),
    }


def _draw_comparison(results: SearchResults, verdict: Verdict, splits: Sequence[SplitSummary]) -> dict[str, Any]:
    """Draws the winner beside the Keras example, and says how each was trained."""
    images = next(
        (f"{split.images:,}" for split in splits if split.name == features.TRAIN_SPLIT), "an unknown number of"
    )
    conditions = f"trained for {len(results.winner.epochs)} epochs on {images} images"
    accuracy = verdict.candidate.overall.accuracy
    return {
        "chart": draw_comparison_chart(results, accuracy, conditions, name="comparison", size=_CHART),
        "conditions": conditions,
        "example_conditions": CONDITIONS,
    }


def _list_controls(results: SearchResults) -> list[str]:
    tried = {point.reducer for point in results.points}
    return [reducer.label for name, reducer in REDUCERS.items() if reducer.is_control and name in tried]


def _draw_heat_maps(results: SearchResults) -> tuple[tuple[HeatMap, ...], ...]:
    rows = (draw_heat_maps(results, epochs) for epochs in find_common_epochs(results.points))
    return tuple(row for row in rows if row)


def _draw_curves(results: SearchResults) -> dict[str, Any]:
    curves = trace_curves(results.trials)
    epochs = results.winner.epochs
    return {
        "search": draw_search_curves(curves, winner=results.winner.point, name="trainings", size=_CHART)
        if curves
        else None,
        "final_fit": draw_final_fit(epochs, best_epoch=results.winner.best_epoch, name="final-fit", size=_CHART)
        if epochs
        else None,
    }


def _draw_evaluation(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    rows = len(verdict.candidate.slices)
    most = max(max(row) for row in verdict.candidate.confusion)
    return {
        "slices": draw_slices(verdict.candidate, verdict.baseline, name="slices", size=(_CHART[0], 110 + 24 * rows)),
        "calibration": draw_calibration(verdict.candidate.calibration, name="calibration", size=(_CHART[0], 400)),
        "most": most,
    }


def _summarize(sources: Sources) -> tuple[SplitSummary, ...]:
    return summarize_data(sources.statistics, sources.anomalies, sources.examples) if sources.statistics else ()


def _count_bad_images(sources: Sources) -> int | None:
    """Returns how many images the data gate found wanting; None if it did not look."""
    if sources.bad_images is None:
        return None
    return sum(len(file.read_text().splitlines()) for file in sorted(sources.bad_images.glob("*.jsonl")))
