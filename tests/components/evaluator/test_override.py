"""The Pusher obeys the gate, unless a person has blessed the same model."""

import pytest
from tfx.components.evaluator import constants
from tfx.types import standard_artifacts

from components.evaluator.override import GateOrHandBlessingStrategy


def _blessing(
    blessing_id: int, model_id: int, *, is_blessed: bool, by: str | None = None
) -> standard_artifacts.ModelBlessing:
    blessing = standard_artifacts.ModelBlessing()
    blessing.id = blessing_id
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model_id)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(is_blessed))
    if by:
        blessing.set_string_custom_property("blessed_by", by)
    return blessing


@pytest.mark.parametrize(
    ("is_blessed", "others", "expected"),
    [
        (True, [], 9),
        (False, [], 9),
        (False, [_blessing(3, 1, is_blessed=True)], 9),
        (False, [_blessing(3, 2, is_blessed=True, by="ada")], 9),
        (False, [_blessing(3, 1, is_blessed=True, by="ada")], 3),
        (False, [_blessing(4, 1, is_blessed=True, by="ada"), _blessing(3, 1, is_blessed=True, by="ada")], 4),
        (True, [_blessing(3, 1, is_blessed=True, by="ada")], 9),
    ],
    ids=[
        "blessed",
        "rejected",
        "blessed under other rules",
        "another model by hand",
        "by hand",
        "twice by hand",
        "gate and by hand",
    ],
)
def test_what_the_pusher_obeys(is_blessed: bool, others: list[standard_artifacts.ModelBlessing], expected: int) -> None:
    judged = _blessing(9, 1, is_blessed=is_blessed)
    resolved = GateOrHandBlessingStrategy().resolve_artifacts(
        None, {"judged": [judged], "model_blessing": [*others, judged]}
    )
    assert resolved is not None
    assert [blessing.id for blessing in resolved["model_blessing"]] == [expected]
    assert resolved["judged"] == [judged]
