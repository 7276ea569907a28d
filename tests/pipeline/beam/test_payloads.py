"""The code that Beam sends to workers is small, and names no files of this machine that workers do not need."""

import base64
import bz2
import pathlib
import re
import sysconfig
import tempfile
from typing import Any

import pytest
import recording_runner
from beam_steps import BeamSteps
from sample_slice import PROJECT
from tfx.types import standard_artifacts

MAX_BYTES = 16 * 1024  # unpacked

_PICKLE = re.compile(rb"Qlpo[A-Za-z0-9+/]+=*")  # as Beam packs them: base64 of the first bytes of bzip2
_PATH = re.compile(rb"(?<![\w./-])/[\w./-]+")


def _unpack(payload: bytes) -> bytes:
    return _PICKLE.sub(lambda found: _unpack(bz2.decompress(base64.b64decode(found[0]))), payload)


@pytest.mark.slow
@pytest.mark.usefixtures("expected")
def test_payloads_are_small_and_name_only_files_of_the_run_and_of_packages(
    in_memory: BeamSteps, model: standard_artifacts.Model
) -> None:
    payloads: dict[tuple[int, Any], bytes] = {
        (number, transform.unique_name): _unpack(transform.spec.payload)
        for number, pipeline in enumerate(recording_runner.SEEN)
        for transform in pipeline.components.transforms.values()
    }
    assert len(recording_runner.SEEN) == 6
    for module in ("example_gen.splits", "data_gate.images", "evaluator.scoring", "prediction.records"):
        assert any(module.encode() in payload for payload in payloads.values()), module
    assert not {name: len(payload) for name, payload in payloads.items() if len(payload) > MAX_BYTES}
    of_run = (str(in_memory.root), str(in_memory.data), model.uri)
    sources = (str(PROJECT / name) for name in ("components", "models", "pipeline"))  # installed on workers, too
    allowed = (*of_run, *sources, sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"))
    here = (str(PROJECT), tempfile.gettempdir(), str(pathlib.Path.home()))
    paths = {path.decode(): name for name, payload in payloads.items() for path in _PATH.findall(payload)}
    assert any(path.startswith(of_run) for path in paths)
    assert not {path: name for path, name in paths.items() if path.startswith(here) and not path.startswith(allowed)}
