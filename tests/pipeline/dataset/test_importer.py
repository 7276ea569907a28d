"""Folders of image files as TFDS datasets."""

import pathlib
import struct
import zlib
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tensorflow_datasets as tfds

from components.errors import DataFailure, UsageFailure
from pipeline.dataset.folder import find_common_size, find_images
from pipeline.dataset.importer import import_folder

_SAMPLE = pathlib.Path("data/cifar10_sample")


def _save(path: pathlib.Path, image: PIL.Image.Image | None = None, **options: Any) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = image or PIL.Image.fromarray(np.random.default_rng(len(str(path))).integers(0, 256, (9, 12, 3), np.uint8))
    image.save(path, **options)
    return path


def _read(folder: pathlib.Path) -> dict[str, list[dict[str, Any]]]:
    builder = tfds.builder_from_directory(folder)
    return {name: list(tfds.as_numpy(builder.as_dataset(split=name))) for name in builder.info.splits}


def _import(folder: pathlib.Path, data_dir: pathlib.Path, *, skip: bool = False) -> pathlib.Path:
    return import_folder(folder, name="pets", data_dir=data_dir, skip_unreadable=skip)


def test_any_image_that_pillow_reads_is_imported_upright_in_rgb(tmp_path: pathlib.Path) -> None:
    colors = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [9, 9, 9], [255, 255, 255]]], np.uint8)
    image = PIL.Image.fromarray(colors)  # 3 wide, 2 high
    folder = tmp_path / "Fotos für ünterwegs"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # is to be turned to the right
    _save(folder / "a cat" / "plain.png", image)
    _save(folder / "a cat" / "turned.png", image, exif=exif)
    _save(folder / "a cat" / "deep" / "palette.gif", image.quantize(6, dither=PIL.Image.Dither.NONE))
    _save(folder / 'dog, "<b>\n=1' / "gray.bmp", image.convert("L"))
    clear = image.convert("RGBA")
    clear.putalpha(0)
    _save(folder / 'dog, "<b>\n=1' / "müll,=2.webp", clear, lossless=True)
    (folder / "a cat" / "notes.txt").write_text("no image")
    (folder / "a cat" / ".hidden.png").write_text("no image")
    (folder / "a cat" / "again").symlink_to(folder / "a cat")
    target = _import(folder, tmp_path / "data")
    assert target == tmp_path / "data" / "pets" / "1.0.0"
    builder = tfds.builder_from_directory(target)
    assert builder.info.features["label"].names == ["a cat", 'dog, "<b> =1']
    found = {example["id"].decode(): example for example in _read(target)["train"]}
    assert set(found) == {
        "a cat/plain.png",
        "a cat/turned.png",
        "a cat/deep/palette.gif",
        'dog, "<b>\ufffd=1/gray.bmp',
        'dog, "<b>\ufffd=1/müll,=2.webp',
    }
    np.testing.assert_array_equal(found["a cat/plain.png"]["image"], colors)
    np.testing.assert_array_equal(found["a cat/turned.png"]["image"], np.rot90(colors, -1))
    np.testing.assert_array_equal(found["a cat/deep/palette.gif"]["image"], colors)
    gray = np.array(image.convert("L"))
    np.testing.assert_array_equal(found['dog, "<b>\ufffd=1/gray.bmp']["image"], np.stack([gray] * 3, axis=-1))
    assert (found['dog, "<b>\ufffd=1/müll,=2.webp']["image"] == 255).all()
    assert [found[name]["label"] for name in sorted(found)] == [0, 0, 0, 1, 1]


def test_cifar10_in_folders_of_splits_comes_back_with_the_same_pixels_labels_and_splits(tmp_path: pathlib.Path) -> None:
    splits = {"train": "train", "valid": "validation", "test": "test"}
    exported: dict[str, dict[str, tuple[int, bytes]]] = {name: {} for name in splits.values()}
    builder = tfds.builder_from_directory(_SAMPLE)
    names = builder.info.features["label"].names
    for i, example in enumerate(tfds.as_numpy(builder.as_dataset(split="train").take(120))):
        split = list(splits)[i % 3]
        file = f"{split}/{names[example['label']]}/{i}.png"
        _save(tmp_path / "images" / file, PIL.Image.fromarray(example["image"]))
        exported[splits[split]][file] = int(example["label"]), example["image"].tobytes()
    found = _read(_import(tmp_path / "images", tmp_path / "data"))
    imported = {
        split: {each["id"].decode(): (int(each["label"]), each["image"].tobytes()) for each in examples}
        for split, examples in found.items()
    }
    assert imported == exported
    info = tfds.builder_from_directory(tmp_path / "data" / "pets" / "1.0.0").info
    assert info.features["label"].names == sorted(names)
    assert info.features["image"].shape == (32, 32, 3)


def _write_png_header(path: pathlib.Path, side: int) -> None:
    """Writes a PNG that says it has side x side pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    chunks = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (chunk, data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def test_files_that_cannot_be_used_are_named_and_nothing_is_written(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "images"
    for i in range(20):
        _save(folder / "ab"[i % 2] / f"{i}.png")
    (folder / "a" / "cut.png").write_bytes((folder / "a" / "0.png").read_bytes()[:60])
    (folder / "a" / "empty.jpg").touch()
    (folder / "b" / "nowhere.png").symlink_to(tmp_path / "nowhere")
    _write_png_header(folder / "b" / "huge.png", 30_000)
    (folder / "c").mkdir()
    with pytest.raises(DataFailure) as failure:
        _import(folder, tmp_path / "data")
    message = str(failure.value)
    assert message.startswith(f"4 files in {folder} cannot be used: a/cut.png cannot be read: ")
    assert "a/empty.jpg is not an image that Pillow reads" in message
    assert "b/huge.png cannot be read: Image size (900000000 pixels) exceeds limit" in message
    assert "b/nowhere.png cannot be read: No such file or directory" in message
    assert not (tmp_path / "data" / "pets" / "1.0.0").exists()
    target = _import(folder, tmp_path / "data", skip=True)
    assert len(_read(target)["train"]) == 20
    assert capsys.readouterr().err.endswith(
        "2 classes, train 20.\nLeft out files that cannot be read: 4.\nLeft out folders without images: c.\n"
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "has no class folders; it needs a subfolder of images for each of at least two classes"),
        (("a.png", "b.png"), "has no class folders"),
        (("cat/a.png", "dog/b.txt"), "has only the class folder 'cat' with images"),
        (("train/cat/1.png", "Test/cat/1.png", "dog/1.png"), r"has folders of splits beside others \(dog\)"),
        (("cat/\udcfe.png", "cat/\udcff.png", "dog/1.png"), "Several files are called cat/\ufffd.png"),
        (("cat/a.txt", "dog/b.txt"), "has no images for training in its class folders"),
        (("test/cat/a.png", "test/dog/a.png"), "has no images for training"),
        (("a b/1.png", "a  b/1.png"), "'a  b' and 'a b' differ in white space only"),
    ],
)
def test_folders_without_classes_are_rejected(tmp_path: pathlib.Path, files: tuple[str, ...], message: str) -> None:
    for file in files:
        path = tmp_path / "images" / file
        if path.suffix == ".png":
            _save(path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (tmp_path / "images").mkdir(exist_ok=True)
    with pytest.raises(DataFailure, match=message):
        _import(tmp_path / "images", tmp_path / "data")


def test_names_that_are_invalid_or_taken_are_rejected(tmp_path: pathlib.Path) -> None:
    with pytest.raises(UsageFailure, match="--name is 'My Pets'; it takes lowercase letters"):
        import_folder(tmp_path, name="My Pets", data_dir=tmp_path, skip_unreadable=False)
    (tmp_path / "pets" / "1.0.0").mkdir(parents=True)
    with pytest.raises(UsageFailure, match="exists already; delete it, or choose another --name"):
        _import(tmp_path, tmp_path)
    with pytest.raises(DataFailure, match="nothing is not a folder"):
        _import(tmp_path / "nothing", tmp_path / "data")


def test_sizes_differ_or_are_common(tmp_path: pathlib.Path) -> None:
    _save(tmp_path / "a" / "1.png")
    _save(tmp_path / "b" / "2.png")
    assert find_common_size(find_images(tmp_path).splits["train"]) == (9, 12)
    _save(tmp_path / "b" / "3.png", PIL.Image.new("L", (9, 12)))
    assert find_common_size(find_images(tmp_path).splits["train"]) is None


def test_names_of_splits_are_found_in_any_case_and_a_class_may_be_called_like_one(tmp_path: pathlib.Path) -> None:
    for file in ("TRAIN/a/1.png", "TRAIN/b/1.png", "Test/a/1.png"):
        _save(tmp_path / "splits" / file)
    (tmp_path / "splits" / "Test" / "b").mkdir()
    (tmp_path / "splits" / "notes").mkdir()
    found = find_images(tmp_path / "splits")
    assert {split: [file.label for file in files] for split, files in found.splits.items()} == {
        "train": [0, 1],
        "test": [0],
    }
    assert found.empty == ("notes", "Test/b")
    for file in ("train/1.png", "car/1.png"):
        _save(tmp_path / "vehicles" / file)
    assert find_images(tmp_path / "vehicles").class_names == ("car", "train")
