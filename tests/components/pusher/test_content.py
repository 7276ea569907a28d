"""What a version is made of."""

import pathlib

import pytest
from pushes import write_model
from run_folder import write_comparison

from components.pusher.content import collect_files


@pytest.fixture
def lite_models(tmp_path: pathlib.Path) -> pathlib.Path:
    """Two TensorFlow Lite models, of which one is good enough."""
    folder = tmp_path / "lite_models"
    folder.mkdir()
    for name in ("model_float32.tflite", "model_int8.tflite", "labels.txt"):
        (folder / name).write_text(name)
    return folder


def test_card_and_good_lite_models_stand_beside_the_saved_model(
    tmp_path: pathlib.Path, lite_models: pathlib.Path
) -> None:
    model, card = write_model(tmp_path / "model"), tmp_path / "card"
    (model / "README.md").unlink()
    (card / "pictures").mkdir(parents=True)
    (card / "README.md").write_text("# Card")
    (card / "pictures" / "attention.png").write_text("png")
    write_comparison(tmp_path)
    files = collect_files(saved_model=model, model_card=card, lite_models=lite_models, verdict=tmp_path)
    assert {name: path.relative_to(tmp_path).as_posix() for name, path in files.items()} == {
        "saved_model.pb": "model/saved_model.pb",
        "variables/variables.index": "model/variables/variables.index",
        "README.md": "card/README.md",
        "pictures/attention.png": "card/pictures/attention.png",
        "lite/model_float32.tflite": "lite_models/model_float32.tflite",
        "lite/labels.txt": "lite_models/labels.txt",
    }


def test_without_a_comparison_no_lite_models_are_pushed(model: pathlib.Path, lite_models: pathlib.Path) -> None:
    files = collect_files(saved_model=model, model_card=None, lite_models=lite_models, verdict=lite_models)
    assert not [name for name in files if name.startswith("lite/")]


def test_without_card_and_lite_models_there_is_the_saved_model(model: pathlib.Path) -> None:
    assert set(collect_files(saved_model=model, model_card=None, lite_models=None, verdict=model)) == {
        "README.md",
        "saved_model.pb",
        "variables/variables.index",
    }


def test_no_file_of_the_card_takes_the_place_of_one_of_the_model(model: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=r"both the SavedModel and the model card have a file README\.md"):
        collect_files(saved_model=model, model_card=model, lite_models=None, verdict=model)
