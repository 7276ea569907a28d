"""What a version is made of."""

import pathlib

import pytest
from pushes import write_model

from components.artifacts.lite_comparison import LiteComparison, Variant, VariantName, write_comparison
from components.artifacts.verdict import Measure
from components.pusher.content import collect_files


def _make_variant(name: VariantName, file: str | None, *, is_pushed: bool) -> Variant:
    measure = Measure(value=0.5, low=0.4, high=0.6)
    return Variant(
        name=name,
        file=file,
        size_bytes=1,
        accuracy=measure,
        difference=measure if file else None,
        p50_seconds=0.1,
        p95_seconds=0.2,
        is_pushed=is_pushed,
        sentence="",
    )


@pytest.fixture
def lite_models(tmp_path: pathlib.Path) -> pathlib.Path:
    """Two TensorFlow Lite models, of which one is good enough."""
    folder = tmp_path / "lite_models"
    folder.mkdir()
    for name in ("model_float32.tflite", "model_int8.tflite", "labels.txt"):
        (folder / name).write_text(name)
    variants = (
        _make_variant("saved_model", None, is_pushed=True),
        _make_variant("float32", "model_float32.tflite", is_pushed=True),
        _make_variant("int8", "model_int8.tflite", is_pushed=False),
    )
    write_comparison(LiteComparison(images=10, margin=0.01, variants=variants), folder)
    return folder


def test_card_and_good_lite_models_stand_beside_the_saved_model(
    tmp_path: pathlib.Path, lite_models: pathlib.Path
) -> None:
    model, card = write_model(tmp_path / "model"), tmp_path / "card"
    (model / "README.md").unlink()
    (card / "pictures").mkdir(parents=True)
    (card / "README.md").write_text("# Card")
    (card / "pictures" / "attention.png").write_text("png")
    files = collect_files(saved_model=model, model_card=card, lite_models=lite_models)
    assert {name: path.relative_to(tmp_path).as_posix() for name, path in files.items()} == {
        "saved_model.pb": "model/saved_model.pb",
        "variables/variables.index": "model/variables/variables.index",
        "README.md": "card/README.md",
        "pictures/attention.png": "card/pictures/attention.png",
        "lite/model_float32.tflite": "lite_models/model_float32.tflite",
        "lite/labels.txt": "lite_models/labels.txt",
    }


def test_without_a_good_lite_model_there_is_no_folder_for_them(model: pathlib.Path, lite_models: pathlib.Path) -> None:
    variants = (_make_variant("int8", "model_int8.tflite", is_pushed=False),)
    write_comparison(LiteComparison(images=10, margin=0.01, variants=variants), lite_models)
    files = collect_files(saved_model=model, model_card=None, lite_models=lite_models)
    assert not [name for name in files if name.startswith("lite/")]


def test_without_card_and_lite_models_there_is_the_saved_model(model: pathlib.Path) -> None:
    assert set(collect_files(saved_model=model, model_card=None, lite_models=None)) == {
        "README.md",
        "saved_model.pb",
        "variables/variables.index",
    }


def test_no_file_of_the_card_takes_the_place_of_one_of_the_model(model: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=r"both the SavedModel and the model card have a file README\.md"):
        collect_files(saved_model=model, model_card=model, lite_models=None)
