"""What the Trainer is told, as data that crosses TFX as JSON; the values stand in `pipeline/config.py`."""

import dataclasses
import itertools

from models.vit_config import ViTConfig


def check_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raises a ValueError that names the field unless low <= value <= high."""
    if not low <= value <= high:
        allowed = f"at least {low}" if high == float("inf") else f"in {low}..{high}"
        raise ValueError(f"{name} is {value}; it must be {allowed}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """The points that the search tries and what it spends on each."""

    placements: tuple[int, ...]  # values of blocks_before_token_learner, each in 0..depth-1
    token_counts: tuple[int, ...]  # values of num_tokens
    max_trials: int  # points tried at most
    epochs: int  # passes over the train split a trial

    def __post_init__(self) -> None:
        """Rejects what cannot be searched."""
        for name in ("placements", "token_counts"):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values):
                raise ValueError(f"search.{name} is {values}; it must hold at least one value and none twice")
        check_range("search.max_trials", self.max_trials, 1)
        check_range("search.epochs", self.epochs, 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How a network is trained; the search and the final fit share all but the number of epochs."""

    epochs: int  # passes over the train split in the final fit
    batch_size: int  # images
    learning_rate: float  # peak, after the warm-up
    warmup_share: float  # of all steps, 0..1
    weight_decay: float  # AdamW's; Keras multiplies it by the learning rate
    gradient_clip_norm: float  # of all gradients together
    label_smoothing: float  # 0..1
    crop_padding: int  # pixels of reflection around an image before it is cropped back at random
    shuffle_buffer: int  # images
    seed: int

    def __post_init__(self) -> None:
        """Rejects what cannot be trained."""
        check_range("fit.epochs", self.epochs, 1)
        check_range("fit.batch_size", self.batch_size, 1)
        check_range("fit.learning_rate", self.learning_rate, 0, 1)
        check_range("fit.warmup_share", self.warmup_share, 0, 1)
        check_range("fit.weight_decay", self.weight_decay, 0, 10)
        check_range("fit.gradient_clip_norm", self.gradient_clip_norm, 0)
        check_range("fit.label_smoothing", self.label_smoothing, 0, 1)
        check_range("fit.crop_padding", self.crop_padding, 0, 31)
        check_range("fit.shuffle_buffer", self.shuffle_buffer, 1)
        check_range("fit.seed", self.seed, 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """All that `run_fn` needs to know.

    Raises:
        ValueError: If a point of the search cannot be built on the trunk.
    """

    trunk: ViTConfig  # what all points of the search share
    search: SearchConfig
    fit: FitConfig

    def __post_init__(self) -> None:
        """Makes the configuration of every point once, so that a wrong one is found before any training."""
        for placement, num_tokens in itertools.product(self.search.placements, self.search.token_counts):
            self._check_point(placement, num_tokens)

    def _check_point(self, placement: int, num_tokens: int) -> None:
        try:
            dataclasses.replace(self.trunk, blocks_before_token_learner=placement, num_tokens=num_tokens)
        except ValueError as error:
            point = f"search.placements holds {placement} and search.token_counts {num_tokens}"
            raise ValueError(f"{point}, but {error}") from None
