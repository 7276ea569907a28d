"""Marks: how a kind of network looks on every chart, and what it is called."""

import dataclasses
import itertools

from components.report.palette import LIGHT
from models.reducers.registry import REDUCERS
from models.search_space import NO_REDUCER
from models.vit_config import ViTConfig


@dataclasses.dataclass(frozen=True)
class Mark:
    """Color and shape, and what they stand for."""

    role: str  # of the palette
    marker: str  # of Matplotlib
    label: str
    is_control: bool = False

    @property
    def color(self) -> str:
        """As the canvas takes it."""
        return LIGHT[self.role]


_LEARNED_ROLES = ("learner", "learner11")  # of the palette; a third learned reducer differs by its marker alone
_MARKERS = "osv^PXhp<>8"  # a star is the winner, diamonds are the network without reducer and the Keras example


def _make_marks() -> dict[str, Mark]:
    """Makes marks in the order of legends: learned reducers, the network without one, the others."""
    learned = [name for name, reducer in REDUCERS.items() if reducer.kind == "learned"]
    marks = {}
    for (name, reducer), marker in zip(REDUCERS.items(), itertools.cycle(_MARKERS)):
        role = _LEARNED_ROLES[learned.index(name) % len(_LEARNED_ROLES)] if name in learned else "control"
        label = f"control: {reducer.label}" if reducer.is_control else reducer.label
        marks[name] = Mark(role, marker, label, is_control=reducer.is_control)
    no_reducer = Mark("backbone", "D", "no TokenLearner")
    others = {name: mark for name, mark in marks.items() if name not in learned}
    return {**{name: marks[name] for name in learned}, NO_REDUCER: no_reducer, **others}


_MARKS = _make_marks()
KERAS_EXAMPLE = Mark("example", "d", "Keras example")


def find_mark(reducer: str) -> Mark:
    """Returns the mark of a reducer, or of the network without one."""
    return _MARKS[reducer]


def rank_reducer(reducer: str) -> int:
    """Returns where a reducer stands in legends."""
    return list(_MARKS).index(reducer)


def describe_place(network: ViTConfig) -> str:
    """Describes the token reducer of a network: its kind, tokens and placement."""
    if network.reducer is None:
        return f"No TokenLearner: {network.depth} blocks on all patches"
    label = network.reducer.label
    place = f"after block {network.blocks_before_token_learner} of {network.depth}"
    fuser = ", with TokenFuser" if network.use_token_fuser else ""
    return f"{label[0].upper()}{label[1:]}: {network.num_tokens} tokens {place}{fuser}"
