"""The files of a version: SavedModel, model card and TensorFlow Lite models; without TFX and TensorFlow."""

import pathlib

from components.artifacts.lite_comparison import LABELS_FILE, read_comparison
from components.pusher.integrity import list_files

_LITE_FOLDER = "lite"


def collect_files(
    *,
    saved_model: pathlib.Path,
    model_card: pathlib.Path | None,
    lite_models: pathlib.Path | None,
    verdict: pathlib.Path,
) -> dict[str, pathlib.Path]:
    """Collects the files of a version.

    Args:
        saved_model: Its files go to the top, where TensorFlow Serving looks for them.
        model_card: README.md and its pictures, next to the SavedModel; None: no card.
        lite_models: The TensorFlow Lite models; None: there are none.
        verdict: Of the Evaluator, which names the TensorFlow Lite models to push.

    Returns:
        File by path within the version.
    """
    folders = [folder for folder in (model_card, saved_model) if folder]
    files = {name: folder / name for folder in folders for name in list_files(folder)}
    return files | (_choose_lite_models(lite_models, verdict) if lite_models else {})


def _choose_lite_models(folder: pathlib.Path, verdict: pathlib.Path) -> dict[str, pathlib.Path]:
    comparison = read_comparison(verdict)
    pushed = [form.file for form in comparison.variants if form.is_pushed and form.file] if comparison else []
    names = [*pushed, LABELS_FILE] if pushed else []
    return {f"{_LITE_FOLDER}/{name}": folder / name for name in names}
