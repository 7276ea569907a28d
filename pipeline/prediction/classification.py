"""Classifies image files."""

import itertools
import pathlib
import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.progress import track

from components.errors import ExitCode, UsageFailure
from pipeline.files import find_files, printable, write_whole
from pipeline.image_files import UnreadableError
from pipeline.prediction.images import Picture, read_picture
from pipeline.prediction.model import Model, make_example, rank_classes
from pipeline.prediction.output import Prediction, write_predictions

_BATCH_SIZE = 16  # images in memory at once, which may be large
_DRAWN_IMAGES = 24  # on a sheet of attention maps


def classify_images(
    images: Sequence[str],
    folder: pathlib.Path,
    *,
    top: int,
    attention: pathlib.Path | None,
    form: str | None,
    output: pathlib.Path | None,
) -> ExitCode:
    """Classifies image files; files that cannot be read are named on stderr.

    Args:
        images: Files, folders and globs.
        folder: Of the model's SavedModel.
        top: Number of classes, the most probable first.
        attention: PNG file for attention maps.
        form: "table", "csv" or "json"; None: by the suffix of the output, else a table.
        output: File; None: stdout.

    Returns:
        OK; BAD_DATA if any of the images could not be read.

    Raises:
        UsageFailure: There is no file, or the model has no attention maps to draw.
        DataFailure: The model does not load.
    """
    files, failures = find_files(images)
    if not files:
        raise UsageFailure(f"there is no image: {', '.join(f'{name} {reason}' for name, reason in failures.items())}.")
    for name, reason in failures.items():
        print(f"{name} {reason}.", file=sys.stderr)
    model = Model(folder)
    if attention and not model.has_attention_maps:
        raise UsageFailure(
            f"the model in {folder} has no attention maps: its token reducer has none; leave --attention out."
        )
    classes = len(model.task.class_names)
    if top > classes:
        raise UsageFailure(f"--top is {top}; it must be in 1..{classes}, the number of classes.")
    is_hidden = not sys.stderr.isatty()
    tracked = track(files, "Images", console=Console(stderr=True), transient=True, disable=is_hidden)
    pictures = _read(tracked, model.task.image_size, failures)
    predictions: list[Prediction] = []
    drawn: list[Picture] = []
    while batch := list(itertools.islice(pictures, _BATCH_SIZE)):
        rows = model.classify([make_example(picture.pixels) for picture in batch])
        predictions += [
            Prediction(image=picture.name, classes=rank_classes(row, model.task.class_names, top), note=picture.note)
            for picture, row in zip(batch, rows, strict=True)
        ]
        drawn += batch[: _DRAWN_IMAGES - len(drawn)]
    write_predictions(predictions, failures, folder, top=top, form=form, output=output)
    if attention and drawn:
        _draw(model, drawn, predictions, attention)
    return ExitCode.BAD_DATA if failures else ExitCode.OK


def _read(files: Iterable[pathlib.Path], size: int, failures: dict[str, str]) -> Iterator[Picture]:
    """Yields the images, and adds the files that cannot be read to the failures."""
    for file in files:
        try:
            picture = read_picture(file, size)
        except UnreadableError as error:
            failures[printable(file)] = str(error)
            print(f"{printable(file)} {error}.", file=sys.stderr)
            continue
        yield picture


def _draw(model: Model, pictures: Sequence[Picture], predictions: Sequence[Prediction], path: pathlib.Path) -> None:
    from pipeline.prediction.attention import draw_sheet  # matplotlib takes a second

    maps = model.weigh_patches([make_example(picture.pixels) for picture in pictures])
    images = []
    for picture, prediction, weights in zip(pictures, predictions, maps, strict=False):
        name, probability = next(iter(prediction.classes.items()))
        images.append((f"{picture.name}: {name} {probability:.1%}", picture.preview, weights))
    with write_whole(path) as aside:
        draw_sheet(images, aside)
    if len(predictions) > len(images):
        print(f"{printable(path)} shows the first {len(images)} images.", file=sys.stderr)
