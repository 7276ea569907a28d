"""The targets of a pipeline: this machine and Kubeflow."""

import dataclasses
from collections.abc import Callable

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.orchestration import metadata
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from components.evaluator.baseline import LatestOtherBlessedModelStrategy
from components.example_gen.component import digest_source
from pipeline.config import PipelineConfig
from pipeline.rejections import count_rejections

_ALL_MODELS = {
    "model": Channel(type=standard_artifacts.Model),
    "model_blessing": Channel(type=standard_artifacts.ModelBlessing),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Platform:
    """The orchestrator's baseline and metadata store."""

    make_baseline: Callable[[BaseChannel], Resolver]  # from the candidate: resolves the model to compare with
    connect: Callable[[PipelineConfig], metadata_store_pb2.ConnectionConfig | None]  # None: the platform's own store


LOCAL = Platform(
    make_baseline=lambda model: Resolver(
        strategy_class=LatestOtherBlessedModelStrategy, candidate=model, **_ALL_MODELS
    ),
    connect=lambda config: metadata.sqlite_metadata_connection_config(str(config.metadata_path.resolve())),
)
KUBEFLOW = Platform(  # runs TFX's own strategies only
    make_baseline=lambda _: Resolver(strategy_class=LatestBlessedModelStrategy, **_ALL_MODELS),
    connect=lambda _: None,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """All differences of the DAG between targets. The caller validates it."""

    platform: Platform
    root: str  # pipeline root for TFX: a folder, or a URI
    tfds_dir: str  # the dataset: a folder, or an address that `kubeflow/step.py` turns into one
    source_digest: str  # of the dataset's records
    rejections: int  # models of this root that could not be served
    beam_options: tuple[str, ...]  # of the steps that use Beam; they override ours


def make_local_target(config: PipelineConfig, beam_options: tuple[str, ...] = ()) -> Target:
    """Returns this machine as a target.

    Raises:
        BadDataError: `config.data.tfds_dir` holds no complete TFDS dataset.
    """
    return Target(
        platform=LOCAL,
        root=str(config.root.resolve()),
        tfds_dir=str(config.data.tfds_dir.resolve()),
        source_digest=digest_source(config.data.tfds_dir),
        rejections=count_rejections(config.metadata_path),
        beam_options=beam_options,
    )
