"""The Trainer by itself: what it is told, and how it ends."""

import pathlib

from benchmarks.trainer import configure
from models.search_space import name_point
from pipeline.config import QUICK


def test_every_point_is_a_point_of_the_profile_quick(tmp_path: pathlib.Path) -> None:
    config = configure(tmp_path, every_point=True, max_epochs=2)
    assert config.affordable_points() == QUICK.trainer(code_digest="").affordable_points()
    assert (config.search.max_epochs, config.fit.epochs, config.state.folder) == (2, 1, str(tmp_path))


def test_a_small_search_has_one_learned_point_and_its_controls(tmp_path: pathlib.Path) -> None:
    config = configure(tmp_path, every_point=False, tuner="grid")
    assert config.search.tuner == "grid"
    assert sorted(map(name_point, config.affordable_points())) == [
        *("average_pooling-4@0", "none", "random_selection-4@0", "token_learner-4@0", "top_k_norm-4@0"),
    ]
