"""The page: everything about a run in one HTML file that needs no other file."""

import pathlib
from typing import Any

from components import features, templates
from components.artifacts.answer import describe_answer
from components.artifacts.duplicates import read_duplicates
from components.artifacts.lite_comparison import FORM_NAMES, read_comparison
from components.artifacts.predictions import stream_predictions
from components.artifacts.search_results import SearchResults, find_common_epochs, read_search_results, trace_curves
from components.artifacts.serving_findings import read_findings
from components.artifacts.verdict import Verdict, read_verdict
from components.image_dataset import CIFAR10
from components.report import palette, pictures
from components.report.comparison_chart import EXAMPLE_CONDITIONS, draw_comparison_chart
from components.report.compute_chart import describe_search, draw_search_chart
from components.report.curve_charts import draw_final_fit, draw_search_curves
from components.report.data_summary import locate_split, summarize_data
from components.report.gallery import arrange_gallery, arrange_maps, describe_images
from components.report.heat_maps import draw_heat_maps
from components.report.marks import MARKS
from components.report.recipe import read_recipe
from components.report.selection import select_images
from components.report.sources import Sources
from components.report.verdict_charts import draw_calibration, draw_slices

_TEMPLATES = pathlib.Path(__file__).with_name("templates")
_EXAMPLES = 4  # images of each kind: right, wrong, uncertain
_SEARCH_TITLE = "Validation accuracy of the search's trials against compute"


def render_page(sources: Sources) -> str:
    """Returns the page as HTML; the same sources make the same page."""
    results = read_search_results(sources.model_run) if sources.model_run else None
    verdict = read_verdict(sources.verdict) if sources.verdict else None
    splits = summarize_data(sources.statistics, sources.anomalies, sources.examples) if sources.statistics else []
    context: dict[str, Any] = {
        "light": palette.LIGHT,
        "dark": palette.DARK,
        "marks": MARKS,
        "form_names": FORM_NAMES,
        "sources": sources,
        "results": results,
        "verdict": verdict,
        "serving": read_findings(sources.serving) if sources.serving else None,
        "dataset": verdict.task.title if verdict else None,
        "lite": read_comparison(sources.verdict) if sources.verdict else None,
        "splits": splits,
        "bad_images": _count_lines(sources.bad_images) if sources.bad_images else None,
        "recipe": read_recipe(sources.provenance, splits[0].images) if splits else None,
        "duplicates": read_duplicates(sources.duplicates) if sources.duplicates else None,
        **(_draw_search(results) if results else {}),
        **_draw_images(sources, verdict),
        "comparison": None,
    }
    if verdict:
        context["slices"] = draw_slices(verdict.candidate, verdict.baseline)
        context["calibration"] = draw_calibration(verdict.candidate.calibration)
    if results and verdict and splits and verdict.task.dataset == CIFAR10.name:
        conditions = f"trained for {len(results.winner.epochs)} epochs on {splits[0].images:,} images"
        context["comparison"] = draw_comparison_chart(results, verdict.candidate.overall.accuracy, conditions)
        context |= {"conditions": conditions, "example_conditions": EXAMPLE_CONDITIONS}
    return templates.open_templates(_TEMPLATES, is_html=True).get_template("page.html").render(context)


def digest_templates() -> str:
    """Returns the SHA-256 of the templates, so that the cache notices their edits."""
    return templates.digest_templates(_TEMPLATES)


def _draw_search(results: SearchResults) -> dict[str, Any]:
    winner = results.winner
    maps = [draw_heat_maps(results, epochs) for epochs in find_common_epochs(results.points)]
    return {
        "answer": describe_answer(results.search),
        "search_charts": {
            name: draw_search_chart(results, size).to_svg(name, _SEARCH_TITLE, describe_search(results))
            for name, size in (("wide", (640, 400)), ("narrow", (400, 380)))
        },
        "search_epochs": max(point.epochs for point in results.points),
        "heat_maps": [row for row in maps if row],
        "search_curves": draw_search_curves(trace_curves(results.trials), winner.point),
        "final_fit": draw_final_fit(winner),
    }


def _draw_images(sources: Sources, verdict: Verdict | None) -> dict[str, Any]:
    """Returns test images with predictions and attention maps, and images on which only one model is right."""
    found: dict[str, Any] = {"attention": None, "gallery": [], "lost": [], "gained": []}
    if not (verdict and sources.verdict and sources.examples):
        return found
    test_split = locate_split(sources.examples, features.TEST_SPLIT)
    selection = select_images(stream_predictions(sources.verdict), _EXAMPLES)
    records = pictures.read_records(test_split, selection.ids)
    images = {name: image for name, (_, image) in records.items()}
    if sources.model:
        names = {image.example_id for image in selection.samples}
        wanted = {name: record for name, (record, _) in sorted(records.items()) if name in names}
        found["attention"] = attention = pictures.read_attention(sources.model, test_split, wanted)
        found["mean_maps"] = arrange_maps(attention.mean, None) if attention else []
    found["gallery"] = arrange_gallery(selection, images, found["attention"], verdict.task.class_names)
    for kind in ("lost", "gained"):
        found[kind] = describe_images(getattr(selection, kind), images, verdict.task.class_names)
    return found


def _count_lines(folder: pathlib.Path) -> int:
    return sum(len(file.read_text().splitlines()) for file in folder.glob("*.jsonl"))
