"""`tokenlearner predict IMAGE…`: what is found, what is said of it, and how."""

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
from commands import Command, Done

from components import features
from components.errors import ExitCode
from pipeline.prediction.attention import measure_sheet

from .conftest import IMAGES, TOKENS, Pushed

_TITLE = 48  # pixels above the pictures of an image
_TILE = 128
_BIT = 1e-6  # batches of other sizes may differ in the last bits


def _answer(tokenlearner: Command, pushed: Pushed, *arguments: object) -> list[dict[str, Any]]:
    done = tokenlearner("predict", *arguments, "--root", pushed.root, "--format", "json", "--top", 10)
    assert done.code == ExitCode.OK, done.err
    images: list[dict[str, Any]] = json.loads(done.out)["images"]
    return images


def _probabilities(image: dict[str, Any]) -> list[float]:
    named = {choice["class"]: choice["probability"] for choice in image["classes"]}
    return [named[name] for name in features.CLASS_NAMES]


def test_a_fresh_process_answers_as_the_newest_pushed_model_does_of_the_record_without_tfx(
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
    assert modules == "[]"
    assert done.stderr == ""
    [row] = csv.DictReader(rows)
    assert row["image"] == str(photos / "0.png")
    assert row["note"] == ""
    answered = {row[f"class_{rank}"]: np.float32(row[f"probability_{rank}"]) for rank in range(1, 11)}
    [expected] = pushed.ask(records[:1])
    np.testing.assert_array_equal([answered[name] for name in features.CLASS_NAMES], expected)
    assert row["class_1"] == features.CLASS_NAMES[expected.argmax()]


def test_folders_and_globs_give_their_images_in_order(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, records: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    base = photos.name
    named = _answer(tokenlearner, pushed, f"{base}/[34].png", f"{base}/1.png", base, f"{base}/**")
    everything = [f"{base}/{position}.png" for position in range(IMAGES - 1)] + [f"{base}/more/{IMAGES - 1}.png"]
    expected_names = [everything[3], everything[4], everything[1], *everything, *everything]
    assert [image["image"] for image in named] == expected_names
    expected = pushed.ask(records)
    np.testing.assert_allclose([_probabilities(image) for image in named[3 : 3 + IMAGES]], expected, atol=_BIT)
    assert np.ptp(expected, axis=0).max() > 0.05  # else any answer would do


def test_more_images_than_a_batch_holds_are_answered_in_order(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, records: list[bytes]
) -> None:
    order = [0, 1, 2, 3, 4] * 26
    images = _answer(tokenlearner, pushed, *(photos / f"{position}.png" for position in order))
    np.testing.assert_allclose([_probabilities(image) for image in images], pushed.ask(records)[order], atol=_BIT)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_ending_of_the_output_says_how_it_is_written(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path, form: str
) -> None:
    output = tmp_path / "new" / f"answers.{form}"
    done = tokenlearner("predict", photos / "0.png", "--root", pushed.root, "--output", output)
    assert (done.code, done.out, done.err) == (ExitCode.OK, "", "")
    shown = tokenlearner("predict", photos / "0.png", "--root", pushed.root, "--format", form)
    assert output.read_text() == shown.out
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_csv_has_a_column_for_each_rank(tokenlearner: Command, pushed: Pushed, photos: pathlib.Path) -> None:
    done = tokenlearner("predict", photos / "0.png", "--root", pushed.root, "--format", "csv", "--top", 2)
    [header, row] = csv.reader(io.StringIO(done.out))
    assert header == ["image", "class_1", "probability_1", "class_2", "probability_2", "note"]
    assert float(row[2]) >= float(row[4]) > 0


def test_a_table_tells_the_top_classes_and_what_was_resized(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with PIL.Image.open(photos / "0.png") as photo:
        photo.resize((64, 64)).save("big.png")
    [image] = _answer(tokenlearner, pushed, "big.png")
    words = tokenlearner("predict", "big.png", "--root", pushed.root).words
    for choice in image["classes"][:3]:
        assert f"{choice['class']} {choice['probability']:.1%}" in words
    assert image["classes"][3]["class"] not in words
    assert image["note"] == "64x64, resized to 32x32"
    for word in image["note"].split():  # the column may be too narrow for all of it
        assert word in words


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(
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
    told = json.loads(done.out)
    assert told["model"] == str(pushed.newest)
    assert [image["image"] for image in told["images"]] == ["mixed/b.png", "mixed/d.png"]
    failures = {failure["image"]: failure["reason"] for failure in told["failures"]}
    assert list(failures) == ["missing.png", "none*.png", "mixed/e.png", "mixed/a notes.txt", "mixed/c.png"]
    assert failures["missing.png"] == "does not exist"
    assert failures["none*.png"] == "matches nothing"
    assert failures["mixed/e.png"] == "is neither a file nor a folder"
    assert failures["mixed/a notes.txt"] == "is no image that Pillow reads"
    assert done.err.splitlines() == [f"{name} {reason}." for name, reason in failures.items()]


def test_file_names_may_hold_anything(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    image = (photos / "0.png").read_bytes()
    names = [b"$a_{b}$ [1].png", 'käfer, "x"\n.png'.encode(), b"latin \xe4.png"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(image)
    sheet = tmp_path / "sheets" / "maps.png"
    done = tokenlearner("predict", tmp_path, "--root", pushed.root, "--format", "csv", "--attention", sheet)
    assert done.code == ExitCode.OK, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["image"] for row in rows} == {f"{tmp_path}/{name.decode(errors='replace')}" for name in names}
    assert sheet.is_file()


def _draw(tokenlearner: Command, pushed: Pushed, sheet: pathlib.Path, *images: pathlib.Path) -> np.ndarray:
    done = tokenlearner("predict", *images, "--root", pushed.root, "--attention", sheet)
    assert done.code == ExitCode.OK, done.err
    with PIL.Image.open(sheet) as drawn:
        return np.asarray(drawn.convert("RGB")).astype(int)


def test_a_sheet_shows_each_image_and_what_each_token_looks_at(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    images = [photos / f"{position}.png" for position in range(3)]
    sheet = _draw(tokenlearner, pushed, tmp_path / "maps.png", *images)
    width, height = measure_sheet(images=3, tokens=TOKENS, side=128)
    assert sheet.shape == (height, width, 3)
    step = (height - measure_sheet(0, TOKENS, 128)[1]) // 3
    rows = [sheet[at * step : (at + 1) * step] for at in range(3)]
    assert min(np.abs(rows[0] - other).mean() for other in rows[1:]) > 5
    alone = _draw(tokenlearner, pushed, tmp_path / "alone.png", images[1])
    np.testing.assert_array_equal(alone[_TITLE:step], rows[1][_TITLE:])
    assert {path.name for path in tmp_path.iterdir()} == {"maps.png", "alone.png"}


def test_where_a_token_looks_the_sheet_is_bright(tokenlearner: Command, pushed: Pushed, tmp_path: pathlib.Path) -> None:
    halves = np.zeros((32, 32, 3), np.uint8) + 10
    halves[:, 16:] = 245
    PIL.Image.fromarray(halves).save(tmp_path / "halves.png")
    sheet = _draw(tokenlearner, pushed, tmp_path / "maps.png", tmp_path / "halves.png")
    tiles = [sheet[_TITLE:, 12 + column * (_TILE + 12) :][:_TILE, :_TILE] for column in range(1 + TOKENS)]
    bright = [(tile[64, 20].mean(), tile[64, 108].mean()) for tile in tiles]
    assert bright[0] == (10, 245)  # the picture itself
    assert bright[1] == (pytest.approx(10, abs=2), pytest.approx(0.12 * 245, abs=3))  # looks at what is dark
    assert bright[-1] == (pytest.approx(1, abs=2), pytest.approx(245, abs=3))  # looks at what is bright


def test_a_model_without_attention_maps_says_why_and_writes_nothing(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    sheet = tmp_path / "maps.png"
    done = tokenlearner("predict", photos, "--model", pushed.versions / "9", "--attention", sheet)
    assert done.code == ExitCode.USAGE
    assert "no TokenLearner won its search" in done.words
    assert done.out == ""
    assert not sheet.exists()


def test_an_unwritable_sheet_leaves_the_old_one(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = tmp_path / "maps.png"
    sheet.write_text("the old one")

    def fill_disk(*_: object, **__: object) -> None:
        next(tmp_path.glob(".unfinished*"), sheet.with_name(f".unfinished-{os.getpid()}.png")).write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fill_disk)
    done = tokenlearner("predict", photos / "0.png", "--root", pushed.root, "--attention", sheet)
    assert done.code == ExitCode.USAGE
    assert "maps.png cannot be written: No space left on device." in done.words
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"maps.png": "the old one"}


def _wrong(tokenlearner: Command, *arguments: object) -> Done:
    done = tokenlearner("predict", *arguments)
    assert done.code == ExitCode.USAGE
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    return done


def test_wrong_usage_is_one_sentence(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    image = photos / "0.png"
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        ((image, "--top", 0), "top is 0; it must be in 1..10"),
        ((image, "--top", 11), "top is 11"),
        (("x" * 300,), "File name too long; name a path that you may use."),
        ((image, "--model", tmp_path / ("x" * 300)), "File name too long"),
        ((image, "--attention", "maps.gif"), "name a PNG file"),
        ((image, "--attention", tmp_path / "empty.png" / ".."), "name a PNG file"),
        ((image, "--output", tmp_path), "which is a folder; name a file"),
        ((image, "--output", image / "below.csv"), "which is below a file"),
        ((image, "--examples", image), "name either images"),
        ((), "name either images"),
        ((image, "--beam.runner=X"), "--beam.… are Beam's options, which only --examples uses"),
        (("--examples", image, "--format", "csv"), "--attention and --format are for images"),
        ((tmp_path / "empty",), "there is no image: "),
        ((tmp_path / "missing.png",), "missing.png does not exist."),
    ):
        assert words in _wrong(tokenlearner, *arguments, "--root", pushed.root).words.replace("  ", " ")


def test_a_model_that_is_not_there_is_told(tokenlearner: Command, photos: pathlib.Path, tmp_path: pathlib.Path) -> None:
    image = photos / "0.png"
    assert "holds no pushed model" in _wrong(tokenlearner, image, "--root", tmp_path).words
    assert "holds no SavedModel" in _wrong(tokenlearner, image, "--model", tmp_path).words


def test_a_model_may_be_named_in_each_of_its_folders(
    tokenlearner: Command, pushed: Pushed, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    artifact = tmp_path / "model" / "7"
    artifact.mkdir(parents=True)
    (artifact / "Format-Serving").symlink_to(pushed.newest)
    told = {
        tokenlearner("predict", photos / "0.png", "--model", folder, "--format", "csv").out
        for folder in (pushed.versions, pushed.newest, artifact)
    }
    assert len(told) == 1
    older = tokenlearner("predict", photos / "0.png", "--model", pushed.versions / "9", "--format", "csv")
    assert older.code == ExitCode.OK
    assert older.out not in told


def test_damaged_and_foreign_models_are_told(
    tokenlearner: Command, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "saved_model.pb").write_bytes(b"garbage")
    tf.saved_model.save(tf.Module(), str(tmp_path / "foreign"))
    for folder, words in (("damaged", "does not load"), ("foreign", "has no signature serving_default")):
        done = tokenlearner("predict", photos / "0.png", "--model", tmp_path / folder)
        assert done.code == ExitCode.BAD_DATA
        assert words in done.words
        assert len(done.err.splitlines()) == 1
