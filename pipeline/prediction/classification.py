"""Classifies image files."""

import itertools
import pathlib
import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.progress import track

from components.errors import ExitCode, UsageFailure
from pipeline.prediction.files import find_files, printable, write_whole
from pipeline.prediction.images import Picture, UnreadableError, read_picture
from pipeline.prediction.model import Model, make_example, rank_classes
from pipeline.prediction.output import Format, Prediction, write_predictions

_BATCH_SIZE = 64  # images in memory at once
_DRAWN_IMAGES = 24  # on a sheet of attention maps


def classify_images(
    names: Sequence[str],
    folder: pathlib.Path,
    *,
    top: int,
    attention: pathlib.Path | None,
    form: Format | None,
    output: pathlib.Path | None,
) -> ExitCode:
    """Classifies image files; files that cannot be read are named on stderr.

    Args:
        names: Of image files, folders and globs.
        folder: Of the model's SavedModel.
        top: How many classes of each image are written.
        attention: PNG file for attention maps; None: they are not drawn.
        form: None: by the suffix of the output, else a table.
        output: None: stdout.

    Returns:
        OK; BAD_DATA if any of the images could not be read.

    Raises:
        UsageFailure: There is no file, or the model has no attention maps to draw.
        DataFailure: The model does not load.
    """
    files, failures = find_files(names)
    if not files:
        raise UsageFailure(f"there is no image: {', '.join(f'{name} {reason}' for name, reason in failures.items())}.")
    for name, reason in failures.items():
        _warn(f"{name} {reason}.")
    model = Model(folder)
    if attention and not model.has_attention_maps:
        raise UsageFailure(
            f"the model in {folder} has no attention maps: no TokenLearner won its search; leave --attention out."
        )
    console = Console(stderr=True)
    tracked = track(files, "Images", console=console, transient=True, disable=not console.is_terminal)
    pictures = _read(tracked, failures)
    predictions: list[Prediction] = []
    drawn: list[Picture] = []
    while batch := list(itertools.islice(pictures, _BATCH_SIZE)):
        rows = model.classify([make_example(picture.pixels) for picture in batch])
        predictions += [
            Prediction(image=picture.name, classes=rank_classes(row, top), note=picture.note)
            for picture, row in zip(batch, rows, strict=True)
        ]
        drawn += batch[: _DRAWN_IMAGES - len(drawn)]
    write_predictions(predictions, failures, model=str(folder), top=top, form=form, output=output)
    if attention and drawn:
        _draw(model, drawn, predictions, attention)
    return ExitCode.BAD_DATA if failures else ExitCode.OK


def _read(files: Iterable[pathlib.Path], failures: dict[str, str]) -> Iterator[Picture]:
    """Yields the images, and adds the files that cannot be read to the failures."""
    for file in files:
        try:
            picture = read_picture(file)
        except UnreadableError as error:
            failures[printable(file)] = str(error)
            _warn(f"{printable(file)} {error}.")
            continue
        yield picture


def _draw(model: Model, pictures: Sequence[Picture], predictions: Sequence[Prediction], path: pathlib.Path) -> None:
    from pipeline.prediction.attention import draw_sheet  # matplotlib takes a second

    titles = [
        f"{each.image}: {name} {probability:.1%}"
        for each in predictions[: len(pictures)]
        for name, probability in list(each.classes.items())[:1]
    ]
    maps = model.weigh_patches([make_example(picture.pixels) for picture in pictures])
    previews = [picture.preview for picture in pictures]
    with write_whole(path) as aside:
        draw_sheet(list(zip(titles, previews, maps, strict=True)), aside)
    if len(predictions) > len(pictures):
        _warn(f"{printable(path)} shows the first {len(pictures)} images.")


def _warn(sentence: str) -> None:
    print(sentence, file=sys.stderr)
