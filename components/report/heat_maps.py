"""Heat maps: validation accuracy by placement and tokens, with standard errors."""

import dataclasses

from components.artifacts.search_results import SearchResults


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """A point of the search."""

    accuracy: float  # 0..1
    noise: float  # standard error, 0..1
    share: float  # position between the worst (0) and the best (1) accuracy of all maps in a row
    is_winner: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Accuracy by placement and tokens, of one kind of reducer."""

    kind: str
    epochs: int
    placements: tuple[int, ...]
    token_counts: tuple[int, ...]
    cells: tuple[tuple[Cell | None, ...], ...]  # [placement][token count]; None: not trained that long


def draw_heat_maps(results: SearchResults, epochs: int) -> tuple[HeatMap, ...]:
    """Arranges the points with a reducer that were trained for this many epochs.

    Returns:
        A map for each kind of reducer, learned ones first.
    """
    points = [point for point in results.points if point.epochs == epochs and point.placement is not None]
    accuracies = [point.accuracy for point in points]
    cells = {
        (point.kind, point.placement, point.num_tokens): Cell(
            accuracy=point.accuracy,
            noise=results.noise(point),
            share=1 - (max(accuracies) - point.accuracy) / ((max(accuracies) - min(accuracies)) or 1),
            is_winner=point.name == results.winner.point,
        )
        for point in points
    }
    placements = tuple(sorted({point.placement for point in points if point.placement is not None}))
    token_counts = tuple(sorted({point.num_tokens for point in points if point.num_tokens is not None}))
    return tuple(
        HeatMap(
            kind=kind,
            epochs=epochs,
            placements=placements,
            token_counts=token_counts,
            cells=tuple(tuple(cells.get((kind, row, column)) for column in token_counts) for row in placements),
        )
        for kind in sorted({point.kind for point in points}, key=lambda kind: (not kind.startswith("token_"), kind))
    )
