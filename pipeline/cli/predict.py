"""The command `tokenlearner predict`."""

import dataclasses
import pathlib
from typing import Annotated, Literal

import tyro

from components.errors import ExitCode, UsageFailure
from pipeline.cli.profile import ProfileCommand
from pipeline.config import locate_serving_dir
from pipeline.files import check_destination, printable
from pipeline.quiet import start_tensorflow


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictCommand(ProfileCommand):
    """Classifies images with the newest pushed model, or, with Beam, files of tf.Examples.

    Images are turned upright, put on white where they are transparent, and their middle square is resized.
    Files that cannot be read are named on stderr and skipped, and the exit code is 3. With --examples,
    `--beam.NAME VALUE` are Beam's own options, such as `--beam.runner FlinkRunner --beam.flink-master HOST:8081`.
    """

    images: tyro.conf.Positional[tuple[str, ...]] = ()  # files, folders (with all below them) and quoted globs
    examples: Annotated[tuple[str, ...], tyro.conf.arg(metavar="PATH [PATH ...]")] = ()
    """instead of images: TFRecords of tf.Examples (.gz, too), folders with them, or globs"""
    model: pathlib.Path | None = None  # a SavedModel or a folder of versions; None: the newest pushed one of the root
    top: int = 3  # images: how many classes, the most probable first
    attention: pathlib.Path | None = None  # images: PNG file that shows what each token looks at
    format: Literal["table", "csv", "json"] | None = None  # images; None: by the suffix of --output, else a table
    output: pathlib.Path | None = None  # images: a file; examples: a new folder; None: stdout
    beam_options: tyro.conf.Suppress[tyro.conf.Fixed[tuple[str, ...]]] = ()  # of --beam.…, which tyro does not see

    def __call__(self) -> ExitCode:
        try:
            return self._predict()
        except OSError as error:  # of a path that is too long or must not be read
            if error.filename is None:  # a closed pipe
                raise
            raise UsageFailure(f"{error.filename}: {error.strerror}; name a path that you may use.") from None

    def _predict(self) -> ExitCode:
        from pipeline.prediction.model import locate_model

        self._check()
        model = locate_model(self.model, locate_serving_dir(self.root_path))
        if self.examples:
            start_tensorflow()
            from pipeline.prediction.batch import score_examples

            return score_examples(self.examples, model, self.output, self.beam_options)
        from pipeline.prediction.classification import classify_images

        return classify_images(
            self.images, model, top=self.top, attention=self.attention, form=self.format, output=self.output
        )

    def _check(self) -> None:
        """Rejects wrong options before TensorFlow starts."""
        if bool(self.images) == bool(self.examples):
            raise UsageFailure("name either images, as in `tokenlearner predict cat.jpg`, or --examples.")
        if self.examples and (self.attention or self.format):
            raise UsageFailure("--attention and --format are for images; with --examples lines of JSON are written.")
        if self.images and self.beam_options:
            raise UsageFailure("--beam.… are Beam's options, which only --examples uses.")
        if self.top < 1:
            raise UsageFailure(f"--top is {self.top}; it must be at least 1.")
        if self.attention and self.attention.suffix.lower() != ".png":
            raise UsageFailure(f"--attention is {printable(self.attention)}; name a PNG file such as attention.png.")
        for option, path in (("--attention", self.attention), ("--output", self.output)):
            if path:
                check_destination(option, path)
