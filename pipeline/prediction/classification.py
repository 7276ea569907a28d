"""Classifies image files: finds, reads, asks the model and writes what it says."""

import contextlib
import dataclasses
import itertools
import pathlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.progress import track

from components import features
from components.errors import ExitCode, UsageFailure
from pipeline.prediction.answers import Answer, rank
from pipeline.prediction.files import Found, Rejection, check_destination, find_files, printable, write_whole
from pipeline.prediction.images import Picture, UnreadableError, read_picture
from pipeline.prediction.model import Model, make_example
from pipeline.prediction.output import FORMATS, Format, write_answers

_BATCH_SIZE = 64  # images in memory at once
_SHOWN_IMAGES = 24  # on a sheet of attention maps
_SHOWN_SIDE = 128  # pixels


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What to classify, and what to do with the answers."""

    names: Sequence[str]  # of image files, folders and globs
    model: pathlib.Path  # a SavedModel
    top: int  # classes of an image that are told
    attention: pathlib.Path | None = None  # the sheet of attention maps
    form: Format | None = None  # None: by the ending of the output, else a table
    output: pathlib.Path | None = None  # None: stdout

    def __post_init__(self) -> None:
        """Rejects what cannot be done, before TensorFlow starts."""
        if not 1 <= self.top <= features.NUM_CLASSES:
            raise UsageFailure(f"top is {self.top}; it must be in 1..{features.NUM_CLASSES}, the number of classes.")
        if self.attention and self.attention.suffix.lower() != ".png":
            raise UsageFailure(f"--attention is {printable(self.attention)}; name a PNG file such as attention.png.")
        for option, path in (("--attention", self.attention), ("--output", self.output)):
            if path:
                check_destination(option, path)

    @property
    def written_form(self) -> Format:
        """How answers are written."""
        if self.form:
            return self.form
        forms = [form for form in FORMATS if self.output and self.output.suffix == f".{form}"]
        return forms[0] if forms else "table"


def classify_images(request: Request) -> ExitCode:
    """Does what is asked.

    Returns:
        OK; BAD_DATA if any of the images could not be read.

    Raises:
        UsageFailure: There is no file, or the model has no attention maps although a sheet of them is wanted.
        DataFailure: The model does not load.
    """
    found = find_files(request.names)
    if not found.files:
        raise UsageFailure(f"there is no image: {' '.join(rejection.sentence for rejection in found.missing)}")
    session = _Session(request, found)
    answers = session.answer(found.files)
    with _open(request.output) as stream:
        write_answers(
            request.written_form, stream, answers, session.rejections, model=str(request.model), top=request.top
        )
    if request.attention:
        session.draw(request.attention)
    return ExitCode.BAD_DATA if session.rejections else ExitCode.OK


class _Session:
    """The model at work, what it could not be asked, and what its tokens look at."""

    def __init__(self, request: Request, found: Found) -> None:
        self.request = request
        self.rejections: list[Rejection] = []
        self._console = Console(stderr=True)
        self._read_images = 0
        self._shown: list[tuple[Picture, Answer]] = []
        for rejection in found.missing:
            self._reject(rejection)
        self.model = Model(request.model)
        if request.attention and not self.model.has_attention_maps:
            raise UsageFailure(
                f"the model in {request.model} has no attention maps: no TokenLearner won its search, so nothing in it "
                "has learned where to look; leave --attention out."
            )

    def _reject(self, rejection: Rejection) -> None:
        self.rejections.append(rejection)
        self._say(rejection.sentence)

    def _say(self, sentence: str) -> None:
        self._console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def answer(self, files: Sequence[pathlib.Path]) -> Iterator[Answer]:
        """Yields an answer for each file that can be read, in their order; the others are said and noted."""
        pictures = self._read(self._track(files))
        while batch := list(itertools.islice(pictures, _BATCH_SIZE)):
            probabilities = self.model.classify([make_example(picture.encode()) for picture in batch])
            for picture, row in zip(batch, probabilities, strict=True):
                answer = Answer(image=picture.name, choices=rank(row, self.request.top), note=picture.note)
                if picture.square is not None:
                    self._shown.append((picture, answer))
                yield answer

    def _read(self, files: Iterable[pathlib.Path]) -> Iterator[Picture]:
        for file in files:
            is_shown = self.request.attention is not None and self._read_images < _SHOWN_IMAGES
            try:
                picture = read_picture(file, _SHOWN_SIDE if is_shown else None)
            except UnreadableError as error:
                self._reject(Rejection(name=printable(file), reason=str(error)))
                continue
            self._read_images += 1
            yield picture

    def _track(self, files: Sequence[pathlib.Path]) -> Iterable[pathlib.Path]:
        """Shows a bar on a terminal, unless rows come on the same one."""
        rows_come = self.request.output is None and self.request.written_form != "table" and sys.stdout.isatty()
        is_hidden = rows_come or len(files) <= _BATCH_SIZE or not self._console.is_terminal
        return track(files, "Images", console=self._console, disable=is_hidden, transient=True)

    def draw(self, path: pathlib.Path) -> None:
        """Draws what the tokens look at in the first images."""
        from pipeline.prediction.attention import Look, draw_sheet  # matplotlib

        if not self._shown:
            return
        maps = self.model.weigh_patches([make_example(picture.encode()) for picture, _ in self._shown])
        looks = [
            Look(picture=picture, answer=answer, maps=weights)
            for (picture, answer), weights in zip(self._shown, maps, strict=True)
        ]
        with write_whole(path) as aside:
            draw_sheet(looks, aside)
        if self._read_images > len(looks):
            self._say(f"{printable(path)} shows the first {len(looks)} images.")


@contextlib.contextmanager
def _open(output: pathlib.Path | None) -> Iterator[TextIO]:
    """Opens stdout, or a file that comes to be whole or not at all."""
    if output is None:
        yield sys.stdout
        return
    with write_whole(output) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
        yield stream
