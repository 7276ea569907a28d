"""Marks: how a kind of network looks on every chart, and what it is called."""

import dataclasses
from typing import Any

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


def describe_place(network: dict[str, Any]) -> str:
    """Says what reduces the patches to how many tokens, and where.

    Args:
        network: Fields of a ViTConfig.
    """
    if network["token_reducer"] is None:
        return f"No TokenLearner: {network['depth']} blocks on all patches"
    label = find_mark(network["token_reducer"]).label.removeprefix("control: ")
    place = f"after block {network['blocks_before_token_learner']} of {network['depth']}"
    fuser = ", with TokenFuser" if network["use_token_fuser"] else ""
    return f"{label[0].upper()}{label[1:]}: {network['num_tokens']} tokens {place}{fuser}"
