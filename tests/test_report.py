"""A report is one page that needs nothing else: every figure and sentence in it, nothing of it read as markup, no host asked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from plotly.offline import get_plotlyjs

from sevis import sentences
from sevis.analysis.doctor import examine
from sevis.analysis.inspected_rows import channel_rows
from sevis.analysis.rank import moved
from sevis.records import Inspection, Prediction
from sevis.report import Checkup, Subject, report
from tests.edited import moved as moved_cam
from tests.made_up import CASES
from tests.made_up_gates import statistics_of
from tests.test_notebook import Tags
from tests.test_stored import PROVENANCE

DATE = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)
EVIL = "</script><img src=x onerror=alert(1)> & 'co' \"x\" {{7}}"
OF_A_BLOCK = ("squeeze", "highest", "influence", "distribution", "feature maps")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the 4.8 MB of plotly.js, which take two seconds to go through."""
    monkeypatch.setattr("sevis.report.get_plotlyjs", lambda: "/* plotly.js */")


def edited(made: Inspection) -> Inspection:
    """What an edit came to: other maps, half of the weights."""
    gates = tuple(replace(each, weights=np.float32(0.5) * each.weights) for each in made.gates)
    last = None if made.last_cam is None else moved_cam(made.last_cam)
    return replace(made, gates=gates, last_cam=last, score=made.score - 1, edits=("SE_3_1[<0.2]:factor=0.5",))


def data_of(page: str) -> dict[str, object]:
    """What the page hands to its script, by name."""
    parts = page.split('<script type="application/json" id="')[1:]
    return {part.partition('"')[0]: json.loads(part.partition(">")[2].partition("</script>")[0]) for part in parts}


def titles(page: str) -> list[str]:
    """The titles of all figures, in order."""
    return [each["layout"]["title"]["text"].partition("<br>")[0] for each in data_of(page).values() if isinstance(each, dict)]


@pytest.mark.parametrize("case", ["se", "sk without averages", "both kinds", "one block", "boxes", "no box"])
def test_every_picture_makes_a_page(case: str) -> None:
    made = CASES[case]
    page = report([Subject("a picture", made, edited(made))], date=DATE)
    seen, found = Tags(page), titles(page)
    plots = [given["id"] for tag, given in seen.tags if given.get("class") == "plot"]
    assert len(plots) == len(set(plots)) == len(found) and all(f"{each}-data" in data_of(page) for each in plots)
    for part in (*OF_A_BLOCK, "Prediction", "Grad-CAM"):
        assert any(part in title for title in found), part
    assert ("every block" in " ".join(found)) == (len(made.gates) > 1)
    for sentence in (*sentences.standouts(made), sentences.network_sentence(made), "Edit: SE_3_1, channels <0.2: times 0.5."):
        assert sentence in seen.text
    assert "09 March 2026, 14:05" in seen.text


def test_the_block_that_stands_out_comes_first_and_others_on_demand_each_once() -> None:
    made = CASES["se"]
    far = max(range(4), key=lambda depth: moved(made, depth) or 0)
    names = [site.name for site in made.sites]
    page = report([Subject("p", made, None, (names[far], names[0], names[0]))])
    heads = [title.partition(":")[0] for title in titles(page) if "squeeze against weight" in title]
    assert heads == [names[far], *([names[0]] if far else [])] and "What if" not in Tags(page).text
    with pytest.raises(ValueError, match="has no block 'SE_9_9'; choose from SE_2_1, SE_2_2, SE_3_1, SE_3_2"):
        report([Subject("p", made, None, ("SE_9_9",))])


def test_the_numbers_of_all_channels_lie_in_the_page_once() -> None:
    page = report([Subject("first", CASES["se"]), Subject("second", CASES["sk"])])
    tables = [text for text in data_of(page).values() if isinstance(text, str)]
    assert [text.count("\n") for text in tables] == [len(channel_rows(CASES[case])) + 1 for case in ("se", "sk")]
    buttons = [given["data-block"] for tag, given in Tags(page).tags if tag == "button" and "data-table" in given]
    assert buttons[0] == "" and buttons[1] in {site.name for site in CASES["se"].sites}


def test_nothing_that_comes_in_is_read_as_markup() -> None:
    evil = Prediction(0, EVIL, 0.6)
    made = replace(CASES["boxes"], model=EVIL, predictions=(replace(evil, box=(0.0, 0.0, 9.0, 9.0)),), warnings=(EVIL,), device=EVIL)
    made = replace(made, target=made.predictions[0], provenance=replace(PROVENANCE, preprocessing=EVIL))
    checkup = Checkup(EVIL, 20, examine(statistics_of(CASES["se"])))
    usual = report([Subject("a", CASES["boxes"], edited(CASES["boxes"]))], replace(checkup, run="run"))
    page = report([Subject(EVIL, made, replace(edited(made), edits=(f"all:picture={EVIL}",)))], checkup)
    kinds = {tag for tag, _ in Tags(usual).tags}
    assert {tag for tag, _ in Tags(page).tags} <= kinds | {"p"}
    seen = Tags(page)
    assert not [given for _, given in seen.tags if "onerror" in given] and [tag for tag, _ in seen.tags].count("script") > 5
    assert EVIL in seen.text


def test_it_is_small_and_has_plotly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    page = report([Subject("first", CASES["se"], edited(CASES["se"])), Subject("second", CASES["sk"])])
    assert page.count(get_plotlyjs()[:200]) == 1 and len(page) < 6_500_000


def test_it_asks_no_host_for_anything() -> None:
    seen = Tags(report([Subject("p", CASES["se"])]))
    policy = next(given["content"] for tag, given in seen.tags if given.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'") and "http" not in str(policy) and "unsafe-eval" not in str(policy)
    links = [value for _, given in seen.tags for name, value in given.items() if name in ("src", "href")]
    assert links and all(str(link).startswith(("data:", "#")) for link in links)


def test_a_network_without_gates_has_its_prediction_and_its_map() -> None:
    bare = replace(CASES["se"], gates=(), influence=(), cams=(), averages=(), warnings=("No channel gate was found.",))
    page = report([Subject("p", bare, None)])
    assert len(titles(page)) == 2 and "No channel gate was found." in Tags(page).text
    with pytest.raises(ValueError, match="has no block 'SE_2_1'; it has no gates"):
        report([Subject("p", bare, None, ("SE_2_1",))])
    assert len(titles(report([Subject("p", replace(bare, last_cam=None))]))) == 1
    with pytest.raises(ValueError, match="one picture at least"):
        report([])


def test_it_says_how_it_came_about_and_what_the_doctor_found() -> None:
    made, found = replace(CASES["se"], provenance=PROVENANCE), examine(statistics_of(CASES["se"]))
    text = Tags(report([Subject("p", made)], Checkup("my run", 20, found))).text
    for part in ("ab" * 32, "Preprocessing(height=40, width=56)", "torch 2.11", "over 20 pictures", "made-up", "cpu"):
        assert part in text
    assert sentences.doctor_sentence(found, 20, ()) in text and "my run" in text
    assert all(each.findings[0].remedy in text and each.site.name in text for each in found)
