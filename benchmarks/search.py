"""The search on the shipped sample: what halving saves and finds, what it costs beside training, what kills do to it.

`python -m benchmarks.search` takes minutes; `--full` trains every point for 9 epochs and kills 20 times.
"""

import dataclasses
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from components.trainer import checkpoint
from pipeline.history import History

_MOST_SECONDS_BEFORE_KILL = 30  # after the Trainer began


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is measured."""

    max_epochs: int
    kills: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one run of the pipeline left."""

    trials: list[dict[str, Any]]
    found: dict[str, Any]  # search.json
    winner: dict[str, Any]
    trainer_seconds: float

    @property
    def overhead_seconds(self) -> float:
        """Seconds of the Trainer beside the epochs of the search and of the final fit, a trial."""
        trained = sum(trial["seconds"] for trial in self.trials) + sum(e["seconds"] for e in self.winner["epochs"])
        return (self.trainer_seconds - trained) / len(self.trials)

    def accuracies(self, epochs: int) -> dict[str, float]:
        """Returns the validation accuracy of each point that was trained so long with the first seed."""
        return {trial["point"]: trial["valid_accuracy"] for trial in self.trials if trial["epochs"] == epochs}


def command(root: pathlib.Path, tuner: str, effort: Effort) -> list[str]:
    """Returns the command line of one run."""
    return [
        *(sys.executable, "-m", "pipeline", "run", "--root", str(root), "--evaluation.min-accuracy", "0"),
        *("--search.tuner", tuner, "--search.max-epochs", str(effort.max_epochs), "--fit.epochs", "1"),
        "--search.controls-may-win",  # every point competes, so that the best of all points is what halving looks for
    ]


def run(root: pathlib.Path, tuner: str, effort: Effort) -> Outcome:
    """Runs the pipeline to its end."""
    subprocess.run(command(root, tuner, effort), check=True, stdout=subprocess.DEVNULL)
    return read_outcome(root)


def read_outcome(root: pathlib.Path) -> Outcome:
    """Reads what the newest run left."""
    history = History(root / "metadata.sqlite")
    run_id = history.latest_run_id()
    [artifact] = history.outputs(run_id, "Trainer", "model_run")
    folder = pathlib.Path(artifact.uri)
    return Outcome(
        trials=[json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()],
        found=json.loads((folder / "search.json").read_text()),
        winner=json.loads((folder / "winner.json").read_text()),
        trainer_seconds=next(step.seconds for step in history.steps(run_id) if step.name == "Trainer"),
    )


def run_until_killed(root: pathlib.Path, effort: Effort, seconds: float) -> bool:
    """Starts a run and kills it, `seconds` after the Trainer began; False if it ended before."""
    process = subprocess.Popen(
        command(root, "halving", effort), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    next(line for line in process.stdout if "Trainer" in line)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def compare_halving(root: pathlib.Path, effort: Effort) -> tuple[Table, Outcome]:
    """Compares halving with training every point fully; both use one state folder, so no epoch is trained twice."""
    halving = run(root, "halving", effort)
    grid = run(root, "grid", effort)
    accuracies = grid.accuracies(effort.max_epochs)
    best = max(accuracies, key=lambda point: accuracies[point])
    spent = halving.found["epochs"]
    rows = {
        "points": f"{len(accuracies)}",
        "epochs: halving / finalists / every point fully": (
            f"{spent['search']} / {spent['finalists']} / {spent['every_point_fully']}"
        ),
        "halving against every point fully": f"{spent['search'] / spent['every_point_fully']:.0%}",
        "with the finalists": f"{(spent['search'] + spent['finalists']) / spent['every_point_fully']:.0%}",
        "best of all points, trained fully": f"{best} {accuracies[best]:.1%}",
        **{
            f"halving's {rank}, trained fully": _compare_trained(root, halving.found[rank], best, effort)
            for rank in ("best", "winner")
        },
        "seconds a trial beside its epochs": f"{halving.overhead_seconds:.1f}",
    }
    return _make_table(f"Halving, {effort.max_epochs} epochs at most", rows), halving


def _compare_trained(root: pathlib.Path, point: str, best: str, effort: Effort) -> str:
    """Compares two points image by image, by what their full trainings got right."""
    correct = {}
    for name in (point, best):
        [path] = root.glob(f"search/*/{name},seed=1,epochs={effort.max_epochs}.checkpoint")
        training = checkpoint.load(path)
        assert training is not None
        correct[name] = training.correct[-1].astype(float)
    difference = correct[best] - correct[point]
    error = difference.std(ddof=1) / len(difference) ** 0.5
    gap = f"{100 * difference.mean():.1f} behind, standard error {100 * error:.1f} points"
    return f"{point} {correct[point].mean():.1%}, {gap}"


def compare_killed(root: pathlib.Path, effort: Effort, expected: Outcome) -> Table:
    """Kills a search at random moments until it has had enough, then lets it end."""
    draw = random.Random(1)
    begin = time.monotonic()
    kills = 0
    while kills < effort.kills and run_until_killed(root, effort, draw.uniform(0, _MOST_SECONDS_BEFORE_KILL)):
        kills += 1
    found = run(root, "halving", effort)
    rows = {
        "kills": f"{kills}",
        "winner as without kills": str(found.found["winner"] == expected.found["winner"]),
        "largest difference of a validation accuracy": f"{100 * _find_largest_difference(found, expected):.1f} points",
        "minutes": f"{(time.monotonic() - begin) / 60:.0f}",
    }
    return _make_table("SIGKILL at random moments", rows)


def _find_largest_difference(outcome: Outcome, expected: Outcome) -> float:
    """Returns the largest difference of a trial's validation accuracy.

    It need not be 0: the two runs have each a root and a Transform of their own, and Beam sums the pixels of the train
    split in an order that differs in the last bit of their mean. Within one root trainings are equal to the bit.
    """
    pairs = list(zip(outcome.trials, expected.trials, strict=True))
    assert all(trial["point"] == other["point"] for trial, other in pairs)
    return max(abs(trial["valid_accuracy"] - other["valid_accuracy"]) for trial, other in pairs)


def _make_table(title: str, rows: dict[str, str]) -> Table:
    table = Table("what", "measured", title=title, title_justify="left")
    for row in rows.items():
        table.add_row(*row)
    return table


def main() -> None:
    """Prints the tables."""
    effort = Effort(max_epochs=9, kills=20) if "--full" in sys.argv else Effort(max_epochs=2, kills=2)
    with tempfile.TemporaryDirectory() as folder:
        table, halving = compare_halving(pathlib.Path(folder, "whole"), effort)
        Console().print(table)
        Console().print(compare_killed(pathlib.Path(folder, "killed"), effort, halving))


if __name__ == "__main__":
    main()
