"""The artifact that LiteConverter writes, and that ModelCard, Pusher and Report read."""

from tfx.types.artifact import Artifact


class LiteModels(Artifact):
    """A folder with TensorFlow Lite models, `labels.txt` and `lite.json`, see `artifacts/lite_comparison.py`."""

    TYPE_NAME = "tokenlearner.LiteModels"
