"""The result of a search in one sentence."""

import pytest
from run_folder import make_search

from components.artifacts.answer import describe_answer, name_tokens
from components.artifacts.search_outcome import Difference, Finalist, Untrained
from models.search_space import NO_REDUCER

MACS = {"token_learner-4@1": 40, "average_pooling-4@1": 38, NO_REDUCER: 100}


def _compare(point: str, than: str, difference: float) -> Difference:
    return Difference(point=point, than=than, difference=difference, standard_error=0.01)


def _describe(winner: str, point: str, against_none: float, against_pooling: float) -> str:
    differences = (_compare(point, NO_REDUCER, against_none), _compare(point, "average_pooling-4@1", against_pooling))
    finalists = tuple(Finalist(point=p, macs=m, valid_accuracies=(0.5,), valid_images=10) for p, m in MACS.items())
    learned = "token_learner-4@1"
    return describe_answer(make_search(winner, finalists=finalists, learned=learned, reference_differences=differences))


def test_the_answer_compares_the_winner_with_no_reducer_and_with_average_pooling() -> None:
    assert _describe("token_learner-4@1", "token_learner-4@1", -0.007, 0.03) == (
        "4 learned tokens after block 1: statistically indistinguishable from no reducer (-0.7 points of validation "
        "accuracy, -2.7 to +1.3 with 95% confidence) at 40% of its compute; more accurate than average pooling "
        "(+3.0, +1.0 to +5.0), which costs 5% less."
    )


def test_the_answer_is_about_the_best_learned_reducer_if_none_won() -> None:
    answer = _describe(NO_REDUCER, "token_learner-4@1", -0.03, 0)
    assert answer.startswith("No reducer won. 4 learned tokens after block 1: less accurate than no reducer (-3.0 ")
    assert answer.endswith(
        "; statistically indistinguishable from average pooling (+0.0, -2.0 to +2.0), which costs 5% less."
    )


def test_a_control_that_won_is_compared_with_no_reducer_alone() -> None:
    control = "average_pooling-4@1"
    difference = _compare(control, NO_REDUCER, 0.04)
    finalists = tuple(Finalist(point=p, macs=m, valid_accuracies=(0.5,), valid_images=10) for p, m in MACS.items())
    assert describe_answer(make_search(control, finalists=finalists, winner_differences=(difference,))) == (
        "4 tokens by average pooling after block 1: more accurate than no reducer (+4.0 points of validation accuracy, "
        "+2.0 to +6.0 with 95% confidence) at 38% of its compute."
    )


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (["token_learner-4@1"], " won; no other candidate was trained to compare with."),
        (["token_learner-4@1", "token_learner-8@1"], " won among 2 finalists."),
        (
            ["token_learner-4@1", "average_pooling-4@1"],
            ": statistically indistinguishable from average pooling (+1.0 points of validation accuracy, -1.0 to +3.0 "
            "with 95% confidence), which costs 5% less; no reducer was not trained (it needs 10 million MACs).",
        ),
    ],
)
def test_an_answer_without_no_reducer_compares_what_exists(points: list[str], words: str) -> None:
    macs = MACS | {"token_learner-8@1": 50}
    search = make_search(
        points[0],
        finalists=tuple(Finalist(point=p, macs=macs[p], valid_accuracies=(0.5,), valid_images=10) for p in points),
        winner_differences=tuple(_compare(points[0], than, 0.01) for than in points[1:]),
        dropped=(Untrained(point=NO_REDUCER, reason="it needs 10 million MACs"),),
    )
    assert describe_answer(search) == f"4 learned tokens after block 1{words}"


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (NO_REDUCER, "No reducer"),
        ("top_k_norm-8@2+fuser", "8 tokens by top-k by norm after block 2 with TokenFuser"),
        ("evit-8@2+fuser+patch2+dim96", "8 tokens by EViT after block 2 with TokenFuser (patch 2, dim 96)"),
        ("no_reducer+depth6", "No reducer (depth 6)"),
    ],
)
def test_points_have_names_in_words(point: str, words: str) -> None:
    assert name_tokens(point) == words
