"""What a run would train, and about how long: `run --dry-run`."""

import pathlib

from rich.console import Console

from components.errors import UsageFailure
from components.metadata.root import Root
from components.metadata.run_record import RunRecord
from components.source_digest import digest_sources
from components.trainer.config import Schedule, TrainerConfig
from components.trainer.findings import describe_left_out
from components.trainer.search.plan import (
    count_tried,
    count_workers,
    describe_found,
    plan_epochs,
    plan_finalist_epochs,
    plan_work,
)
from components.trainer.state import find_state
from components.trainer.training import checkpoint
from models.macs import count_macs
from models.search_space import name_point
from models.vit_config import ViTConfig
from pipeline.config import PipelineConfig
from pipeline.inspection.layout import format_mmacs, print_table

_FITTER = "components.trainer.training.fitter"  # not imported: it takes seconds


def show_plan(config: PipelineConfig, console: Console) -> None:
    """Shows the candidates of a run, their compute and epochs, the trainings that exist, and the estimated minutes."""
    config.check_dataset()
    trainer = config.trainer(code_digest=digest_sources(_FITTER))
    search, points = trainer.search, sorted(trainer.affordable_points(), key=lambda point: count_macs(point).total)
    state = find_state(trainer)
    epochs = {point: _count_epochs(state, trainer, point, search.schedule) for point in points}
    rows = [(name_point(point), format_mmacs(count_macs(point).total), str(count)) for point, count in epochs.items()]
    columns = ("candidate", "million MACs", "epochs found")
    print_table(console, columns, rows, words=("candidate",), title=f"{config.name} in {config.root}")
    dropped = len(trainer.space().points()) - len(points)
    budget = f" ({dropped} more cost more than --search.max-mmacs)" if dropped else ""
    seconds = _estimate_seconds(config, trainer, state, epochs)
    minutes = "unknown before the first run" if seconds is None else f"about {max(1, round(seconds / 60))} min"
    tried, again = count_tried(len(points), search), plan_finalist_epochs(len(points), search)
    shapes, first = len(trainer.backbones()), plan_epochs(len(points), search)
    backbone = search.seeds * search.backbone_epochs * shapes
    network = "the backbone" if shapes == 1 else f"{shapes} backbones"
    chosen = f"{tried} of " if tried < len(points) else ""
    finalists = f"about {again} more of the finalists, " if again else ""
    lines = (
        f"Search: {chosen}{len(points)} candidates{budget} with --search.tuner {search.tuner}, "
        f"{search.finalists} finalists.",
        f"Epochs: {backbone} of {network}, about {first} of the candidates, {finalists}{trainer.fit.epochs} of the "
        "winner's final fit.",
        *describe_left_out(trainer.space()),
        f"Cached: {describe_found(list(epochs.values()), search)}; steps with the same inputs are cached, too.",
        f"Estimated time: {minutes}.",
    )
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _count_epochs(state: pathlib.Path | None, trainer: TrainerConfig, point: ViTConfig, schedule: Schedule) -> int:
    """Returns the epochs of a training that exist already in the folder of trainings."""
    training = checkpoint.load(state / checkpoint.name_file(point, trainer.fit.seed, schedule)) if state else None
    return len(training.epochs) if training else 0


def _estimate_seconds(
    config: PipelineConfig, trainer: TrainerConfig, state: pathlib.Path | None, epochs: dict[ViTConfig, int]
) -> float | None:
    """Estimates how long a run takes, from the speed of the latest one with a winner; None: there is none."""
    records = _read_records(config)
    latest = next((record for record in reversed(records) if record.winner), None)
    if latest is None or latest.winner is None:
        return None
    trainings = [(trial.macs, trial.history) for trial in latest.trials if trial.epochs_spent]
    trainings.append((latest.winner.macs.total, latest.winner.epochs))
    seconds = sum(epoch.seconds for _, history in trainings for epoch in history)
    pace = seconds / max(1, sum(macs * len(history) for macs, history in trainings))  # of one process
    mean = sum(count_macs(point).total for point in epochs) / len(epochs)
    fit_schedule = Schedule(cycles=(trainer.fit.epochs,))
    fitted = max(_count_epochs(state, trainer, point, fit_schedule) for point in epochs)
    found = sum(count_macs(point).total * count for point, count in epochs.items())
    if backbone := trainer.search.schedule.of_backbone:
        for network in trainer.backbones():
            found += count_macs(network).total * _count_epochs(state, trainer, network, backbone)
    workers = trainer.search.workers or count_workers(trainer)
    search_work = max(0.0, plan_work(trainer) - trainer.fit.epochs * mean - found)
    fit_work = (trainer.fit.epochs - fitted) * mean
    others = [sum(step.seconds or 0 for step in record.steps if step.name != "Trainer") for record in records]
    limit = float("inf") if trainer.search.max_minutes is None else 60 * trainer.search.max_minutes
    return min(pace * search_work / workers, limit) + pace * fit_work + max(others)


def _read_records(config: PipelineConfig) -> list[RunRecord]:
    try:
        root = Root(config.root)
    except UsageFailure:  # it holds no run
        return []
    return [RunRecord(root, run_id) for run_id in root.records.run_ids]
