"""The component LiteConverter."""

import pathlib

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from components import features
from components.artifacts.image_task import read_task
from components.artifacts.lite_comparison import CONVERSION_FILE, LABELS_FILE, encode_conversion
from components.lite_converter.artifact import LiteModels
from components.lite_converter.lite_models import choose_images, make_lite_models
from components.saved_model import locate_saved_model


@component
def LiteConverter(  # noqa: N802 (TFX names components like classes)
    examples: InputArtifact[standard_artifacts.Examples],
    model: InputArtifact[standard_artifacts.Model],
    lite_models: OutputArtifact[LiteModels],
    calibration_images: Parameter[int],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
) -> None:
    """Converts a model to TensorFlow Lite and measures size and speed; the Evaluator measures accuracy.

    Args:
        examples: Images of split train calibrate the int8 model.
        model: Of the Trainer.
        lite_models: The TensorFlow Lite models with their size and speed.
        calibration_images: How many, as equally many of each class as there are; at least one of each.
        code_digest: Of the sources that this step depends on.
    """
    folder = pathlib.Path(lite_models.uri)
    folder.mkdir(parents=True, exist_ok=True)
    train_split = pathlib.Path(artifact_utils.get_split_uri([examples], features.TRAIN_SPLIT))
    saved_model = locate_saved_model(model)
    task = read_task(saved_model)
    conversion = make_lite_models(saved_model, choose_images(train_split, task, calibration_images), folder)
    (folder / LABELS_FILE).write_text("".join(f"{name}\n" for name in task.class_names))
    (folder / CONVERSION_FILE).write_bytes(encode_conversion(conversion))
