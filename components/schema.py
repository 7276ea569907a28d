"""The component DatasetSchema: a schema of the dataset's metadata, not one inferred from the data that it validates."""

import pathlib

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from components import features
from components.image_dataset import CIFAR10, ImageDataset

SCHEMA_FILE = pathlib.Path(__file__).with_suffix(".pbtxt")  # of CIFAR-10


def describe_schema(dataset: ImageDataset) -> str:
    """Returns the schema of a dataset in text format.

    For other datasets than CIFAR-10 the range of the labels differs, and the data gate sets how far the balance of
    classes may differ between splits.
    """
    if dataset.name == CIFAR10.name:
        return SCHEMA_FILE.read_text()
    schema = text_format.Parse(SCHEMA_FILE.read_text(), schema_pb2.Schema())
    [label] = [feature for feature in schema.feature if feature.name == features.LABEL]
    label.int_domain.max = len(dataset.class_names) - 1
    label.ClearField("skew_comparator")
    return text_format.MessageToString(schema)


@component
def DatasetSchema(  # noqa: N802 (TFX names components like classes)
    schema: OutputArtifact[standard_artifacts.Schema],
    text: Parameter[str],
    code_digest: Parameter[str],  # noqa: ARG001 (read by the cache)
) -> None:
    """Writes the schema as an artifact.

    TFX's ImportSchemaGen is cached by the path of its file and misses edits; this component is cached by the text.

    Args:
        schema: tensorflow_metadata.v0.Schema.
        text: Its text format.
        code_digest: Of the sources that this step depends on.
    """
    folder = pathlib.Path(schema.uri)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schema.pbtxt").write_text(text)
