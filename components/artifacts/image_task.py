"""What a model classifies: `assets.extra/task.json` in its SavedModel."""

import dataclasses
import json
import pathlib

import pydantic

from components.image_dataset import CIFAR10
from components.text_files import read_text

TASK_FILE = "assets.extra/task.json"  # TensorFlow and TensorFlow Serving leave this folder alone


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImageTask:
    """The images and classes of a dataset, as a model takes them."""

    dataset: str  # name of the TFDS dataset, such as "cifar10"
    class_names: tuple[str, ...]  # by label
    image_size: int  # height and width, pixels

    @property
    def title(self) -> str:
        """The name of the dataset for display."""
        return "CIFAR-10" if self.dataset == CIFAR10.name else self.dataset


_TASK = pydantic.TypeAdapter(ImageTask)


def write_task(task: ImageTask, folder: str) -> None:
    """Writes `task.json` into a SavedModel."""
    file = pathlib.Path(folder, TASK_FILE)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(dataclasses.asdict(task), indent=2, ensure_ascii=False))


def read_task(folder: pathlib.Path | str) -> ImageTask:
    """Reads `task.json`.

    Args:
        folder: Of the SavedModel; may be in a bucket.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: `write_task` did not write it.
    """
    return _TASK.validate_json(read_text(f"{folder}/{TASK_FILE}"))
