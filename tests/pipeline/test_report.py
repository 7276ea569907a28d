"""`tokenlearner report`: where there is no run, one sentence; where a run stopped early, a page that says so."""

import dataclasses
import io
import pathlib
import re
import subprocess
import sys

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from rich.console import Console
from sample_slice import PROJECT

from components.errors import UsageFailure
from components.source_digest import find_sources
from pipeline.config import QUICK, PipelineConfig
from pipeline.report import report


def _show(config: PipelineConfig, run_id: str | None = None, output: pathlib.Path | None = None) -> pathlib.Path:
    return report(config, run_id, output, Console(file=io.StringIO()), should_open=False)


@pytest.fixture
def config(tmp_path: pathlib.Path) -> PipelineConfig:
    return dataclasses.replace(QUICK, root=tmp_path)


@pytest.fixture
def begun(config: PipelineConfig) -> PipelineConfig:
    """A root with a run that was killed in its first step."""
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(config.metadata_path)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store = MetadataStore(connection)
    contexts = [
        metadata_store_pb2.Context(type_id=store.put_context_type(metadata_store_pb2.ContextType(name=kind)), name=name)
        for kind, name in (("pipeline_run", "2026-01-01T00:00:00"), ("node", "tokenlearner.ExampleGen"))
    ]
    type_id = store.put_execution_type(metadata_store_pb2.ExecutionType(name="ExampleGen"))
    execution = metadata_store_pb2.Execution(type_id=type_id, last_known_state=metadata_store_pb2.Execution.RUNNING)
    store.put_execution(execution, [], contexts)
    return config


def test_a_root_without_runs_is_told_in_one_sentence(config: PipelineConfig) -> None:
    with pytest.raises(UsageFailure, match=r"holds no run yet; start one with `tokenlearner run`"):
        _show(config)


def test_an_unknown_run_is_told_with_the_newest_one(begun: PipelineConfig) -> None:
    with pytest.raises(UsageFailure, match=r"holds no run 'nonsense'; the latest are 2026-01-01T00:00:00\."):
        _show(begun, "nonsense")


def test_a_run_that_ended_early_gets_a_page_that_says_what_is_missing(begun: PipelineConfig) -> None:
    page = _show(begun)
    assert page == begun.root / "reports" / "2026-01-01T00-00-00.html"
    content = page.read_text()
    assert "The Trainer left no search results." in content
    assert "ExampleGen <small>running</small>" in content


def test_the_page_goes_where_it_is_wanted(begun: PipelineConfig, tmp_path: pathlib.Path) -> None:
    output = tmp_path / "new" / "page.html"
    assert _show(begun, "2026-01-01T00:00:00", output) == output
    assert "<!doctype html>" in output.read_text()


def test_no_page_needs_tfx_which_takes_seconds_to_import(begun: PipelineConfig) -> None:
    """A run that ended early shows no pictures: what makes these is looked at instead."""
    script = "import sys\nfrom pipeline.__main__ import main\ntry: main()\nfinally: print('tfx' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script, "report", "--no-open", "--root", begun.root],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(begun.root / "reports" / "2026-01-01T00-00-00.html"), "False"]
    sources = find_sources("components.report.page")
    assert "components.report.pictures" in sources
    tfx = re.compile(r"^\s*(from|import) tfx\b", re.MULTILINE)
    assert [name for name, file in sources.items() if tfx.search(file.read_text())] == []
