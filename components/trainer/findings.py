"""The choice of a search in words."""

from collections.abc import Sequence

from components.artifacts.search_outcome import Difference
from components.artifacts.trial import Trial
from components.trainer.search.selection import Choice
from models.search_space import NO_REDUCER, SearchSpace


def describe_choice(choice: Choice) -> tuple[str, ...]:
    """Describes the winner, which differences exceed their noise, the noise, and the gain of learned reducers.

    Returns:
        One sentence each.
    """
    sentences = [_describe_winner(choice)]
    for is_larger, words in ((True, "by more than the noise"), (False, "by no more than the noise")):
        others = [f"{_name(d.than)} ({_format(d)})" for d in choice.differences if d.is_larger_than_noise == is_larger]
        if others:
            sentences.append(f"{choice.best.name} differs {words} from {', '.join(others)}.")
    sentences.append(_describe_learned(choice))
    unbound = choice.unbound_winner
    if unbound is not choice.winner:
        sentences.append(
            f"If controls were allowed to win, {unbound.name} would win: {unbound.accuracy:.1%} "
            f"with {unbound.macs / 1e6:.2f} million multiply-accumulates."
        )
    if choice.differences:
        sentences.append(_describe_noise(choice))
    return tuple(sentences)


def describe_left_out(space: SearchSpace) -> tuple[str, ...]:
    """Describes the controls that cannot be built; no sentence if all can."""
    reasons = space.left_out()
    return (f"Some controls are left out: {' and '.join(reasons)}.",) if reasons else ()


def describe_start(title: str, fitting: int, weights: int) -> str:
    """Describes the initial model, of which so many of the backbone's weights were taken."""
    others = "" if fitting == weights else "; the others are random"
    return f"All trainings start from {title}: it has {fitting} of the {weights} weights of the backbone{others}."


def describe_skipped(trials: Sequence[Trial]) -> tuple[str, ...]:
    """Describes what a search did not train because its time was over; no sentence if it trained everything."""
    skipped = dict.fromkeys(trial.point for trial in trials if trial.status == "skipped")
    if not skipped:
        return ()
    return (f"The search ended early, because its time was over; it did not train to the end: {', '.join(skipped)}.",)


def _describe_winner(choice: Choice) -> str:
    winner, best = choice.winner, choice.best
    if winner is best:
        return (
            f"{best.name} wins: no cheaper one that may win comes within one standard error of its {best.accuracy:.1%}."
        )
    found = next(difference for difference in choice.differences if difference.than == winner.name)
    return (
        f"{winner.name} wins: the best, {best.name}, is better by {_format(found)}, within one standard error, "
        f"but costs {best.macs / 1e6:.2f} instead of {winner.macs / 1e6:.2f} million multiply-accumulates."
    )


def _describe_learned(choice: Choice) -> str:
    if choice.learned is None or not choice.learned_differences:
        return "No learned token reducer was compared with its controls."
    outcomes = [f"{_judge(d)} {_name(d.than)} ({_format(d)})" for d in choice.learned_differences]
    return f"At the same place and token count, {choice.learned.name} {', '.join(outcomes)}."


def _describe_noise(choice: Choice) -> str:
    origin = (
        f"measured on {len(choice.candidates)} finalists with {len(choice.best.correct)} seeds each"
        if choice.is_seed_deviation_measured
        else "assumed, as each finalist counts with one seed; --search.seeds 2 or more measure it"
    )
    return (
        f"± is one standard error of the images and the seeds; from seed to seed an accuracy has a standard deviation "
        f"of {100 * choice.seed_deviation:.2f} points ({origin})."
    )


def _judge(difference: Difference) -> str:
    if not difference.is_larger_than_noise:
        return "is statistically indistinguishable from"
    return "beats" if difference.difference > 0 else "loses to"


def _name(point: str) -> str:
    return point.replace(NO_REDUCER, "no reducer")


def _format(difference: Difference) -> str:
    return f"{100 * difference.difference:+.1f} ± {100 * difference.standard_error:.1f} points"
