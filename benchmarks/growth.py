"""How the cost of each step grows with the images: seconds and memory at several sizes, each in a fresh root.

Larger sizes repeat the images under new ids. The short form ends before the Trainer. In the long one the Trainer does
as little as it can, and what it leaves in memory is kept out of the later steps' figures: the run is killed behind it,
and a fresh process goes on.
"""

import dataclasses
import itertools
import math
import pathlib
import tempfile
from collections.abc import Mapping, Sequence

from benchmarks.benchmark import Benchmark, main
from benchmarks.dag import LITTLE_TRAINING, STEP_BEGAN, STEP_ENDED, TRAINER, read_steps, run_dag, run_until_trainer
from benchmarks.dataset import ALL_IMAGES, SAMPLE, require_dataset
from benchmarks.repeated_dataset import repeat_dataset
from benchmarks.result import Row, Summary, Table, Target
from components.example_gen.component import list_shards

_OTHERS = "all but Trainer"
_LINEAR = 1.2  # times the seconds an image: what a machine whose speed drifts may show of a linear step
_FLAT = 1.1  # times the memory
_LEAST_SECONDS = 1.0  # of a step that is judged: shorter ones are all start-up


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured."""

    tfds_dirs: tuple[pathlib.Path, ...] = (SAMPLE, SAMPLE)
    copies: tuple[int, ...] = (1, 2)  # of each of the datasets
    data_steps_only: bool = True  # nothing from the Trainer on


def measure(effort: Effort) -> list[Row]:
    """Runs the DAG at each size."""
    rows: list[Row] = []
    for tfds_dir, copies in zip(effort.tfds_dirs, effort.copies, strict=True):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            data = repeat_dataset(require_dataset(tfds_dir), copies, folder / "cifar10" / "3.0.2")
            images = sum(images for *_, images in list_shards(data))
            steps = _run(folder / "root", data, data_steps_only=effort.data_steps_only)
        rows += [{"images": images, **step} for step in steps]
    return rows


def _run(root: pathlib.Path, data: pathlib.Path, *, data_steps_only: bool) -> list[Row]:
    options = ("--data.tfds-dir", str(data), *LITTLE_TRAINING)
    run_until_trainer(root, options, STEP_BEGAN if data_steps_only else STEP_ENDED)
    steps = read_steps(root)
    earlier = list(itertools.takewhile(lambda step: step["step"] != TRAINER, steps))
    if data_steps_only:
        return earlier
    earlier.append(steps[len(earlier)])  # the Trainer; what began behind it before the kill came does not count
    run_dag(root, options)
    done = {step["step"] for step in earlier}
    return [*earlier, *(step for step in read_steps(root) if step["step"] not in done)]


def summarize(rows: Sequence[Row]) -> Summary:
    """Puts the sizes side by side: seconds, seconds an image, memory."""
    sizes = sorted({row["images"] for row in rows})
    names = list(dict.fromkeys(row["step"] for row in rows))
    seconds = {(row["step"], row["images"]): row["seconds"] for row in rows}
    for size in sizes:
        seconds[_OTHERS, size] = sum(seconds[name, size] for name in names if name != TRAINER)
    peaks = {(row["step"], row["images"]): row["peak_bytes"] for row in rows}
    added = {
        (row["step"], row["images"]): row["peak_bytes"] - row["began_bytes"]
        for row in rows
        if row["peak_bytes"] is not None and row["began_bytes"] is not None
    }
    tables = (
        _tabulate("Seconds", (*names, _OTHERS), sizes, seconds, 1),
        _tabulate("Milliseconds an image", (*names, _OTHERS), sizes, _share(seconds), 1e-3, "{:.3f}"),
        _tabulate("Peak memory of the step's process, MiB", names, sizes, peaks, 2**20, "{:,.0f}"),
        _tabulate("Memory that the step added at most, MiB", names, sizes, added, 2**20, "{:,.0f}"),
    )
    targets = (_judge(names, sizes, seconds, peaks),) if TRAINER in names else ()  # what is asked for is of all steps
    return Summary(tables=tables, targets=targets)


def _share(seconds: Mapping[tuple[str, int], float]) -> dict[tuple[str, int], float]:
    return {(name, size): value / size for (name, size), value in seconds.items()}


def _tabulate(
    title: str,
    names: Sequence[str],
    sizes: Sequence[int],
    figures: Mapping[tuple[str, int], float | None],
    unit: float,
    form: str = "{:.1f}",
) -> Table:
    lines = tuple((name, *(_tell(figures.get((name, size)), unit, form) for size in sizes)) for name in names)
    return Table(title=title, columns=("step", *(f"{size:,} images" for size in sizes)), rows=lines)


def _tell(figure: float | None, unit: float, form: str) -> str:
    return "" if figure is None else form.format(figure / unit)


def _judge(
    names: Sequence[str],
    sizes: Sequence[int],
    seconds: Mapping[tuple[str, int], float],
    peaks: Mapping[tuple[str, int], int | None],
) -> Target:
    """Compares the largest size with the one before it; the smallest is all start-up."""
    small, large = sizes[-2:]
    shares = _share(seconds)
    overall = shares[_OTHERS, large] / shares[_OTHERS, small]
    slowdowns = {
        name: shares[name, large] / shares[name, small]
        for name in names
        if name != TRAINER and min(seconds[name, small], seconds[name, large]) >= _LEAST_SECONDS
    }
    slowdown, slowest = max(((ratio, name) for name, ratio in slowdowns.items()), default=(overall, _OTHERS))
    pairs = {name: (peaks.get((name, small)), peaks.get((name, large))) for name in names}
    growths = {name: after / before for name, (before, after) in pairs.items() if before and after}
    memory, where = max(((growth, name) for name, growth in growths.items()), default=(math.inf, "not measured"))
    measured = (
        f"{overall:.2f} times the seconds an image, of a step at most {slowdown:.2f} ({slowest}); "
        f"at most {memory:.2f} times the memory ({where})"
    )
    is_reached = slowdown <= _LINEAR and memory <= _FLAT
    return Target(
        what=f"cost growth from {small:,} to {large:,} images: seconds of each step but Trainer, memory of each step",
        floor=f"linear (at most {_LINEAR} times the seconds an image), memory flat (at most {_FLAT} times)",
        aim="the same",
        measured=measured,
        reached="aim" if is_reached else "neither",
    )


BENCHMARK = Benchmark(
    name="growth",
    short=Effort(),
    full=Effort(tfds_dirs=(SAMPLE, ALL_IMAGES, ALL_IMAGES), copies=(1, 1, 4), data_steps_only=False),
    seeds=(1,),  # fit.seed
    measure=measure,
    summarize=summarize,
)

if __name__ == "__main__":
    main(BENCHMARK)
