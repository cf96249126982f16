"""The brush against a picture painted cell by cell, and the window against crops that are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sevis.analysis.covering import Grid, Part, brushed, covered, grid_over, ramp, window
from sevis.nets.preprocessing import Preprocessing, seen


@pytest.mark.parametrize(("size", "grid"), [((160, 160), (8, 8)), ((100, 200), (4, 8)), ((64, 24), (8, 3)), ((8, 160), (1, 8))])
def test_cells_are_nearly_square(size: tuple[int, int], grid: tuple[int, int]) -> None:
    assert grid_over(*size) == Grid(*grid)


@pytest.mark.parametrize(
    ("cell", "size", "part"),
    [
        ((2, 3), 1, Part(2, 3, 3, 4)),
        ((2, 3), 3, Part(1, 2, 4, 5)),
        ((2, 3), 2, Part(2, 3, 4, 5)),
        ((0, 7), 3, Part(0, 5, 3, 8)),
        ((3, 0), 4, Part(0, 0, 4, 4)),
        ((1, 1), 6, Part(0, 0, 4, 6)),
        ((9, 9), 2, Part(2, 6, 4, 8)),
    ],
)
def test_a_brush_stays_within_the_picture_and_holds_its_cell(cell: tuple[int, int], size: int, part: Part) -> None:
    assert brushed(cell, size, Grid(4, 8)) == part
    assert part.area == min(size, 4) * min(size, 8)


@pytest.mark.parametrize("shape", [(40, 56), (33, 47), (8, 160)])
def test_covered_cells_have_the_mean_colour_and_no_other_pixel_changes(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    pixels.flags.writeable = False
    grid = grid_over(*shape)
    part = brushed((grid.rows - 1, 2), 3, grid)
    expected = pixels.copy()
    colour = [round(float(pixels[..., each].mean())) for each in range(3)]
    for row in range(shape[0]):
        for column in range(shape[1]):
            across, down = (column + 0.5) * grid.columns / shape[1], (row + 0.5) * grid.rows / shape[0]
            if part.left <= across < part.right and part.top <= down < part.bottom:
                expected[row, column] = colour
    np.testing.assert_array_equal(covered(pixels, part, grid), expected)


@pytest.mark.parametrize(
    ("size", "resize", "side"), [((427, 640), 160, 160), ((640, 427), 256, 224), ((300, 300), 256, 224), ((64, 90), 64, 64)]
)
def test_the_window_is_the_part_that_is_cut_out(size: tuple[int, int], resize: int, side: int) -> None:
    how = Preprocessing(side, resize)
    found = window(seen(how(Image.fromarray(ramp(*size))), how), *size)
    kept = min(size) * side / resize  # pixels of the picture a side
    expected = [(size[0] - kept) / 2, (size[1] - kept) / 2, (size[0] + kept) / 2, (size[1] + kept) / 2]
    np.testing.assert_allclose([found.top, found.left, found.bottom, found.right], expected, atol=max(size) / 128)


def test_a_window_is_whole_where_nothing_is_cut_off_and_never_empty() -> None:
    assert window(ramp(50, 80), 50, 80) == Part(0, 0, 50, 80)
    assert window(np.full((4, 4, 3), 255, np.uint8), 8, 8).area >= 1
    assert ramp(50, 80).shape == (50, 80, 3) and ramp(50, 80).dtype == np.uint8
