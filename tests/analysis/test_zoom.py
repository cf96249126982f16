"""Sweeps as sums over pictures: against all pictures at once, added in parts, kept and opened again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import sem

from sevis.analysis.metrics import SWEPT
from sevis.analysis.zoom import SLOPES, ZOOMS, Sweep, swept, views_of
from sevis.analysis.zoom_rows import block_rows, channel_rows, class_rows, slope_rows
from sevis.analysis.zoom_storing import FILE, read_sweep, write_sweep
from sevis.records import GateRecord
from tests.analysis.made_up_gates import rows, slices
from tests.made_up import SK, record
from tests.made_up_runs import COUNT, labels_of, over_pictures, sweep_of

NAMES = ("ant", "bee", "cat", "dog", "emu")
GATES = [*SK, record(9, 37, "branch", branches=("3x3", "5x5", "7x7"))]
SWEEP, LABELS = sweep_of(GATES, NAMES), labels_of()


def shown(gate: GateRecord) -> list[GateRecord]:
    return [over_pictures(gate, COUNT, view) for view in range(len(views_of(ZOOMS)))]


def differences(gate: GateRecord) -> np.ndarray:
    """Large less small, (V, N, C)."""
    return np.stack([each.weights[:, -1].astype(float) - each.weights[:, 0] for each in shown(gate)])


@pytest.mark.parametrize("place", range(len(GATES)))
def test_the_numbers_are_means_over_all_pictures(place: int) -> None:
    gate, values = SWEEP.gates[place], differences(GATES[place])
    means = values.mean(axis=2)
    np.testing.assert_allclose([each.mean for each in gate.difference], means.mean(axis=1), rtol=1e-9)
    np.testing.assert_allclose([each.error for each in gate.difference], sem(means, axis=1), rtol=1e-9)
    np.testing.assert_allclose(gate.channels.mean, values.mean(axis=1), rtol=1e-9)
    for label in SWEEP.seen:
        np.testing.assert_allclose([each.mean for each in gate.of_class(label)], means[:, label == LABELS].mean(axis=1), rtol=1e-9)


@pytest.mark.parametrize("place", range(len(GATES)))
def test_slopes_are_straight_lines_through_each_pictures_numbers(place: int) -> None:
    gate, means = SWEEP.gates[place], differences(GATES[place]).mean(axis=2)
    zoom = np.array([np.polyfit(ZOOMS, one, 1)[0] for one in means[:3].T])
    blur = np.array([np.polyfit(ZOOMS, one, 1)[0] for one in means[[0, 3, 4]].T])
    for name, values in zip(SLOPES, (zoom, blur, zoom - blur), strict=True):
        assert (gate.slope[name].mean, gate.slope[name].error) == pytest.approx((values.mean(), sem(values)), rel=1e-8)
    assert [metric.measure(gate) for metric in SWEPT.values()] == [gate.slope[name].mean for name in SLOPES]


@pytest.mark.parametrize("cuts", [(), (7,), (0, 1, 3, 11, 11, 39)])
def test_parts_add_up(cuts: tuple[int, ...]) -> None:
    for place, gate in enumerate(GATES):
        views = shown(gate)
        parts = [swept([rows(view, part) for view in views], LABELS[part], len(NAMES), ZOOMS) for part in slices(COUNT, cuts)]
        whole = sum(parts[1:], parts[0])
        for name in ("channels", "classes", "slopes"):
            for sums in ("count", "mean", "m2"):
                found, expected = (getattr(getattr(each, name), sums) for each in (whole, SWEEP.gates[place]))
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_sweep_over_nothing_adds_nothing_but_what_could_not_be_read() -> None:
    nothing = replace(SWEEP, gates=(), named=0, right=0 * SWEEP.right, unread=2)
    for whole in (SWEEP + nothing, nothing + SWEEP):
        assert whole.gates is SWEEP.gates and whole.unread == SWEEP.unread + 2 and whole.top1 == SWEEP.top1
    assert nothing.pictures == 0 and nothing.top1 is None and nothing.seen == () and block_rows(nothing) == ()
    with pytest.raises(ValueError, match="do not add up"):
        SWEEP + replace(SWEEP, zooms=(1.0, 3.0, 4.0))


def test_rows_are_the_numbers_that_are_drawn() -> None:
    views, gates = len(SWEEP.views), len(SWEEP.gates)
    assert len(block_rows(SWEEP)) == gates * views and len(slope_rows(SWEEP)) == gates * len(SLOPES)
    assert len(class_rows(SWEEP)) == gates * views * len(SWEEP.seen)
    assert [row["difference"] for row in block_rows(SWEEP)] == [each.mean for gate in SWEEP.gates for each in gate.difference]
    mine = [
        row for row in channel_rows(SWEEP) if row["gate"] == SWEEP.gates[-1].site.name and (row["zoom"], row["shown"]) == (2.0, "blurred")
    ]
    assert [(row["first_channel"], row["last_channel"]) for row in mine] == [(n, min(n + 2, 36)) for n in range(0, 37, 3)]
    values = differences(GATES[-1])[4].mean(axis=0)
    expected = [values[int(row["first_channel"]) : int(row["last_channel"]) + 1].mean() for row in mine]
    np.testing.assert_allclose([row["difference"] for row in mine], expected, rtol=1e-9)


def test_one_picture_has_no_error() -> None:
    one = sweep_of(GATES, NAMES, 1, labelled=False)
    assert {each.error for gate in one.gates for each in (*gate.difference, *gate.slope.values())} == {0.0}
    assert one.seen == () and class_rows(one) == ()


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    assert read_sweep(tmp_path) is None
    write_sweep(tmp_path, SWEEP)
    again = read_sweep(tmp_path)
    assert isinstance(again, Sweep) and [path.name for path in tmp_path.iterdir()] == [FILE]
    for rows_of in (block_rows, slope_rows, channel_rows, class_rows):
        assert rows_of(again) == rows_of(SWEEP)
    assert replace(again, gates=(), right=None) == replace(SWEEP, gates=(), right=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all"])
def test_a_damaged_file_is_told_as_one(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match="sweep anew"):
        read_sweep(tmp_path)
