"""The configuration: frozen dataclasses and the profiles QUICK and FULL, the only place for numbers."""

import dataclasses
import pathlib
import re
from functools import cached_property

from components.artifacts.image_task import ImageTask
from components.errors import DataFailure
from components.evaluator.config import EvaluationConfig
from components.features import SPLITS, TEST_SPLIT, TRAIN_SPLIT, VALID_SPLIT
from components.image_dataset import CIFAR10, ImageDataset, find_dataset
from components.machine import PARALLEL_OPERATIONS
from components.scaled_defaults import choose_calibration_images
from components.serving_validator.config import ServingConfig
from components.trainer.config import (
    FitConfig,
    InitialModel,
    SearchConfig,
    StateConfig,
    TrainerConfig,
    check_range,
    name_option,
)
from models.presets import PRESETS
from models.vit_config import MlpOutputActivation, Stem, TokenLearnerPooling, ViTConfig

_DEFAULT_GRID = 8  # patches along each side of an image


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The images."""

    tfds_dir: pathlib.Path  # version folder of a prepared TFDS dataset with one image and one label an example
    train_images: int  # of CIFAR-10, fit weights: the first ones in the authors' order; the others select
    valid_share: float  # of the training images; selects, if the dataset has no split valid, 0..1
    test_share: float  # of the training images; measures, if the dataset has no split test, 0..1
    max_duplicate_share: float  # share of a split's images that may also occur in another split, 0..1
    image_size: int | None  # height and width of all images, pixels, a multiple of 8; None: the dataset's, rounded up

    def __post_init__(self) -> None:
        if self.image_size is not None and (self.image_size % 8 or not 16 <= self.image_size <= 96):
            raise ValueError(f"--data.image-size is {self.image_size}; it must be a multiple of 8 in 16..96")
        check_range("data.train_images", self.train_images, 1, 49_999)
        check_range("data.valid_share", self.valid_share, 0.01, 0.45)
        check_range("data.test_share", self.test_share, 0.01, 0.45)
        check_range("data.max_duplicate_share", self.max_duplicate_share, 0, 1)

    def count_images(self, dataset: ImageDataset) -> dict[str, int]:
        """Returns the images of each split of a run, exactly but for the cut of missing splits class by class."""
        images = {TRAIN_SPLIT: 0, **dataset.images}
        whole = images[TRAIN_SPLIT]
        shares = {VALID_SPLIT: self.valid_share, TEST_SPLIT: self.test_share}
        if dataset.name == CIFAR10.name:
            shares[VALID_SPLIT] = 1 - self.train_images / CIFAR10.images[TRAIN_SPLIT]
        for split in shares.keys() - dataset.images.keys():
            images[split] = round(whole * shares[split])
            images[TRAIN_SPLIT] -= images[split]
        return {split: images[split] for split in SPLITS}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The network that all points of the search share; the search adds the token reducer."""

    patch_size: int | None  # height and width, pixels; None: an eighth of the image's
    dim: int  # channels of a token
    depth: int  # encoder blocks
    num_heads: int  # attention heads
    head_dim: int | None  # channels of a head; None: dim / num_heads
    mlp_dims: tuple[int, ...]  # hidden units of a block's MLP, layer by layer
    mlp_output_activation: MlpOutputActivation  # the Keras example has "gelu"
    dropout_rate: float  # 0..1
    stem: Stem  # overlapping 3x3 convolutions, plain or residual, or a linear projection of each patch
    token_learner_pooling: TokenLearnerPooling  # of the reducer "token_learner"
    token_bottleneck_dim: int  # hidden units in "token_learner_v11" and in the TokenFuser

    def _name_options(self, message: str) -> str:
        """Replaces fields in a message of ViTConfig by the options as typed; other single words may be prose."""

        def spell(found: re.Match[str]) -> str:
            return name_option(f"model.{found[0]}") if hasattr(self, found[0]) else found[0]

        return re.sub(r"^\w+|\b\w+_\w+\b|\bdim\b", spell, message)

    @classmethod
    def of(cls, network: ViTConfig) -> "ModelConfig":
        """Takes the fields from a network without its token reducer; 8x8 patches are the default."""
        fields = {field.name: getattr(network, field.name) for field in dataclasses.fields(cls)}
        return cls(**fields | ({"patch_size": None} if network.grid_size == _DEFAULT_GRID else {}))

    def backbone(self, task: ImageTask) -> ViTConfig:
        """Returns the network for a dataset, without a token reducer.

        Raises:
            ValueError: It cannot be built; the message names the option.
        """
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["patch_size"] = self.patch_size or task.image_size // _DEFAULT_GRID
        try:
            return ViTConfig(image_size=task.image_size, num_classes=len(task.class_names), **fields)
        except ValueError as error:
            raise ValueError(self._name_options(str(error))) from None


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushConfig:
    """The served versions; see `components/evaluator/lite.py` for the use and choice of the margin."""

    keep_versions: int
    """how many of the newest versions stay; the last other blessed model's newest version always stays"""
    int8_margin: float | None
    """TensorFlow Lite models, float32 and int8: largest drop that their 95% interval may show, 0..1; None: by the
    number of test images"""
    calibration_images: int | None  # of the train split, for the int8 model; None: 200, at least one of each class

    def __post_init__(self) -> None:
        check_range("push.keep_versions", self.keep_versions, 1)
        check_range("push.int8_margin", self.int8_margin, 0, 1)
        check_range("push.calibration_images", self.calibration_images, 1)

    def count_calibration_images(self, task: ImageTask) -> int:
        """Returns the images that calibrate the int8 model."""
        return self.calibration_images or choose_calibration_images(len(task.class_names))


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrackingConfig:
    """Where a search is logged besides its outputs; no result and no cache depends on it."""

    mlflow: str | None  # address of an MLflow server, such as http://127.0.0.1:5000; None: no tracking

    def __post_init__(self) -> None:
        if self.mlflow is not None and not re.fullmatch(r"https?://[^\s/@]+(/[^\s@]*)?", self.mlflow):
            raise ValueError(
                f"--tracking.mlflow is {self.mlflow or 'empty'}; it must be http://HOST:PORT or https://HOST:PORT, "
                "with the credentials, if any, in the variables MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )


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
    serving: ServingConfig
    push: PushConfig
    tracking: TrackingConfig

    def __post_init__(self) -> None:
        self._make_trainer("", None)  # raises if a point of the search cannot be built

    def trainer(self, code_digest: str) -> TrainerConfig:
        """Returns the Trainer's part.

        Args:
            code_digest: Of the sources that trained weights depend on.

        Raises:
            Failure: As `find_initial_model`.
        """
        return self._make_trainer(code_digest, self.find_initial_model())

    def _make_trainer(self, code_digest: str, initial_model: InitialModel | None) -> TrainerConfig:
        return TrainerConfig(
            backbone=self.model.backbone(self.task),
            task=self.task,
            search=self.search,
            fit=self.fit,
            state=StateConfig(folder=str((self.root / "search").resolve()), code_digest=code_digest),
            initial_model=initial_model,
        )

    def find_initial_model(self) -> InitialModel | None:
        """Returns the model that --fit.initial-model names; None if it names none.

        Raises:
            Failure: There is no such model, or its weights do not fit the backbone.
        """
        named = self.fit.initial_model
        if named is None:
            return None
        from components.trainer.initial_model import find_initial_model

        folder = self.serving_dir / named if named.isdecimal() else pathlib.Path(named)
        return find_initial_model(folder, self.model.backbone(self.task))

    @cached_property
    def dataset(self) -> ImageDataset:
        """The dataset's own metadata, read once; CIFAR-10's if there is no dataset then."""
        return find_dataset(self.data.tfds_dir)

    def check_dataset(self) -> None:
        """Raises a DataFailure if there is no dataset."""
        if not (self.data.tfds_dir / "dataset_info.json").is_file():
            raise DataFailure(
                f"--data.tfds-dir is {self.data.tfds_dir}, which holds no TFDS dataset (no dataset_info.json); "
                "name a version folder such as data/cifar10/3.0.2, made by `tokenlearner data prepare`."
            )

    @property
    def task(self) -> ImageTask:
        """What a model of this run classifies."""
        size = self.data.image_size or self.dataset.default_image_size()
        return ImageTask(dataset=self.dataset.name, class_names=self.dataset.class_names, image_size=size)

    def for_dataset(self) -> "PipelineConfig":
        """Returns it with name and root of its own for another dataset than CIFAR-10, unless they are chosen."""
        profile = next((each for each in PROFILES.values() if each.root == self.root), None)
        if profile is None or self.dataset.name == CIFAR10.name:
            return self
        root = self.root.with_name(f"{self.dataset.name}-{self.root.name}")
        name = f"{self.name}-{self.dataset.name}" if self.name == profile.name else self.name
        return dataclasses.replace(self, root=root, name=name)

    @property
    def metadata_path(self) -> pathlib.Path:
        """The sqlite file of ML Metadata."""
        return self.root / "metadata.sqlite"

    @property
    def serving_dir(self) -> pathlib.Path:
        """Folder of pushed versions."""
        return locate_serving_dir(self.root)


def locate_serving_dir(root: pathlib.Path) -> pathlib.Path:
    """Returns the folder of pushed versions within a pipeline root."""
    return root / "serving" / "tokenlearner"


QUICK = PipelineConfig(
    name="tokenlearner-quick",
    root=pathlib.Path("pipeline_root/quick"),
    data=DataConfig(
        tfds_dir=pathlib.Path("data/cifar10_sample"),
        train_images=40_000,
        valid_share=0.1,
        test_share=0.1,
        max_duplicate_share=0.01,
        image_size=None,
    ),
    model=ModelConfig.of(PRESETS["residual_stem"]),
    search=SearchConfig(
        tuner="halving",
        placements=(0, 1),
        token_counts=(1, 8),
        reducers=("token_learner_v11",),
        controls=("average_pooling",),
        fusers=(False,),
        patch_sizes=(),
        depths=(),
        dims=(),
        max_mmacs=None,
        backbone_epochs=5,
        min_epochs=2,
        max_epochs=2,
        reduction_factor=3,
        max_trials=12,
        finalists=3,
        seeds=1,
        seed_deviation=0.017,  # of 10 trainings: 5 finalists, 2 seeds (--search.seeds 2)
        max_minutes=None,
        workers=None,
        controls_may_win=False,
    ),
    fit=FitConfig(
        epochs=20,
        passes_per_epoch=None,
        batch_size=64,
        optimizer="muon",
        learning_rate=1e-2,
        warmup_share=0.1,
        weight_decay=0.2,
        gradient_clip_norm=1.0,
        label_smoothing=0.1,
        ema_momentum=0.97,
        class_weights="none",
        crop_padding=None,
        flip=True,
        initial_model=None,
        replicas=PARALLEL_OPERATIONS,
        strategy="default",
        seed=1,
    ),
    evaluation=EvaluationConfig(
        min_accuracy=None, max_accuracy_drop=None, max_class_accuracy_drop=None, min_slice_images=20, max_mmacs=None
    ),
    # The tolerance is some 20 times what float32 rounding was seen to give. The seconds are some 4 times what two busy
    # cores need for a network of 81 million multiply-accumulates, the memory twice that.
    serving=ServingConfig(
        records=128,
        tolerance=1e-5,
        timed_requests=40,
        max_batch_1_p50_seconds=0.04,
        max_batch_1_p95_seconds=0.08,
        max_batch_32_p50_seconds=0.5,
        max_batch_32_p95_seconds=1.0,
        max_memory_mib=1536,
        time_limit_seconds=240.0,
    ),
    push=PushConfig(keep_versions=3, int8_margin=None, calibration_images=None),
    tracking=TrackingConfig(mlflow=None),
)

FULL = dataclasses.replace(
    QUICK,
    name="tokenlearner-full",
    root=pathlib.Path("pipeline_root/full"),
    data=dataclasses.replace(QUICK.data, tfds_dir=pathlib.Path("data/cifar10/3.0.2")),
    search=dataclasses.replace(
        QUICK.search,
        token_counts=(8, 16),
        reducers=("token_learner", "token_learner_v11"),
        backbone_epochs=4,
        min_epochs=1,
        max_epochs=3,
        seeds=2,
        seed_deviation=0.0036,  # of the 18 trainings in benchmarks/results/reducers.json: 6 points, 3 seeds, 6 epochs
    ),
    fit=dataclasses.replace(QUICK.fit, epochs=40, batch_size=128, learning_rate=8e-3, ema_momentum=0.99),
    evaluation=dataclasses.replace(QUICK.evaluation, max_mmacs=25.0),
)

PROFILES = {"quick": QUICK, "full": FULL}
