"""Where the steps of the DAG run, and what is known of that place while the DAG is made."""

import dataclasses

from components.example_gen.component import digest_source
from pipeline.config import PipelineConfig
from pipeline.refusals import count_refusals


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """What the DAG has to know of a place; all else is the same everywhere.

    Raises nothing and reads nothing: whoever makes a place has looked already, as far as one can from where he is.
    """

    root: str  # pipeline root as TFX names it: a folder, or a URI
    tfds_dir: str  # the dataset, as a step finds it
    source_digest: str  # of the dataset's records
    refusals: int  # how often a model was found not to serve, in the records of this root
    keeps_records: bool  # in sqlite below the root, where our own resolver strategies, and `bless`, can ask


def find_here(config: PipelineConfig) -> Place:
    """Returns this machine as the place of a run.

    Args:
        config: Of the run.

    Raises:
        BadDataError: If `config.data.tfds_dir` holds no whole TFDS dataset.
    """
    return Place(
        root=str(config.root.resolve()),
        tfds_dir=str(config.data.tfds_dir.resolve()),
        source_digest=digest_source(config.data.tfds_dir),
        refusals=count_refusals(config.metadata_path),
        keeps_records=True,
    )
