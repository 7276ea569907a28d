"""The target of a pipeline: where its steps run, and what differs there."""

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
    """What runs the DAG, and where it keeps its metadata."""

    make_baseline: Callable[[BaseChannel], Resolver]  # of the candidate: resolves the model that it is compared with
    connect: Callable[[PipelineConfig], metadata_store_pb2.ConnectionConfig | None]  # None: the platform's own store


LOCAL = Platform(
    make_baseline=lambda model: Resolver(
        strategy_class=LatestOtherBlessedModelStrategy, candidate=model, **_ALL_MODELS
    ),
    connect=lambda config: metadata.sqlite_metadata_connection_config(str(config.metadata_path.resolve())),
)
KUBEFLOW = Platform(  # it runs TFX's own strategies only
    make_baseline=lambda _: Resolver(strategy_class=LatestBlessedModelStrategy, **_ALL_MODELS),
    connect=lambda _: None,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """Everything in which the DAG differs from target to target. The caller validates it."""

    platform: Platform
    root: str  # pipeline root as TFX names it: a folder, or a URI
    tfds_dir: str  # the dataset: a folder, or an address where the entry of a step makes folders of addresses
    source_digest: str  # of the dataset's records
    rejections: int  # how often a model was found not to serve, in the records of this root
    beam_options: tuple[str, ...]  # over ours: on which runner, and how, the steps that use Beam run


def make_local_target(config: PipelineConfig, beam_options: tuple[str, ...] = ()) -> Target:
    """Returns this machine as a target.

    Args:
        config: Of the run.
        beam_options: Of Beam; they override ours.

    Raises:
        BadDataError: If `config.data.tfds_dir` holds no whole TFDS dataset.
    """
    return Target(
        platform=LOCAL,
        root=str(config.root.resolve()),
        tfds_dir=str(config.data.tfds_dir.resolve()),
        source_digest=digest_source(config.data.tfds_dir),
        rejections=count_rejections(config.metadata_path),
        beam_options=beam_options,
    )
