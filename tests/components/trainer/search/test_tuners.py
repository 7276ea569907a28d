"""Each tuner searches from end to end, within the compute ceiling."""

import pathlib
import shutil

import pytest
from trainings import FitterIn, Searched, search_in, with_search

from components.artifacts.trial import read_trials
from components.trainer.config import TrainerConfig
from models.macs import count_macs
from models.search_space import name_point

pytestmark = pytest.mark.filterwarnings("ignore:The optimal value found for dimension")  # scikit-learn's, of few trials


@pytest.fixture(scope="module")
def state(searched: Searched, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A copy of the trainings of the search by halving; each tuner finds what the one before adds."""
    return pathlib.Path(shutil.copytree(searched.state, tmp_path_factory.mktemp("tuners") / "state"))


@pytest.mark.parametrize(("tuner", "tried"), [("grid", 4), ("random", 3), ("bayesian", 3)])
def test_a_tuner_without_rungs_trains_each_of_its_points_fully(
    tuner: str, tried: int, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    found = search_in(with_search(config, tuner=tuner), fitter_in(state), tmp_path)
    trials = found.of_stage("search")
    assert [(trial.initial_epoch, trial.epochs) for trial in trials] == [(0, 4)] * tried
    assert len({trial.point for trial in trials}) == tried
    best = max(trials, key=lambda trial: trial.valid_accuracy or 0)
    candidates = {candidate.name for candidate in found.choice.candidates}
    assert best.point in candidates
    assert candidates == {name_point(point) for point in found.search.find_finalists()}


def test_points_over_the_ceiling_are_listed_as_dropped_and_never_trained(
    config: TrainerConfig, fitter_in: FitterIn, searched: Searched, tmp_path: pathlib.Path
) -> None:
    macs = {name_point(point): count_macs(point).total for point in config.space().points()}
    ceiling = sorted(macs.values())[1]
    expensive = {point for point, cost in macs.items() if cost > ceiling}
    assert len(expensive) == 2
    fitter = fitter_in(tmp_path / "state")
    for file in searched.state.glob("*.checkpoint"):
        if file.name.split(",")[0] not in expensive:
            shutil.copy(file, fitter.folder)

    found = search_in(with_search(config, max_mmacs=ceiling / 1e6), fitter, tmp_path)
    dropped = [trial for trial in found.search.trials if trial.status == "dropped"]
    assert {trial.point for trial in dropped} == expensive
    assert list(read_trials(tmp_path))[:2] == found.search.trials[:2] == dropped
    for trial in dropped:
        cost = f"{macs[trial.point] / 1e6:.2f}"
        assert trial.reason == f"needs {cost} million multiply-accumulates; --search.max-mmacs is {ceiling / 1e6}"
        assert (trial.epochs, trial.macs, trial.history) == (0, macs[trial.point], ())
    affordable = set(macs) - expensive
    assert {trial.point for trial in found.search.trials if trial.status == "completed"} == affordable
    assert {file.name.split(",")[0] for file in fitter.folder.iterdir()} <= affordable
