"""The only home of numbers: frozen dataclasses and the profiles QUICK and FULL."""

import dataclasses
import pathlib

from components import features
from components.trainer.config import FitConfig, SearchConfig, TrainerConfig, check_range
from models.vit_config import ViTConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is read."""

    tfds_dir: pathlib.Path  # version folder of a prepared TFDS dataset `cifar10`
    train_images: int  # the first so many training images, in the authors' order, fit weights; the others choose

    def __post_init__(self) -> None:
        """Rejects a split without images."""
        check_range("data.train_images", self.train_images, 1, 49_999)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The network that all points of the search share; the search adds the TokenLearner."""

    patch_size: int = 4  # pixels; a power of two
    dim: int = 64  # channels of a token
    depth: int = 4  # encoder blocks
    num_heads: int = 2  # attention heads
    mlp_dim: int = 128  # hidden units of a block's MLP
    dropout_rate: float = 0.0  # 0..1

    def __post_init__(self) -> None:
        """Rejects what cannot be built."""
        try:
            self.trunk()
        except ValueError as error:
            raise ValueError(f"model.{error}") from None

    def trunk(self) -> ViTConfig:
        """Returns it as a ViTConfig for the images and classes of CIFAR-10."""
        return ViTConfig(
            image_size=features.IMAGE_SHAPE[0], num_classes=features.NUM_CLASSES, **dataclasses.asdict(self)
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """What blesses a model."""

    min_accuracy: float  # test accuracy below which no model is blessed, 0..1
    max_accuracy_drop: float  # how far test accuracy may fall below the last blessed model's, 0..1

    def __post_init__(self) -> None:
        """Rejects thresholds that are no shares."""
        check_range("evaluation.min_accuracy", self.min_accuracy, 0, 1)
        check_range("evaluation.max_accuracy_drop", self.max_accuracy_drop, 0, 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """Everything that a run depends on."""

    name: str  # of the pipeline, in ML Metadata
    root: pathlib.Path  # folder of all outputs
    data: DataConfig
    model: ModelConfig
    search: SearchConfig
    fit: FitConfig
    evaluation: EvaluationConfig

    def __post_init__(self) -> None:
        """Checks that every point of the search can be built."""
        self.trainer()

    def trainer(self) -> TrainerConfig:
        """Returns what the Trainer is told."""
        return TrainerConfig(trunk=self.model.trunk(), search=self.search, fit=self.fit)

    @property
    def metadata_path(self) -> pathlib.Path:
        """The sqlite file of ML Metadata."""
        return self.root / "metadata.sqlite"

    @property
    def serving_dir(self) -> pathlib.Path:
        """Folder of pushed versions."""
        return self.root / "serving" / "tokenlearner"


QUICK = PipelineConfig(
    name="tokenlearner-quick",
    root=pathlib.Path("pipeline_root/quick"),
    data=DataConfig(tfds_dir=pathlib.Path("data/cifar10_sample"), train_images=40_000),
    model=ModelConfig(),
    search=SearchConfig(placements=(1, 2), token_counts=(4, 8, 16), max_trials=6, epochs=3),
    fit=FitConfig(
        epochs=30,
        batch_size=64,
        learning_rate=1e-3,
        warmup_share=0.1,
        weight_decay=0.05,
        gradient_clip_norm=1.0,
        label_smoothing=0.1,
        crop_padding=4,
        shuffle_buffer=10_000,
        seed=1,
    ),
    evaluation=EvaluationConfig(min_accuracy=0.4, max_accuracy_drop=0.02),
)

FULL = dataclasses.replace(
    QUICK,
    name="tokenlearner-full",
    root=pathlib.Path("pipeline_root/full"),
    data=dataclasses.replace(QUICK.data, tfds_dir=pathlib.Path("data/cifar10/3.0.2")),
    model=ModelConfig(dim=128, num_heads=4, mlp_dim=256, depth=6),
    search=SearchConfig(placements=(2, 3, 4), token_counts=(8, 16), max_trials=6, epochs=3),
    fit=dataclasses.replace(QUICK.fit, batch_size=128),
    evaluation=EvaluationConfig(min_accuracy=0.6, max_accuracy_drop=0.01),
)

PROFILES = {"quick": QUICK, "full": FULL}
