"""The artifact type of the Evaluator's output `verdict`."""

from tfx.types.artifact import Artifact


class EvaluationVerdict(Artifact):
    """Why a model was (not) blessed, and what it predicts: `verdict.json` and `predictions*.parquet` in a folder."""

    TYPE_NAME = "tokenlearner.EvaluationVerdict"
