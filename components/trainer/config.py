"""The settings of the Trainer, which cross TFX as JSON; their values are in `pipeline/config.py`."""

import dataclasses
import math
from typing import Literal

from components.artifacts.image_task import ImageTask
from components.scaled_defaults import choose_passes
from models.macs import count_macs
from models.reducers.registry import ControlReducer, TokenReducer
from models.search_space import SearchSpace, strip_reducer
from models.vit_config import ViTConfig

TunerName = Literal["halving", "random", "bayesian", "grid"]
Strategy = Literal["default", "mirrored"]
ClassWeights = Literal["none", "balanced"]
OptimizerName = Literal["muon", "adamw"]

_MAY_BE_EMPTY = ("controls", "patch_sizes", "depths", "dims")  # of the search


def name_option(field: str) -> str:
    """Returns the option of a configuration field as typed: "--search.max-mmacs" for "search.max_mmacs"."""
    return f"--{field.replace('_', '-')}"


def check_range(field: str, value: float | None, low: float, high: float = float("inf")) -> None:
    """Raises a ValueError that names the option ("--fit.seed" for "fit.seed") unless low <= value <= high or None."""
    if value is not None and not low <= value <= high:
        allowed = f"at least {low}" if high == float("inf") else f"in {low}..{high}"
        raise ValueError(f"{name_option(field)} is {value}; it must be {allowed}")


def _spell(values: tuple[object, ...]) -> str:
    """Writes values as on the command line."""
    return " ".join(map(str, values)) or "empty"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a network is trained, and from which weights on."""

    cycles: tuple[int, ...]  # epochs of each cycle of the learning rate
    backbone_epochs: int = 0  # of the training of the backbone whose weights it starts from; 0: random weights

    @property
    def epochs(self) -> int:
        """Of all cycles together."""
        return sum(self.cycles)

    @property
    def of_backbone(self) -> "Schedule | None":
        """Of the backbone whose weights it starts from; None: random weights."""
        return Schedule(cycles=(self.backbone_epochs,)) if self.backbone_epochs else None

    def __str__(self) -> str:
        """Names it in a file's name, such as "epochs=1+2,backbone=8"."""
        start = f",backbone={self.backbone_epochs}" if self.backbone_epochs else ""
        return f"epochs={'+'.join(map(str, self.cycles))}{start}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """The points of the search, the epochs of each, and how the winner is chosen.

    The network without TokenLearner is always one of the points.
    """

    tuner: TunerName  # halving tries all points; grid trains every point fully
    placements: tuple[int, ...]  # values of blocks_before_token_learner, each in 0..depth-1
    token_counts: tuple[int, ...]  # values of num_tokens
    reducers: tuple[TokenReducer, ...]  # token reducers that may win
    controls: tuple[ControlReducer, ...]  # further reducers to compare them with; may be empty
    fusers: tuple[bool, ...]  # True: with TokenFuser, False: without
    patch_sizes: tuple[int, ...]  # pixels, height and width; empty: that of the model
    depths: tuple[int, ...]  # encoder blocks; empty: those of the model
    dims: tuple[int, ...]  # channels of a token, the MLP's widths in proportion; empty: those of the model
    max_mmacs: float | None  # million multiply-accumulates an image; more expensive points are not trained
    backbone_epochs: int  # of a network without reducer, whose weights all points start from; 0: random weights
    min_epochs: int  # epochs before halving first drops points
    max_epochs: int  # epochs of a point that is trained fully
    reduction_factor: int  # halving keeps one of this many points, and trains it this many times as long
    max_trials: int  # most points that random and bayesian try
    finalists: int  # best points that are trained with all seeds
    seeds: int  # seeds with which each finalist is trained
    seed_deviation: float
    """of valid accuracy from seed to seed, 0..1; used with one seed only, with several it is measured"""
    max_minutes: float | None  # minutes after which the search starts no epoch that would end later
    workers: int | None
    """processes that train candidates in parallel, with the same result; None: as many as CPUs and memory allow"""
    controls_may_win: bool  # whether controls may win; otherwise only those that --search.reducers names

    def __post_init__(self) -> None:
        """Rejects impossible values."""
        for name in ("placements", "token_counts", "reducers", "fusers", *_MAY_BE_EMPTY):
            values, may_be_empty = getattr(self, name), name in _MAY_BE_EMPTY
            if len(set(values)) != len(values) or not (values or may_be_empty):
                rule = "no value may appear twice" if may_be_empty else "it must have at least one value and none twice"
                raise ValueError(f"{name_option(f'search.{name}')} is {_spell(values)}; {rule}")
        for name in ("min_epochs", "max_trials", "finalists", "seeds"):
            check_range(f"search.{name}", getattr(self, name), 1)
        for name, low in (("workers", 1), ("max_minutes", 0), ("max_mmacs", 0)):
            check_range(f"search.{name}", getattr(self, name), low)
        if self.max_epochs < self.min_epochs:
            least = f"--search.min-epochs, {self.min_epochs}"
            raise ValueError(f"--search.max-epochs is {self.max_epochs}; it must be at least {least}")
        check_range("search.reduction_factor", self.reduction_factor, 2)
        check_range("search.seed_deviation", self.seed_deviation, 0, 1)
        check_range("search.backbone_epochs", self.backbone_epochs, 0)

    @property
    def rungs(self) -> tuple[int, ...]:
        """Epochs after which halving drops points, and at last `max_epochs`."""
        rungs, epochs = [], self.min_epochs
        while epochs < self.max_epochs:
            rungs.append(epochs)
            epochs *= self.reduction_factor
        return (*rungs, self.max_epochs)

    @property
    def schedule(self) -> Schedule:
        """Of each point: halving's rungs end with a learning rate of 0, at which accuracies are comparable."""
        rungs = self.rungs if self.tuner == "halving" else (self.max_epochs,)
        cycles = tuple(epochs - before for before, epochs in zip((0, *rungs), rungs, strict=False))
        return Schedule(cycles=cycles, backbone_epochs=self.backbone_epochs)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How a network is trained, in the search and in the final fit alike."""

    epochs: int  # of the final fit
    passes_per_epoch: int | None  # over the train split; None: as many as make 60 updates, at most 10
    batch_size: int  # images of an update, on all devices together
    optimizer: OptimizerName  # muon: for the kernels, and AdamW for the rest; adamw: for all weights
    learning_rate: float  # peak, after the warm-up
    warmup_share: float  # of all steps, 0..1
    weight_decay: float  # of the kernels, multiplied by the learning rate
    gradient_clip_norm: float  # of all gradients together; Muon does not depend on it
    label_smoothing: float  # 0..1
    ema_momentum: float  # of the moving average of the weights, which is measured and exported; 0: no average
    class_weights: ClassWeights  # balanced: each class has the same weight in the loss, however many images it has
    crop_padding: int | None  # pixels of reflection around an image before it is cropped back; None: an eighth of it
    flip: bool  # whether half of the training images are mirrored; not for digits or text
    initial_model: str | None
    """pushed version, or folder of one, whose backbone weights all networks start from; None: random weights"""
    replicas: int  # parts of each batch that are computed in parallel; batch norm normalizes each part separately
    strategy: Strategy  # default: one device; mirrored: a replica on each GPU of this machine
    seed: int  # of the final fit and of the first training of each point; further trainings have the next seeds

    def __post_init__(self) -> None:
        """Rejects impossible values."""
        check_range("fit.epochs", self.epochs, 1)
        check_range("fit.batch_size", self.batch_size, 1)
        check_range("fit.replicas", self.replicas, 1, self.batch_size)
        check_range("fit.learning_rate", self.learning_rate, 0, 1)
        check_range("fit.warmup_share", self.warmup_share, 0, 1)
        check_range("fit.weight_decay", self.weight_decay, 0, 10)
        check_range("fit.gradient_clip_norm", self.gradient_clip_norm, 0)
        check_range("fit.label_smoothing", self.label_smoothing, 0, 1)
        check_range("fit.ema_momentum", self.ema_momentum, 0, 1)
        check_range("fit.crop_padding", self.crop_padding, 0, 31)
        check_range("fit.passes_per_epoch", self.passes_per_epoch, 1)
        check_range("fit.seed", self.seed, 0)

    def find_crop_padding(self, image_size: int) -> int:
        """Returns the pixels of reflection around an image."""
        return image_size // 8 if self.crop_padding is None else self.crop_padding

    def count_passes(self, images: int) -> int:
        """Returns how often an epoch passes over so many training images."""
        return self.passes_per_epoch or choose_passes(images // self.batch_size)

    def count_steps(self, images: int) -> int:
        """Returns the updates of an epoch; the last, smaller batch of each pass is dropped."""
        return self.count_passes(images) * (images // self.batch_size)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StateConfig:
    """Where the checkpoints of trainings are kept."""

    folder: str  # outlives a run, unlike the Trainer's output folders
    code_digest: str  # of the sources that a trained weight depends on


@dataclasses.dataclass(frozen=True, kw_only=True)
class InitialModel:
    """The pushed model from whose weights the trainings start."""

    folder: str
    title: str  # such as "version 1764547200 of CIFAR-10"
    digest: str  # SHA-256 of its weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainerConfig:
    """The settings of `run_fn`.

    Raises:
        ValueError: If a point of the search cannot be built on the backbone, or all of them are over the ceiling.
    """

    backbone: ViTConfig  # what all points of the search share
    task: ImageTask
    search: SearchConfig
    fit: FitConfig
    state: StateConfig
    initial_model: InitialModel | None = None  # None: random weights

    def __post_init__(self) -> None:
        """Checks every point before any training."""
        if (self.search.workers or 1) > 1 and self.fit.strategy != "default":
            raise ValueError(
                f"--search.workers is {self.search.workers} and --fit.strategy is {self.fit.strategy}, which exclude "
                "each other; use --search.workers 1 or --fit.strategy default"
            )
        if not self.affordable_points():
            cheapest = min(count_macs(point).total for point in self.space().points())
            needed = math.ceil(cheapest / 1000) / 1000  # rounded up, so that it suffices
            raise ValueError(
                f"--search.max-mmacs is {self.search.max_mmacs}; the cheapest candidate needs {needed:.3f}"
            )

    def space(self) -> SearchSpace:
        """Returns the search space, expensive points included."""
        return SearchSpace(
            backbone=self.backbone,
            placements=self.search.placements,
            token_counts=self.search.token_counts,
            reducers=self.search.reducers,
            controls=self.search.controls,
            fusers=self.search.fusers,
            patch_sizes=self.search.patch_sizes,
            depths=self.search.depths,
            dims=self.search.dims,
        )

    def affordable_points(self) -> tuple[ViTConfig, ...]:
        """Returns the points whose true multiply-accumulates are within `search.max_mmacs`."""
        ceiling = float("inf") if self.search.max_mmacs is None else self.search.max_mmacs * 1e6
        return tuple(point for point in self.space().points() if count_macs(point).total <= ceiling)

    def backbones(self) -> tuple[ViTConfig, ...]:
        """Returns the network without reducer of each shape that has an affordable point."""
        return tuple(dict.fromkeys(map(strip_reducer, self.affordable_points())))
