"""A search that was interrupted ends as the one that was not."""

import pathlib
import random

from trainings import FitterIn, Searched, describe, search_in, train_up_to, without_seconds

from components.trainer.config import TrainerConfig
from components.trainer.training.fitter import Fitter
from models.search_space import name_point


def assert_same_search(again: Searched, searched: Searched) -> None:
    """Asserts that a search tried, found and chose what the other did."""
    assert without_seconds(again.search.trials) == without_seconds(searched.search.trials)
    assert describe(again.choice) == describe(searched.choice)


def test_a_search_run_again_trains_nothing_and_finds_the_same(
    searched: Searched, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    written = {file.name: file.stat().st_mtime_ns for file in state.iterdir()}
    again = search_in(config, fitter_in(state), tmp_path)
    assert again.reports == []
    assert {file.name: file.stat().st_mtime_ns for file in state.iterdir()} == written
    assert again.search.trials == searched.search.trials
    assert describe(again.choice) == describe(searched.choice)


def test_a_search_run_again_in_the_same_folder_writes_its_trials_anew(
    searched: Searched, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for _ in range(2):
        search_in(config, fitter_in(state), tmp_path)
    assert (tmp_path / "trials.jsonl").read_text() == (searched.search.folder / "trials.jsonl").read_text()


def put_back(file: pathlib.Path, config: TrainerConfig, fitter: Fitter) -> None:
    """Replaces a checkpoint by that of the same training after one epoch."""
    point, seed, _ = file.name.split(",")
    network = next(network for network in config.space().points() if name_point(network) == point)
    train_up_to(fitter, network, 1, seed=int(seed.removeprefix("seed=")))
    (fitter.folder / file.name).replace(file)


def test_whatever_is_lost_damaged_or_behind_is_trained_again_with_the_same_numbers(
    searched: Searched, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    files = sorted(state.glob("*.checkpoint"))
    random.Random(0).shuffle(files)
    lost, cut, flipped, behind, *_ = files
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:1000])
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    put_back(behind, config, fitter_in(tmp_path))
    (state / "none,seed=1,epochs=4.checkpoint.part").write_bytes(b"half a checkpoint")

    again = search_in(config, fitter_in(state), tmp_path)
    assert again.reports != []
    assert_same_search(again, searched)


def test_trainings_that_have_gone_further_than_a_rung_asks_for_change_nothing(
    searched: Searched, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """As an exhaustive search, or one with more finalists, leaves them."""
    for point in config.space().points():
        train_up_to(fitter_in(state), point, 4)
    again = search_in(config, fitter_in(state), tmp_path)
    assert_same_search(again, searched)
