"""The figures and sentences of the lessons on the squeeze and on scale, against the numbers they stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sevis import figures, sentences
from sevis.analysis.compare import Comparison, compare
from sevis.analysis.covering import Part, brushed, grid_over
from sevis.figures import LIGHT
from sevis.records import Inspection, Prediction
from tests.made_up import CASES, frozen
from tests.made_up_brushes import answered

NAMES = ("the picture", "the covered picture")


def with_squeeze(made: Inspection, depth: int, squeeze: np.ndarray) -> Inspection:
    gates = list(made.gates)
    gates[depth] = replace(gates[depth], squeeze=frozen(squeeze[None]))
    return replace(made, gates=tuple(gates))


def moved(moves: dict[int, tuple[float, float]], depth: int = 1) -> Comparison:
    """Two inspections whose squeezes are 0.2 but for some channels."""
    sides = [np.full(CASES["se"].sites[depth].channels, 0.2) for _ in range(2)]
    for channel, ends in moves.items():
        sides[0][channel], sides[1][channel] = ends
    before, after = (with_squeeze(CASES["se"], depth, side) for side in sides)
    return compare(before, after, NAMES)


def test_a_brush_has_a_mark_in_every_cell_and_a_frame_where_it_lies() -> None:
    picture = CASES["se"].image
    grid = grid_over(*picture.shape[:2])
    part = brushed((0, 0), 2, grid)
    bare, framed = figures.brush(picture, grid, None), figures.brush(picture, grid, part)
    (cells,) = framed.data
    assert sorted((row, column) for row, column, *_ in cells.customdata) == [(r, c) for r in range(grid.rows) for c in range(grid.columns)]
    assert all((x, y) == (told[1] + 0.5, told[0] + 0.5) for x, y, told in zip(cells.x, cells.y, cells.customdata, strict=True))
    assert len(framed.layout.shapes) == len(bare.layout.shapes) + 1
    frame = framed.layout.shapes[-1]
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (0, 2, 0, 2) and frame.line.color == LIGHT.accent
    # a pixel is as high as it is wide
    assert framed.layout.yaxis.scaleratio == pytest.approx((40 / grid.rows) / (56 / grid.columns))


@pytest.mark.parametrize("case", ["se", "sk"])
def test_squeeze_maps_stand_beside_the_picture_with_their_means(case: str) -> None:
    record = CASES[case].gates[1]
    figure = figures.squeeze_maps(CASES[case], 1, (4, 2))
    assert len(figure.layout.images) == 3
    for heat, channel, note in zip(figure.data, (4, 2), figure.layout.annotations[1:], strict=True):
        np.testing.assert_allclose(heat.z, record.maps[0, :, channel].sum(axis=0), rtol=1e-5)
        assert note.text == f"channel {channel}<br>mean <b>{record.squeeze[0, channel]:.2f}</b>"
        assert (heat.zmin, heat.zmax) == (figure.data[0].zmin, figure.data[0].zmax)
    chosen = [
        float(record.squeeze[0, int(note.text.split("<")[0].split()[-1])])
        for note in figures.squeeze_maps(CASES[case], 1).layout.annotations[1:]
    ]
    assert chosen == sorted(chosen, reverse=True)
    assert (chosen[0], chosen[-1]) == (pytest.approx(record.squeeze.max()), pytest.approx(record.squeeze.min()))


def test_squeezes_that_moved_stand_in_order_on_both_sides() -> None:
    comparison = moved({3: (0.52, 0.30), 7: (-0.2, 0.11), 9: (0.4, 0.39)})
    figure = figures.squeeze_moved(comparison, 1)
    assert list(figure.layout.yaxis.ticktext[:3]) == ["channel 7", "channel 3", "channel 9"]
    _, before, after = figure.data
    np.testing.assert_allclose(before.x[:3], (-0.2, 0.52, 0.4), rtol=1e-6)
    np.testing.assert_allclose(after.x[:3], (0.11, 0.30, 0.39), rtol=1e-6)
    assert [note.text for note in figure.layout.annotations[:2]] == ["−0.20 → 0.11", "0.52 → 0.30"]
    assert len(figures.squeeze_moved(moved({}), 1).data) == 2  # nothing moved: one mark a channel


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ({}, "The squeeze of SE_2_2 stays as it is in all channels."),
        ({2: (0.2, 0.204)}, "The squeeze of SE_2_2 stays as it is in all channels."),
        (
            {3: (0.5, 0.3), 7: (-0.2, 0.1)},
            "Channel 3 falls most, by 40%, from 0.50 to 0.30 and channel 7 rises most, from −0.20 to 0.10;"
            " half of all change in SE_2_2 lies in 1 of 16 channels.",
        ),
        ({0: (0.5, 1.0)}, "Channel 0 rises most, by 100%, from 0.50 to 1.00; half of all change in SE_2_2 lies in 1 of 16 channels."),
        ({4: (0.01, -0.3)}, "Channel 4 falls most, from 0.01 to −0.30; half of all change in SE_2_2 lies in 1 of 16 channels."),
    ],
)
def test_a_sentence_tells_what_fell_and_what_rose_most(moves: dict[int, tuple[float, float]], expected: str) -> None:
    assert sentences.squeeze_moved_sentence(moved(moves), 1) == expected


def test_a_sentence_tells_how_much_is_covered() -> None:
    grid = grid_over(80, 80)
    assert sentences.brush_sentence(grid, Part(0, 0, 3, 3)) == "The brush covers 9 of 64 cells, 14% of what the network sees."
    assert sentences.brush_sentence(grid, None) == "Nothing is covered."


def test_a_sentence_tells_the_ends_of_the_squeeze() -> None:
    squeeze = np.linspace(0.5, -0.25, 16)
    said = sentences.squeeze_maps_sentence(with_squeeze(CASES["se"], 1, squeeze), 1)
    assert "SE_2_2 has 16 channels, each of 42 numbers" in said
    assert "the highest is 0.50 (channel 0), the lowest −0.25 (channel 15)" in said


def test_answers_have_the_same_rows_in_every_panel() -> None:
    told = answered(CASES["se"])
    figure = figures.answers(told)
    rows = [text.removeprefix("<b>").removesuffix("</b>") for text in figure.layout.yaxis.ticktext]
    first = CASES["se"].predictions[0].label
    assert f"<b>{first}</b>" in figure.layout.yaxis.ticktext and len(figure.data) == 3
    for bars, (_, inspection) in zip(figure.data, told, strict=True):
        known = {each.label: each.probability for each in (inspection.target, *inspection.predictions)}
        np.testing.assert_allclose(bars.x, [known.get(label, 0.0) for label in rows], atol=1e-6)
        (lit,) = [label for label, colour in zip(rows, bars.marker.color, strict=True) if colour == LIGHT.positive]
        assert lit == inspection.predictions[0].label
    assert {each.label for _, inspection in told for each in inspection.predictions[:3]} == set(rows)


@pytest.mark.parametrize(
    ("mean", "one", "meaning"),
    [
        ("cat", "cat", "even no gate at all, leads to the same answer"),
        ("cat", "dog", "their means, which are constants, lead to the same answer"),
        ("dog", "church", "Neither constant leads to the answer"),
        ("dog", "cat", "while no gate at all leads to the same"),
        (None, "cat", "For this picture no gate at all leads to the same answer"),
        (None, "dog", "without them it gives another answer"),
    ],
)
def test_a_sentence_tells_what_the_constants_mean(mean: str | None, one: str, meaning: str) -> None:
    labels = {"as it is": "cat", "each gate at its mean": mean, "every gate at 1": one}
    told = [(name, replace(CASES["se"], predictions=(Prediction(0, label, 0.6),))) for name, label in labels.items() if label]
    said = sentences.answers_sentence(told)
    assert said.startswith("The network says cat (60%) as it is, ") and meaning in said
    assert f"{one} (60%) with every gate at 1" in said
