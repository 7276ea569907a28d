"""The grid of the patches that are in a row; importing it does not import Keras."""

import math


def find_grid(patches: int | None, grid: tuple[int, int] | None, needed_by: str) -> tuple[int, int]:
    """Returns the grid of patches that are in a row, row by row.

    Args:
        patches: How many there are.
        grid: Height and width of the grid, patches; None: it is a square.
        needed_by: The layer that the error names.

    Returns:
        Height and width, patches.

    Raises:
        ValueError: If that many patches do not form the grid, or no square.
    """
    if patches is None:
        raise ValueError(f"{needed_by} got an unknown number of patches; give the model a fixed image size")
    if grid is not None:
        if grid[0] * grid[1] != patches:
            raise ValueError(f"{needed_by} got {patches} patches, but grid (height, width) is {grid}")
        return grid
    side = math.isqrt(patches)
    if side**2 != patches:
        raise ValueError(f"{needed_by} got {patches} patches, which form no square; give grid=(height, width)")
    return side, side


def tile_grid(height: int, width: int, tiles: int) -> tuple[int, int] | None:
    """Cuts a grid into equal rectangles, as square as can be.

    Args:
        height: Rows of the grid.
        width: Columns of the grid.
        tiles: How many rectangles.

    Returns:
        Rectangles along the height and along the width, or None if the grid cannot be cut so.
    """
    cuts = [
        (rows, tiles // rows)
        for rows in range(1, min(tiles, height) + 1)
        if tiles % rows == 0 and height % rows == 0 and width % (tiles // rows) == 0
    ]
    return min(cuts, key=lambda cut: abs(math.log((height / cut[0]) / (width / cut[1]))), default=None)
