"""Finds the report of a run, or makes it anew from what the run left; without TFX."""

import pathlib
import webbrowser

from rich.console import Console

from components.report.environment import read_environment
from components.report.memory import read_peaks
from components.report.page import ENVIRONMENT_FILE, PAGE_FILE, render_page
from components.report.provenance import read_provenance
from components.report.sources import Sources, locate_saved_model
from pipeline.config import PipelineConfig
from pipeline.history import History
from pipeline.inspection.root import Root
from pipeline.quiet import start_tensorflow


def report(
    config: PipelineConfig, run_id: str | None, output: pathlib.Path | None, console: Console, *, should_open: bool
) -> pathlib.Path:
    """Shows the page of a run; makes it anew if a file for it is named, or if the run ended before its Report.

    Args:
        config: Its root is looked into.
        run_id: Of ML Metadata, or how it begins; None: the newest run.
        output: Where to write a page made anew; None: the page that the run made, if it did.
        console: Is told where the page is.
        should_open: Whether a browser shows it.

    Returns:
        The page.

    Raises:
        UsageFailure: If there is no such run, or another process holds the metadata.
        DataFailure: If the metadata is damaged.
    """
    run_id = Root(config.root).find_run(run_id)
    history = History(config.metadata_path)
    made = _locate(history, run_id, "Report", "report")
    page = made / PAGE_FILE if made else None
    if output is not None or page is None or not page.is_file():
        page = output or config.root / "reports" / f"{run_id.replace(':', '-')}.html"
        html = rebuild(config, history, run_id)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(html)
    console.print(str(page), soft_wrap=True, markup=False, highlight=False)
    if should_open:
        webbrowser.open(page.resolve().as_uri())
    return page


def rebuild(config: PipelineConfig, history: History, run_id: str) -> str:
    """Makes the page of a run anew.

    Args:
        config: Tells where its root is.
        history: Of that root.
        run_id: Of ML Metadata.

    Returns:
        HTML; sections whose step the run did not reach say so.
    """
    model = _locate(history, run_id, "Trainer", "model")
    if model:  # else there are no pictures
        start_tensorflow()
    made = _locate(history, run_id, "Report", "report")
    return render_page(
        Sources(
            model_run=_locate(history, run_id, "Trainer", "model_run"),
            model=locate_saved_model(str(model)) if model else None,
            verdict=_locate(history, run_id, "Gate", "verdict"),
            serving=_locate(history, run_id, "ServingValidator", "blessing"),
            examples=_locate(history, run_id, "ExampleGen", "examples"),
            statistics=_locate(history, run_id, "StatisticsGen", "statistics"),
            anomalies=_locate(history, run_id, "ExampleValidator", "anomalies"),
            bad_images=_locate(history, run_id, "DataGate", "bad_images"),
            duplicates=_locate(history, run_id, "DataGate", "duplicates"),
            lite_models=_locate(history, run_id, "LiteConverter", "lite_models"),
            pushed_version=_find_pushed_version(history, run_id),
            provenance=read_provenance(config.metadata_path, read_peaks(config.memory_path), run_id),
            environment=read_environment(made / ENVIRONMENT_FILE) if made else None,
        )
    )


def _locate(history: History, run_id: str, component: str, key: str) -> pathlib.Path | None:
    """Returns the folder of what a step made; None if it did not run, or if the folder is gone."""
    if component not in {step.name for step in history.steps(run_id)}:
        return None
    folders = [pathlib.Path(artifact.uri) for artifact in history.outputs(run_id, component, key)]
    return next((folder for folder in folders if folder.is_dir()), None)


def _find_pushed_version(history: History, run_id: str) -> str | None:
    if _locate(history, run_id, "Pusher", "pushed_model") is None:
        return None
    [pushed] = history.outputs(run_id, "Pusher", "pushed_model")
    return pushed.custom_properties["pushed_version"].string_value or None
