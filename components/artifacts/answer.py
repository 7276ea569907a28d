"""The result of a search in one sentence: for the end of a run and for the report."""

import re

from components.artifacts.search_outcome import Difference, SearchOutcome
from models.reducers.registry import REDUCERS
from models.search_space import NO_REDUCER, name_references, split_name

_UNIT = (" points of validation accuracy", " with 95% confidence")  # of the first difference alone


def describe_answer(search: SearchOutcome) -> str:
    """Describes in one sentence how accurate the tokens of the winner are, and what they cost.

    If no reducer won, the sentence is about the best learned reducer. It compares with no reducer and with average
    pooling at the same place and token count.

    Args:
        search: The outcome; only finalists and differences are read.

    Returns:
        Such as "4 learned tokens after block 1: statistically indistinguishable from no reducer (-0.7 points of
        validation accuracy, -2.1 to +0.7 with 95% confidence) at 40% of its compute; statistically indistinguishable
        from average pooling (+0.1, -1.3 to +1.5), which costs 3% less."
    """
    is_reducer_best = not search.winner.startswith(NO_REDUCER)
    point = search.winner if is_reducer_best else search.learned
    no_reducer, pooling = search.find_references(point) if point else (None, None)
    macs = {finalist.point: finalist.macs for finalist in search.finalists}
    if point is None or not (no_reducer or pooling):
        alone = "; no other candidate was trained to compare with"
        return f"{name_tokens(search.winner)} won{f' among {len(macs)} finalists' if len(macs) > 1 else alone}."
    clauses = []
    if no_reducer:
        share = f"{100 * macs[point] / macs[no_reducer.than]:.0f}%"
        clauses.append(f"{_judge(no_reducer)} no reducer ({_format(no_reducer, _UNIT)}) at {share} of its compute")
    if pooling:
        cost = macs[pooling.than] / macs[point] - 1
        price = (
            f"costs {100 * abs(cost):.0f}% {'less' if cost < 0 else 'more'}" if round(100 * cost) else "costs the same"
        )
        difference = _format(pooling, ("", "") if no_reducer else _UNIT)
        clauses.append(f"{_judge(pooling)} average pooling ({difference}), which {price}")
    if not no_reducer:
        reason = next((f" ({each.reason})" for each in search.dropped if each.point == name_references(point)[0]), "")
        clauses.append(f"no reducer was not trained{reason}")
    return f"{'' if is_reducer_best else 'No reducer won. '}{name_tokens(point)}: {'; '.join(clauses)}."


def name_tokens(point: str) -> str:
    """Names the tokens of a point in words, such as "4 learned tokens after block 1" for "token_learner-4@1"."""
    name, shape = split_name(point)
    sizes = [" ".join(size) for size in re.findall(r"([a-z]+)(\d+)", shape)]
    network = f" ({', '.join(sizes)})" if sizes else ""
    if name == NO_REDUCER:
        return f"No reducer{network}"
    reducer, _, place = name.partition("-")
    count, _, blocks = place.removesuffix("+fuser").partition("@")
    is_learned = REDUCERS[reducer].kind == "learned"
    tokens = f"{count} {'learned ' if is_learned else ''}token{'' if count == '1' else 's'}"
    by = "" if is_learned else f" by {REDUCERS[reducer].label}"
    where = "before block 1" if blocks == "0" else f"after block {blocks}"
    return f"{tokens}{by} {where}{' with TokenFuser' if place.endswith('+fuser') else ''}{network}"


def _judge(difference: Difference) -> str:
    if not difference.is_larger_than_noise:
        return "statistically indistinguishable from"
    return "more accurate than" if difference.difference > 0 else "less accurate than"


def _format(difference: Difference, unit: tuple[str, str]) -> str:
    low, high = difference.interval
    return f"{100 * difference.difference:+.1f}{unit[0]}, {100 * low:+.1f} to {100 * high:+.1f}{unit[1]}"
