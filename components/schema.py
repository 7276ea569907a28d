"""The component CuratedSchema: a hand-written schema, not one inferred from the data that it validates."""

import pathlib

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

SCHEMA_FILE = pathlib.Path(__file__).with_suffix(".pbtxt")


@component
def CuratedSchema(  # noqa: N802 (TFX names components like classes)
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
