"""--fit.initial-model: which model it names, which weights are taken, and which models are rejected."""

import dataclasses
import pathlib

import numpy as np
import pytest

from components.artifacts.image_task import ImageTask, write_task
from components.artifacts.network_weights import WEIGHTS_FILE, write_weights
from components.errors import DataFailure, Failure, UsageFailure
from components.trainer.findings import describe_start
from components.trainer.initial_model import load_initial_weights
from components.trainer.state import locate_state
from models.vit_config import ViTConfig
from pipeline.config import QUICK, PipelineConfig

_WEIGHTS = {"block_0/attention/qkv/kernel": np.ones((2, 3), np.float32), "logits/bias": np.zeros(10, np.float32)}
_BACKBONE = QUICK.model.backbone(QUICK.task)


def write_version(root: pathlib.Path, version: str, network: ViTConfig, task: ImageTask = QUICK.task) -> pathlib.Path:
    """Writes the files of a pushed version that trainings start from."""
    folder = root / "serving" / "tokenlearner" / version
    write_weights(network, _WEIGHTS, str(folder))
    write_task(task, str(folder))
    return folder


def start_from(root: pathlib.Path, named: str) -> PipelineConfig:
    """Returns the configuration of a run in a root that starts from a model."""
    return dataclasses.replace(QUICK, root=root, fit=dataclasses.replace(QUICK.fit, initial_model=named))


def test_a_version_is_named_by_its_number_or_its_folder(tmp_path: pathlib.Path) -> None:
    reduced = dataclasses.replace(
        _BACKBONE, num_classes=3, token_reducer="token_learner", blocks_before_token_learner=1, num_tokens=4
    )
    folder = write_version(tmp_path, "17", reduced)
    by_number = start_from(tmp_path, "17").trainer("")
    assert by_number.initial_model is not None
    assert (by_number.initial_model.folder, by_number.initial_model.title) == (str(folder), "version 17 of CIFAR-10")
    assert start_from(tmp_path / "other", str(folder)).trainer("").initial_model == by_number.initial_model
    loaded = load_initial_weights(by_number)
    assert loaded.keys() == _WEIGHTS.keys()
    np.testing.assert_array_equal(loaded["logits/bias"], np.zeros(10))
    other_task = dataclasses.replace(by_number.task, class_names=("daisy", "tulip"))
    assert load_initial_weights(dataclasses.replace(by_number, task=other_task)).keys() == _WEIGHTS.keys() - {
        "logits/bias"
    }
    assert load_initial_weights(QUICK.trainer("")) == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dim": 32}, "its --model.dim is 32, and this run's 64"),
        ({"depth": 2}, "its --model.depth is 2, and this run's 4"),
        ({"patch_size": 8}, "its --model.patch-size is 8, and this run's 4"),
        ({"stem": "linear"}, "its --model.stem is linear, and this run's residual"),
    ],
)
def test_a_model_of_another_shape_is_rejected(changes: dict[str, object], words: str, tmp_path: pathlib.Path) -> None:
    folder = write_version(tmp_path, "17", dataclasses.replace(_BACKBONE, **changes))  # type: ignore[arg-type]
    with pytest.raises(UsageFailure) as caught:
        start_from(tmp_path, "17").find_initial_model()
    assert str(caught.value) == f"--fit.initial-model is {folder}, whose weights do not fit: {words}."


@pytest.mark.parametrize(
    ("named", "kind", "words"),
    [
        ("18", UsageFailure, f"which holds no model to start from ({WEIGHTS_FILE}); name a version that"),
        ("17", DataFailure, f"whose {WEIGHTS_FILE} cannot be read: "),
    ],
)
def test_a_model_without_weights_is_rejected(
    named: str, kind: type[Failure], words: str, tmp_path: pathlib.Path
) -> None:
    folder = write_version(tmp_path, "17", _BACKBONE)
    content = (folder / WEIGHTS_FILE).read_bytes()
    (folder / WEIGHTS_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(kind) as caught:
        start_from(tmp_path, named).find_initial_model()
    assert f"--fit.initial-model is {folder.with_name(named)}, {words}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_trainings_from_other_weights_have_a_folder_of_their_own(tmp_path: pathlib.Path, train: object) -> None:
    state = dataclasses.replace(QUICK.trainer("").state, folder=str(tmp_path))
    folders = set()
    for version in ("17", "18"):  # the same weights
        write_version(tmp_path, version, _BACKBONE)
        config = dataclasses.replace(start_from(tmp_path, version).trainer(""), state=state)
        folders.add(locate_state(config, train, train))  # type: ignore[arg-type]
    assert len(folders) == 1
    random = dataclasses.replace(QUICK.trainer(""), state=state)
    assert locate_state(random, train, train) not in folders  # type: ignore[arg-type]


def test_the_start_is_described() -> None:
    assert describe_start("version 17 of CIFAR-10", 55, 57) == (
        "All trainings start from version 17 of CIFAR-10: it has 55 of the 57 weights of the backbone; "
        "the others are random."
    )
    assert describe_start("m", 57, 57) == "All trainings start from m: it has 57 of the 57 weights of the backbone."
