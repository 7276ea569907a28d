"""The learning rate: cosine cycles, each after a linear warm-up."""

import dataclasses
import math
from collections.abc import Sequence

from components.trainer.config import FitConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cycle:
    """A learning rate that rises linearly from zero and falls along a cosine to zero.

    Its values are those of `keras.optimizers.schedules.CosineDecay`.

    Reference:
        Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", arXiv 1608.03983, equation 5.
    """

    peak: float  # the highest learning rate
    warmup_steps: int  # at least 1
    decay_steps: int  # at least 1

    def rate(self, step: int) -> float:
        """Returns the learning rate of a step of the cycle, counted from 0."""
        if step < self.warmup_steps:
            return self.peak * step / self.warmup_steps
        done = min((step - self.warmup_steps) / self.decay_steps, 1.0)
        return self.peak * 0.5 * (1.0 + math.cos(math.pi * done))


def make_cycle(config: FitConfig, steps: int) -> Cycle:
    """Makes a cycle of so many steps, a share of which is the warm-up."""
    warmup_steps = max(1, round(config.warmup_share * steps))
    return Cycle(peak=config.learning_rate, warmup_steps=warmup_steps, decay_steps=max(1, steps - warmup_steps))


def list_rates(config: FitConfig, cycles: Sequence[int], steps_per_epoch: int, epoch: int) -> list[float]:
    """Lists the learning rates of an epoch.

    Args:
        config: Peak and warm-up.
        cycles: Epochs of each cycle.
        steps_per_epoch: Updates.
        epoch: From 0, within the cycles.

    Returns:
        A rate for each step of the epoch.
    """
    begin = 0  # of the cycle, in epochs
    for epochs in cycles:
        if epoch < begin + epochs:
            cycle = make_cycle(config, epochs * steps_per_epoch)
            first = (epoch - begin) * steps_per_epoch
            return [cycle.rate(step) for step in range(first, first + steps_per_epoch)]
        begin += epochs
    raise ValueError(f"epoch {epoch} is after the last cycle of {tuple(cycles)}")
