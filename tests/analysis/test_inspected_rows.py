"""The rows behind the figures of one picture are the records' own numbers, to six digits."""

from __future__ import annotations

import numpy as np
import pytest

from sevis.analysis.inspected_rows import NUMBERS, cam_rows, channel_rows, map_rows, prediction_rows
from sevis.figures import FIGURES
from sevis.profiles import csv_of
from tests.made_up import CASES


@pytest.mark.parametrize("case", ["se", "sk", "se without averages", "three branches", "both kinds"])
def test_a_row_a_channel_and_branch(case: str) -> None:
    made = CASES[case]
    rows = channel_rows(made)
    assert len(rows) == sum(record.weights.size for record in made.gates) and len({tuple(row) for row in rows}) == 1
    for depth, record in enumerate(made.gates):
        own = channel_rows(made, depth)
        assert own == tuple(row for row in rows if row["block"] == record.site.name)
        for row in own[:: max(len(own) // 7, 1)]:
            m, c = record.site.branches.index(str(row["branch"])), int(row["channel"])
            expected = [record.squeeze[0, c], record.logits[0, m, c], record.weights[0, m, c], made.influence[depth][0, m, c]]
            np.testing.assert_allclose([row["squeeze"], row["logit"], row["weight"], row["influence"]], expected, rtol=1e-5)
            if made.averages:
                mean, spread = made.averages[depth].mean[m, c], made.averages[depth].spread[m, c]
                found = [row["average"], row["spread"], row["spreads above average"]]
                np.testing.assert_allclose(found, [mean, spread, (expected[2] - mean) / spread], rtol=1e-4)


def test_a_class_that_is_explained_but_not_among_the_first_is_told() -> None:
    rows = prediction_rows(CASES["no box"])
    assert len(rows) == 1 and rows[0]["explained"] == "yes" and (rows[0]["left"], rows[0]["bottom"]) == (10.0, 20.0)
    assert [row["explained"] for row in prediction_rows(CASES["se"])] == ["yes", "no", "no", "no", "no"]


def test_a_cell_of_a_map_is_a_share_of_its_peak_and_part_of_the_score() -> None:
    made = CASES["sk"]
    rows = cam_rows(made)
    assert len(rows) == 4 * 5 * 7 and made.last_cam is not None
    last = [row for row in rows if row["map"] == "last map"]
    values = np.array([row["share of peak"] for row in last]).reshape(5, 7)
    np.testing.assert_allclose(values, made.last_cam.values[0], rtol=1e-5)
    np.testing.assert_allclose([row["score"] for row in last], (made.last_cam.values[0] * made.last_cam.peak[0]).ravel(), rtol=1e-5)


@pytest.mark.parametrize("case", ["se", "sk"])
def test_maps_before_and_after(case: str) -> None:
    record = CASES[case].gates[1]
    rows = map_rows(CASES[case], 1)
    names = [name for name in rows[0] if "before" in name]
    assert len(names) == len(record.site.branches) and record.maps is not None
    for row in rows[::17]:
        c, place = int(row["channel"]), (int(row["row"]), int(row["column"]))
        before = [record.maps[0, m, c][place] for m in range(len(names))]
        np.testing.assert_allclose([row[name] for name in names], before, rtol=1e-5)
        assert row["after"] == pytest.approx(sum(record.weights[0, m, c] * each for m, each in enumerate(before)), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_table_is_that_of_a_figure_and_fits_a_csv(name: str) -> None:
    assert name in {entry.name for entry in FIGURES}
    rows = NUMBERS[name](CASES["sk"], 0)
    assert csv_of(rows).count("\n") == len(rows) + 1
