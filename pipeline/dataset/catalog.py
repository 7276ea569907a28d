"""Any dataset of the TFDS catalog, prepared by its own builder."""

import pathlib

from components.errors import BadDataError, DataFailure, UsageFailure
from components.image_dataset import read_dataset
from pipeline.dataset.console import CONSOLE
from pipeline.quiet import start_tensorflow


def prepare_from_catalog(name: str, data_dir: pathlib.Path) -> pathlib.Path:
    """Downloads and prepares a dataset, or keeps it if it exists.

    Args:
        name: As TFDS takes it, such as "fashion_mnist", "NAME/CONFIG" or "NAME:VERSION".
        data_dir: Root folder of TFDS datasets.

    Returns:
        The version folder.

    Raises:
        UsageFailure: TFDS has no such dataset.
        DataFailure: It cannot be prepared, or an example is no single image with a single label.
    """
    start_tensorflow()
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (tfds.core.registered.DatasetNotFoundError, ValueError, AssertionError) as error:
        reason = " ".join(str(error).split("\n")[0].split())
        raise UsageFailure(f"--tfds is {name}, which TFDS does not have: {reason}") from None
    images, labels = (
        [each for each, feature in builder.info.features.items() if type(feature) is kind]
        for kind in (tfds.features.Image, tfds.features.ClassLabel)
    )
    if len(images) != 1 or len(labels) != 1:
        found = f"images: {', '.join(images) or 'none'}; class labels: {', '.join(labels) or 'none'}"
        raise DataFailure(f"--tfds is {name}, which needs one image and one class label an example; it has {found}.")
    try:
        builder.download_and_prepare()
        read_dataset(builder.data_dir)
    except BadDataError as error:
        raise DataFailure(f"{error}.") from None
    except Exception as error:  # of the network, the builder, Beam …
        reason = " ".join(str(error).split("\n")[0].split())
        raise DataFailure(f"{name} cannot be prepared: {reason or type(error).__name__}.") from error
    CONSOLE.print(f"Made {builder.data_dir}: {len(builder.info.features[labels[0]].names)} classes.")
    return pathlib.Path(builder.data_dir)
