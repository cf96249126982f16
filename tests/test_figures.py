"""Every figure of the table on every kind of inspection, and what its marks say against the numbers they stand for."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image
from plotly.colors import unlabel_rgb
from plotly.io.json import to_json_plotly

from sevis import figures
from sevis.analysis.rank import channel_influence, deviation, strongest, weight
from sevis.figures import COLORMAPS, DARK, FIGURES, LIGHT, Entry, Theme, overlay
from sevis.figures import theme as composed
from sevis.figures.overlay import data_uri, glow, resized
from sevis.figures.theme import plain
from sevis.figures.written import written
from sevis.records import Inspection, Prediction
from tests import SLOW
from tests.compared import beside
from tests.edited import changed, outcomes
from tests.made_up import CASES, inspection, record, with_spreads
from tests.made_up_batches import pictured
from tests.made_up_brushes import brushes
from tests.made_up_excitation import taught_by_numbers
from tests.made_up_gates import judged
from tests.made_up_lessons import taught
from tests.made_up_runs import scanned
from tests.ranked import ranked
from tests.up_close import CHANNEL, measured, samples, up_close

THEMES = (LIGHT, DARK)


def arguments(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call the entry on the inspection."""
    if entry.of == "picture":
        return [(made,)]
    if entry.of == "boxes":
        return [(made,)] if made.target.box else []
    if entry.of == "cam":
        return [(made, cam) for cam in (*made.cams, made.last_cam)]
    if entry.of in ("comparison", "pair"):
        return beside(entry, made)
    if entry.of in ("cams", "effects"):
        return changed(entry, made)
    if entry.of == "batch":
        return pictured(made)
    if entry.of == "run":
        return scanned(entry, made)
    if entry.of in ("evidence", "training"):
        return judged(entry, made)
    if entry.of in ("brush", "answers"):
        return brushes(entry, made)
    if entry.of in ("arranged", "gates"):
        return taught(entry, made)
    if entry.of in ("excitation", "zoomed"):
        return taught_by_numbers(entry, made)
    if entry.of in ("channel", "samples", "classes"):
        return up_close(entry, made)
    if entry.of == "extremes":
        return ranked(made)
    return [(made, depth) for depth, site in enumerate(made.sites) if site.kind in entry.kinds]


DRAWN = [  # in the dark the first case alone: what is told does not hang on the colours
    pytest.param(entry, case, theme, id=f"{entry.name}-{case}-{theme.name}")
    for entry in FIGURES
    for place, case in enumerate(case for case, made in CASES.items() if arguments(entry, made))
    for theme in (THEMES if SLOW or not place else (LIGHT,))
]


def no_number(text: str) -> float:
    raise AssertionError(f"{text} in the JSON")


def arrays(node: Any) -> Iterator[np.ndarray]:
    """Every array of the JSON that plotly wrote in base64."""
    if isinstance(node, dict) and "bdata" in node:
        yield np.frombuffer(base64.b64decode(node["bdata"]), dtype=node["dtype"])
    elif isinstance(node, dict):
        for each in node.values():
            yield from arrays(each)
    elif isinstance(node, list):
        for each in node:
            yield from arrays(each)


def marks(figure: Any, kind: str, key: str = "customdata") -> list[Any]:
    """The traces of a kind that carry data for a click."""
    return [trace for trace in figure.data if trace.type == kind and trace[key] is not None]


def spoken(trace: Any, place: int) -> str:
    """The hover of one mark, filled in the way the browser does it."""

    def value(match: re.Match[str]) -> str:
        field, index, form = match.groups()
        found = trace[field][place] if index is None else trace[field][place][int(index)]
        return format(found, form or "")

    return re.sub(r"%\{(\w+)(?:\[(\d+)\])?(?::([^}]+))?\}", value, trace.hovertemplate).removesuffix("<extra></extra>")


@pytest.mark.parametrize(("entry", "case", "theme"), DRAWN)
def test_every_figure_is_complete(entry: Entry, case: str, theme: Theme) -> None:
    for args in arguments(entry, CASES[case]):
        figure = entry.draw(*args, theme=theme)
        assert figure.layout.title.text
        assert 150 <= figure.layout.height <= 2000
        written = json.loads(figure.to_json(), parse_constant=no_number)
        for axis in (figure.layout[name] for name in written["layout"] if re.fullmatch(r"[xy]axis\d*", name)):
            named_by_its_ticks = axis.ticktext is not None
            assert axis.title.text or axis.visible is False or named_by_its_ticks
        for values in arrays(written):
            assert np.isfinite(values.astype(float)).all()
        speaking = [trace for trace in figure.data if trace.hoverinfo != "skip"]
        assert speaking
        for trace in speaking:
            assert trace.hovertemplate.endswith("<extra></extra>")
            if trace.type != "heatmap":
                said = [spoken(trace, place) for place in range(len(trace.y))]
                assert all(text and "%{" not in text for text in said)


@pytest.mark.parametrize(("entry", "case", "theme"), DRAWN)
def test_plotly_finds_nothing_to_change_in_a_figure(entry: Entry, case: str, theme: Theme) -> None:
    """Figures are composed unchecked: that is right as long as plotly's own check accepts each of them and writes the same."""
    for args in arguments(entry, CASES[case]):
        written = entry.draw(*args, theme=theme).to_plotly_json()
        checked = go.Figure(written).to_plotly_json()
        written["layout"] = {name: value for name, value in written["layout"].items() if value != []}
        assert json.loads(to_json_plotly(written)) == json.loads(to_json_plotly(checked))


@pytest.mark.parametrize(("entry", "case", "theme"), DRAWN)
def test_a_figure_is_written_as_plotly_writes_it(entry: Entry, case: str, theme: Theme) -> None:
    for args in arguments(entry, CASES[case]):
        figure = entry.draw(*args, theme=theme)
        assert to_json_plotly(written(figure)) == figure.to_json()


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "?", "U3", "O"])
@pytest.mark.parametrize("values", [[], [0, 1], [[0, 1], [2, 3]], [100, 200], [0, 40_000], [0, 70_000], [0, 3_000_000_000], [0, 2**40]])
def test_arrays_are_written_as_plotly_writes_them(kind: str, values: list[Any]) -> None:
    figure = go.Figure(data=[{"type": "scatter"}], _validate=False)
    figure._data[0]["x"] = np.array(values).astype(kind)
    assert to_json_plotly(written(figure)) == figure.to_json()


def test_what_is_changed_in_a_figure_is_checked() -> None:
    figure = figures.network(CASES["se"])
    with pytest.raises(ValueError, match="nothing"):
        figure.update_layout(nothing=1)
    with pytest.raises(ValueError, match="nothing"):
        figure.update_traces(nothing=1)
    with pytest.raises(ValueError, match="opacity"):
        figure.data[0].opacity = "none"


def test_a_copy_of_customdata_keeps_its_own_rows() -> None:
    rows = composed.told([[1, 2], ["a", "b"]])
    copied = deepcopy(rows)
    copied[0, 0] = 7
    assert rows.tolist() == [[1, "a"], [2, "b"]]
    assert copied.tolist() == [[7, "a"], [2, "b"]]


@pytest.mark.parametrize("entry", FIGURES, ids=lambda entry: entry.name)
def test_same_records_same_figure(entry: Entry) -> None:
    for made in (CASES["se"], CASES["sk"]):
        for args in arguments(entry, made):
            assert entry.draw(*args).to_json() == entry.draw(*args, theme=LIGHT).to_json() != entry.draw(*args, theme=DARK).to_json()


def test_the_table_names_what_the_room_offers() -> None:
    names = [entry.name for entry in FIGURES]
    assert len(set(names)) == len(names)
    assert all(getattr(figures, entry.name) is entry.draw for entry in FIGURES)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_what_did_not_happen_has_the_colour_of_the_page(theme: Theme) -> None:
    assert theme.diverging[len(theme.diverging) // 2] == theme.background
    assert len(theme.diverging) % 2 == 1
    assert len(set(theme.branches)) == len(theme.branches)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scale", ["average", "absolute"])
@pytest.mark.parametrize("order", ["sorted", "network"])
def test_network_marks_stand_over_the_cells_they_speak_for(case: str, scale: str, order: str) -> None:
    made = CASES[case]
    figure = figures.network(made, scale=scale, order=order)
    strips = [trace for trace in figure.data if trace.type == "heatmap"]
    over = [trace for trace in marks(figure, "scatter") if trace.xaxis is None]
    assert len(strips) == len(over) == len(made.gates)
    for depth, (strip, touch) in enumerate(zip(strips, over, strict=True)):
        against = deviation(made, depth) if scale == "average" else None
        truth = weight(made, depth) if against is None else against
        channels = np.array([told[1] for told in touch.customdata])
        assert sorted(channels) == list(range(made.sites[depth].channels))
        assert {told[0] for told in touch.customdata} == {depth}
        np.testing.assert_allclose(strip.z[0], truth[channels], rtol=1e-6)
        cells = strip.x0 + strip.dx * np.arange(len(channels))
        np.testing.assert_allclose(touch.x, cells, atol=1e-6)
        assert list(touch.y) == [depth] * len(channels)
        assert (np.diff(strip.z[0]) <= 0).all() if order == "sorted" else list(channels) == list(range(len(channels)))


@pytest.mark.parametrize("case", CASES)
def test_network_hover_says_the_numbers_of_its_channel(case: str) -> None:
    made = CASES[case]
    over = [trace for trace in marks(figures.network(made), "scatter") if trace.xaxis is None]
    for depth, touch in enumerate(over):
        site, spreads = made.sites[depth], deviation(made, depth)
        for place, (_, channel, *_) in enumerate(touch.customdata):
            value = weight(made, depth)[channel]
            what = f"weight of {site.branches[-1]}" if site.kind == "branch" else "weight"
            expected = f"{site.name}, channel {channel}: {what} {value:.2f}"
            if spreads is not None:
                expected += f", {abs(spreads[channel]):.1f} spreads {'below' if spreads[channel] < 0 else 'above'} the average picture"
            assert re.sub(r"\d\.\d+", "#", spoken(touch, place)) == re.sub(r"\d\.\d+", "#", expected)
            said = [float(number) for number in re.findall(r"\d+\.\d+", spoken(touch, place))]
            truth = [abs(value)] + ([] if spreads is None else [abs(spreads[channel])])
            np.testing.assert_allclose(said, truth, atol=0.0506)


def test_a_hover_reads_as_a_sentence() -> None:
    made = with_spreads(CASES["se"], 2, np.linspace(-1.5, 2.4, 16))
    touch = [trace for trace in marks(figures.network(made, order="network"), "scatter") if trace.xaxis is None][2]
    assert spoken(touch, 15) == f"SE_3_1, channel 15: weight {weight(made, 2)[15]:.2f}, 2.4 spreads above the average picture"
    assert spoken(touch, 0) == f"SE_3_1, channel 0: weight {weight(made, 2)[0]:.2f}, 1.5 spreads below the average picture"


@pytest.mark.parametrize("case", CASES)
def test_network_bars_are_the_strongest_influences(case: str) -> None:
    made = CASES[case]
    (bars,) = [trace for trace in marks(figures.network(made), "bar") if trace.xaxis == "x3"]
    for depth in range(len(made.gates)):
        influence = channel_influence(made, depth)
        mine = [place for place, told in enumerate(bars.customdata) if told[0] == depth]
        channels = [bars.customdata[place][1] for place in mine]
        least = sorted(np.abs(influence))[-min(12, len(influence))]
        assert all(abs(influence[channel]) >= least for channel in channels)
        assert len(set(channels)) == min(12, len(influence))
        heights = -np.array([bars.y[place] for place in mine])
        np.testing.assert_allclose(heights * np.abs(influence).max(), influence[channels] * np.abs(heights).max(), atol=1e-6)
        assert {bars.base[place] for place in mine} == {depth}
        colours = [bars.marker.color[place] for place in mine]
        assert colours == [LIGHT.positive if influence[channel] >= 0 else LIGHT.negative for channel in channels]


@pytest.mark.parametrize("selected", [(2, 5), (0, 0), (3, 23)])
@pytest.mark.parametrize("order", ["sorted", "network"])
def test_network_marks_the_selected_channel(selected: tuple[int, int], order: str) -> None:
    made = CASES["se"]
    figure = figures.network(made, selected=selected, order=order)
    touch = [trace for trace in marks(figure, "scatter") if trace.xaxis is None][selected[0]]
    place = [told[1] for told in touch.customdata].index(selected[1])
    (pointer,) = [trace for trace in figure.data if trace.type == "scatter" and trace.customdata is None]
    np.testing.assert_allclose(pointer.x, [touch.x[place]])
    (box,) = figure.layout.shapes
    assert box.y0 < selected[0] < box.y1
    assert box.y1 - box.y0 < 1
    assert not figures.network(made).layout.shapes


def test_network_selects_a_block_without_a_channel() -> None:
    figure = figures.network(CASES["se"], selected=(1, None))
    assert len(figure.layout.shapes) == 1
    assert len(figure.data) == len(figures.network(CASES["se"]).data)


def test_network_colours_are_read_from_their_middle() -> None:
    axes = {case: figures.network(CASES[case], scale="absolute").layout for case in CASES}
    assert (axes["se"].coloraxis.cmin, axes["se"].coloraxis.cmax) == (0, 1)
    assert (axes["sk"].coloraxis2.cmin, axes["sk"].coloraxis2.cmax) == (0, 1)
    np.testing.assert_allclose((axes["three branches"].coloraxis2.cmin, axes["three branches"].coloraxis2.cmax), (0, 2 / 3))
    assert axes["tanh"].coloraxis.cmin == -axes["tanh"].coloraxis.cmax
    assert axes["both kinds"].coloraxis.colorbar.x < axes["both kinds"].coloraxis2.colorbar.x
    against = figures.network(CASES["both kinds"]).layout
    assert against.coloraxis3.cmin == -against.coloraxis3.cmax == -3


def test_network_grows_with_its_rows_and_carries_a_thumbnail_for_each() -> None:
    one, four = figures.network(CASES["one block"]), figures.network(CASES["se"])
    assert four.layout.height - one.layout.height == 3 * (
        four.layout.height - figures.network(inspection(CASES["se"].gates[:3])).layout.height
    )
    assert [image.y for image in four.layout.images] == [0, 1, 2, 3]
    assert all(image.source.startswith("data:image/jpeg;base64,") for image in four.layout.images)


def test_network_of_se_resnet_50_is_quick_and_of_se_resnet_18_small() -> None:
    channels = [256] * 3 + [512] * 4 + [1024] * 6 + [2048] * 3
    wide = inspection([record(depth, each, side=1) for depth, each in enumerate(channels)])
    figures.network(wide)
    start = time.process_time()  # which a busy machine does not stretch
    figure = figures.network(wide)
    assert time.process_time() - start < 1
    assert sum(trace.z.size for trace in figure.data if trace.type == "heatmap") == 15_104
    small = inspection([record(depth, each) for depth, each in enumerate((32, 32, 64, 64, 128, 128, 256, 256))])
    assert len(figures.network(small).to_json()) < 400_000


@pytest.mark.parametrize("case", ["se", "sk", "three branches", "tanh"])
@pytest.mark.parametrize("name", ["squeeze_weight", "sorted_weights", "influence"])
def test_block_marks_stand_for_their_channels(case: str, name: str) -> None:
    made, depth = CASES[case], 1
    figure = getattr(figures, name)(made, depth, 3)
    (trace,) = marks(figure, "bar" if name == "influence" else "scatter")
    channels = [told[1] for told in trace.customdata]
    assert {told[0] for told in trace.customdata} == {depth}
    truth = channel_influence(made, depth) if name == "influence" else weight(made, depth)
    np.testing.assert_allclose(trace.y, truth[channels], rtol=1e-5)
    if name == "squeeze_weight":
        np.testing.assert_allclose(trace.x, made.gates[depth].squeeze[0][channels])
        np.testing.assert_allclose(trace.marker.color, channel_influence(made, depth)[channels])
    for place, channel in enumerate(channels):
        assert f"channel {channel}: " in spoken(trace, place)
        assert f" {weight(made, depth)[channel]:.2f}".replace("-", "") in spoken(trace, place).replace("-", "")


@pytest.mark.parametrize("name", ["squeeze_weight", "sorted_weights", "branches"])
def test_the_selected_channel_is_ringed_where_it_stands(name: str) -> None:
    made = CASES["sk"]
    figure = getattr(figures, name)(made, 1, 7)
    ring = figure.data[-1]
    bottom = next(trace for trace in figure.data if trace.customdata is not None and trace.type == "scatter")
    place = [told[1] for told in bottom.customdata].index(7)
    assert ring.y[0] == pytest.approx(weight(made, 1)[7])
    assert ring.x[0] == pytest.approx(made.gates[1].squeeze[0, 7] if name == "squeeze_weight" else place)


def test_sorted_weights_fall_and_show_every_branch() -> None:
    made = CASES["three branches"]
    lines = [trace for trace in figures.sorted_weights(made, 0).data if trace.name in made.sites[0].branches]
    assert [line.name for line in lines] == ["3x3", "5x5", "7x7"]
    assert (np.diff(lines[-1].y) <= 0).all()
    np.testing.assert_allclose(sum(np.asarray(line.y) for line in lines), 1, atol=1e-6)


def test_sorted_weights_lie_over_the_average_of_the_same_channels() -> None:
    made = CASES["se"]
    low, high, mean, line = figures.sorted_weights(made, 3).data
    order = [told[1] for told in line.customdata]
    np.testing.assert_allclose(mean.y, made.averages[3].mean[0][order])
    np.testing.assert_allclose(np.asarray(high.y) - np.asarray(low.y), 2 * made.averages[3].spread[0][order], atol=1e-6)
    assert len(figures.sorted_weights(CASES["se without averages"], 3).data) == 1


@pytest.mark.parametrize("case", ["se", "sk", "tanh"])
def test_histogram_counts_every_channel(case: str) -> None:
    made = CASES[case]
    bars, outline = figures.histogram(made, 1).data
    values = weight(made, 1)
    assert sum(bars.y) == sum(outline.y[:-1]) == len(values)
    half = (bars.x[1] - bars.x[0]) / 2
    for middle, count in zip(bars.x, bars.y, strict=True):
        assert ((values >= middle - half + 1e-6) & (values < middle + half - 1e-6)).sum() <= count
    assert figures.histogram(made, 1).layout.shapes[0].x0 == pytest.approx(values.mean())
    one = list(bars.y).index(1)
    assert " 1 channel has a weight from " in spoken(bars, one)


def test_influence_adds_up_with_what_it_leaves_out() -> None:
    made = CASES["se"]
    chosen, rest = figures.influence(made, 3, count=5).data
    total = channel_influence(made, 3).sum()
    assert len(chosen.y) == 5
    assert list(chosen.y) == sorted(chosen.y, reverse=True)
    assert sum(chosen.y) + rest.y[0] == pytest.approx(total, abs=1e-5)
    assert "the other 19 channels" in rest.hovertemplate
    assert len(figures.influence(made, 0, count=8).data) == 1


def test_branches_share_every_channel_out() -> None:
    made = CASES["three branches"]
    figure = figures.branches(made, 0)
    areas = [trace for trace in figure.data if trace.stackgroup]
    assert [area.name for area in areas] == ["7x7", "5x5", "3x3"]
    np.testing.assert_allclose(sum(np.asarray(area.y) for area in areas), 1, atol=1e-6)
    assert figure.layout.shapes[0].y0 == pytest.approx(1 / 3)
    for area, branch in zip(areas, (2, 1, 0), strict=True):
        channels = [told[1] for told in area.customdata]
        np.testing.assert_allclose(area.y, made.gates[0].weights[0, branch][channels])
    with pytest.raises(ValueError, match="weighs channels, not branches"):
        figures.branches(CASES["se"], 0)


@pytest.mark.parametrize("theme", THEMES)
def test_boxes_are_framed_where_they_are(theme: Theme) -> None:
    made = CASES["boxes"]
    figure = figures.boxes(made, theme=theme)
    framed = {(shape.x0, shape.y0, shape.x1, shape.y1): shape.line.color for shape in figure.layout.shapes}
    assert framed == {each.box: theme.positive if each == made.target else theme.ink for each in made.predictions}
    (numbers,) = figure.data
    assert [spoken(numbers, place) for place in range(3)] == ["box 1: cat, 90% sure", "box 2: dog, 45% sure", "box 3: cat, 30% sure"]
    assert [row[0] for row in numbers.customdata] == [0, 1, 2] and list(numbers.text) == ["1", "2", "3"]
    assert list(numbers.x) == [4, 20, 0] and list(numbers.y) == [6, 0, 0]


def test_a_guess_is_framed_and_called_one() -> None:
    figure = figures.boxes(CASES["no box"])
    assert [spoken(trace, 0) for trace in figure.data] == ["box ?: parachute, 4% sure"] and "Boxes: 0" in figure.layout.title.text
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(10, 20)]


def test_boxes_of_one_thing_are_told_apart_by_number() -> None:
    (bars,) = figures.prediction(CASES["boxes"]).data
    assert list(figures.prediction(CASES["boxes"]).layout.yaxis.ticktext) == ["1. cat", "<b>2. dog</b>", "3. cat"]
    assert spoken(bars, 1) == "2. dog: probability 45.0% (explained)"


def test_prediction_adds_the_explained_class_when_it_is_not_among_the_first() -> None:
    made = CASES["se"]
    (bars,) = figures.prediction(made).data
    np.testing.assert_allclose(bars.x, [each.probability for each in made.predictions])
    assert list(bars.marker.color) == [LIGHT.positive] + 4 * [LIGHT.faint]
    other = replace(made, target=Prediction(5, "church", 0.004))
    figure = figures.prediction(other)
    assert list(figure.data[0].marker.color) == 5 * [LIGHT.faint] + [LIGHT.positive]
    assert figure.layout.yaxis.ticktext[-1] == "<b>church</b>"
    assert figure.data[0].text[-1] == "0.4%"


def test_cam_row_has_a_tile_for_every_map_and_wraps() -> None:
    made = CASES["se"]
    figure = figures.cam_row(made)
    assert len(figure.layout.images) == len(figure.layout.annotations) == 5
    assert [told[0] for told in figure.data[0].customdata] == [0, 1, 2, 3, None]
    many = figures.cam_row(inspection([record(depth, 4) for depth in range(16)]))
    places = {(image.x, image.y) for image in many.layout.images}
    assert len(places) == 17
    assert len({y for _, y in places}) == 2


def test_cam_hover_lies_on_the_picture() -> None:
    made = CASES["se"]
    figure = figures.cam(made, made.cams[1])
    (values,) = figure.data
    height, width = made.image.shape[:2]
    assert values.x0 - values.dx / 2 == pytest.approx(0)
    assert values.x0 + values.dx * 6.5 == pytest.approx(width)
    assert values.y0 + values.dy * 4.5 == pytest.approx(height)
    np.testing.assert_array_equal(values.z, made.cams[1].values[0])


@pytest.mark.parametrize("case", ["se", "sk", "three branches"])
def test_feature_maps_show_the_gate_on_one_scale(case: str) -> None:
    made, depth = CASES[case], 1
    gates, chosen = made.gates[depth], (3, 0)
    assert gates.maps is not None
    branches = len(gates.site.branches)
    tiles = figures.feature_maps(made, depth, chosen).data
    assert len(tiles) == len(chosen) * (branches + 1)
    for column, channel in enumerate(chosen):
        *before, after = tiles[column * (branches + 1) : (column + 1) * (branches + 1)]
        for branch, tile in enumerate(before):
            np.testing.assert_allclose(tile.z, gates.maps[0, branch, channel])
        np.testing.assert_allclose(after.z, gates.gated[0, channel], atol=1e-6)
        assert len({(tile.zmin, tile.zmax) for tile in (*before, after)}) == 1
        assert f"channel {channel}, after" in after.hovertemplate


def test_feature_maps_average_large_maps_down_and_need_maps() -> None:
    large = inspection([record(0, 4, side=96)])
    tile = figures.feature_maps(large, 0, (1,)).data[0]
    assert large.gates[0].maps is not None
    assert max(tile.z.shape) == 48
    assert tile.z.mean() == pytest.approx(large.gates[0].maps[0, 0, 1].mean(), abs=2e-3)
    bare = replace(large, gates=(replace(large.gates[0], maps=None),))
    with pytest.raises(ValueError, match="maps=True"):
        figures.feature_maps(bare, 0)


def bilinear(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """The map at the middles of a finer grid, one axis after the other."""

    def along(rows: np.ndarray, count: int) -> np.ndarray:
        places = ((np.arange(count) + 0.5) * len(rows) / count - 0.5).clip(0, len(rows) - 1)
        low = np.floor(places).astype(int)
        high, part = np.minimum(low + 1, len(rows) - 1), (places - low)[:, None]
        return rows[low] * (1 - part) + rows[high] * part

    return along(along(values.astype(float), height).T, width).T


@pytest.mark.parametrize("colormap", COLORMAPS)
@pytest.mark.parametrize("opacity", [0.0, 0.3, 1.0])
def test_overlay_mixes_picture_and_colours(colormap: str, opacity: float) -> None:
    made = CASES["se"]
    image, values = made.image, made.cams[0].values[0]
    laid = overlay(image, values, opacity, colormap)
    stops = np.array(
        [unlabel_rgb(c) if c.startswith("rgb") else [int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in COLORMAPS[colormap]], float
    )
    fine = bilinear(values, *image.shape[:2])
    colours = np.stack([np.interp(fine, np.linspace(0, 1, len(stops)), stops[:, each]) for each in range(3)], axis=-1)
    expected = (1 - opacity) * image + opacity * colours
    assert laid.shape == image.shape
    assert laid.dtype == np.uint8
    # 256 steps of colour: the steepest scale (jet) passes 255 levels in 32 of them
    assert np.abs(laid - expected).max() <= opacity * 6 + 0.51
    if opacity == 0:
        np.testing.assert_array_equal(laid, image)


def test_overlay_shows_the_ends_of_the_scale() -> None:
    image = np.full((4, 4, 3), 90, dtype=np.uint8)
    low, high = (overlay(image, np.full((2, 2), each), 1.0, "jet")[0, 0].tolist() for each in (0.0, 1.0))
    assert (low, high) == ([0, 0, 128], [128, 0, 0])
    dark, bright = (overlay(image, np.full((2, 2), each), 1.0)[0, 0].tolist() for each in (0.0, 1.0))
    assert dark[2] > dark[0]  # cividis goes from blue to yellow
    assert bright[0] > 200 > bright[2]
    with pytest.raises(ValueError, match="cividis"):
        overlay(image, np.zeros((2, 2)), 0.5, "rainbow")


def test_glow_greys_the_picture_and_lights_the_map() -> None:
    image = CASES["se"].image
    dark, light = glow(image, np.zeros((3, 3))), glow(image, np.ones((3, 3)))
    assert (dark == dark[..., :1]).all()
    assert (light[..., 0].astype(int) - light[..., 2] > 80).all()


def test_resized_stays_within_the_map_and_a_data_uri_is_a_jpeg() -> None:
    values = CASES["se"].cams[0].values[0]
    fine = resized(values, (40, 56))
    assert fine.shape == (40, 56)
    assert values.min() <= fine.min()
    assert fine.max() <= values.max()
    head, body = data_uri(CASES["se"].image).split(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(body)[:2] == b"\xff\xd8"
    assert Image.open(BytesIO(base64.b64decode(body))).size == (56, 40)


@pytest.mark.parametrize("case", ["se", "sk", "three branches"])
@pytest.mark.parametrize("by", ["weight", "influence", "deviation"])
def test_strongest_is_a_plain_sort(case: str, by: str) -> None:
    made, depth = CASES[case], 1
    values = {
        "weight": made.gates[depth].weights[0, -1],
        "influence": np.abs(made.influence[depth][0].sum(axis=0)),
        "deviation": np.abs(made.averages[depth].deviation(made.gates[depth].weights)[0, -1]),
    }[by]
    expected = sorted(range(len(values)), key=lambda channel: (-values[channel], channel))
    assert strongest(made, depth, by, 5) == tuple(expected[:5])
    assert strongest(made, depth, by, 999) == tuple(expected)


def test_strongest_breaks_ties_by_number_and_explains_what_it_cannot_do() -> None:
    assert strongest(CASES["silent"], 0, "influence", 3) == (0, 1, 2)
    with pytest.raises(ValueError, match="no averages"):
        strongest(CASES["se without averages"], 0, "deviation")
    with pytest.raises(ValueError, match="choose from"):
        strongest(CASES["se"], 0, "size")
    with pytest.raises(ValueError, match="choose from"):
        figures.network(CASES["se"], order="alphabet")


def test_names_cannot_write_markup_or_hover_fields() -> None:
    assert plain("<b>a</b> & %{x}") == "&lt;b&gt;a&lt;/b&gt; &amp; % {x}"
    assert plain("Staffordshire bullterrier, Staffordshire bull terrier", 12) == "Staffordshi…"
    made = replace(CASES["se"], target=Prediction(0, "<i>%{y}</i>", 0.6), predictions=(Prediction(0, "<i>%{y}</i>", 0.6),))
    for entry in FIGURES:
        for args in arguments(entry, made):
            written = entry.draw(*args).to_json()
            assert "<i>" not in written
            assert "\\u003ci" not in written
            assert "%{y}" not in written


@pytest.mark.parametrize("case", ["se", "sk"])
def test_effects_are_the_change_of_the_score_and_carry_their_edit(case: str) -> None:
    before, *after = outcomes(CASES[case])
    bars = [trace for trace in figures.effects((before, *after)).data if trace.type == "bar"]
    assert len(bars) == (1 if case == "se" else len(CASES[case].sites[0].branches))
    drawn = {row[0]: float(y) for bar in bars for row, y in zip(bar.customdata, bar.y, strict=True)}
    assert drawn == {each.edits[0]: pytest.approx(each.score - before.score) for each in after}
    (rings,) = [trace for trace in figures.effects((before, *after)).data if trace.type == "scatter"]
    overturned = [each.edits[0].split(":")[0] for each in after if each.predictions[0] != before.predictions[0]]
    assert list(rings.x) == overturned and overturned


def test_a_cam_difference_is_in_units_of_the_score() -> None:
    made = CASES["se"]
    before, after = made.cams[0], replace(made.cams[0], peak=made.cams[0].peak * 3)
    (heat,) = figures.cam_difference(made.image, before, after).data
    np.testing.assert_allclose(heat.z, 2 * before.values[0] * before.peak[0], rtol=1e-5)
    assert heat.zmin == -heat.zmax == -np.abs(heat.z).max()
    with pytest.raises(ValueError, match="compare one place"):
        figures.cam_difference(made.image, before, replace(before, values=before.values[:, :-1]))


@pytest.mark.parametrize("case", ["se", "sk", "three branches"])
def test_channel_maps_show_every_branch_and_the_mixture_on_one_scale(case: str) -> None:
    made = CASES[case]
    gates = made.gates[1]
    figure = figures.channel_maps(made, 1, CHANNEL)
    *before, after, looked = figure.data
    assert len(before) == len(gates.site.branches)
    for branch, tile in enumerate(before):
        np.testing.assert_allclose(tile.z, gates.maps[0, branch, CHANNEL])
    np.testing.assert_allclose(after.z, gates.gated[0, CHANNEL], rtol=1e-5)
    np.testing.assert_allclose(looked.z, made.cams[1].values[0])
    assert len({(tile.zmin, tile.zmax) for tile in (*before, after)}) == 1
    assert after.zmin <= min(tile.z.min() for tile in before) and after.zmax >= max(tile.z.max() for tile in before)
    height, width = made.image.shape[:2]
    for tile, image in zip(figure.data, figure.layout.images, strict=True):
        assert tile.x0 - tile.dx / 2 == pytest.approx(image.x) and tile.dx * tile.z.shape[1] == pytest.approx(image.sizex) == width
        assert tile.y0 - tile.dy / 2 == pytest.approx(0) and tile.dy * tile.z.shape[0] == pytest.approx(image.sizey) == height


@pytest.mark.parametrize("case", ["se", "sk", "se without averages"])
def test_channel_samples_stand_in_order_with_this_picture_among_them(case: str) -> None:
    made = CASES[case]
    others = samples(made, 1)
    figure = figures.channel_samples(made, 1, CHANNEL, others)
    (points,) = figure.data
    expected = sorted([*(float(weights[-1, CHANNEL]) for _, weights in others), float(weight(made, 1)[CHANNEL])])
    np.testing.assert_allclose(points.x, expected)
    (own,) = [place for place, colour in enumerate(points.marker.color) if colour == LIGHT.accent]
    assert points.x[own] == pytest.approx(weight(made, 1)[CHANNEL]) and figure.layout.yaxis.ticktext[own] == "<b>this picture</b>"
    if made.averages:
        (band,) = figure.layout.shapes
        assert (band.x0 + band.x1) / 2 == pytest.approx(made.averages[1].mean[-1, CHANNEL])
    else:
        assert not figure.layout.shapes


@pytest.mark.parametrize(("classes", "shown"), [(6, 6), (17, 17), (40, 17)])
def test_channel_classes_show_both_ends_and_mark_the_explained_one(classes: int, shown: int) -> None:
    made = measured(CASES["sk"], classes)
    means = made.averages[1].by_class[:, -1, CHANNEL]
    middle = int(np.argsort(means)[classes // 2])
    made = replace(made, target=Prediction(middle, "the middle", 0.1))
    figure = figures.channel_classes(made, 1, CHANNEL, [f"class {place}" for place in range(classes)])
    (bars,) = figure.data
    assert len(bars.x) == shown and (np.diff(bars.x) >= 0).all()
    assert (bars.x[0], bars.x[-1]) == (pytest.approx(means.min()), pytest.approx(means.max()))
    for place, told in enumerate(bars.customdata):
        assert bars.x[place] == pytest.approx(means[int(told[0].removeprefix("class "))])
    (marked,) = [place for place, colour in enumerate(bars.marker.color) if colour == LIGHT.accent]
    assert figure.layout.yaxis.ticktext[marked] == f"<b>class {middle}</b>"
    assert figure.layout.shapes[0].x0 == pytest.approx(weight(made, 1)[CHANNEL])


def test_channel_classes_need_means_by_class() -> None:
    with pytest.raises(ValueError, match="no means by class"):
        figures.channel_classes(CASES["se"], 1, CHANNEL, ("cat",))
