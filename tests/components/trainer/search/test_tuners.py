"""Each tuner searches from end to end, within the compute ceiling."""

import dataclasses
import json
import pathlib
import shutil
from collections import Counter
from typing import Any

import pytest
from trainings import FitterIn, Searched, search_in

from components.trainer.config import TrainerConfig
from models.macs import count_macs
from models.search_space import name_point

pytestmark = pytest.mark.filterwarnings("ignore:The optimal value found for dimension")  # scikit-learn's, of few trials


def with_search(config: TrainerConfig, **changes: Any) -> TrainerConfig:
    """Returns the config with another search."""
    return dataclasses.replace(config, search=dataclasses.replace(config.search, **changes))


@pytest.fixture(scope="module")
def state(searched: Searched, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A copy of the trainings of the search by halving; what one tuner adds the next one finds."""
    return pathlib.Path(shutil.copytree(searched.state, tmp_path_factory.mktemp("tuners") / "state"))


def summarize(found: Searched) -> Counter[tuple[int, int]]:
    """Counts the trials of the first stage by the epochs that they began after and ended with."""
    return Counter((trial.initial_epoch, trial.epochs) for trial in found.of_stage("search"))


def test_grid_trains_every_point_fully(
    config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    found = search_in(with_search(config, tuner="grid"), fitter_in(state), tmp_path)
    assert summarize(found) == {(0, 4): 5}
    best = max(found.of_stage("search"), key=lambda trial: trial.valid_accuracy or 0)
    assert best.point in {candidate.name for candidate in found.choice.candidates}


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_a_tuner_that_draws_trains_so_many_points_fully(
    tuner: str, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    found = search_in(with_search(config, tuner=tuner, max_trials=4), fitter_in(state), tmp_path)
    assert summarize(found) == {(0, 4): 4}
    assert len({trial.point for trial in found.of_stage("search")}) == 4
    assert {name_point(point) for point in found.search.find_finalists()} == {
        candidate.name for candidate in found.choice.candidates
    }
    again = search_in(with_search(config, tuner=tuner, max_trials=4), fitter_in(state), tmp_path)
    assert again.search.trials == found.search.trials


def test_hyperband_goes_through_its_brackets_and_counts_no_epoch_twice(
    config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    found = search_in(with_search(config, tuner="hyperband"), fitter_in(state), tmp_path)
    trials = found.of_stage("search")
    assert Counter(trial.epochs for trial in trials) == {1: 4, 2: 2 + 3, 4: 1 + 2 + 3}
    trained: dict[tuple[str, int], int] = {}
    for trial in found.search.trials:
        before = trained.get((trial.point, trial.seed), 0)
        assert trial.initial_epoch == min(before, trial.epochs)
        assert len(trial.history) == max(1, trial.epochs - trial.initial_epoch)
        assert trial.history[-1].epoch == trial.epochs
        trained[trial.point, trial.seed] = max(before, trial.epochs)
    assert found.search.epochs_done == sum(trained.values())


def test_points_over_the_ceiling_are_listed_as_dropped_and_never_trained(
    config: TrainerConfig, fitter_in: FitterIn, searched: Searched, tmp_path: pathlib.Path
) -> None:
    macs = {name_point(point): count_macs(point).total for point in config.space().points()}
    ceiling = sorted(macs.values())[2]
    expensive = {point for point, cost in macs.items() if cost > ceiling}
    assert len(expensive) == 2
    state = tmp_path / "state"
    state.mkdir()
    for file in searched.state.glob("*.checkpoint"):
        if file.name.split(",")[0] not in expensive:
            (state / file.name).write_bytes(file.read_bytes())

    found = search_in(with_search(config, max_mmacs=ceiling / 1e6), fitter_in(state), tmp_path)
    dropped = [trial for trial in found.search.trials if trial.status == "dropped"]
    assert {trial.point for trial in dropped} == expensive
    assert found.search.trials[:2] == dropped
    for trial in dropped:
        cost = f"{macs[trial.point] / 1e6:.2f}"
        assert trial.reason == f"needs {cost} million multiply-accumulates; search.max_mmacs is {ceiling / 1e6}"
        assert (trial.epochs, trial.macs, trial.history) == (0, macs[trial.point], ())
    tried = {trial.point for trial in found.search.trials if trial.status == "completed"}
    assert tried == set(macs) - expensive
    assert {file.name.split(",")[0] for file in state.iterdir()} <= tried
    assert not {candidate.name for candidate in found.choice.candidates} & expensive
    lines = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    assert {line["point"] for line in lines if line["status"] == "dropped"} == expensive
