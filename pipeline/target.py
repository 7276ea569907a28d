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
class Target:
    """All differences of the DAG between targets. The caller validates it."""

    make_baseline: Callable[[BaseChannel], Resolver]  # from the candidate: resolves the model to compare with
    metadata_connection: metadata_store_pb2.ConnectionConfig | None  # None: the orchestrator's own store
    root: str  # pipeline root for TFX: a folder, or a URI
    tfds_dir: str  # the dataset: a folder, or an address that `kubeflow/step.py` turns into one
    source_digest: str  # of the dataset's records
    rejections: int  # models of this root that could not be served
    beam_options: tuple[str, ...]  # of the steps that use Beam; they override ours


def resolve_latest_other(model: BaseChannel) -> Resolver:
    """Resolves the last blessed model other than the candidate."""
    return Resolver(strategy_class=LatestOtherBlessedModelStrategy, candidate=model, **_ALL_MODELS)


def resolve_latest(_: BaseChannel) -> Resolver:
    """Resolves the last blessed model by TFX's own strategy, the only kind that Kubeflow runs."""
    return Resolver(strategy_class=LatestBlessedModelStrategy, **_ALL_MODELS)


def make_local_target(config: PipelineConfig, beam_options: tuple[str, ...] = ()) -> Target:
    """Returns this machine as a target.

    Raises:
        BadDataError: `config.data.tfds_dir` holds no complete TFDS dataset.
    """
    return Target(
        make_baseline=resolve_latest_other,
        metadata_connection=metadata.sqlite_metadata_connection_config(str(config.metadata_path.resolve())),
        root=str(config.root.resolve()),
        tfds_dir=str(config.data.tfds_dir.resolve()),
        source_digest=digest_source(config.data.tfds_dir),
        rejections=count_rejections(config.metadata_path),
        beam_options=beam_options,
    )
