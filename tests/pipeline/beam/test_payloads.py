"""What Beam sends to workers as code is small, and names no files of this machine that they need not have."""

import base64
import bz2
import pathlib
import re
import sysconfig
import tempfile

import pytest
import recording_runner
from beam_steps import BeamSteps
from sample_slice import PROJECT
from tfx.types import standard_artifacts

from .conftest import Results

pytestmark = pytest.mark.slow

MAX_BYTES = 16 * 1024  # unpacked

_PICKLE = re.compile(rb"Qlpo[A-Za-z0-9+/]+=*")  # as Beam packs them: base64 of what bzip2 begins with
_PATH = re.compile(rb"(?<![\w./-])/[\w./-]+")

Payloads = dict[tuple[int, str], bytes]  # by the pipeline's number and the transform's name


def _unpack(payload: bytes) -> bytes:
    return _PICKLE.sub(lambda found: _unpack(bz2.decompress(base64.b64decode(found[0]))), payload)


@pytest.fixture(scope="module")
def payloads(in_memory: BeamSteps, expected: Results) -> Payloads:
    """What describes each transform of each pipeline, unpacked."""
    assert in_memory.artifacts
    assert expected.answers
    return {
        (number, transform.unique_name): _unpack(transform.spec.payload)
        for number, pipeline in enumerate(recording_runner.SEEN)
        for transform in pipeline.components.transforms.values()
    }


def test_every_pipeline_was_seen_and_unpacked(payloads: Payloads) -> None:
    assert len({number for number, _ in payloads}) == 6
    told = {name: payload for (_, name), payload in payloads.items()}
    assert b"components.example_gen.splits" in told["Copy"]
    assert b"components.data_gate.images" in told["Decode"]
    assert b"components.evaluator.scoring" in told["Score"]
    assert b"pipeline.prediction.records" in told["Read"]


def test_no_payload_is_large(payloads: Payloads) -> None:
    assert not {name: len(payload) for name, payload in payloads.items() if len(payload) > MAX_BYTES}


def test_no_payload_names_a_file_but_of_the_run_and_of_packages(
    payloads: Payloads, in_memory: BeamSteps, model: standard_artifacts.Model
) -> None:
    of_run = (str(in_memory.root), str(in_memory.data), model.uri)
    of_packages = (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"))
    here = (str(PROJECT), tempfile.gettempdir(), str(pathlib.Path.home()))
    named = {path.decode(): name for name, payload in payloads.items() for path in _PATH.findall(payload)}
    assert any(path.startswith(of_run) for path in named)
    assert not {
        path: name
        for path, name in named.items()
        if path.startswith(here) and not path.startswith((*of_run, *of_packages))
    }
