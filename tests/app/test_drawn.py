"""What is made once for all visitors: nobody gets what is another's, nobody changes what all see, and it stays bounded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from sevis.app import state
from sevis.app.drawn import Drawn, drawn, kept, made
from sevis.app.frozen import frozen
from sevis.figures import DARK, LIGHT, cam, feature_maps, histogram, network, prediction
from sevis.records import Inspection
from tests.app.test_explore import figures, opened, page, png
from tests.made_up import CASES

__all__ = ["page"]  # the fixture: tiny networks under the page

SE = CASES["se"]
MOST = 512


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(state, "theme", lambda: LIGHT)
    kept.clear()
    yield
    kept.clear()


def counting(asked: list[int]) -> Callable[[int], int]:
    def make(number: int) -> int:
        asked.append(number)
        return number

    return make


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_figure_goes_onto_the_page_as_plotly_writes_it(monkeypatch: pytest.MonkeyPatch, theme: Any) -> None:
    monkeypatch.setattr(state, "theme", lambda: theme)
    for _ in range(2):  # drawn, and kept
        shown = drawn(network, SE, selected=(1, 2))
        anew = network(SE, selected=(1, 2), theme=theme)
        assert shown.to_json() == anew.to_json()
        assert shown.alt == anew.layout.title.text.split("<br>")[0]


def test_the_same_of_equal_records_is_made_once() -> None:
    one = drawn(histogram, SE, 1)
    assert drawn(histogram, SE, 1) is one
    assert drawn(histogram, replace(SE), 1) is one


def other_pictures() -> list[Inspection]:
    """Inspections that differ from SE in one thing each."""
    weights = SE.gates[0].weights.copy()
    weights[0, 0, 0] += 1e-6
    return [
        replace(SE, model="another"),
        replace(SE, image=np.flip(SE.image, 0)),
        replace(SE, edits=("all:set=1",)),
        replace(SE, gates=(replace(SE.gates[0], weights=weights), *SE.gates[1:])),
        replace(SE, gates=(replace(SE.gates[0], maps=None), *SE.gates[1:])),
        replace(SE, target=replace(SE.target, probability=SE.target.probability / 2)),
    ]


def test_what_differs_in_anything_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = SE.cams[:2]
    shown = [
        drawn(histogram, SE, 1),
        drawn(histogram, SE, 0),
        drawn(feature_maps, SE, 1, (0, 1)),
        drawn(feature_maps, SE, 1, (1, 0)),
        drawn(cam, SE, first),
        drawn(cam, SE, second),
        drawn(cam, SE, first, opacity=0.4),
        *(drawn(histogram, other, 1) for other in other_pictures()),
    ]
    monkeypatch.setattr(state, "theme", lambda: DARK)
    shown.append(drawn(histogram, SE, 1))
    assert len({id(each) for each in shown}) == len(shown)


def test_who_takes_a_figure_changes_nobody_elses() -> None:
    shown = drawn(histogram, SE, 1)
    before = shown.to_json()
    taken = shown.to_dict()
    taken["data"][0].pop("type")
    taken["layout"] = {}
    assert shown.to_json() == before


def test_numbers_are_those_of_the_figure() -> None:
    figure = prediction(SE)
    assert [each["says"] for each in Drawn(figure).numbers()] == [each["says"] for each in drawn(prediction, SE).numbers()]


def test_what_is_kept_is_bounded() -> None:
    asked: list[int] = []
    make = counting(asked)
    for number in (*range(MOST), MOST - 1, MOST, 0):
        kept(str(number), lambda number=number: make(number))
    assert asked == [*range(MOST), MOST, 0]


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises((AttributeError, TypeError), match="pickle"):
        made(lambda: 1)


def test_what_visitors_share_is_read_only() -> None:
    opened()
    sample = state.samples()[0].file.read_bytes()
    told = state.inspect("tiny/se", "digest", state.picture(sample).pixels, None)
    assert state.inspect("tiny/se", "digest", state.picture(sample).pixels, None) is told
    shared = [told.image, told.influence[0], told.cams[0].values, told.gates[0].squeeze, told.gates[0].weights, told.gates[0].maps]
    for array in (state.picture(sample).pixels, *shared):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_record_is_frozen_all_through() -> None:
    made_up = frozen(deepcopy(SE))
    arrays = [array for gate in made_up.gates for array in (gate.squeeze, gate.hidden, gate.logits, gate.weights, gate.maps)]
    arrays += [array for each in made_up.cams for array in (each.values, each.peak)]
    arrays += [array for each in made_up.averages for array in (each.mean, each.spread, each.quantiles, each.by_class)]
    assert not any(array.flags.writeable for array in (made_up.image, *made_up.influence, *arrays) if array is not None)


def test_visitors_with_other_pictures_see_other_figures() -> None:
    visitors = [opened() for _ in range(3)]
    noise = np.random.default_rng(0).integers(0, 255, (2, 48, 48, 3)).astype(np.uint8)
    for visitor, pixels in zip(visitors[1:], noise, strict=True):
        visitor.file_uploader(key="upload").set_value(("own.png", png(pixels), "image/png")).run()
        assert not visitor.exception and not visitor.error
    shown = [json.dumps(figures(visitor), sort_keys=True) for visitor in visitors]
    assert len(set(shown)) == 3
    kept.clear()
    alone = opened()
    alone.file_uploader(key="upload").set_value(("own.png", png(noise[1]), "image/png")).run()
    seen, kept_before = figures(alone), json.loads(shown[2])
    assert seen.keys() == kept_before.keys()
    for title, figure in seen.items():
        assert figure == kept_before[title]


def test_a_second_visitor_of_the_same_picture_sees_the_same() -> None:
    one, other = figures(opened()), figures(opened())
    assert one == other
    assert isinstance(go.Figure(next(iter(one.values()))), go.Figure)  # plotly accepts what went onto the page
