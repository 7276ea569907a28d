"""The artifact that LiteConverter writes, and that Evaluator and Pusher read."""

from tfx.types.artifact import Artifact


class LiteModels(Artifact):
    """TensorFlow Lite models, `labels.txt` and `conversion.json`, see `artifacts/lite_comparison.py`."""

    TYPE_NAME = "tokenlearner.LiteModels"
