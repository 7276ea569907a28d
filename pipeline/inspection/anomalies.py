"""What is wrong with the data of a run, in words, without TFDV."""

import json
import pathlib

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.data_gate.findings import BadImage, describe_anomalies, describe_bad_images
from components.errors import DataFailure
from components.metadata.run_record import RunRecord


def read_anomalies(record: RunRecord) -> list[str] | None:
    """Reads what ExampleValidator and the DataGate found.

    Args:
        record: Of a run.

    Returns:
        One clause each; None when the data has not been looked at yet.

    Raises:
        DataFailure: If a file is damaged.
    """
    validated = record.find_output("anomalies")
    if validated is None:
        return None
    found: list[str] = []
    for file in sorted(pathlib.Path(validated.uri).glob("Split-*/SchemaDiff.pb")):
        try:
            anomalies = anomalies_pb2.Anomalies.FromString(file.read_bytes())
        except (DecodeError, OSError):
            raise DataFailure(f"{file} is damaged or unreadable; put a copy of it back, or run again.") from None
        found += describe_anomalies(anomalies, file.parent.name.removeprefix("Split-"))
    if any((step.name, step.state) == ("DataGate", "failed") for step in record.steps):
        found.append("the DataGate stopped the run; the log says why, and duplicates.json in the root lists duplicates")
    return found + _read_bad_images(record) + _read_duplicates(record)


def _read_duplicates(record: RunRecord) -> list[str]:
    duplicates = record.duplicates
    if not duplicates or not duplicates.groups:
        return []
    return [f"{duplicates.summarize()}; all of them are listed in {duplicates.folder}"]


def _read_bad_images(record: RunRecord) -> list[str]:
    checked = record.find_output("bad_images")
    files = sorted(pathlib.Path(checked.uri).glob("bad_images*.jsonl")) if checked else []
    lines = [line for file in files for line in file.read_text().splitlines()]
    return describe_bad_images(BadImage(*json.loads(line)) for line in lines)
