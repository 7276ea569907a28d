"""Batches of test images have a bounded size, and all images are in them, in their order."""

import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma

from components.evaluator import extractors


@pytest.mark.parametrize(
    ("records", "sizes"),
    [(0, []), (1, [1]), (128, [128]), (129, [128, 1]), (1000, [128] * 7 + [104])],
)
def test_a_batch_is_cut_into_such_of_at_most_128(records: int, sizes: list[int]) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(range(records), pa.int64())], ["number"])
    cut = list(extractors.cut_batch({tfma.ARROW_RECORD_BATCH_KEY: batch, "other": 1}))
    batches = [extracts[tfma.ARROW_RECORD_BATCH_KEY] for extracts in cut]
    assert [each.num_rows for each in batches] == sizes
    assert [number for each in batches for number in each["number"].to_pylist()] == list(range(records))
    assert all(extracts["other"] == 1 for extracts in cut)
