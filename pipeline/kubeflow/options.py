"""The cluster that a pipeline is compiled for; checked before anything slow begins."""

import dataclasses
import importlib.util
import pathlib
import re

from components.errors import UsageFailure
from components.trainer.config import name_option
from pipeline.config import PROFILES, PipelineConfig
from pipeline.files import check_destination
from pipeline.kubeflow.step import locate

IMAGE_FOLDER = pathlib.Path("/tokenlearner")  # the WORKDIR of the Dockerfile
SHIPPED_SAMPLE = pathlib.Path("data/cifar10_sample")  # which the image holds, too

_PIPELINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./:@_-]*[A-Za-z0-9]")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerResources:
    """Resources of the Trainer's container; the other steps get the cluster's defaults."""

    cpu: float = 8.0  # virtual CPUs
    memory_gb: float = 32.0  # 10^9 bytes
    accelerator: str | None = None  # as the cluster names it, such as NVIDIA_TESLA_T4; None: none
    accelerator_count: int = 1  # of them, if there is one

    def __post_init__(self) -> None:
        for name in ("cpu", "memory_gb", "accelerator_count"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name_option(f'trainer.{name}')} is {getattr(self, name)}; it must be above 0")


@dataclasses.dataclass(frozen=True, kw_only=True)
class KubeflowTarget:
    """A cluster, and the file that describes the pipeline to it."""

    image: str  # built from the Dockerfile, such as europe-docker.pkg.dev/project/repository/tokenlearner:1
    pipeline_root: str  # of all outputs on the cluster: gs://bucket/path, or an absolute path that every step sees
    output: pathlib.Path  # the file, such as pipeline.json
    dataset_address: str | None = None
    """copy of --data.tfds-dir on the cluster: gs://bucket/path, or an absolute path that every step sees"""
    trainer: TrainerResources = TrainerResources()


def check_target(config: PipelineConfig, target: KubeflowTarget) -> None:
    """Raises a UsageFailure for the first setting that a cluster cannot have."""
    checks = (
        (
            _IMAGE.fullmatch(target.image),
            f"--image is {target.image}; it must be a name that a registry knows, such as "
            "europe-docker.pkg.dev/project/repository/tokenlearner:1.",
        ),
        (
            locate(target.pipeline_root),
            f"--pipeline-root is {target.pipeline_root}; it must be the address of a folder in a bucket, such as "
            "gs://bucket/tokenlearner, or an absolute path that every step sees.",
        ),
        (target.output.suffix == ".json", f"--output is {target.output}; it must be a file that ends in .json."),
        (
            importlib.util.find_spec("kfp"),
            "kfp.pipeline_spec is missing; `pip install '.[kubeflow]'` in the project's folder installs it.",
        ),
        (
            _PIPELINE_NAME.fullmatch(config.name),
            f"--name is {config.name}; on Kubeflow it must be lowercase letters, digits and hyphens, up to 128.",
        ),
        (
            config.root in [profile.root for profile in PROFILES.values()],
            f"--root is {config.root}, a folder for `run`; name the cluster's with --pipeline-root.",
        ),
        (
            config.tracking.mlflow is None,
            f"--tracking.mlflow is {config.tracking.mlflow}; on a cluster, set TOKENLEARNER_MLFLOW to it in the image.",
        ),
        (
            target.dataset_address is None or locate(target.dataset_address),
            f"--dataset-address is {target.dataset_address}; it must be the address of a folder in a bucket, or an "
            "absolute path that every step sees.",
        ),
        (
            find_dataset(config, target),
            f"--data.tfds-dir is {config.data.tfds_dir}, which the image does not hold; name a folder on this machine, "
            "and its copy on the cluster with --dataset-address, such as gs://bucket/cifar10/3.0.2.",
        ),
    )
    for is_possible, message in checks:
        if not is_possible:
            raise UsageFailure(message)
    check_destination("--output", target.output)


def find_dataset(config: PipelineConfig, target: KubeflowTarget) -> str | None:
    """Returns where the steps find the dataset: a folder in the image, or an address; None if they cannot."""
    if target.dataset_address is None and config.data.tfds_dir == SHIPPED_SAMPLE:
        return str(IMAGE_FOLDER / SHIPPED_SAMPLE)
    address = target.dataset_address or str(config.data.tfds_dir)
    return address if locate(address) else None
