"""The target of a pipeline: where its steps run, and what differs there."""

import dataclasses

from components.example_gen.component import digest_source
from pipeline.config import PipelineConfig
from pipeline.rejections import count_rejections


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """Everything in which the DAG differs from target to target. The caller validates it."""

    root: str  # pipeline root as TFX names it: a folder, or a URI
    tfds_dir: str  # the dataset: a folder, or an address where the entry of a step makes folders of addresses
    source_digest: str  # of the dataset's records
    rejections: int  # how often a model was found not to serve, in the records of this root
    beam_options: tuple[str, ...]  # over ours: on which runner, and how, the steps that use Beam run
    keeps_records: bool  # in sqlite below the root, where our own resolver strategies, and `bless`, can ask


def make_local_target(config: PipelineConfig, beam_options: tuple[str, ...] = ()) -> Target:
    """Returns this machine as a target.

    Args:
        config: Of the run.
        beam_options: Of Beam; they override ours.

    Raises:
        BadDataError: If `config.data.tfds_dir` holds no whole TFDS dataset.
    """
    return Target(
        root=str(config.root.resolve()),
        tfds_dir=str(config.data.tfds_dir.resolve()),
        source_digest=digest_source(config.data.tfds_dir),
        rejections=count_rejections(config.metadata_path),
        beam_options=beam_options,
        keeps_records=True,
    )
