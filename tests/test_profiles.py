"""The papers' figures from a run's folder: against the tables that a scan wrote, read by themselves."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from sevis.analysis.zoom_storing import write_sweep
from sevis.figures import FIGURES
from sevis.profiles import csv_of, profile
from sevis.runs import open_run
from sevis.sentences import TOLD
from tests.made_up import LABELS
from tests.made_up_runs import GATES, SITES, sweep_of, written

BY_CLASS = ["class_profile", "class_spread", "separation"]
BY_SCALE = ["scale_sweep", "scale_sweep_slopes", "scale_sweep_channels", "scale_sweep_classes"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the weights of every picture, and with a sweep."""
    made = written(tmp_path_factory.mktemp("profiles") / "run")
    write_sweep(made, sweep_of([GATES[-1]], LABELS[:5]))
    return made


def tables(folder: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The labels of the pictures that were read, and each gate's weights (N, M, C), straight from the files."""
    pictures = parquet.read_table(folder / "pictures.parquet").to_pandas()
    gates = parquet.read_table(folder / "gates.parquet").to_pandas()
    labels = pictures.set_index("path").label.reindex(gates.path).to_numpy(dtype=object)
    shapes = {site.name: (len(site.branches), site.channels) for site in SITES}
    return labels, {name: np.stack(gates[name].to_list()).astype(float).reshape(-1, *shape) for name, shape in shapes.items()}


def eta_squared(values: np.ndarray, labels: np.ndarray) -> float:
    """Meant over the columns of values (N, V)."""
    groups = [values[labels == name] for name in set(labels)]
    between = sum(len(group) * (group.mean(axis=0) - values.mean(axis=0)) ** 2 for group in groups)
    return float((between / ((values - values.mean(axis=0)) ** 2).sum(axis=0)).mean())


@pytest.mark.parametrize("classes", [None, ("cat", "dog"), ("parachute",)])
def test_the_profiles_are_the_means_of_the_table(folder: Path, classes: tuple[str, ...] | None) -> None:
    labels, weights = tables(folder)
    profiles = profile(open_run(folder), classes).profiles
    assert [each.site.name for each in profiles] == ["SE_2_2", "SE_3_2", "SK_6_2"]
    for each in profiles:
        assert each.classes == (classes or ("parachute", "chain saw", "cat", "dog"))
        for place, name in enumerate(each.classes):
            mine = weights[each.site.name][labels == name, -1]
            assert each.counts[place] == len(mine) > 0
            np.testing.assert_allclose(each.mean[place], mine.mean(axis=0)[each.channels], atol=5e-4)
            np.testing.assert_allclose(each.spread[place], mine.std(axis=0)[each.channels], atol=5e-4)
        np.testing.assert_allclose(each.overall, weights[each.site.name][:, -1].mean(axis=0)[each.channels], atol=5e-4)


def test_the_separations_are_eta_squared_of_the_table(folder: Path) -> None:
    labels, weights = tables(folder)
    known = np.array([label is not None and label == label for label in labels])
    for each in profile(open_run(folder)).separations:
        values = weights[each.site.name][known].reshape(known.sum(), -1)
        assert each.share == pytest.approx(eta_squared(values, labels[known]), abs=1e-3)
        assert each.null == (5 - 1) / (known.sum() - 1) == (each.classes - 1) / (each.pictures - 1)
        assert each.shuffled.mean() == pytest.approx(each.null, rel=0.1)


def test_every_exhibit_can_be_drawn_told_and_exported(folder: Path) -> None:
    exhibits = profile(open_run(folder)).exhibits
    draw = {entry.name: entry.draw for entry in FIGURES if entry.of == "run"}
    assert [each.name for each in exhibits] == BY_CLASS + BY_SCALE == list(draw)
    for each in exhibits:
        assert draw[each.name](*each.arguments).data and TOLD[each.name](*each.arguments).endswith(".")
        read = list(csv.DictReader(io.StringIO(csv_of(each.rows))))
        assert [{name: str(value) for name, value in row.items()} for row in each.rows] == read


def drawn(figure: object, *, solid: bool) -> list[np.ndarray]:
    """The heights of the lines that speak; those over all pictures are dotted."""
    lines = [trace for trace in figure.data if trace.hoverinfo != "skip" and trace.type == "scatter"]  # type: ignore[attr-defined]
    return [np.asarray(line.y, dtype=float) for line in lines if (line.line.dash != "dot") == solid]


@pytest.mark.parametrize("name", ["class_profile", "class_spread"])
def test_the_rows_of_the_profiles_are_the_lines(folder: Path, name: str) -> None:
    (exhibit,) = (each for each in profile(open_run(folder)).exhibits if each.name == name)
    figure = next(entry.draw for entry in FIGURES if entry.name == name)(*exhibit.arguments)
    np.testing.assert_array_equal(np.concatenate(drawn(figure, solid=True)), [row["mean"] for row in exhibit.rows])
    bands = [np.asarray(trace.y, dtype=float) for trace in figure.data if trace.fill == "toself"]
    if name == "class_spread":
        spreads = np.concatenate([(band[: len(band) // 2] - band[len(band) // 2 :][::-1]) / 2 for band in bands])
        np.testing.assert_allclose(spreads, [row["spread"] for row in exhibit.rows])
    else:
        overall = dict.fromkeys((row["gate"], row["channel"], row["overall_mean"]) for row in exhibit.rows)
        np.testing.assert_array_equal(np.concatenate(drawn(figure, solid=False)), [value for *_, value in overall])


def test_the_rows_of_the_sweep_are_the_points_and_bars(folder: Path) -> None:
    made = {each.name: each for each in profile(open_run(folder)).exhibits}
    figures = {entry.name: entry.draw(*made[entry.name].arguments) for entry in FIGURES if entry.name in BY_SCALE}
    blur, zoom = (list(trace.y) for trace in figures["scale_sweep"].data)
    values = [row["difference"] for row in made["scale_sweep"].rows]
    assert zoom == values[:3] and blur == [values[0], *values[3:]]
    assert [trace.y[0] for trace in figures["scale_sweep_slopes"].data] == [row["value"] for row in made["scale_sweep_slopes"].rows]
    for name in ("scale_sweep_channels", "scale_sweep_classes"):
        lines = [
            (trace.y[place], zoom) for zoom, trace in zip((1.0, 1.5, 2.0), figures[name].data, strict=True) for place in range(len(trace.y))
        ]
        rows = [(row["difference"], row["zoom"]) for row in made[name].rows if row["shown"] == "enlarged"]
        assert sorted(lines) == sorted(rows)


@pytest.mark.parametrize(("gates", "labelled", "expected"), [(False, True, BY_CLASS), (True, False, []), (False, False, [])])
def test_a_run_shows_what_it_has(tmp_path: Path, gates: bool, labelled: bool, expected: list[str]) -> None:
    made = profile(open_run(written(tmp_path / "run", gates=gates, labelled=labelled)))
    assert [each.name for each in made.exhibits] == expected
    assert all(
        len(each.shuffled) == 0 and each.chance is None and each.is_above_chance == (each.share > each.null) for each in made.separations
    )


def test_a_class_without_pictures_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"no picture of class 'church'.*choose from parachute, chain saw"):
        profile(open_run(folder), ["cat", "church"])
