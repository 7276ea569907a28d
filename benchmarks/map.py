"""The map: test accuracy at all placements and token counts, with any reducers and patch sizes, all trained alike.

Every finished training is a row in a file below `--state`, and trainings are kept there epoch by epoch: after an
interruption the same command continues. Other options add further cells to the same rows: the result file always holds
all of them. `--seeds` without a value trains nothing and only writes that file.
"""

import dataclasses
import itertools
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.benchmark import Benchmark, describe_circumstances, main
from benchmarks.map_summary import summarize
from benchmarks.networks import parse_network
from benchmarks.result import FOLDER, Row, read_results
from benchmarks.splits import ALL_IMAGES, SAMPLE, open_splits
from benchmarks.trainings import describe_training, make_fitter
from components import features
from components.errors import UsageFailure
from components.trainer.config import Schedule
from components.trainer.data.examples import read_examples
from models.reducers.registry import REDUCERS
from models.search_space import NO_REDUCER, name_point, strip_reducer
from models.vit_config import ViTConfig
from pipeline.config import FULL

_CHOICES = (NO_REDUCER, *REDUCERS)

if TYPE_CHECKING:
    AnyReducer = str
else:
    AnyReducer = Literal[_CHOICES]

Cell = tuple[int, int, ViTConfig]  # epochs, seed and network


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effort:
    """Which cells are trained, and how long."""

    reducers: tuple[AnyReducer, ...] = ("average_pooling",)
    placements: tuple[int, ...] = (1,)
    tokens: tuple[int, ...] = (1,)
    patch_sizes: tuple[Literal[2, 4], ...] = (4,)  # pixels: 256 or 64 patches
    seeds: tuple[int, ...] = (1,)
    epochs: int = 1
    tfds_dir: pathlib.Path = SAMPLE
    state: pathlib.Path = pathlib.Path("pipeline_root/map-short")
    results: pathlib.Path | None = None  # folder of a result file whose rows count, too


def list_cells(effort: Effort) -> list[Cell]:
    """Lists the trainings seed by seed, and prints why others cannot be made; reducers of a cell are side by side."""
    networks: dict[ViTConfig, None] = {}
    axes = (effort.patch_sizes, effort.placements, effort.tokens, effort.reducers)
    for patch_size, placement, tokens, reducer in itertools.product(*axes):
        backbone = dataclasses.replace(FULL.model.backbone(FULL.task), patch_size=patch_size)
        place: dict[str, Any] = {
            "token_reducer": reducer,
            "blocks_before_token_learner": placement,
            "num_tokens": tokens,
        }
        try:
            networks[backbone if reducer == NO_REDUCER else dataclasses.replace(backbone, **place)] = None
        except ValueError as error:
            print(f"Left out: {reducer}-{tokens}@{placement} with patch size {patch_size}, as {error}.")
    return list(itertools.product([effort.epochs], effort.seeds, networks))


def measure(effort: Effort) -> list[Row]:
    """Trains the cells that have no row yet; returns the rows of all cells trained so far."""
    if effort.epochs < 1 or min(effort.seeds, default=0) < 0:
        raise UsageFailure(f"--epochs is {effort.epochs}, --seeds {effort.seeds}; they must be at least 1 and 0.")
    rows = read_rows(effort)
    missing = [cell for cell in list_cells(effort) if cell not in rows]
    revision = describe_circumstances()["revision"]
    for number, (cell, row) in enumerate(zip(missing, train(effort, missing), strict=True), 1):
        rows[cell] = {**row, "revision": revision}
        write_row(rows[cell], effort.state)
        print(f"{number}/{len(missing)}: {_name(cell)}, {row['valid_accuracy']:.1%} of valid", flush=True)
    if not rows:
        raise UsageFailure("there is no row yet; name cells with --reducers, --placements, --tokens and --seeds.")
    return [rows[cell] for cell in sorted(rows, key=_name)]


def train(effort: Effort, cells: Sequence[Cell]) -> Iterator[Row]:
    """Trains cells and evaluates each on the test split."""
    if not cells:
        return
    splits = open_splits(effort.tfds_dir)
    train, valid, test = (read_examples([splits.locate(split)], splits.transform) for split in features.SPLITS)
    fit = dataclasses.replace(FULL.fit, epochs=effort.epochs)
    backbones = dict.fromkeys(strip_reducer(network) for *_, network in cells)
    fitters = {backbone: make_fitter(backbone, fit, train, valid, effort.state) for backbone in backbones}
    for epochs, seed, network in cells:
        schedule = Schedule(cycles=(epochs,))
        fitter = fitters[strip_reducer(network)]
        training = fitter.fit(network, seed=seed, schedule=schedule)
        yield describe_training(fitter, network, training, seed, test)
        fitter.locate(network, seed, schedule).unlink()  # its row is written


def read_rows(effort: Effort) -> dict[Cell, Row]:
    """Reads the rows of earlier commands, those of the result file first.

    Raises:
        UsageFailure: If they were trained with other settings than those of `full`, the epochs aside.
    """
    found = read_results(effort.results).get(BENCHMARK.name) if effort.results else None
    rows = [*(found.rows if found else ()), *(json.loads(file.read_text()) for file in _locate(effort.state))]
    recipe = json.loads(json.dumps(dataclasses.asdict(FULL.fit)))
    other = {name for row in rows for name in row["fit"] | recipe if row["fit"].get(name) != recipe.get(name)}
    if other := other - {"epochs"}:
        raise UsageFailure(
            f"the rows in {effort.state} or the result file were trained with other values of "
            f"{', '.join(f'fit.{name}' for name in sorted(other))}; name another --state, and move that file away."
        )
    return {_identify(row): row for row in rows}


def write_row(row: Row, state: pathlib.Path) -> None:
    """Writes a row to a file of its own, which is there completely or not at all."""
    file = state / "rows" / f"{_name(_identify(row))}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".part")
    aside.write_text(json.dumps(row))
    aside.replace(file)


def _locate(state: pathlib.Path) -> list[pathlib.Path]:
    return sorted((state / "rows").glob("*.json"))


def _identify(row: Row) -> Cell:
    return row["fit"]["epochs"], row["seed"], parse_network(row["network"])


def _name(cell: Cell) -> str:
    epochs, seed, network = cell
    return f"{epochs} epochs, patch size {network.patch_size}, {name_point(network)}, seed {seed}"


_FULL = Effort(
    reducers=(NO_REDUCER, "token_learner_v11", "average_pooling"),
    placements=tuple(range(FULL.model.depth)),
    tokens=(1, 2, 4, 8, 16),
    seeds=(1, 2, 3),
    epochs=6,
    tfds_dir=ALL_IMAGES,
    state=pathlib.Path("pipeline_root/map"),
    results=FOLDER,
)
BENCHMARK = Benchmark("map", measure, summarize, Effort(), _FULL, seeds=_FULL.seeds)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
