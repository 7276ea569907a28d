"""Every step that uses Beam gives the same on a job service with workers of their own as in memory."""

import pathlib
from typing import Any

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from beam_steps import BeamSteps
from portable_beam import PortableBeam
from sample_slice import PROJECT
from tfx.types import standard_artifacts
from tfx.utils import import_utils

from components import features
from components.example_gen.component import ImageExampleGen


def _read(folder: pathlib.Path, pattern: str) -> list[bytes]:
    return sorted(tf.data.TFRecordDataset([str(file) for file in folder.glob(pattern)]).as_numpy_iterator())


def test_example_gen_copies_all_records(slice_dir: pathlib.Path, served: PortableBeam, tmp_path: pathlib.Path) -> None:
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path)
    ImageExampleGen.test_call(
        examples=examples,
        tfds_dir=str(slice_dir),
        train_images=40_000,
        valid_share=0.1,
        test_share=0.1,
        source_digest="",
        code_digest="",
        beam_pipeline=beam.Pipeline(options=PipelineOptions(served.options)),
    )
    counts = {split: len(_read(tmp_path, f"Split-{split}/*")) for split in features.SPLITS}
    assert counts == {"train": 400, "valid": 100, "test": 200}
    assert _read(tmp_path, "Split-*/*") == _read(slice_dir, "*.tfrecord-*")


@pytest.mark.slow
def test_user_code_by_import_path_comes_from_the_wheel(served: PortableBeam, tmp_path: pathlib.Path) -> None:
    def find_source(path: str) -> tuple[str, str]:
        module, _, name = path.rpartition(".")
        return path, import_utils.import_func_from_module(module, name).__code__.co_filename  # as TFX imports it

    paths = ("components.transform.preprocessing_fn", "components.data_gate.images.check_images")
    with beam.Pipeline(options=PipelineOptions(served.options)) as pipeline:
        found = pipeline | beam.Create(paths) | beam.Map(find_source)
        found | beam.Map(repr) | beam.io.WriteToText(str(tmp_path / "found"))
    lines = "".join(file.read_text() for file in tmp_path.glob("found*"))
    for path in paths:
        assert f"('{path}', '{served.python.parents[1] / 'lib'}/" in lines
    assert str(PROJECT) not in lines


@pytest.mark.slow
def test_all_steps_give_the_same(
    in_memory: BeamSteps,
    slice_dir: pathlib.Path,
    served: PortableBeam,
    model: standard_artifacts.Model,
    expected: tuple[dict[Any, Any], dict[str, Any]],
    tmp_path: pathlib.Path,
) -> None:
    portable = BeamSteps(tmp_path, slice_dir, served.options)
    for split in features.SPLITS:
        described = in_memory.describe_split(split)
        assert {"image", "label", "brightness_quartile", "contrast_quartile"} < set(described)
        assert portable.describe_split(split) == described
    for steps in (in_memory, portable):
        assert [file.read_text() for file in steps.artifacts.glob("DataGate/bad_images/*/*")] == [""]
    metrics, predictions = expected
    assert len(metrics) == 19  # all images, and slices
    assert portable.evaluate(model, in_memory.examples) == metrics
    assert len(predictions) == 200
    assert portable.predict(model, in_memory.examples) == predictions
