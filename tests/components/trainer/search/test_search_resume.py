"""A search that was interrupted ends as the one that was not."""

import pathlib
import random
import shutil

from trainings import FitterIn, Searched, assert_same_search, search_in, train_up_to

from components.trainer.config import TrainerConfig


def test_a_search_run_again_in_the_same_folder_trains_nothing_and_writes_the_same(
    searched: Searched, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    run = pathlib.Path(shutil.copytree(searched.search.folder, tmp_path / "run"))
    written = {file.name: file.stat().st_mtime_ns for file in state.iterdir()}
    again = search_in(config, fitter_in(state), run)
    assert again.reports == []
    assert again.logged == searched.logged
    assert {file.name: file.stat().st_mtime_ns for file in state.iterdir()} == written
    assert again.search.trials == searched.search.trials
    assert (run / "trials.jsonl").read_text() == (searched.search.folder / "trials.jsonl").read_text()
    assert_same_search(again, searched)


def test_trainings_that_are_lost_or_damaged_are_repeated_with_the_same_numbers(
    searched: Searched, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    files = sorted(state.glob("*.checkpoint"))
    random.Random(0).shuffle(files)
    lost, damaged, *_ = files
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:1000])
    (state / "none,seed=1,epochs=4.checkpoint.part").write_bytes(b"half a checkpoint")
    again = search_in(config, fitter_in(state), tmp_path)
    assert again.reports != []
    assert_same_search(again, searched)


def test_trainings_that_have_gone_further_than_a_rung_change_nothing(
    searched: Searched, config: TrainerConfig, fitter_in: FitterIn, state: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """As an exhaustive search, or one with more finalists, leaves them."""
    for point in config.space().points():
        train_up_to(fitter_in(state), point, 4)
    assert_same_search(search_in(config, fitter_in(state), tmp_path), searched)
