"""`tokenlearner predict IMAGE…`: which images are found, what is predicted, and how it is written."""

import csv
import io
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from commands import Command

from components import features
from components.errors import ExitCode

from .conftest import IMAGES, ROUNDING, TOKENS, Pushed


def _predict(tokenlearner: Command, pushed: Pushed, *arguments: object) -> list[dict[str, Any]]:
    done = tokenlearner("predict", *arguments, "--root", pushed.root, "--format", "json", "--top", 10)
    assert done.code == ExitCode.OK, done.err
    images: list[dict[str, Any]] = json.loads(done.out)["images"]
    return images


def test_a_fresh_process_predicts_as_the_newest_pushed_model_does_of_the_record_without_tfx(
    pushed: Pushed, photos: pathlib.Path, records: list[bytes]
) -> None:
    script = (
        "import sys; from pipeline.__main__ import main\n"
        "try: main()\n"
        "finally: print([name for name in ('tfx', 'apache_beam', 'tensorflow_transform') if name in sys.modules])"
    )
    arguments = ("predict", photos / "0.png", "--root", pushed.root, "--format", "csv", "--top", "10")
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    *rows, modules = done.stdout.splitlines()
    assert (modules, done.stderr) == ("[]", "")
    [row] = csv.DictReader(rows)
    assert (row["image"], row["note"]) == (str(photos / "0.png"), "")
    predicted = {row[f"class_{rank}"]: np.float32(row[f"probability_{rank}"]) for rank in range(1, 11)}
    [expected] = pushed.ask(records[:1])
    np.testing.assert_array_equal([predicted[name] for name in features.CLASS_NAMES], expected)
    assert row["class_1"] == features.CLASS_NAMES[expected.argmax()]


def test_images_of_folders_and_globs_are_predicted_in_order_in_more_than_one_batch(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, records: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    base = photos.name
    folders = [base, f"{base}/**"] * 6
    images = _predict(tokenlearner, pushed, f"{base}/[34].png", f"{base}/1.png", *folders)
    files = [*(f"{base}/{position}.png" for position in range(IMAGES - 1)), f"{base}/more/{IMAGES - 1}.png"]
    order = [3, 4, 1, *(list(range(IMAGES)) * len(folders))]
    assert [image["image"] for image in images] == [files[position] for position in order]
    named = [{choice["class"]: choice["probability"] for choice in image["classes"]} for image in images]
    probabilities = np.array([[each[name] for name in features.CLASS_NAMES] for each in named])
    np.testing.assert_allclose(probabilities, pushed.ask(records)[order], atol=ROUNDING)
    assert np.ptp(probabilities, axis=0).max() > 0.05  # else any prediction would do


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_suffix_of_the_output_chooses_the_format(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path, form: str
) -> None:
    output = tmp_path / "new" / f"predictions.{form}"
    arguments = ("predict", photos / "0.png", "--root", pushed.root, "--top", 2)
    done = tokenlearner(*arguments, "--output", output)
    assert (done.code, done.out, done.err) == (ExitCode.OK, "", "")
    assert output.read_text() == tokenlearner(*arguments, "--format", form).out
    assert list(output.parent.iterdir()) == [output]
    if form == "csv":
        [header, row] = csv.reader(output.open())
        assert header == ["image", "class_1", "probability_1", "class_2", "probability_2", "note"]
        assert float(row[2]) >= float(row[4]) > 0


def test_a_table_shows_the_top_classes_and_how_an_image_was_resized(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with PIL.Image.open(photos / "0.png") as photo:
        photo.resize((64, 64)).save("big.png")
    [image] = _predict(tokenlearner, pushed, "big.png")
    words = tokenlearner("predict", "big.png", "--root", pushed.root).words
    shown = [f"{choice['class']} {choice['probability']:.1%}" in words for choice in image["classes"][:4]]
    assert shown == [True, True, True, False]
    assert image["note"] == "64x64, resized to 32x32"
    assert set(image["note"].split()) < set(words.split())  # the column may be too narrow for all of it


def test_unreadable_images_are_named_and_the_others_predicted(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a notes.txt").write_text("no image")
    (folder / "b.png").write_bytes((photos / "0.png").read_bytes())
    (folder / "c.png").write_bytes((photos / "1.png").read_bytes()[:400])
    (folder / "d.png").write_bytes((photos / "2.png").read_bytes())
    os.mkfifo(folder / "e.png")
    names = ("mixed", "missing.png", "none*.png", "mixed/e.png")
    done = tokenlearner("predict", *names, "--root", pushed.root, "--format", "json")
    assert done.code == ExitCode.BAD_DATA
    facts = json.loads(done.out)
    assert facts["model"] == str(pushed.newest)
    assert [image["image"] for image in facts["images"]] == ["mixed/b.png", "mixed/d.png"]
    failures = {failure["image"]: failure["reason"] for failure in facts["failures"]}
    assert list(failures) == ["missing.png", "none*.png", "mixed/e.png", "mixed/a notes.txt", "mixed/c.png"]
    assert failures["none*.png"] == failures["missing.png"] == "does not exist"
    assert failures["mixed/a notes.txt"] == "is not an image that Pillow reads"
    assert done.err.splitlines() == [f"{name} {reason}." for name, reason in failures.items()]


def test_file_names_may_contain_anything(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    names = [b"$a_{b}$ [1].png", 'käfer, "x"\n.png'.encode(), b"latin \xe4.png"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes((photos / "0.png").read_bytes())
    sheet = tmp_path / "sheets" / "maps.png"
    done = tokenlearner("predict", tmp_path, "--root", pushed.root, "--format", "csv", "--attention", sheet)
    assert done.code == ExitCode.OK, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["image"] for row in rows} == {f"{tmp_path}/{name.decode(errors='replace')}" for name in names}
    assert sheet.is_file()


def test_a_sheet_shows_each_image_bright_where_its_tokens_look(
    tokenlearner: Command, pushed: Pushed, tmp_path: pathlib.Path
) -> None:
    halves = np.zeros((32, 32, 3), np.uint8) + 10
    halves[:, 16:] = 245
    PIL.Image.fromarray(halves).save(tmp_path / "halves.png")
    PIL.Image.fromarray(halves[:, ::-1]).save(tmp_path / "mirrored.png")
    sheet, images = tmp_path / "maps.png", (tmp_path / "halves.png", tmp_path / "mirrored.png")
    done = tokenlearner("predict", *images, "--root", pushed.root, "--attention", sheet)
    assert done.code == ExitCode.OK, done.err
    with PIL.Image.open(sheet) as drawn:
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    assert pixels.shape == (2 * (48 + 128) + 12, (1 + TOKENS) * (128 + 12) + 12, 3)
    for row, dark, light in ((0, 20, 108), (1, 108, 20)):  # columns of pixels
        tiles = [pixels[48 + row * 176 :, 12 + column * 140 :][:128, :128] for column in range(1 + TOKENS)]
        bright = [(tile[64, dark].mean(), tile[64, light].mean()) for tile in tiles]
        assert bright[0] == (10, 245)  # the image itself
        assert bright[1] == (pytest.approx(10, abs=2), pytest.approx(0.12 * 245, abs=3))  # looks at dark patches
        assert bright[-1] == (pytest.approx(1, abs=2), pytest.approx(245, abs=3))  # looks at bright patches


def test_an_unwritable_sheet_leaves_the_old_one(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = tmp_path / "maps.png"
    sheet.write_text("the old one")

    def fill_disk(_: object, path: pathlib.Path, **__: object) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fill_disk)
    done = tokenlearner("predict", photos / "0.png", "--root", pushed.root, "--attention", sheet)
    assert done.code == ExitCode.USAGE
    assert "maps.png cannot be written: No space left on device." in done.words
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"maps.png": "the old one"}


def test_wrong_usage_is_one_message(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    image = photos / "0.png"
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        ((image, "--top", 0), "top is 0; it must be in 1..10"),
        ((image, "--top", 11), "top is 11"),
        (("x" * 300,), "File name too long; name a path that you may use."),
        ((image, "--model", tmp_path / ("x" * 300)), "File name too long"),
        ((image, "--model", tmp_path), "contains no SavedModel"),
        ((image, "--root", tmp_path), "no pushed version"),
        ((image, "--attention", "maps.gif"), "name a PNG file"),
        (
            (image, "--attention", tmp_path / "a.png", "--model", pushed.versions / "9"),
            "no TokenLearner won its search",
        ),
        ((image, "--output", tmp_path), "which is a folder; choose another name"),
        ((image, "--output", image / "below.csv"), "which is below a file"),
        ((image, "--output", "/proc/below.csv"), "/proc/below.csv: No such file or directory; name another."),
        ((image, "--examples", image), "name either images"),
        ((), "name either images"),
        ((image, "--beam.runner=X"), "--beam.… are Beam's options, which only --examples uses"),
        (("--examples", image, "--format", "csv"), "--attention and --format are for images"),
        ((tmp_path / "empty",), "there is no image: "),
        ((tmp_path / "missing.png",), "missing.png does not exist."),
    ):
        done = tokenlearner("predict", "--root", pushed.root, *arguments)
        assert (done.code, done.out) == (ExitCode.USAGE, "")
        assert words in done.words
        assert len(done.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_model_may_be_named_in_each_of_its_folders(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "Format-Serving").symlink_to(pushed.newest)
    predicted = [
        tokenlearner("predict", photos / "0.png", "--model", folder, "--format", "csv").out
        for folder in (pushed.versions, pushed.newest, tmp_path, pushed.versions / "9")
    ]
    assert predicted[0] == predicted[1] == predicted[2] != predicted[3]


def test_damaged_and_foreign_models_are_rejected(
    tokenlearner: Command, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "saved_model.pb").write_bytes(b"garbage")
    tf.saved_model.save(tf.Module(), str(tmp_path / "foreign"))
    for folder, words in (("damaged", "does not load"), ("foreign", "has no signature serving_default")):
        done = tokenlearner("predict", photos / "0.png", "--model", tmp_path / folder)
        assert done.code == ExitCode.BAD_DATA
        assert words in done.words
        assert len(done.err.splitlines()) == 1
