"""Heat maps: validation accuracy by placement and tokens, with its noise."""

import dataclasses
from collections.abc import Iterable, Sequence

from components.artifacts.search_results import Point, SearchResults


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """A place of a heat map."""

    accuracy: float  # 0..1
    noise: float  # standard error, 0..1
    seeds: int
    share: float  # of the way from the worst to the best of all maps that stand together, 0..1
    is_winner: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Accuracy by placement and tokens, of one kind of reducer."""

    kind: str
    epochs: int
    placements: tuple[int, ...]
    token_counts: tuple[int, ...]
    cells: tuple[tuple[Cell | None, ...], ...]  # [placement][token count]; None: not trained so long


def draw_heat_maps(results: SearchResults, epochs: int) -> tuple[HeatMap, ...]:
    """Sorts points that were trained equally long into placement x tokens, a map for each kind of reducer.

    Args:
        results: Of the search.
        epochs: Only points with so many count; those without reducer have no place.

    Returns:
        The maps, learned reducers first; empty if there is no such point.
    """
    placed = [point for point in results.points if point.epochs == epochs and point.placement is not None]
    axes = (_sort_values(p.placement for p in placed), _sort_values(p.num_tokens for p in placed))
    cells = _make_cells(results, placed)
    return tuple(
        HeatMap(
            kind=kind,
            epochs=epochs,
            placements=axes[0],
            token_counts=axes[1],
            cells=tuple(tuple(cells.get((kind, row, column)) for column in axes[1]) for row in axes[0]),
        )
        for kind in sorted({point.kind for point in placed}, key=lambda kind: (not kind.startswith("token_"), kind))
    )


def _make_cells(results: SearchResults, placed: Sequence[Point]) -> dict[tuple[str, int | None, int | None], Cell]:
    accuracies = [point.accuracy for point in placed]
    spread = max(accuracies, default=0.0) - min(accuracies, default=0.0)
    return {
        (point.kind, point.placement, point.num_tokens): Cell(
            accuracy=point.accuracy,
            noise=results.noise(point),
            seeds=len(point.accuracies),
            share=(point.accuracy - min(accuracies)) / spread if spread else 1.0,
            is_winner=point.name == results.winner.point,
        )
        for point in placed
    }


def _sort_values(values: Iterable[int | None]) -> tuple[int, ...]:
    return tuple(sorted({value for value in values if value is not None}))
