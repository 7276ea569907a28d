"""Image files in class folders, optionally within folders of splits."""

import collections
import contextlib
import dataclasses
import io
import itertools
import os
import pathlib
import re
import warnings
from collections.abc import Collection, Iterable, Iterator

import PIL.ExifTags
import PIL.Image

from components.errors import DataFailure
from pipeline.files import printable
from pipeline.image_files import read_rgb

_SPLITS = {"train": "train", "valid": "validation", "validation": "validation", "val": "validation", "test": "test"}
_PLAIN_FORMATS = ("JPEG", "PNG")
_PLAIN_MODES = ("RGB", "L")
_FIRST_TURNED = 5  # EXIF orientations from here on swap height and width


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageFile:
    """An image file of a class."""

    path: pathlib.Path
    name: str  # path below the imported folder
    label: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassFolders:
    """The contents of a folder to import."""

    class_names: tuple[str, ...]  # sorted; the label is the position
    splits: dict[str, list[ImageFile]]  # by the name of the split in TFDS; a folder without splits is all train
    ignored: int  # files whose names do not end like an image's
    empty: tuple[str, ...]  # folders without images, which are no classes


def find_images(folder: pathlib.Path) -> ClassFolders:
    """Finds the image files below the class folders of a folder.

    A class is a subfolder with images, in it or in folders below; hidden files are ignored, and links are followed. If
    all subfolders are named train, valid (validation, val) or test, they are splits, and classes are one level below.

    Args:
        folder: To search.

    Returns:
        Its classes and files.

    Raises:
        DataFailure: The folder is missing, or has no class folders or no images, or names are ambiguous.
    """
    if not folder.is_dir():
        raise DataFailure(f"{printable(folder)} is not a folder; name one with a subfolder of images for each class.")
    classes, empty = _find_class_folders(folder)
    if (classes or empty) and all(split != "train" for split, _ in classes):
        raise DataFailure(f"{printable(folder)} has no images for training in its class folders.")
    labels = _number_classes(folder, {each.name for _, each in classes})
    splits: dict[str, list[ImageFile]] = {}
    ignored = 0
    for split, each in classes:
        for path in _list_files(each):
            if _is_image(path):
                name = _print(path.relative_to(folder))
                splits.setdefault(split, []).append(ImageFile(path=path, name=name, label=labels[each.name]))
            else:
                ignored += 1
    names = collections.Counter(file.name for file in itertools.chain(*splits.values()))
    if names.total() > len(names):
        [(same, _)] = names.most_common(1)
        raise DataFailure(f"Several files are called {same} once what cannot be printed is replaced; rename them.")
    return ClassFolders(
        class_names=tuple(_clean(name) for name in sorted(labels, key=labels.__getitem__)),
        splits=splits,
        ignored=ignored,
        empty=tuple(_print(each.relative_to(folder)) for each in empty),
    )


def _find_class_folders(folder: pathlib.Path) -> tuple[list[tuple[str, pathlib.Path]], list[pathlib.Path]]:
    """Returns the class folders with their splits, and folders without images."""
    below, empty = _list_folders(folder)
    roots = {each: _SPLITS[each.name.lower()] for each in below if each.name.lower() in _SPLITS}
    if 1 < len(roots) < len(below):
        others = ", ".join(_print(each.name) for each in below if each not in roots)
        raise DataFailure(f"{printable(folder)} has folders of splits beside others ({others}); move those elsewhere.")
    has_splits = 0 < len(roots) == len(below)
    classes = []
    for root, split in (roots if has_splits else {folder: "train"}).items():
        with_images, without = _list_folders(root)
        classes += [(split, each) for each in with_images]
        empty += without if has_splits else []
    return classes, empty


def _number_classes(folder: pathlib.Path, names: Collection[str]) -> dict[str, int]:
    """Returns the label of each class folder, in the order of their names."""
    cleaned = collections.Counter(map(_clean, names))
    same = sorted(repr(name) for name in names if cleaned[_clean(name)] > 1)
    if same:
        raise DataFailure(f"The class folders {' and '.join(same)} differ in white space only; rename one of them.")
    if len(names) < 2:
        found = "".join(f"only the class folder {_clean(name)!r} with images" for name in names) or "no class folders"
        raise DataFailure(
            f"{printable(folder)} has {found}; it needs a subfolder of images for each of at least two classes, "
            "such as cats/ and dogs/."
        )
    return {name: label for label, name in enumerate(sorted(names))}


def _clean(name: str) -> str:
    """Returns the name of a class on one line, as TFDS keeps it."""
    return _print(" ".join(name.split()))


def _print(name: pathlib.Path | str) -> str:
    """Returns a name on one line; what cannot be printed becomes a replacement character."""
    return re.sub(r"[\0-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", printable(name))


def find_common_size(files: Iterable[ImageFile]) -> tuple[int, int] | None:
    """Returns the height and width that all images have; None if they differ."""
    sizes = set()
    for file in files:
        with contextlib.suppress(Exception), PIL.Image.open(file.path) as image:  # read again, with a message, later
            width, height = image.size
            is_turned = width != height and _read_orientation(image) >= _FIRST_TURNED
            sizes.add((width, height) if is_turned else (height, width))
        if len(sizes) > 1:
            return None
    return sizes.pop() if sizes else None


def encode_image(path: pathlib.Path) -> bytes:
    """Returns an image as the dataset stores it: a plain JPEG or PNG file as it is, any other as an RGB PNG.

    Raises:
        UnreadableError: It is not a readable image.
    """
    with contextlib.suppress(Exception), warnings.catch_warnings(), PIL.Image.open(path) as file:
        warnings.simplefilter("ignore")  # about large images; `read_rgb` has a message for files that cannot be read
        if _is_plain(file):
            file.load()
            return path.read_bytes()
    image, _ = read_rgb(path)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _is_plain(file: PIL.Image.Image) -> bool:
    """Returns whether TensorFlow decodes an open file to the same upright RGB image as Pillow."""
    is_single = getattr(file, "n_frames", 1) == 1 and not file.has_transparency_data
    return file.format in _PLAIN_FORMATS and file.mode in _PLAIN_MODES and is_single and _read_orientation(file) == 1


def _read_orientation(image: PIL.Image.Image) -> int:
    return int(image.getexif().get(PIL.ExifTags.Base.Orientation, 1))


def _list_folders(folder: pathlib.Path) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Returns the subfolders with images, in or below them, and those without."""
    below = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    with_images = [each for each in below if any(map(_is_image, _list_files(each)))]
    return with_images, [each for each in below if each not in with_images]


def _is_image(path: pathlib.Path) -> bool:
    return path.suffix.lower() in PIL.Image.registered_extensions()


def _list_files(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields the files below a folder in order, each folder once, however many links lead to it."""
    visited = set()
    for path, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        if (real := os.path.realpath(path)) in visited:
            folders.clear()
            continue
        visited.add(real)
        yield from (pathlib.Path(path, each) for each in sorted(files) if _is_file(path, each))


def _is_file(folder: str, name: str) -> bool:
    """Returns whether it is a visible file, or a link that leads nowhere, which is reported as unreadable."""
    path = pathlib.Path(folder, name)
    return not name.startswith(".") and (path.is_file() or (path.is_symlink() and not path.exists()))
