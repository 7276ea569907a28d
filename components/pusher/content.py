"""The files of a version: SavedModel, model card and TensorFlow Lite models; without TFX and TensorFlow."""

import pathlib

from components.artifacts.lite_comparison import LABELS_FILE, read_comparison
from components.pusher.faults import list_files

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
        saved_model: Its files stand where TensorFlow Serving looks for them, at the top.
        model_card: README.md and the pictures that it links to, beside the SavedModel; None: no card.
        lite_models: The TensorFlow Lite models; None: there are none.
        verdict: Of the Evaluator, which names the TensorFlow Lite models to push.

    Returns:
        File by path within the version.

    Raises:
        ValueError: If the card would take the place of a file of the SavedModel.
    """
    files = _place(saved_model)
    card = _place(model_card) if model_card else {}
    if both := sorted(set(files) & set(card)):
        raise ValueError(f"both the SavedModel and the model card have a file {both[0]}")
    return files | card | (_choose_lite_models(lite_models, verdict) if lite_models else {})


def _place(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    return {name: folder / name for name in list_files(folder)}


def _choose_lite_models(folder: pathlib.Path, verdict: pathlib.Path) -> dict[str, pathlib.Path]:
    comparison = read_comparison(verdict)
    pushed = [form.file for form in comparison.variants if form.is_pushed and form.file] if comparison else []
    names = [*pushed, LABELS_FILE] if pushed else []
    return {f"{_LITE_FOLDER}/{name}": folder / name for name in names}
