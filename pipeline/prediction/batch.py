"""Scores files of tf.Examples with a Beam pipeline, on any runner."""

import contextlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference
from rich.console import Console

from components.errors import DataFailure, ExitCode, Failure, UsageFailure
from pipeline.beam_options import make_beam_pipeline
from pipeline.prediction.files import find_files, printable
from pipeline.prediction.inference import RecordHandler, count_errors, count_flaws, describe_unreadable
from pipeline.prediction.model import Model
from pipeline.prediction.records import read_records
from pipeline.quiet import quiet_beam

_ANSWERS = "predictions"  # beginning of the names of files
_FAILURES = "failures"
_SUFFIX = ".jsonl"


def score_examples(
    names: Sequence[str], model: pathlib.Path, output: pathlib.Path | None, beam_options: Sequence[str]
) -> ExitCode:
    """Scores every record of TFRecord files of tf.Examples.

    Args:
        names: Of files, folders and globs; of a folder the files are taken that have "tfrecord" in their names.
        model: A SavedModel.
        output: A new folder, which gets predictions-*.jsonl and, if there are any, failures-*.jsonl; None: predictions
            go to stdout, failures to stderr.
        beam_options: Of Beam; they override ours.

    Returns:
        OK; BAD_DATA if any record or file could not be scored.

    Raises:
        UsageFailure: There is no file, the folder cannot be made or is there, or Beam rejects its options.
        DataFailure: The model does not load, or the files hold no record.
        Failure: The pipeline fails.
    """
    found = find_files(names, lambda name: "tfrecord" in name)
    if found.missing:
        raise UsageFailure(f"--examples: {' '.join(rejection.sentence for rejection in found.missing)}")
    console = Console(stderr=True)
    Model(model)  # tells here, not from within a worker, that it does not load
    begin = time.monotonic()
    with _lend_folder(output) as folder:
        with console.status("Scoring") if console.is_terminal else contextlib.nullcontext(), quiet_beam():
            _run(found.files, model, folder, beam_options)
        scored, failed = (sum(1 for _ in _read_lines(folder, kind)) for kind in (_ANSWERS, _FAILURES))
        if not scored and not failed:
            raise DataFailure(f"--examples: there is no record in {', '.join(map(printable, found.files))}.")
        if output is None:
            _show(folder, console)
    where = f"; see {printable(output)}" if output else ""
    words = f"Scored {scored:,} records in {time.monotonic() - begin:.0f} s; {failed:,} could not be scored{where}."
    console.print(words, markup=False, highlight=False, soft_wrap=True)
    return ExitCode.BAD_DATA if failed else ExitCode.OK


def _run(files: Sequence[pathlib.Path], model: pathlib.Path, folder: pathlib.Path, options: Sequence[str]) -> None:
    """Runs the pipeline to its end."""
    pipeline = make_beam_pipeline(options)
    _build(pipeline, [(printable(file), str(file.resolve())) for file in files], model.resolve(), folder.resolve())
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:  # whatever the runner raises
        from pipeline.runner.child import describe_cause

        raise Failure(f"the Beam pipeline failed: {describe_cause(error)}") from error


def _build(
    pipeline: beam.Pipeline, files: Sequence[tuple[str, str]], model: pathlib.Path, folder: pathlib.Path
) -> None:
    """Adds the steps: a file is read by one worker, and different files by different ones.

    Functions have names, by which workers import them; of a lambda Beam sends the code, and this machine's paths.
    """
    records = pipeline | "Files" >> beam.Create(files) | "Spread" >> beam.Reshuffle()
    records |= "Read" >> beam.FlatMapTuple(read_records)
    readable, unreadable = records | "Readable" >> beam.Partition(count_flaws, 2)
    lines = (
        readable | "Score" >> RunInference(RecordHandler(str(model))),
        unreadable | "Describe" >> beam.Map(describe_unreadable),
    ) | beam.Flatten()
    for kind, chosen in zip((_ANSWERS, _FAILURES), lines | "Answered" >> beam.Partition(count_errors, 2), strict=True):
        sink = beam.io.WriteToText(str(folder / kind), file_name_suffix=_SUFFIX, skip_if_empty=True)
        chosen | f"Encode {kind}" >> beam.Map(json.dumps) | f"Write {kind}" >> sink


@contextlib.contextmanager
def _lend_folder(output: pathlib.Path | None) -> Iterator[pathlib.Path]:
    """Lends a folder that becomes the output when all went well, and is removed else."""
    if output is None:
        with tempfile.TemporaryDirectory() as folder:
            yield pathlib.Path(folder)
        return
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise UsageFailure(f"--output is {printable(output)}, which is there already; name a new folder.")
    aside = output.with_name(f".unfinished-{os.getpid()}")
    try:
        aside.mkdir(parents=True)
        yield aside
        aside.rename(output)
    except OSError as error:
        raise UsageFailure(f"--output is {printable(output)}: {error.strerror or error}; name another.") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _read_lines(folder: pathlib.Path, kind: str) -> Iterator[str]:
    for file in sorted(folder.glob(f"{kind}-*{_SUFFIX}")):
        with file.open(encoding="utf-8") as lines:
            yield from lines


def _show(folder: pathlib.Path, console: Console) -> None:
    """Writes answers to stdout and failures to stderr."""
    sys.stdout.writelines(_read_lines(folder, _ANSWERS))
    for line in map(json.loads, _read_lines(folder, _FAILURES)):
        name = f"{line['id']}, record" if line["id"] else "record"
        sentence = f"{name} {line['record']} of {line['file']}: {line['error']}."
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
