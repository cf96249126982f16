"""The doctor's and the monitor's figures and sentences against the numbers they stand for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sevis import figures, sentences
from sevis.analysis.courses import courses, known_metrics, stayed_since
from sevis.analysis.doctor import Diagnosis, examine
from sevis.analysis.findings import VERDICTS
from sevis.analysis.limits import LIMITS, Limit
from sevis.analysis.looks import Look
from sevis.analysis.metrics import METRICS, measured
from sevis.analysis.reporting import report
from sevis.analysis.rules import RULES
from sevis.analysis.statistics import collect
from sevis.analysis.thresholds import load_thresholds
from sevis.figures.theme import DARK, LIGHT
from sevis.runs import open_run
from tests.made_up import CASES
from tests.made_up_gates import STEPS, ablated_of, looks_of, statistics_of
from tests.made_up_runs import over_pictures, written
from tests.test_figures import spoken

BOTH = statistics_of(CASES["both kinds"])
SE = statistics_of(CASES["se"])


def test_every_limit_is_a_threshold_that_a_rule_asks_about_on_that_side() -> None:
    sides = {"at most": "below", "less than": "below", "at least": "above", "more than": "above"}
    asked = {(rule.limit, sides[rule.side]) for rule in RULES if rule.limit}
    for metric, limits in LIMITS.items():
        assert metric in METRICS
        for limit in limits:
            assert limit.name in load_thresholds() and (limit.name, limit.side) in asked
    assert Limit("", "above", "").holds(1.0, 1.0) and not Limit("", "below", "").holds(1.0, 1.0)


# ---- the doctor


@pytest.mark.parametrize("selected", [None, 1])
def test_each_gate_stands_in_the_row_of_its_verdict(selected: int | None) -> None:
    diagnoses = examine(SE, [ablated_of(each, harm) for each, harm in zip(SE, (0.2, 0.2, 1e-5, 0.2), strict=True)])
    figure = figures.verdicts(diagnoses, selected)
    marks = figure.data[-1]
    rows = figure.layout.yaxis.ticktext
    assert [rows[row] for row in marks.y] == [each.verdict for each in diagnoses] and len(set(rows)) > 1
    assert list(rows) == [verdict for verdict in VERDICTS if verdict in rows]
    assert [symbol == "x" for symbol in marks.marker.symbol] == [bool(each.alarms) for each in diagnoses]
    assert [told[0] for told in marks.customdata] == [0, 1, 2, 3]
    assert len(figure.data) == 1 + (selected is not None) and (selected is None or list(figure.data[0].x) == [1])
    assert spoken(marks, 2).startswith(f"{SE[2].site.name} is {diagnoses[2].verdict} by rule {diagnoses[2].findings[0].rule}")


def test_the_histogram_holds_every_weight() -> None:
    made = replace(SE[0], histogram=np.zeros_like(SE[0].histogram))
    made.histogram[[0, 1, 2, 51, 101, 102, 103], 0, 0] = [1, 2, 3, 4, 5, 6, 9]  # below 0, 0, to 0.01, to 0.5, to 1, 1, above
    (bars,) = figures.gate_histogram(made).data
    shares = dict(zip(np.round(bars.x, 3), bars.y, strict=True))
    assert {place: share for place, share in shares.items() if share} == pytest.approx(
        {-0.015: 1 / 30, 0.005: 5 / 30, 0.495: 4 / 30, 0.995: 11 / 30, 1.015: 9 / 30}
    )
    assert spoken(bars, 1) == f"{made.site.name}: 16.7% of the weights lie from 0.00 to 0.01"
    lines = figures.gate_histogram(BOTH[1]).data
    assert [sum(line.y) for line in lines] == pytest.approx([1, 1])
    assert np.sum(bars.y) == pytest.approx(1)


def test_spread_units_and_directions_are_those_of_the_statistics() -> None:
    for each in BOTH:
        spread = np.sqrt(each.overall.m2 / each.pictures).mean(axis=0)
        (points,) = figures.gate_spread(each).data
        np.testing.assert_allclose(points.y, sorted(spread, reverse=True))
        assert spoken(points, 0).startswith(f"{each.site.name}, channel {spread.argmax()}: ")
        bars, crosses = figures.gate_units(each).data
        assert each.hidden is not None
        np.testing.assert_allclose(bars.y, sorted(each.hidden.mean, reverse=True))
        assert list(crosses.x) == [3] and spoken(crosses, 0) == f"{each.site.name}, unit 3 is 0 on every picture"
        assert "1 of 4 units never fires" in figures.gate_units(each).layout.title.text
        assert sentences.gate_units_sentence(each).startswith("3 of 4 units")


def test_the_directions_are_those_of_the_logits() -> None:
    record = over_pictures(CASES["se"].gates[3])
    (each,) = collect([record])
    values = np.linalg.svd((record.logits - record.logits.mean(axis=0))[:, 0], compute_uv=False)
    figure = figures.gate_spectrum(each)
    np.testing.assert_allclose(figure.data[0].y, values / values.sum(), rtol=1e-4)
    share = values / values.sum()
    assert figure.layout.shapes[0].x0 == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-3)
    assert f"of {len(values)} directions" in sentences.gate_spectrum_sentence(each)
    with pytest.raises(ValueError, match="do not vary"):
        figures.gate_spectrum(collect([replace(record, logits=np.zeros_like(record.logits))])[0])


def test_branches_and_their_entropy() -> None:
    each = BOTH[1]
    shares, entropies = figures.gate_branches(each).data
    np.testing.assert_allclose(shares.y, each.overall.mean.mean(axis=1))
    assert np.mean(entropies.y) == pytest.approx(measured(each)["B1"])
    most = each.site.branches[int(np.argmax(shares.y))]
    assert f"uses {most} ({max(shares.y):.0%}) most" in sentences.gate_branches_sentence(each)
    with pytest.raises(ValueError, match="weighs channels"):
        figures.gate_branches(BOTH[0])


def test_ablations_beside_the_threshold() -> None:
    ablated = ablated_of(SE[0])
    harm, loss, accuracy = figures.ablation_bars("SE_2_1", ablated).data
    made = list(ablated.effects.values())
    np.testing.assert_allclose(harm.x, [each.divergence.mean + 2 * each.divergence.error for each in made])
    np.testing.assert_allclose(loss.x, [each.loss.mean for each in made])
    np.testing.assert_allclose(accuracy.x, [100 * each.accuracy.mean for each in made])
    assert figures.ablation_bars("SE_2_1", ablated).layout.shapes[0].x0 == load_thresholds()["A1.harmless"]
    said = sentences.ablation_bars_sentence("SE_2_1", ablated)
    assert "most with all weights at 1" in said and "with another picture's weights and its weights shuffled they stay as they are" in said
    with pytest.raises(ValueError, match="was not ablated"):
        figures.ablation_bars("SE_2_1", replace(ablated, effects={}))


def healthy(count: int) -> list[Diagnosis]:
    found = examine(SE, [ablated_of(each, 2.0) for each in SE])
    return [replace(found[0], findings=found[0].findings[-1:]) for _ in range(count)]


def test_the_headline_says_what_it_rests_on() -> None:
    worth = [ablated_of(each, 2.0) for each in SE]
    assert sentences.doctor_sentence(healthy(3), 1200, worth) == (
        "Healthy: none of 3 gates needs attention. Judged by statistics over 1,200 pictures, with ablations on 64."
    )
    for count, words in ((1, "one picture can never prove"), (12, "12 pictures cannot prove")):
        few = examine(statistics_of(CASES["se"], count))
        assert {each.verdict for each in few} == {"inconclusive"}
        assert sentences.doctor_sentence(few, count).startswith(f"Inconclusive: {words} that a gate has collapsed; scan 30 or more.")
    ill = examine([replace(each, not_finite=3) for each in SE[:2]])
    said = sentences.doctor_sentence(ill, 40)
    assert said.startswith(f"Needs attention: 2 of 2 gates, {SE[0].site.name} ({ill[0].verdict}) and") and "without ablations" in said
    many = sentences.doctor_sentence([*ill, *ill, *ill], 40)
    assert "6 of 6 gates" in many and "and 2 more" in many
    still = [replace(each, findings=few[0].findings) for each in healthy(2)]
    assert "No alarm, but 2 of 2 gates are inconclusive" in sentences.doctor_sentence(still, 40)


def test_the_report_holds_every_number(tmp_path: Path) -> None:
    run = open_run(written(tmp_path / "run"))
    worth = [ablated_of(each) for each in run.statistics]
    for ablated in ((), worth):
        diagnoses = examine(run.statistics, ablated)
        told = json.loads(json.dumps(report("RUN", run.network, run.read, diagnoses, ablated)))
        assert (told["run"], told["network"], told["pictures"]) == ("RUN", run.network, run.read)
        assert told["healthy"] == (not any(gate["alarm"] for gate in told["gates"])) and len(told["gates"]) == len(run.statistics)
        for gate, diagnosis, statistics in zip(told["gates"], diagnoses, run.statistics, strict=True):
            assert (gate["name"], gate["path"], gate["verdict"]) == (statistics.site.name, statistics.site.path, diagnosis.verdict)
            own = {name: value for name, value in measured(statistics).items() if name.startswith("M")}
            assert json.loads(json.dumps(own)).items() <= gate["metrics"].items()
            assert [finding["rule"] for finding in gate["findings"]] == [finding.rule for finding in diagnosis.findings]
            assert bool(gate["ablations"]) == bool(ablated)


# ---- the monitor

LOOKS = tuple(
    Look(step, {"SE_2_1": {"M1": alive, "M4": 0.1}, "SE_5_1": {"M1": dying, "M4": None}, "SE_5_2": {"M1": 0.0, "M4": 1.0}})
    for step, alive, dying in ((100, 0.002, 0.05), (1200, 0.04, 0.004), (1300, 0.05, 0.006), (1400, 0.06, 0.003), (1500, 0.07, 0.002))
)


def test_courses_and_since_when() -> None:
    found = {each.gate: each for each in courses(LOOKS, "M1")}
    constant, alive = LIMITS["M1"]
    assert list(found) == ["SE_2_1", "SE_5_1", "SE_5_2"] and known_metrics(LOOKS) == ("M1", "M4")
    assert [stayed_since(each, constant, 0.005) for each in found.values()] == [None, 1400, 100]
    assert [stayed_since(each, alive, 0.03) for each in found.values()] == [1200, None, None]
    assert [each.gate for each in courses(LOOKS, "M4")] == ["SE_2_1", "SE_5_2"]
    assert not courses(LOOKS, "B1") and not courses((), "M1") and known_metrics(()) == ()


def test_what_became_of_the_gates_is_said() -> None:
    said = sentences.gates_over_epochs_sentence(LOOKS, "M1")
    assert said == (
        "After step 1,500 the spread between images goes from 0 in SE_5_2 to 0.070 in SE_2_1; SE_5_1 fell below 0.0050 by step 1,400 and"
        " stayed there (nearly constant); SE_5_2 was nearly constant (below 0.0050) at every look; 1 of 3 gates is alive (0.030 or more),"
        " SE_2_1."
    )
    assert "SE_5_2 was stuck at half (0.95 or more) at every look" in sentences.gates_over_epochs_sentence(LOOKS, "M4")
    assert sentences.gates_played_sentence(LOOKS, "M1") == (
        "Over 5 looks the spread between images changes most in SE_2_1, from 0.0020 to 0.070."
    )


def test_lines_go_through_the_looks() -> None:
    figure = figures.gates_over_epochs(LOOKS, "M1")
    assert [line.name for line in figure.data] == ["SE_2_1", "SE_5_1", "SE_5_2"]
    assert list(figure.data[1].x) == [100, 1200, 1300, 1400, 1500] and list(figure.data[1].y) == [0.05, 0.004, 0.006, 0.003, 0.002]
    assert set(figure.data[2].y) == {1e-6} and spoken(figure.data[2], 0) == "SE_5_2 after step 100: spread between images 0"
    assert [shape.y0 for shape in figure.layout.shapes] == [load_thresholds()["M1.constant"], load_thresholds()["M1.alive"]]
    low, high = figure.layout.yaxis.range
    assert 10**low < 1e-6 and 10**high > 0.07
    assert len({line.line.color for line in figure.data}) == len({line.marker.symbol for line in figure.data}) == 3
    with pytest.raises(ValueError, match="no look has a number"):
        figures.gates_over_epochs(LOOKS, "B1")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_film_has_a_frame_a_look_on_one_axis(theme: figures.Theme) -> None:
    figure = figures.gates_played(LOOKS, "M1", theme=theme)
    assert [frame.name for frame in figure.frames] == ["100", "1200", "1300", "1400", "1500"]
    assert [list(frame.data[0].y) for frame in figure.frames[:2]] == [[0.002, 0.05, 1e-6], [0.04, 0.004, 1e-6]]
    assert figure.data[0].y == figure.frames[-1].data[0].y
    assert list(figure.frames[1].data[0].marker.pattern.shape) == ["", "/", "/"]
    assert list(figure.frames[1].data[0].marker.color) == [theme.positive, theme.negative, theme.negative]
    assert [list(step.args[0]) for step in figure.layout.sliders[0].steps] == [[frame.name] for frame in figure.frames]
    assert "SE_5_1 after step 1,200: spread between images 0.0040, nearly constant" in str(figure.frames[1].data[0].customdata)
    assert figure.layout.sliders[0].active == 4


def test_a_long_film_is_cut_to_its_ends_and_a_gate_that_comes_late_is_unknown_before() -> None:
    many = [Look(step, {"a": {"M3": 0.5}, **({"<b>b</b>": {"M3": 0.9}} if step else {})}) for step in range(500)]
    figure = figures.gates_played(many, "M3")
    names = [int(frame.name) for frame in figure.frames]
    assert len(names) == 120 and (names[0], names[-1]) == (0, 499) and names == sorted(set(names))
    assert list(figure.frames[0].data[0].y) == [0.5, None] and "not known" in str(figure.frames[0].data[0].customdata)
    assert not re.search("<b>b", figure.to_json()) and "\\u003cb\\u003eb" not in figure.to_json()
    assert looks_of(BOTH)[0].step == STEPS[0]
