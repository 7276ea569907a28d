"""`tokenlearner predict IMAGE…`: which images are found, what is predicted, and how it is written."""

import csv
import io
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from commands import Command

from components.errors import ExitCode
from components.image_dataset import CIFAR10

from .conftest import IMAGES, ROUNDING, TOKENS, ask


def test_a_fresh_process_predicts_as_the_newest_pushed_model_does_of_the_record_without_tfx(
    versions: pathlib.Path, photo: pathlib.Path, records: list[bytes]
) -> None:
    script = (
        "import sys; from pipeline.__main__ import main\n"
        "try: main()\n"
        "finally: print([name for name in ('tfx', 'apache_beam', 'tensorflow_transform') if name in sys.modules])"
    )
    arguments = ("predict", photo, "--root", versions.parents[1], "--format", "csv", "--top", "10")
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    *rows, modules = done.stdout.splitlines()
    assert (modules, done.stderr) == ("[]", "")
    [row] = csv.DictReader(rows)
    assert (row["image"], row["note"]) == (str(photo), "")
    predicted = {row[f"class_{rank}"]: np.float32(row[f"probability_{rank}"]) for rank in range(1, 11)}
    [expected] = ask(versions / "10", records[:1])
    np.testing.assert_array_equal([predicted[name] for name in CIFAR10.class_names], expected)
    assert next(iter(predicted)) == CIFAR10.class_names[expected.argmax()]


def test_images_of_folders_and_globs_are_predicted_in_order_in_more_than_one_batch(
    predict: Command, versions: pathlib.Path, photos: pathlib.Path, records: list[bytes]
) -> None:
    folders = [photos, f"{photos}/**"] * 6
    done = predict(f"{photos}/[34].png", photos / "1.png", *folders, "--format", "json", "--top", 10)
    assert done.code == ExitCode.OK, done.err
    images = json.loads(done.out)["images"]
    files = [*(f"{photos}/{position}.png" for position in range(IMAGES - 1)), f"{photos}/more/{IMAGES - 1}.png"]
    order = [3, 4, 1, *(list(range(IMAGES)) * len(folders))]
    assert [image["image"] for image in images] == [files[position] for position in order]
    named = [{choice["class"]: choice["probability"] for choice in image["classes"]} for image in images]
    probabilities = np.array([[each[name] for name in CIFAR10.class_names] for each in named])
    np.testing.assert_allclose(probabilities, ask(versions / "10", records)[order], atol=ROUNDING)
    assert np.ptp(probabilities, axis=0).max() > 0.05  # else any prediction would do


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_suffix_of_the_output_chooses_the_format(
    predict: Command, photo: pathlib.Path, tmp_path: pathlib.Path, form: str
) -> None:
    output = tmp_path / "new" / f"predictions.{form}"
    done = predict(photo, "--top", 2, "--output", output)
    assert (done.code, done.out, done.err) == (ExitCode.OK, "", "")
    assert output.read_text() == predict(photo, "--top", 2, "--format", form).out
    assert list(output.parent.iterdir()) == [output]
    if form == "csv":
        [header, row] = csv.reader(output.open())
        assert header == ["image", "class_1", "probability_1", "class_2", "probability_2", "note"]
        assert float(row[2]) >= float(row[4]) > 0


def test_a_table_shows_the_top_classes_and_how_an_image_was_resized(
    predict: Command, photo: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    PIL.Image.open(photo).resize((64, 64)).save("big.png")
    [image] = json.loads(predict("big.png", "--format", "json", "--top", 10).out)["images"]
    words = predict("big.png").words
    shown = [f"{choice['class']} {choice['probability']:.1%}" in words for choice in image["classes"][:4]]
    assert shown == [True, True, True, False]
    assert image["note"] == "64x64, resized to 32x32"
    assert set(image["note"].split()) < set(words.split())  # the column may be too narrow for all of it


def test_unreadable_images_are_named_and_the_others_predicted(
    predict: Command, versions: pathlib.Path, photo: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    content = photo.read_bytes()
    files = {"a notes.txt": b"no image", "b.png": content, "c.png": content[:400], "d.png": content}
    for name, written in files.items():
        (tmp_path / name).write_bytes(written)
    os.mkfifo(tmp_path / "e.png")
    names = ["", "missing.png", "none*.png", "e.png"]
    done = predict(*(tmp_path / name for name in names), "--format", "json")
    assert done.code == ExitCode.BAD_DATA
    facts = json.loads(done.out)
    assert facts["model"] == str(versions / "10")
    assert [image["image"] for image in facts["images"]] == [f"{tmp_path}/b.png", f"{tmp_path}/d.png"]
    reasons = {failure["image"]: failure["reason"] for failure in facts["failures"]}
    assert list(reasons) == [f"{tmp_path}/{name}" for name in (*names[1:], "a notes.txt", "c.png")]
    missing, unmatched, pipe, text, _ = reasons.values()
    assert missing == unmatched == "does not exist"
    assert (pipe, text) == ("contains no file to read", "is not an image that Pillow reads")
    assert done.err.splitlines() == [f"{name} {reason}." for name, reason in reasons.items()]


def test_file_names_may_contain_anything(
    predict: Command, photo: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [b"$a_{b}$ [1].png", 'käfer, "x"\n.png'.encode(), b"latin \xe4.png", b"=1+1.png"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(photo.read_bytes())
    sheet = tmp_path / "sheets" / "maps.png"
    done = predict("*.png", "--format", "csv", "--attention", sheet)
    assert done.code == ExitCode.OK, done.err
    rows = csv.DictReader(io.StringIO(done.out))
    safe = [name.decode(errors="replace").replace("=1", "'=1") for name in names]  # no formula
    assert sorted(row["image"] for row in rows) == sorted(safe)
    assert sheet.is_file()


def test_a_sheet_colors_each_image_where_its_tokens_look(predict: Command, tmp_path: pathlib.Path) -> None:
    halves = np.zeros((32, 32, 3), np.uint8) + 10
    halves[:, 16:] = 245
    for name, image in (("a.png", halves), ("b.png", halves[:, ::-1])):
        PIL.Image.fromarray(image).save(tmp_path / name)
    assert predict(tmp_path, "--attention", tmp_path / "maps.png").code == ExitCode.OK
    sheet = np.asarray(PIL.Image.open(tmp_path / "maps.png").convert("RGB")).astype(int)
    assert sheet.shape == (2 * (48 + 128) + 12, (1 + TOKENS) * (128 + 12) + 12, 3)
    for row, dark, light in ((0, 20, 108), (1, 108, 20)):  # columns of pixels
        tiles = [sheet[48 + row * 176 :, 12 + column * 140 :][:128, :128] for column in range(1 + TOKENS)]
        bright = [(tile[64, dark].mean(), tile[64, light].mean()) for tile in tiles]
        assert bright[0] == (10, 245)  # the image itself
        assert bright[1] == (pytest.approx(170, abs=3), pytest.approx(245, abs=3))  # looks at dark patches: yellow
        assert bright[-1] == (pytest.approx(10, abs=2), pytest.approx(229, abs=3))  # looks at bright patches


def test_an_unwritable_sheet_leaves_the_old_one(
    predict: Command, photo: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_disk(_: object, path: pathlib.Path, **__: object) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    sheet = tmp_path / "maps.png"
    sheet.write_text("the old one")
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fill_disk)
    done = predict(photo, "--attention", sheet)
    assert done.code == ExitCode.USAGE
    assert "maps.png cannot be written: No space left on device." in done.words
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"maps.png": "the old one"}


def test_wrong_usage_and_unusable_data_are_one_message(
    predict: Command, versions: pathlib.Path, photo: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for folder, file in (("full", "precious"), ("damaged", "saved_model.pb"), ("empty", "tfrecord")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    tf.saved_model.save(tf.Module(), str(tmp_path / "foreign"))
    before = set(tmp_path.rglob("*"))
    cases = {
        ExitCode.USAGE: (
            ((photo, "--top", 0), "--top is 0; it must be at least 1"),
            ((photo, "--top", 11), "top is 11"),
            (("x" * 300,), "File name too long; name a path that you may use."),
            ((photo, "--model", tmp_path), "contains no SavedModel"),
            ((photo, "--root", tmp_path), "no pushed version"),
            ((photo, "--attention", "maps.gif"), "name a PNG file"),
            (
                (photo, "--attention", tmp_path / "maps.png", "--model", versions / "9"),
                "its token reducer has none",
            ),
            ((photo, "--output", tmp_path / "full"), "full, which is a folder; choose another name"),
            ((photo, "--output", photo / "below.csv"), "which is below a file"),
            ((photo, "--output", "/proc/below.csv"), "/proc/below.csv: No such file or directory; name another."),
            ((photo, "--examples", photo), "name either images"),
            ((), "name either images"),
            ((photo, "--beam.runner=X"), "--beam.… are Beam's options, which only --examples uses"),
            (("--examples", photo, "--format", "csv"), "--attention and --format are for images"),
            ((tmp_path / "missing.png", f"{photo}*png"), "there is no image: "),
            (("--examples", tmp_path / "missing"), "missing does not exist."),
            (("--examples", tmp_path / "full"), "full contains no file to read."),
            (("--examples", photo, "--output", tmp_path / "full" / "precious"), "which exists already"),
        ),
        ExitCode.BAD_DATA: (
            ((photo, "--model", tmp_path / "damaged"), "does not load"),
            ((photo, "--model", tmp_path / "foreign"), "does not say what it classifies"),
            (("--examples", tmp_path / "empty"), "there is no record in"),
        ),
    }
    for code, arguments, words in ((code, *case) for code, each in cases.items() for case in each):
        done = predict(*arguments)
        assert (done.code, done.out) == (code, "")
        assert words in done.words
        assert len(done.err.splitlines()) == 1
    assert set(tmp_path.rglob("*")) == before


def test_a_model_may_be_named_in_each_of_its_folders(
    predict: Command, versions: pathlib.Path, photo: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "Format-Serving").symlink_to(versions / "10")
    folders = (versions, versions / "10", tmp_path, versions / "9")
    predicted = [predict(photo, "--model", folder, "--format", "csv").out for folder in folders]
    assert predicted[0] == predicted[1] == predicted[2] != predicted[3]
