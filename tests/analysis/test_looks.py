"""A training run's looks: written a line at a time and read back; what is no look is named."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sevis.analysis.looks import Look, finite, line, read_looks

GATES = {"SE_2_1": {"M1": 0.123456789, "M6": None}, "SE_3_1": {"M1": 2.5e-7, "M6": 1.0}}


def test_a_look_comes_back_to_six_digits(tmp_path: Path) -> None:
    log = tmp_path / "looks.jsonl"
    log.write_text(line(Look(5, GATES)) + "\n\n" + line(Look(10, GATES)) + "\n", encoding="utf-8")
    first, second = read_looks(log)
    assert (first.step, second.step) == (5, 10)
    assert first.gates == {"SE_2_1": {"M1": 0.123457, "M6": None}, "SE_3_1": {"M1": 2.5e-7, "M6": 1.0}} == second.gates


def test_steps_that_were_taken_again_count_once_and_as_they_went_on() -> None:
    before, after = {"SE_2_1": {"M1": 0.1}}, {"SE_2_1": {"M1": 0.2}}
    looks = read_looks([line(Look(94, before)), line(Look(188, before)), line(Look(188, after)), line(Look(282, after))])
    assert [(look.step, look.gates["SE_2_1"]["M1"]) for look in looks] == [(94, 0.1), (188, 0.2), (282, 0.2)]


def test_what_is_no_number_is_none() -> None:
    assert finite({"M1": math.nan, "M2": -math.inf, "M3": 0.5, "M6": None}) == {"M1": None, "M2": None, "M3": 0.5, "M6": None}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"step": 1}',
        '{"step": "one", "gates": {}}',
        '{"step": Infinity, "gates": {}}',
        "[" * 100_000,
        '{"step": 1, "gates": {"a": 3}}',
        '{"step": 1, "gates": {"a": {"M1": "x"}}}',
        '{"step": 1, "gates": {"a": {"M1": NaN}}}',
        '{"step": 1, "gates": {"a": {"M1": true}}}',
    ],
)
def test_a_line_that_is_no_look_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"line 2 is .* expected"):
        read_looks([line(Look(1, GATES)), text])
