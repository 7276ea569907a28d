"""The files of a version: SavedModel, model card and TensorFlow Lite models; without TFX and TensorFlow."""

import pathlib

from components.artifacts.lite_comparison import LABELS_FILE, read_comparison
from components.pusher.integrity import list_files

_LITE_FOLDER = "lite"


def collect_files(
    *, saved_model: pathlib.Path, model_card: pathlib.Path | None, lite_models: pathlib.Path | None
) -> dict[str, pathlib.Path]:
    """Collects the files of a version.

    Args:
        saved_model: Its files go to the top, where TensorFlow Serving looks for them.
        model_card: README.md and its pictures, next to the SavedModel; None: no card.
        lite_models: `lite.json` names the files that are pushed; None: no TensorFlow Lite models.

    Returns:
        File by path within the version.
    """
    folders = [folder for folder in (model_card, saved_model) if folder]
    files = {name: folder / name for folder in folders for name in list_files(folder)}
    return files | (_choose_lite_models(lite_models) if lite_models else {})


def _choose_lite_models(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    pushed = [variant.file for variant in read_comparison(folder).variants if variant.is_pushed and variant.file]
    names = [*pushed, LABELS_FILE] if pushed else []
    return {f"{_LITE_FOLDER}/{name}": folder / name for name in names}
