"""Marks: how a kind of network looks on every chart."""

import dataclasses

from components.report.palette import LIGHT


@dataclasses.dataclass(frozen=True)
class Mark:
    """Colour and shape, and what they stand for."""

    role: str  # of the palette
    marker: str  # of Matplotlib
    label: str

    @property
    def colour(self) -> str:
        """As the canvas takes it."""
        return LIGHT[self.role]


_MARKS = {
    "token_learner": Mark("learner", "o", "TokenLearner"),
    "token_learner_v11": Mark("learner11", "s", "TokenLearner v1.1"),
    "none": Mark("trunk", "D", "no TokenLearner"),
    "average_pooling": Mark("control", "v", "control: average pooling"),
    "random_selection": Mark("control", "^", "control: random selection"),
    "top_k_norm": Mark("control", "P", "control: top-k by norm"),
}
KERAS_EXAMPLE = Mark("example", "d", "Keras example")


def find_mark(reducer: str) -> Mark:
    """Returns the mark of a reducer; one that is not known looks like a control."""
    return _MARKS.get(reducer, Mark("control", "x", reducer))


def rank_reducer(reducer: str) -> int:
    """Returns where a reducer stands in legends."""
    return list(_MARKS).index(reducer) if reducer in _MARKS else len(_MARKS)
