"""The sentences about a choice.

Axes: seeds, examples.
"""

from trainings import make_candidate, make_point

from components.trainer.findings import describe_choice
from components.trainer.search.selection import Candidate, choose
from models.reducers.registry import REDUCERS, TokenReducer


def candidate(reducer: TokenReducer | None, placement: int, *right: int) -> Candidate:
    """Makes a candidate from how many of a hundred images each seed got right."""
    return make_candidate(make_point(reducer, placement), *right)


def describe(*candidates: Candidate, controls_may_win: bool = False) -> list[str]:
    """Describes the choice among candidates; the last sentence, about the noise, has a test of its own."""
    contenders = tuple(REDUCERS) if controls_may_win else ("token_learner", "token_learner_v11")
    choice = choose(candidates, contenders=contenders, assumed_seed_deviation=0.0)
    *sentences, noise = describe_choice(choice)
    assert noise.startswith("± is one standard error of the images and the seeds")
    return sentences


def test_the_best_point_wins_if_no_cheaper_one_comes_near() -> None:
    sentences = describe(candidate("token_learner", 1, 70), candidate("token_learner", 0, 60))
    assert sentences == [
        "token_learner-2@1 wins: no cheaper one that may win comes within one standard error of its 70.0%.",
        "token_learner-2@1 differs by more than the noise from token_learner-2@0 (+10.0 ± 3.0 points).",
        "No learned token reducer was compared with its controls.",
    ]


def test_a_cheaper_winner_is_named_with_what_it_saves() -> None:
    best, winner = candidate("token_learner", 2, 61), candidate("token_learner", 0, 60)
    sentences = describe(best, winner, candidate("token_learner", 1, 40))
    assert sentences[:3] == [
        "token_learner-2@0 wins: the best, token_learner-2@2, is better by +1.0 ± 1.0 points, within one standard "
        f"error, but costs {best.macs / 1e6:.2f} instead of {winner.macs / 1e6:.2f} million multiply-accumulates.",
        "token_learner-2@2 differs by more than the noise from token_learner-2@1 (+21.0 ± 4.1 points).",
        "token_learner-2@2 differs by no more than the noise from token_learner-2@0 (+1.0 ± 1.0 points).",
    ]


def test_the_best_learned_reducer_is_compared_with_each_control() -> None:
    sentences = describe(
        candidate("token_learner", 1, 60),
        candidate(None, 0, 80),
        candidate("average_pooling", 1, 61),
        candidate("top_k_norm", 1, 30),
        controls_may_win=True,
    )
    (sentence,) = (sentence for sentence in sentences if sentence.startswith("At the same"))
    assert "token_learner-2@1 " in sentence
    assert "loses to no reducer (-20.0 ± 4.0 points)" in sentence
    assert "is statistically indistinguishable from average_pooling-2@1 (-1.0 ± 1.0 points)" in sentence
    assert "beats top_k_norm-2@1 (+30.0 ± 4.6 points)" in sentence


def test_a_point_that_would_win_beside_a_control_is_named() -> None:
    """Of the last three, the control is best; a learned point is one image behind, the winner one behind that."""
    control, learned = candidate("average_pooling", 0, 70), candidate("token_learner", 0, 60)
    cost = f"{control.macs / 1e6:.2f} million multiply-accumulates"
    sentence = f"If controls were allowed to win, average_pooling-2@0 would win: 70.0% with {cost}."
    assert describe(control, learned)[-1] == sentence
    assert not [line for line in describe(control, learned, controls_may_win=True) if line.startswith("If controls")]
    sentences = describe(
        candidate("average_pooling", 2, 64), candidate("token_learner", 1, 63), candidate("token_learner", 0, 62)
    )
    assert sentences[0].startswith("token_learner-2@0 wins")
    assert sentences[-1].startswith("If controls were allowed to win, token_learner-2@1 would win: 63.0%")


def test_the_noise_is_described_with_its_origin() -> None:
    def noise_of(*right: int) -> str:
        candidates = [candidate("token_learner", 1, *right), candidate("token_learner", 0, *right)]
        return describe_choice(choose(candidates, contenders=("token_learner",), assumed_seed_deviation=0.0123))[-1]

    assert noise_of(60).endswith(
        "from seed to seed an accuracy has a standard deviation of 1.23 points "
        "(assumed, as each finalist counts with one seed; --search.seeds 2 or more measure it)."
    )
    assert noise_of(60, 62).endswith(" 1.41 points (measured on 2 finalists with 2 seeds each).")
    alone = choose([candidate("token_learner", 1, 60)], contenders=("token_learner",), assumed_seed_deviation=0.01)
    assert not [sentence for sentence in describe_choice(alone) if "±" in sentence]
