"""Classifies files of tf.Examples with a Beam pipeline, on any runner."""

import json
import pathlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference
from rich.console import Console

from components.errors import DataFailure, ExitCode, Failure, UsageFailure
from pipeline.beam_options import make_beam_pipeline
from pipeline.files import find_files, printable
from pipeline.prediction.inference import RecordHandler, has_error
from pipeline.prediction.model import Model
from pipeline.prediction.records import read_records
from pipeline.quiet import quiet_beam

_KINDS = ("predictions", "failures")  # prefixes of the files, by `has_error`


def score_examples(
    names: Sequence[str], model: pathlib.Path, output: pathlib.Path | None, beam_options: Sequence[str]
) -> ExitCode:
    """Classifies every record of TFRecord files of tf.Examples.

    Args:
        names: Of files, folders and globs; the files of a folder are those with "tfrecord" in their names.
        model: A SavedModel.
        output: A new folder for predictions-*.jsonl and, if there are any, failures-*.jsonl; None: predictions go to
            stdout, failures to stderr.
        beam_options: Of Beam; they override ours.

    Returns:
        OK; BAD_DATA if any record or file could not be scored.

    Raises:
        UsageFailure: There is no file, the folder exists already, or Beam rejects its options.
        DataFailure: The model does not load, or the files contain no records.
        Failure: The pipeline fails.
    """
    files, missing = find_files(names, "tfrecord")
    if missing:
        raise UsageFailure(f"--examples: {', '.join(f'{name} {reason}' for name, reason in missing.items())}.")
    if output and output.exists():
        raise UsageFailure(f"--output is {printable(output)}, which exists already; name a new folder.")
    Model(model)  # fails here and not in a worker
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=output and output.parent) as temporary:
        folder = pathlib.Path(temporary, "lines")
        folder.mkdir()
        with Console(stderr=True).status("Scoring"), quiet_beam():
            _run(files, model, folder, beam_options)
        scored, failed = (sum(1 for _ in _read_lines(folder, kind)) for kind in _KINDS)
        if not scored and not failed:
            raise DataFailure(f"--examples: there is no record in {', '.join(map(printable, files))}.")
        if output:
            folder.rename(output)
        else:
            for stream, kind in zip((sys.stdout, sys.stderr), _KINDS, strict=True):
                stream.writelines(_read_lines(folder, kind))
    seconds = time.monotonic() - begin
    print(f"Scored {scored:,} records in {seconds:.0f} s; {failed:,} could not be scored.", file=sys.stderr)
    return ExitCode.BAD_DATA if failed else ExitCode.OK


def _run(files: Sequence[pathlib.Path], model: pathlib.Path, folder: pathlib.Path, options: Sequence[str]) -> None:
    """Runs the pipeline to its end: one worker reads a file, other workers read other files.

    Functions have names, so that workers import them; a lambda's code would be sent, with paths of this machine.
    """
    pipeline = make_beam_pipeline(options)
    lines = (
        pipeline
        | "Files" >> beam.Create([(printable(file), str(file.resolve())) for file in files])
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.FlatMapTuple(read_records)
        | "Classify" >> RunInference(RecordHandler(str(model.resolve())))
        | "Split" >> beam.Partition(has_error, len(_KINDS))
    )
    for kind, chosen in zip(_KINDS, lines, strict=True):
        prefix = str(folder.resolve() / kind)
        sink = beam.io.WriteToText(prefix, file_name_suffix=".jsonl", skip_if_empty=True)
        chosen | f"Encode {kind}" >> beam.Map(json.dumps) | f"Write {kind}" >> sink
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:  # of any runner
        from pipeline.runner.child import describe_cause

        raise Failure(f"the Beam pipeline failed: {describe_cause(error)}") from error


def _read_lines(folder: pathlib.Path, kind: str) -> Iterator[str]:
    for file in sorted(folder.glob(f"{kind}-*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            yield from lines
