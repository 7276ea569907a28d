"""Files of a version."""

import pathlib

from pushes import FILES, write_model
from run_folder import write_comparison

from components.pusher.content import collect_files


def test_card_and_good_lite_models_are_next_to_the_saved_model(tmp_path: pathlib.Path) -> None:
    model, card, lite = write_model(tmp_path / "model"), tmp_path / "card", tmp_path / "lite"
    found = collect_files(saved_model=model, model_card=None, lite_models=None, verdict=tmp_path)
    assert set(found) == set(FILES)
    (model / "README.md").unlink()
    (card / "pictures").mkdir(parents=True)
    (card / "README.md").write_text("# Card")
    (card / "pictures" / "attention.png").write_text("png")
    write_comparison(tmp_path)
    files = collect_files(saved_model=model, model_card=card, lite_models=lite, verdict=tmp_path)
    assert {name: path.relative_to(tmp_path).as_posix() for name, path in files.items()} == {
        "saved_model.pb": "model/saved_model.pb",
        "variables/variables.index": "model/variables/variables.index",
        "README.md": "card/README.md",
        "pictures/attention.png": "card/pictures/attention.png",
        "lite/model_float32.tflite": "lite/model_float32.tflite",
        "lite/labels.txt": "lite/labels.txt",
    }
    without = collect_files(saved_model=model, model_card=card, lite_models=lite, verdict=model)
    assert not [name for name in without if name.startswith("lite/")]
