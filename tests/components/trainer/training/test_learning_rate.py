"""The learning rate of each step."""

import dataclasses

import keras
import numpy as np
import pytest

from components.trainer.config import FitConfig
from components.trainer.training.learning_rate import list_rates


@pytest.mark.parametrize(
    ("steps", "warmup_share", "warmup_steps"), [(100, 0.2, 20), (7, 0.0, 1), (1, 0.5, 1), (30, 1.0, 30)]
)
def test_a_cycle_is_the_cosine_decay_of_keras(
    fit_config: FitConfig, steps: int, warmup_share: float, warmup_steps: int
) -> None:
    config = dataclasses.replace(fit_config, learning_rate=0.03, warmup_share=warmup_share)
    of_keras = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup_steps), warmup_target=0.03, warmup_steps=warmup_steps
    )
    rates = list_rates(config, (1,), steps, epoch=0)
    np.testing.assert_allclose(rates, [of_keras(step) for step in range(steps)], rtol=1e-5, atol=1e-9)


def test_each_cycle_begins_anew_and_ends_near_zero(fit_config: FitConfig) -> None:
    config = dataclasses.replace(fit_config, learning_rate=1.0, warmup_share=0.25)
    rates = [list_rates(config, (1, 2), 8, epoch) for epoch in range(3)]
    assert rates[0] == list_rates(config, (1,), 8, 0)
    assert rates[1:] == [list_rates(config, (2,), 8, epoch) for epoch in range(2)]
    assert rates[0][2] == rates[1][4] == 1.0
    assert [epoch[0] for epoch in rates] == [0.0, 0.0, pytest.approx(0.75)]
    assert rates[0][-1] < 0.1 > rates[2][-1]
    with pytest.raises(ValueError, match=r"epoch 3 is after the last cycle of \(1, 2\)"):
        list_rates(config, (1, 2), 8, 3)
