"""Marks: the color, marker and label of each kind of network in every chart."""

import dataclasses
import itertools

from components.report.palette import LIGHT
from models.reducers.registry import REDUCERS
from models.search_space import NO_REDUCER

_LEARNED_COLORS = ("learner", "learner11")  # of the palette; a third learned reducer differs by its marker alone
_MARKERS = "osv^PXhp<>8"  # a star is the winner, diamonds are the network without reducer and the Keras example


@dataclasses.dataclass(frozen=True)
class Mark:
    """The mark of one kind of network."""

    color: str
    marker: str  # of Matplotlib
    label: str
    is_control: bool = False


def _make_marks() -> dict[str, Mark]:
    learned = [name for name, reducer in REDUCERS.items() if reducer.kind == "learned"]
    markers = itertools.cycle(_MARKERS)
    marks = {
        name: Mark(LIGHT[color], next(markers), REDUCERS[name].label)
        for name, color in zip(learned, itertools.cycle(_LEARNED_COLORS))
    }
    marks[NO_REDUCER] = Mark(LIGHT["backbone"], "D", "no reducer")
    for name, reducer in REDUCERS.items():
        if name not in learned:
            label = f"control: {reducer.label}" if reducer.is_control else reducer.label
            marks[name] = Mark(LIGHT["control"], next(markers), label, reducer.is_control)
    return marks


MARKS = _make_marks()  # in the order of legends: learned reducers, the network without a reducer, the others
KERAS_EXAMPLE = Mark(LIGHT["example"], "d", "Keras example")
