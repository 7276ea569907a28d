"""Output folders of steps, made by hand."""

import dataclasses
import pathlib
from typing import Any

from scored_images import judge_predictions, write_predictions
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.artifacts.duplicates import DUPLICATES_PREFIX, Member, encode_group
from components.artifacts.epoch import Epoch
from components.artifacts.lite_comparison import (
    COMPARISON_FILE,
    FailedModel,
    LiteComparison,
    Variant,
    VariantName,
    encode_comparison,
)
from components.artifacts.predictions import Predictions
from components.artifacts.search_outcome import SearchOutcome, Spending, Untrained, write_search
from components.artifacts.trial import Trial, append_trial
from components.artifacts.verdict import Measure, write_verdict
from components.artifacts.winner import Winner, write_winner
from components.evaluator.config import EvaluationConfig
from models.macs import Macs, count_macs
from models.presets import PRESETS
from models.search_space import name_point
from models.vit_config import ViTConfig

TOKENS = 4
IMAGES = {"train": 400, "valid": 100, "test": 200}  # of the fixture `slice_dir`
_MACS = {"no_reducer": 11_900_000, "token_learner-4@1": 4_600_000, "average_pooling-4@1": 4_400_000}


def write_examples(slice_dir: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Writes the output of the ExampleGen for the fixture `slice_dir`."""
    from components.example_gen.records import list_shards
    from components.example_gen.splits import ByPosition, copy_shard
    from components.image_dataset import read_dataset

    dataset = read_dataset(slice_dir)
    for shard in list_shards(slice_dir):
        copy_shard(shard, dataset, ByPosition(40_000), str(folder))
    return folder


def write_statistics(folder: pathlib.Path) -> pathlib.Path:
    """Writes the output of StatisticsGen for the fixture `slice_dir`."""
    for split, images in IMAGES.items():
        statistics = statistics_pb2.DatasetFeatureStatisticsList()
        image = statistics.datasets.add(num_examples=images).features.add()
        image.path.step.append("image")
        image.string_stats.avg_length = 2250
        (folder / f"Split-{split}").mkdir(parents=True)
        (folder / f"Split-{split}" / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    return folder


def make_trial(point: str, accuracies: list[float], *, initial_epoch: int = 0, seed: int = 1, **changes: Any) -> Trial:
    """Makes a completed trial: a rung with an epoch for each accuracy."""
    reducer, _, place = point.partition("-")
    config: dict[str, Any] = {"token_reducer": reducer}
    if place:
        tokens, _, placement = place.removesuffix("+fuser").partition("@")
        config |= {"blocks_before_token_learner": int(placement), "num_tokens": int(tokens)}
        config["use_token_fuser"] = place.endswith("+fuser")
    history = tuple(
        Epoch(
            epoch=initial_epoch + n,
            train_loss=1.0,
            train_accuracy=0.2,
            valid_loss=1.0,
            valid_accuracy=accuracy,
            seconds=1.5,
        )
        for n, accuracy in enumerate(accuracies, start=1)
    )
    trial = Trial(
        stage="search",
        trial_id="0000",
        round=0,
        point=point,
        config=config,
        seed=seed,
        initial_epoch=initial_epoch,
        epochs=initial_epoch + len(accuracies),
        macs=_MACS.get(point, 5_000_000),
        status="completed",
        valid_accuracy=accuracies[-1],
        seconds=1.5,
        history=history,
    )
    return dataclasses.replace(trial, **changes)


def make_search(winner: str, **changes: Any) -> SearchOutcome:
    """Makes the outcome of a search that a point won without finalists."""
    outcome = SearchOutcome(
        winner=winner,
        best=winner,
        sentences=(f"{winner} wins.",),
        finalists=(),
        differences=(),
        winner_differences=(),
        learned=None,
        learned_differences=(),
        reference_differences=(),
        seed_deviation=0.02,
        is_seed_deviation_measured=False,
        epochs=Spending(backbone=0, search=4, finalists=6, every_point_fully=20),
        dropped=(),
        failed=(),
        skipped=(),
    )
    return dataclasses.replace(outcome, **changes)


def write_model_run(folder: pathlib.Path, *, reducer: str | None = "token_learner") -> pathlib.Path:
    """Writes what a Trainer leaves whose winner has this reducer; its failed trial speaks HTML."""
    folder.mkdir()
    point = f"{reducer}-{TOKENS}@1" if reducer else "no_reducer"
    failure = "<script>alert(1)</script>"
    for trial in (
        make_trial("token_learner-4@1", [0.25]),
        make_trial("average_pooling-4@1", [0.24]),
        make_trial("no_reducer", [0.23]),
        make_trial("token_learner-4@1", [0.29, 0.33], initial_epoch=1),
        make_trial("no_reducer", [0.28, 0.31], initial_epoch=1),
        make_trial("top_k_norm-4@1", [0.1], status="failed", reason=failure, valid_accuracy=None),
    ):
        append_trial(trial, folder)
    search = make_search(
        point,
        dropped=(Untrained(point="token_learner-64@3", reason="too expensive"),),
        failed=(Untrained(point="top_k_norm-4@1", reason=failure),),
    )
    write_search(search, folder)
    network = dataclasses.replace(
        PRESETS["convolution_stem"],
        token_reducer=reducer,
        blocks_before_token_learner=1 if reducer else None,
        num_tokens=TOKENS if reducer else None,
    )
    write_winner(make_winner(network, point=point, macs=_MACS[point]), folder)
    return folder


def make_winner(network: ViTConfig, *, point: str | None = None, macs: int | None = None, **changes: Any) -> Winner:
    """Makes a winner that was fitted for two epochs; its MACs are those of the network, or all in the stem."""
    epochs = tuple(
        Epoch(
            epoch=n, train_loss=1.0, train_accuracy=0.2 + n / 10, valid_loss=1.0, valid_accuracy=accuracy, seconds=1.0
        )
        for n, accuracy in ((1, 0.3), (2, 0.45))
    )
    winner = Winner(
        point=point or name_point(network),
        network=network,
        valid_accuracy=0.45,
        valid_images=100,
        best_epoch=2,
        epochs=epochs,
        macs=Macs(stem=macs, blocks_before=0, token_reducer=0, blocks_after=0, head=0) if macs else count_macs(network),
        parameters=161_018,
    )
    return dataclasses.replace(winner, **changes)


def write_duplicates(folder: pathlib.Path) -> pathlib.Path:
    """Writes what the DataGate leaves where one test image also occurs in train."""
    folder.mkdir()
    group = encode_group([Member("test", "test_1"), Member("train", "train_2")])
    (folder / f"{DUPLICATES_PREFIX}-00000-of-00001.jsonl").write_text(f"{group}\n")
    return folder


def write_verdict_folder(folder: pathlib.Path, predictions: Predictions, *, min_accuracy: float = 0.3) -> pathlib.Path:
    """Writes what the Evaluator leaves."""
    folder.mkdir()
    thresholds = EvaluationConfig(
        min_accuracy=min_accuracy,
        max_accuracy_drop=0.3,
        max_class_accuracy_drop=0.9,
        min_slice_images=1,
        max_mmacs=20.0,
    )
    write_verdict(judge_predictions(predictions, _MACS["token_learner-4@1"], thresholds), folder)
    write_predictions(predictions, folder)
    write_comparison(folder)
    return folder


def write_comparison(folder: pathlib.Path, *, int8_failure: str | None = None) -> None:
    """Writes the comparison of TensorFlow Lite models of which the int8 model is too bad or could not be made."""
    variants = [_make_variant("saved_model", 1_677_721, 0.01, None), _make_variant("float32", 745_472, 0.0004, 0.0)]
    failed = []
    if int8_failure is None:
        variants.append(_make_variant("int8", 247_808, 0.0003, -0.031))
    else:
        failed.append(FailedModel(name="int8", message=f"not pushed: {int8_failure}"))
    comparison = LiteComparison(images=200, margin=0.03, variants=tuple(variants), failed=tuple(failed))
    (folder / COMPARISON_FILE).write_bytes(encode_comparison(comparison))


def _make_variant(name: VariantName, size_bytes: int, seconds: float, difference: float | None) -> Variant:
    accuracy = 0.6 + (difference or 0)
    is_pushed = difference == 0
    return Variant(
        name=name,
        file=None if difference is None else f"model_{name}.tflite",
        size_bytes=size_bytes,
        accuracy=Measure(value=accuracy, low=accuracy - 0.07, high=accuracy + 0.07),
        difference=None
        if difference is None
        else Measure(value=difference, low=difference - 0.01, high=difference + 0.01),
        p50_seconds=seconds,
        p95_seconds=2 * seconds,
        is_pushed=is_pushed,
        message=f"{'pushed' if is_pushed else 'not pushed'}: {100 * (difference or 0):+.2f} points",
    )
