"""Every step that uses Beam gives the same on a job service with workers of their own as in memory."""

import pathlib

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from beam_steps import BeamSteps
from portable_beam import PortableBeam
from sample_slice import PROJECT
from tfx.types import standard_artifacts
from tfx.utils import import_utils

from components import features
from components.example_gen.component import Cifar10ExampleGen

from .conftest import Results


def _generate(output: pathlib.Path, tfds_dir: pathlib.Path, options: tuple[str, ...]) -> dict[str, list[bytes]]:
    examples = standard_artifacts.Examples()
    examples.uri = str(output)
    Cifar10ExampleGen.test_call(
        examples=examples,
        tfds_dir=str(tfds_dir),
        train_images=40_000,
        source_digest="",
        code_digest="",
        beam_pipeline=beam.Pipeline(options=PipelineOptions(options)),
    )
    files = {split: sorted(map(str, (output / f"Split-{split}").iterdir())) for split in features.SPLITS}
    return {split: sorted(tf.data.TFRecordDataset(files[split]).as_numpy_iterator()) for split in files}


def test_example_gen_writes_the_same_records(
    slice_dir: pathlib.Path, served: PortableBeam, tmp_path: pathlib.Path
) -> None:
    records = _generate(tmp_path / "portable", slice_dir, served.options)
    assert records == _generate(tmp_path / "in_memory", slice_dir, ("--runner=FnApiRunner",))
    assert {split: len(of) for split, of in records.items()} == {"train": 400, "valid": 100, "test": 200}


@pytest.mark.slow
def test_user_code_by_import_path_comes_from_the_wheel(served: PortableBeam, tmp_path: pathlib.Path) -> None:
    def find_source(path: str) -> tuple[str, str]:
        module, _, name = path.rpartition(".")
        return path, import_utils.import_func_from_module(module, name).__code__.co_filename  # as TFX imports it

    paths = ("components.transform.preprocessing_fn", "components.data_gate.images.find_bad_images")
    with beam.Pipeline(options=PipelineOptions(served.options)) as pipeline:
        found = pipeline | beam.Create(paths) | beam.Map(find_source)
        found | beam.Map(repr) | beam.io.WriteToText(str(tmp_path / "found"))
    lines = "".join(file.read_text() for file in tmp_path.glob("found*"))
    site_packages = served.python.parents[1] / "lib"
    for path in paths:
        assert f"('{path}', '{site_packages}/" in lines
    assert str(PROJECT) not in lines


@pytest.mark.slow
def test_the_data_steps_write_the_same(in_memory: BeamSteps, portable: BeamSteps) -> None:
    for split in features.SPLITS:
        assert portable.records(split) == in_memory.records(split)
        assert portable.statistics(split) == in_memory.statistics(split)
        expected, transformed = in_memory.transformed(split), portable.transformed(split)
        assert set(transformed) == set(expected) == {"image", "label", "brightness_quartile", "contrast_quartile"}
        for name, values in transformed.items():
            np.testing.assert_array_equal(values, expected[name])
    assert portable.bad_images() == in_memory.bad_images() == [""]


@pytest.mark.slow
def test_the_evaluator_measures_the_same(
    in_memory: BeamSteps, portable: BeamSteps, model: standard_artifacts.Model, expected: Results
) -> None:
    assert len(expected.metrics) == 19  # all images, and slices
    assert portable.evaluate(model, in_memory.examples) == expected.metrics


@pytest.mark.slow
def test_batch_prediction_answers_the_same(
    in_memory: BeamSteps, portable: BeamSteps, model: standard_artifacts.Model, expected: Results
) -> None:
    assert len(expected.answers) == 200
    assert portable.predict(model, in_memory.examples) == expected.answers
