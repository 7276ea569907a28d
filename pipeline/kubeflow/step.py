"""The entry of the image: runs any step of the DAG in a container, on a bucket that is mounted there.

Artifacts have addresses such as gs://bucket/path. The steps open them as files in the folder of the bucket, and the
paths of their outputs are turned back into addresses. TFX is not imported here; it starts in a process of its own.
"""

import json
import pathlib
import re
import subprocess
import sys
from typing import Any

import components  # noqa: F401 - sets TensorFlow's environment variables, which the step inherits

MOUNT = pathlib.Path("/gcs")  # where Vertex AI mounts every bucket of a project
SCHEME = "gs://"
_ADDRESS = re.compile(r"gs://[a-z0-9][a-z0-9._-]+(/.*)?")
_INVOCATION = "--json_serialized_invocation_args"
EXECUTOR = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
ARTIFACT_CLASSES = {  # by the names of their types
    "tokenlearner.EvaluationVerdict": "components.evaluator.artifact.EvaluationVerdict",
    "tokenlearner.LiteModels": "components.lite_converter.artifact.LiteModels",
    "tokenlearner.ModelCard": "components.model_card.artifact.ModelCardPage",
    "tokenlearner.ReportPage": "components.report.component.ReportPage",
}
_MODEL_KEYS = {"current_model": "current_model_id", "baseline_model": "baseline_model_id"}  # of a ModelBlessing


def locate(address: str) -> pathlib.Path | None:
    """Returns the folder of an address in a bucket, or an absolute path as it is; None for anything else."""
    if _ADDRESS.fullmatch(address):
        return MOUNT / address.removeprefix(SCHEME)
    return pathlib.Path(address) if address.startswith("/") else None


def run_step(arguments: list[str], mount: pathlib.Path = MOUNT) -> int:
    """Runs a step and writes the description of its outputs to the file that the invocation names.

    Args:
        arguments: As TFX's Kubeflow v2 runner writes them into the pipeline, the invocation filled in by the cluster.
        mount: The folder that holds the buckets.

    Returns:
        The exit code of the step.
    """
    if _INVOCATION not in arguments[:-1]:
        print(f"{_INVOCATION} is missing; the cluster passes it, see pipeline.json.", file=sys.stderr)
        return 2
    position = arguments.index(_INVOCATION) + 1
    invocation = json.loads(arguments[position])
    mounted = mount_invocation(invocation, mount)
    command = [*arguments[:position], json.dumps(mounted), *arguments[position + 1 :]]
    code = subprocess.run([sys.executable, "-m", EXECUTOR, *command], check=False).returncode
    if code == 0:
        output = pathlib.Path(mounted["outputs"]["outputFile"])
        output.write_text(json.dumps(unmount_output(json.loads(output.read_text()), invocation, mount)))
    return code if code >= 0 else 128 - code  # a signal, as a shell reports it


def mount_invocation(invocation: dict[str, Any], mount: pathlib.Path) -> dict[str, Any]:
    """Returns an ExecutorInput as a step can use it: folders for addresses, importable paths for our artifact types.

    TFX imports an unknown type by its name, but Kubeflow allows only one dot in a name, so a path cannot be the name.
    """
    mounted: dict[str, Any] = _replace_prefix(invocation, SCHEME, f"{mount}/")
    for artifact in (*_list_artifacts(mounted, "inputs"), *_list_artifacts(mounted, "outputs")):
        schema = artifact.get("type", {}).get("instanceSchema", "")
        for name, path in ARTIFACT_CLASSES.items():
            schema = schema.replace(f"title: {name}\n", f"title: {path}\n")
        if schema:
            artifact["type"]["instanceSchema"] = schema
    return mounted


def unmount_output(output: dict[str, Any], invocation: dict[str, Any], mount: pathlib.Path) -> dict[str, Any]:
    """Returns an ExecutorOutput as the cluster can use it: addresses for folders, its own names of models in blessings.

    The next run's Baseline looks for a model by that name. TFX writes it for its own Evaluator only; the ids that it
    makes up for a step mean nothing outside.

    Args:
        output: Of the step.
        invocation: Of the step, by the cluster.
        mount: The folder that holds the buckets.
    """
    unmounted: dict[str, Any] = _replace_prefix(output, f"{mount}/", SCHEME)
    inputs = _list_artifacts(_replace_prefix(invocation, f"{mount}/", SCHEME), "inputs")
    names = {artifact["uri"]: artifact["name"] for artifact in inputs if "name" in artifact}
    for artifact in _list_artifacts({"outputs": unmounted}, "outputs"):
        metadata = artifact.get("metadata", {})
        for uri_key, id_key in _MODEL_KEYS.items():
            if id_key in metadata and metadata.get(uri_key) in names:
                metadata[id_key] = names[metadata[uri_key]]
    return unmounted


def _replace_prefix(tree: Any, old: str, new: str) -> Any:
    """Replaces the prefix of all strings in a tree of JSON."""
    if isinstance(tree, dict):
        return {key: _replace_prefix(value, old, new) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_replace_prefix(value, old, new) for value in tree]
    if isinstance(tree, str) and tree.startswith(old):
        return new + tree.removeprefix(old)
    return tree


def _list_artifacts(tree: dict[str, Any], part: str) -> list[dict[str, Any]]:
    channels = tree.get(part, {}).get("artifacts", {}).values()
    return [artifact for channel in channels for artifact in channel.get("artifacts", [])]


if __name__ == "__main__":
    sys.exit(run_step(sys.argv[1:]))
