"""The artifact that ModelCard writes and the Pusher reads."""

from tfx.types.artifact import Artifact


class ModelCardPage(Artifact):
    """A folder with `README.md` and the pictures that it links to."""

    TYPE_NAME = "tokenlearner.ModelCard"
