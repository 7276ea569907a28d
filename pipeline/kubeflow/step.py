"""The entry of the image: runs any step of the DAG in a container, on a bucket that is mounted there.

Artifacts have addresses such as gs://bucket/path. The steps open them as files, so each finds the bucket as a folder,
and what it tells of its outputs is turned back into addresses. Without TFX, which starts in a process of its own.
"""

import json
import pathlib
import subprocess
import sys
from typing import Any

from pipeline.kubeflow.bucket import MOUNT, SCHEME

_INVOCATION = "--json_serialized_invocation_args"
EXECUTOR = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
ARTIFACT_CLASSES = {  # by the names of their types
    "tokenlearner.EvaluationVerdict": "components.evaluator.artifact.EvaluationVerdict",
    "tokenlearner.LiteModels": "components.lite_converter.artifact.LiteModels",
    "tokenlearner.ModelCard": "components.model_card.artifact.ModelCardPage",
    "tokenlearner.ReportPage": "components.report.component.ReportPage",
}
_MODEL_KEYS = {"current_model": "current_model_id", "baseline_model": "baseline_model_id"}  # of a ModelBlessing


def run_step(arguments: list[str], mount: pathlib.Path = MOUNT) -> int:
    """Runs a step and leaves what it tells of its outputs where the invocation asks for it.

    Args:
        arguments: As TFX's Kubeflow v2 runner writes them into the pipeline, the invocation filled in by the cluster.
        mount: The folder that holds the buckets.

    Returns:
        The exit code of the step.
    """
    if _INVOCATION not in arguments[:-1]:
        print(f"{_INVOCATION} is missing; the cluster gives it, see pipeline.json.", file=sys.stderr)
        return 2
    position = arguments.index(_INVOCATION) + 1
    invocation = json.loads(arguments[position])
    mounted = mount_invocation(invocation, mount)
    command = [*arguments[:position], json.dumps(mounted), *arguments[position + 1 :]]
    code = subprocess.run([sys.executable, "-m", EXECUTOR, *command], check=False).returncode
    if code == 0:
        told = pathlib.Path(mounted["outputs"]["outputFile"])
        told.write_text(json.dumps(unmount_output(json.loads(told.read_text()), invocation, mount)))
    return code if code >= 0 else 128 - code  # as a shell tells of a signal


def mount_invocation(invocation: dict[str, Any], mount: pathlib.Path) -> dict[str, Any]:
    """Returns an ExecutorInput as a step can use it: folders for addresses, importable paths for our artifact types.

    Kubeflow takes type names with one dot only, so the paths themselves cannot be the names; TFX imports what it does
    not know by its name.
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
        output: What the step told.
        invocation: What the cluster told the step.
        mount: The folder that holds the buckets.
    """
    unmounted: dict[str, Any] = _replace_prefix(output, f"{mount}/", SCHEME)
    told = _replace_prefix(invocation, f"{mount}/", SCHEME)
    names = {artifact["uri"]: artifact["name"] for artifact in _list_artifacts(told, "inputs") if "name" in artifact}
    for artifact in _list_artifacts({"outputs": unmounted}, "outputs"):
        metadata = artifact.get("metadata", {})
        for uri_key, id_key in _MODEL_KEYS.items():
            if id_key in metadata and metadata.get(uri_key) in names:
                metadata[id_key] = names[metadata[uri_key]]
    return unmounted


def _replace_prefix(tree: Any, old: str, new: str) -> Any:
    """Replaces what strings begin with, anywhere in a tree of JSON."""
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
