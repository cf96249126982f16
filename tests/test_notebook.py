"""An inspection in a notebook: figures by their names, itself at a glance, and the example notebook from top to bottom."""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import redirect_stdout
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image, ImageColor

from sevis.analysis.rank import deviation
from sevis.figures import FIGURES, LIGHT, cam, network, sorted_weights
from sevis.notebook import DRAWN
from sevis.records import Prediction
from tests.made_up import CASES

ROOT = Path(__file__).resolve().parents[1]


class Tags(HTMLParser):
    """Every tag of a page, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("entry", [entry for entry in FIGURES if entry.of in DRAWN], ids=lambda entry: entry.name)
def test_every_figure_of_a_picture_is_asked_by_its_name(entry: object) -> None:
    made = CASES["boxes" if entry.of == "boxes" else "sk"]
    assert isinstance(made.figure(entry.name, made.sites[1].name, theme="dark"), go.Figure)


def test_a_figure_is_the_one_that_the_page_draws() -> None:
    made = CASES["se"]
    assert made.figure() == network(made)
    assert made.figure("network", order="network") == network(made, order="network")
    assert made.figure("sorted_weights", "SE_2_2", channel=3) == sorted_weights(made, 1, 3)
    far = [float(np.abs(made.deviation(depth)[0, -1]).mean()) for depth in range(4)]
    assert made.figure("sorted_weights") == sorted_weights(made, far.index(max(far)))
    assert made.figure("cam") == cam(made, made.last_cam) and made.figure("cam", "SE_3_1") == cam(made, made.cams[2])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("netwrok",), "unknown figure 'netwrok'; choose from network, prediction"),
        (("histogram", "SE_9_9"), "unknown block 'SE_9_9'; choose from SE_2_1, SE_2_2, SE_3_1, SE_3_2"),
        (("compare_strips",), "unknown figure 'compare_strips'"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CASES["se"].figure(*arguments)


@pytest.mark.parametrize("case", CASES)
def test_a_glance_is_small_and_has_a_strip_a_block(case: str) -> None:
    made = CASES[case]
    page = made._repr_html_()
    strips = [given["src"] for tag, given in Tags(page).tags if tag == "img" and str(given["src"]).startswith("data:image/png")]
    assert len(strips) == len(made.gates) and len(page) < 40_000 and "http" not in page and "<script" not in page
    for depth, source in enumerate(strips):
        pixels = np.asarray(Image.open(BytesIO(b64decode(str(source).partition(",")[2]))))
        assert pixels.shape == (1, made.sites[depth].channels, 3)


def test_a_strip_has_the_colours_of_the_network_figure() -> None:
    made = CASES["se"]
    source = [given["src"] for tag, given in Tags(made._repr_html_()).tags if tag == "img"][1]
    pixels = np.asarray(Image.open(BytesIO(b64decode(str(source).partition(",")[2]))))[0].astype(float)
    spreads = deviation(made, 0)
    assert spreads is not None
    for spread, colour in zip(sorted(spreads, reverse=True), pixels, strict=True):
        place = (np.clip(spread, -3, 3) + 3) / 6 * (len(LIGHT.diverging) - 1)
        low, part = int(min(place, len(LIGHT.diverging) - 2)), place - int(min(place, len(LIGHT.diverging) - 2))
        ends = [np.array(ImageColor.getrgb(LIGHT.diverging[n]), dtype=float) for n in (low, low + 1)]
        np.testing.assert_allclose(colour, (1 - part) * ends[0] + part * ends[1], atol=1)


def test_names_are_no_markup_and_a_network_without_gates_is_shown() -> None:
    evil = Prediction(0, "<img src=x onerror=alert(1)>", 0.6)
    bare = replace(CASES["se"], gates=(), influence=(), cams=(), averages=(), target=evil, predictions=(evil,))
    page = Tags(replace(bare, model="<script>alert(1)</script>", warnings=("a <b> warning",))._repr_html_())
    assert {tag for tag, _ in page.tags} == {"div", "img", "p", "b"} and [tag for tag, _ in page.tags].count("img") == 1
    assert "<script>alert(1)</script>" in page.text and "a <b> warning" in page.text
    with pytest.raises(ValueError, match="has no gates, so there is no block to draw; ask for 'prediction' or 'cam'"):
        bare.figure("histogram", "SE_2_1")


def test_the_example_runs_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its code in one namespace, as a kernel would; what ends a cell is shown, as a kernel shows it."""
    notebook = json.loads((ROOT / "docs" / "example.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4 and len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    space: dict[str, object] = {}
    printed = StringIO()
    with redirect_stdout(printed):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), cell["id"], "exec"), space)
    assert "weight" in printed.getvalue() and "cat:" in printed.getvalue()
    assert {path.name for path in tmp_path.iterdir()} == {"kitten.npz", "report.html"}
