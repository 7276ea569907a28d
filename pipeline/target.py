"""Where the steps of the DAG run, and what is known of that place while the DAG is made."""

import dataclasses

from components.example_gen.component import digest_source
from pipeline.config import PipelineConfig
from pipeline.rejections import count_refusals


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """What the DAG has to know of a place; all else is the same everywhere.

    Raises nothing and reads nothing: whoever makes a place has looked already, as far as one can from where he is.
    """

    root: str  # pipeline root as TFX names it: a folder, or a URI
    tfds_dir: str  # the dataset: a folder, or an address where the entry of a step makes folders of addresses
    source_digest: str  # of the dataset's records
    refusals: int  # how often a model was found not to serve, in the records of this root
    beam_options: tuple[str, ...]  # over ours: on which runner, and how, the steps that use Beam run
    keeps_records: bool  # in sqlite below the root, where our own resolver strategies, and `bless`, can ask


def find_here(config: PipelineConfig, beam_options: tuple[str, ...] = ()) -> Place:
    """Returns this machine as the place of a run.

    Args:
        config: Of the run.
        beam_options: Of Beam; they override ours.

    Raises:
        BadDataError: If `config.data.tfds_dir` holds no whole TFDS dataset.
    """
    return Place(
        root=str(config.root.resolve()),
        tfds_dir=str(config.data.tfds_dir.resolve()),
        source_digest=digest_source(config.data.tfds_dir),
        refusals=count_refusals(config.metadata_path),
        beam_options=beam_options,
        keeps_records=True,
    )
