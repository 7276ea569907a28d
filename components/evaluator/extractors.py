"""How TFMA reads the test images: in batches of a bounded size."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import tensorflow_model_analysis as tfma

from components.evaluator.scoring import BATCH_SIZE


def custom_extractors(eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any) -> list[Any]:
    """Lists TFMA's own extractors behind one that cuts batches; TFX's Evaluator asks for them by this name.

    Beam makes batches larger, up to 1,000 records, until one takes a second. All activations of a batch are in memory
    at once, so without this the Evaluator's memory grows with the images until there are enough of them for Beam.

    Args:
        eval_shared_model: As TFX's Evaluator gives them.
        eval_config: The same.
        tensor_adapter_config: The same.

    Returns:
        Extractors, the first to run first.
    """
    return [
        tfma.extractors.Extractor(stage_name="CutBatches", ptransform=beam.FlatMap(cut_batch)),
        *tfma.default_extractors(
            eval_shared_model=eval_shared_model, eval_config=eval_config, tensor_adapter_config=tensor_adapter_config
        ),
    ]


def cut_batch(extracts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cuts the Arrow batch of an extract into several of at most `BATCH_SIZE` records, in their order."""
    records = extracts[tfma.ARROW_RECORD_BATCH_KEY]
    for begin in range(0, records.num_rows, BATCH_SIZE):
        yield {**extracts, tfma.ARROW_RECORD_BATCH_KEY: records.slice(begin, BATCH_SIZE)}
