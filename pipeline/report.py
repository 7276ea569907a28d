"""Finds the report of a run, or renders it again from the outputs of the run; without TFX."""

import pathlib
import webbrowser

from rich.console import Console

from components.errors import DataFailure
from components.metadata.run_record import RunRecord, read_run
from components.report.environment import read_environment
from components.report.provenance import read_provenance
from components.report.sources import ENVIRONMENT_FILE, PAGE_FILE, Sources
from components.saved_model import SAVED_MODEL_FOLDER
from pipeline.config import PipelineConfig
from pipeline.files import check_destination, write_whole
from pipeline.quiet import start_tensorflow


def report(
    config: PipelineConfig, run_id: str | None, output: pathlib.Path | None, console: Console, *, should_open: bool
) -> pathlib.Path:
    """Opens the page of a run; renders it again into a given file, or if the run ended before its Report.

    Args:
        config: Only its root counts.
        run_id: Of ML Metadata, or how it begins; None: the newest run.
        output: File for a page rendered again; None: the page of the run itself, if there is one.
        console: Shows the path of the page.
        should_open: Whether a browser opens it.

    Returns:
        The path of the page.

    Raises:
        UsageFailure: There is no such run, another process holds the metadata, or the output cannot be written.
        DataFailure: The metadata or an artifact is damaged.
    """
    if output is not None:
        check_destination("--output", output)
    record = read_run(config.root, run_id)
    made = _locate(record, "Report", "report")
    page = made / PAGE_FILE if made else None
    if output is not None or page is None or not page.is_file():
        page = output or config.root / "reports" / f"{record.run_id.replace(':', '-')}.html"
        try:
            html = _render(config, record)
        except (FileNotFoundError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DataFailure(f"run {record.run_id} has a missing or damaged artifact: {reason}.") from error
        check_destination("the page", page)
        with write_whole(page) as aside:
            aside.write_text(html)
    console.print(str(page), soft_wrap=True, markup=False, highlight=False)
    if should_open:
        webbrowser.open(page.resolve().as_uri())
    return page


def _render(config: PipelineConfig, record: RunRecord) -> str:
    """Renders the page of a run as HTML; a section whose step the run did not reach says so."""
    model = _locate(record, "Trainer", "model")
    if model:  # needed for pictures only
        start_tensorflow()
    from components.report.page import render_page  # Matplotlib takes a second

    made = _locate(record, "Report", "report")
    return render_page(
        Sources(
            model_run=_locate(record, "Trainer", "model_run"),
            model=model / SAVED_MODEL_FOLDER if model else None,
            verdict=_locate(record, "Evaluator", "verdict"),
            serving=_locate(record, "ServingValidator", "blessing"),
            examples=_locate(record, "ExampleGen", "examples"),
            statistics=_locate(record, "StatisticsGen", "statistics"),
            anomalies=_locate(record, "ExampleValidator", "anomalies"),
            bad_images=_locate(record, "DataGate", "bad_images"),
            duplicates=_locate(record, "DataGate", "duplicates"),
            pushed_version=record.pushed_version,
            provenance=read_provenance(config.metadata_path, record.run_id),
            environment=read_environment(made / ENVIRONMENT_FILE) if made else None,
        )
    )


def _locate(record: RunRecord, step: str, key: str) -> pathlib.Path | None:
    """Returns the folder of an output; None if the step did not run or the folder was removed."""
    artifact = record.find_output(key, step=step)
    folder = pathlib.Path(artifact.uri) if artifact else None
    return folder if folder and folder.is_dir() else None
