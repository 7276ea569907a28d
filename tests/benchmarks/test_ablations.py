"""Which changes are tried."""

import pytest

from benchmarks import ablations
from benchmarks.ablations import _AS_IT_IS, _CHANGES, _plan
from benchmarks.networks import find_network
from pipeline.config import FULL
from pipeline.failures import Failure


def test_an_unknown_change_is_rejected_before_anything_is_trained() -> None:
    with pytest.raises(Failure, match=r"^--changes is 6 blocks, 7 blocks; name some of as it is, another seed, "):
        ablations.measure(ablations.Effort(changes=("6 blocks", "7 blocks")))


@pytest.mark.parametrize("name", [name for name in _CHANGES if name != _AS_IT_IS])
def test_each_change_makes_another_training(name: str) -> None:
    effort = ablations.BENCHMARK.full
    as_it_is, changed = _plan(_AS_IT_IS, effort), _plan(name, effort)
    assert (as_it_is.network, as_it_is.fit.batch_size) == (find_network(None), FULL.fit.batch_size)
    assert (changed.network, changed.fit, changed.seed) != (as_it_is.network, as_it_is.fit, as_it_is.seed)
