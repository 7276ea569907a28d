"""The artifact that LiteConverter writes, and that ModelCard, Pusher and Report read."""

from tfx.types.artifact import Artifact


class LiteModels(Artifact):
    """Smaller twins of a model: a folder with `lite.json`, see `comparison.py`, the twins and `labels.txt`."""

    TYPE_NAME = "tokenlearner.LiteModels"
