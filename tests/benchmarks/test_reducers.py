"""Which trainings of a result file are taken over."""

import dataclasses
import json
from typing import Any

import pytest

from benchmarks.kept_training import Planned
from benchmarks.networks import find_learned
from benchmarks.reducers import BENCHMARK, _tells_of, list_networks
from models.reducers.registry import REDUCERS
from models.search_space import name_point
from pipeline.config import FULL

_FIT = dataclasses.replace(FULL.fit, epochs=6)
_PLANNED = Planned(name="learned", network=find_learned(None), fit=_FIT, seed=2)
_ROW = {
    "network": dataclasses.asdict(_PLANNED.network),
    "fit": dataclasses.asdict(_FIT),
    "seed": 2,
    "train_images": 40_000,
}


def test_a_row_that_was_read_back_tells_of_its_training() -> None:
    assert _tells_of(json.loads(json.dumps(_ROW)), _PLANNED, 40_000)


def test_a_row_knows_nothing_of_settings_that_came_later() -> None:
    older = {**_ROW, "fit": {name: value for name, value in dataclasses.asdict(_FIT).items() if name != "ema_momentum"}}
    assert _tells_of(older, _PLANNED, 40_000)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 3},
        {"train_images": 640},
        {"fit": dataclasses.asdict(dataclasses.replace(_FIT, epochs=20))},
        {"network": dataclasses.asdict(dataclasses.replace(_PLANNED.network, num_tokens=4))},
    ],
)
def test_a_row_of_another_training_does_not(changes: dict[str, Any]) -> None:
    assert not _tells_of({**_ROW, **changes}, _PLANNED, 40_000)


def test_each_reducer_is_trained_once() -> None:
    names = [name_point(network) for network in list_networks(None, BENCHMARK.full.others)]
    assert names[:2] == ["token_learner_v11-8@1", "no_reducer"]
    assert sorted(names) == sorted(["no_reducer", *(f"{name}-8@1" for name in REDUCERS)])
