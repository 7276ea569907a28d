"""What a version is made of."""

import pathlib

from pushes import FILES, write_model

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


def test_card_and_good_lite_models_are_next_to_the_saved_model(tmp_path: pathlib.Path) -> None:
    model, card, lite = write_model(tmp_path / "model"), tmp_path / "card", tmp_path / "lite"
    assert set(collect_files(saved_model=model, model_card=None, lite_models=None)) == set(FILES)
    (model / "README.md").unlink()
    (card / "pictures").mkdir(parents=True)
    (card / "README.md").write_text("# Card")
    (card / "pictures" / "attention.png").write_text("png")
    lite.mkdir()
    variants = (
        _make_variant("saved_model", None, is_pushed=True),
        _make_variant("float32", "model_float32.tflite", is_pushed=True),
        _make_variant("int8", "model_int8.tflite", is_pushed=False),
    )
    write_comparison(LiteComparison(images=10, margin=0.01, variants=variants), lite)
    files = collect_files(saved_model=model, model_card=card, lite_models=lite)
    assert {name: path.relative_to(tmp_path).as_posix() for name, path in files.items()} == {
        "saved_model.pb": "model/saved_model.pb",
        "variables/variables.index": "model/variables/variables.index",
        "README.md": "card/README.md",
        "pictures/attention.png": "card/pictures/attention.png",
        "lite/model_float32.tflite": "lite/model_float32.tflite",
        "lite/labels.txt": "lite/labels.txt",
    }
    write_comparison(LiteComparison(images=10, margin=0.01, variants=variants[2:]), lite)
    files = collect_files(saved_model=model, model_card=None, lite_models=lite)
    assert not [name for name in files if name.startswith("lite/")]
