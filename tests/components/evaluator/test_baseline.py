"""The baseline is the latest blessed model other than the candidate."""

import pytest
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.evaluator.baseline import LatestOtherBlessedModelStrategy


def _model(model_id: int) -> standard_artifacts.Model:
    model = standard_artifacts.Model()
    model.id = model_id
    return model


def _blessing(model_id: int, *, is_blessed: bool) -> standard_artifacts.ModelBlessing:
    blessing = standard_artifacts.ModelBlessing()
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model_id)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(is_blessed))
    return blessing


def _evaluators_blessing() -> standard_artifacts.ModelBlessing:
    """What TFX's Evaluator leaves without thresholds: no property at all."""
    return standard_artifacts.ModelBlessing()


@pytest.mark.parametrize(
    ("candidate", "blessed", "baseline"),
    [
        (1, {}, []),
        (1, {1: True}, []),
        (2, {1: True}, [1]),
        (2, {1: True, 2: True}, [1]),
        (1, {1: True, 2: True}, [2]),
        (3, {1: True, 2: False}, [1]),
    ],
    ids=["first", "cached first", "second", "cached second", "back to the first", "last not blessed"],
)
def test_the_baseline(candidate: int, blessed: dict[int, bool], baseline: list[int]) -> None:
    resolved = LatestOtherBlessedModelStrategy().resolve_artifacts(
        None,
        {
            "candidate": [_model(candidate)],
            "model": [_model(model_id) for model_id in (1, 2, 3)],
            "model_blessing": [
                blessing
                for model_id, value in blessed.items()
                for blessing in (_evaluators_blessing(), _blessing(model_id, is_blessed=value))
            ],
        },
    )
    assert resolved is not None
    assert [model.id for model in resolved["model"]] == baseline
