"""`run --dry-run`."""

import dataclasses
import pathlib
import types
from typing import Any

import numpy as np
import pytest
from commands import Command
from recorded_root import Plan, RecordedRoot

from components.artifacts.epoch import Epoch
from components.source_digest import digest_sources
from components.trainer.state import locate_state
from components.trainer.training import checkpoint
from pipeline.config import QUICK

LONG = ("--search.min-epochs", 60, "--search.max-epochs", 60)


def test_a_dry_run_shows_candidates_and_writes_nothing(tmp_path: pathlib.Path, tokenlearner: Command) -> None:
    done = tokenlearner("run", "--dry-run", "--root", tmp_path / "root", "--search.max-mmacs", 10)
    assert "token_learner_v11-8@1 9.88 0 Search: 8 candidates (1 more cost more than --search.max-mmacs)" in done.words
    assert "Epochs: 5 of the backbone, about 16 of the candidates, 20 of the winner's final fit." in done.words
    assert done.words.endswith("Estimated time: unknown before the first run.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--search.seeds", 3),
            "Epochs: 15 of the backbone, about 18 of the candidates, about 24 more of the finalists, 20 of the",
        ),
        (("--search.tuner", "bayesian", "--search.max-trials", 6), "Search: 6 of 9 candidates with"),
        (("--search.tuner", "grid", "--search.max-trials", 6), "Search: 9 candidates with"),
        (
            ("--search.token-counts", 7),
            "Some controls are left out: num_tokens is 7; 'average_pooling' cannot cut 8 x 8 patches into that many",
        ),
    ],
)
def test_a_dry_run_describes_the_search_that_would_run(
    options: tuple[str | int, ...], words: str, tmp_path: pathlib.Path, tokenlearner: Command
) -> None:
    assert words in tokenlearner("run", "--dry-run", "--root", tmp_path / "root", *options).words


def test_a_dry_run_counts_the_trainings_of_earlier_runs_and_estimates_the_rest(
    tmp_path: pathlib.Path, tokenlearner: Command
) -> None:
    """The recorded run took 1.5 seconds for an epoch of 6.79 million multiply-accumulates an image."""
    root = RecordedRoot(tmp_path / "root")
    root.record(Plan(run_id="r1"))
    arguments = ("run", "--dry-run", "--root", root.path, "--search.workers", 1, *LONG)
    before = tokenlearner(*arguments).words
    epoch = Epoch(epoch=1, train_loss=1.0, train_accuracy=0.5, valid_loss=1.0, valid_accuracy=0.5, seconds=1.0)
    training = checkpoint.Checkpoint(
        epochs=(epoch,) * 60, correct=np.zeros((60, 8), bool), state=(), best_weights=(), parameters=1
    )
    limited = tokenlearner(*arguments, "--search.max-minutes", 2).words
    assert limited.endswith("Estimated time: about 2 min.")
    code = digest_sources("components.trainer.training.fitter")
    search = dataclasses.replace(QUICK.search, min_epochs=60, max_epochs=60)
    config = dataclasses.replace(QUICK, root=root.path, search=search).trainer(code_digest=code)
    images: Any = types.SimpleNamespace(digest=lambda: "images")
    folder = locate_state(config, images, images)
    for point in config.affordable_points():
        checkpoint.save(training, folder / checkpoint.name_file(point, config.fit.seed, config.search.schedule))
    after = tokenlearner(*arguments).words
    assert "Cached: 0 of 9 trainings found" in before
    assert "Cached: 9 of 9 trainings found" in after
    assert before.endswith("Estimated time: about 13 min.")
    assert after.endswith("Estimated time: about 1 min.")
