"""Describes what is wrong with the data of a run, without importing TFDV."""

import json
import pathlib

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.data_gate.findings import NOTICES, BadImage, describe_anomalies, describe_bad_images
from components.metadata.run_record import RunRecord, read_folder


def read_anomalies(record: RunRecord) -> list[str] | None:
    """Reads the findings of ExampleValidator and the DataGate.

    Returns:
        A clause for each; None: the run has not validated its data yet.

    Raises:
        DataFailure: A file is damaged.
    """
    found = read_folder(_read_schema_differences, record.find_file("anomalies", "Split-*"))
    if found is None:
        return None
    if any((step.name, step.state) == ("DataGate", "failed") for step in record.steps):
        found.append("the DataGate stopped the run; see the log, and duplicates.json in the root for duplicates")
    found += read_folder(_read_bad_images, record.find_file("bad_images", "bad_images*.jsonl")) or []
    checked = record.find_output("bad_images", step="DataGate")
    if checked and (notices := checked.custom_properties[NOTICES].string_value):
        found += json.loads(notices)
    if record.duplicates and record.duplicates.groups:
        found.append(f"{record.duplicates.summarize()}; all of them are listed in {record.duplicates.folder}")
    return found


def _read_schema_differences(folder: pathlib.Path) -> list[str]:
    found = []
    for file in sorted(folder.glob("Split-*/SchemaDiff.pb")):
        anomalies = anomalies_pb2.Anomalies.FromString(file.read_bytes())
        found += describe_anomalies(anomalies, file.parent.name.removeprefix("Split-"))
    return found


def _read_bad_images(folder: pathlib.Path) -> list[str]:
    lines = [line for file in sorted(folder.glob("bad_images*.jsonl")) for line in file.read_text().splitlines()]
    return describe_bad_images(BadImage(*json.loads(line)) for line in lines)
