"""Edits in words: what is written is read back, and what is none is refused with the way out."""

from __future__ import annotations

import pytest

from sevis.edits import NOTHING, OPERATIONS, Edit, EditError, WhatIf, covers, effects_of, parse
from sevis.records import GateSite

CHANNEL = GateSite("a.se", "channel", "sigmoid", 3, 1, 0, 8)
BRANCH = GateSite("b", "branch", "softmax", 4, 2, 1, 16, ("3x3", "5x5"))

READ = {
    "all:set=1": Edit("all", "", "set", "1"),
    "stage 3:factor=0.5": Edit("stage 3", "", "factor", "0.5"),
    "SE_3_1[3,17-20]:set=-.25": Edit("SE_3_1", "3,17-20", "set", "-.25"),
    "SE_3_1[top 10]:set=0": Edit("SE_3_1", "top 10", "set", "0"),
    "SE_3_1[<0.2]:mean": Edit("SE_3_1", "<0.2", "mean"),
    "SK_4_2:only=5x5": Edit("SK_4_2", "", "only", "5x5"),
    "SK_4_2:even": Edit("SK_4_2", "", "even"),
    "all:picture=A cup: coffee=hot [1]": Edit("all", "", "picture", "A cup: coffee=hot [1]"),
    "all:permute=7": Edit("all", "", "permute", "7"),
}


def test_every_operation_is_read_in_some_test() -> None:
    assert {edit.what for edit in READ.values()} == set(OPERATIONS)


@pytest.mark.parametrize("text", READ)
def test_an_edit_is_read_and_written_back(text: str) -> None:
    assert parse(text) == READ[text] and str(parse(text)) == text and parse(f"  {text} ") == READ[text]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no edit"),
        ("SE_3_1", "expected something like"),
        ("SE_3_1:", "is no edit"),
        ("SE_3_1:explode=1", "choose from set, factor, mean"),
        ("all:set", "needs a number after '='"),
        ("all:mean=3", "needs no value"),
        ("all:set=one", "no number; expected one from -100 to 100"),
        ("all:set=1e3", "no number"),
        ("all:set=101", "no number"),
        ("all:set=nan", "no number"),
        ("all:set=-", "no number"),
        ("all:permute=1.5", "no seed; expected a whole one"),
        ("all[x]:set=1", "names no channels"),
        ("all[top]:set=1", "names no channels"),
        ("all[top 0]:set=1", "names no channels"),
        ("all[<<1]:set=1", "names no channels"),
        ("all[1-]:set=1", "names no channels"),
        ("x" * 500 + ":set=1", "is no edit"),
        ("all\n:set=1\n2", "is no edit"),
    ],
)
def test_what_is_no_edit_is_refused(text: str, said: str) -> None:
    with pytest.raises(EditError, match=said) as refused:
        parse(text)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("channels", ["3-99999999999999", "5,5,5", "0-3,2-4"])
def test_numbers_end_where_the_channels_do(channels: str) -> None:
    numbers = Edit("all", channels, "set", "0").numbers(8)
    assert set(numbers) == {"3-99999999999999": {3, 4, 5, 6, 7}, "5,5,5": {5}, "0-3,2-4": {0, 1, 2, 3, 4}}[channels]


def test_an_edit_covers_what_it_names_and_fits() -> None:
    cases = {"all:set=1": (1, 1), "stage 3:set=1": (1, 0), "SK_4_2:mean": (0, 1), "all:even": (0, 1), "all:only=5x5": (0, 1)}
    for text, (channel, branch) in cases.items():
        assert (covers(parse(text), CHANNEL), covers(parse(text), BRANCH)) == (bool(channel), bool(branch)), text
    assert not covers(parse("all:only=7x7"), BRANCH)


def test_effects_close_no_block_but_open_each_or_leave_one_branch() -> None:
    assert list(map(str, effects_of([CHANNEL, BRANCH]))) == ["SE_3_1:set=1", "SK_4_2:only=3x3", "SK_4_2:only=5x5"]


def test_what_ifs_with_equal_edits_are_equal() -> None:
    """So that the engine answers two visitors' equal questions once."""
    assert WhatIf((parse("all:mean"),)) == WhatIf((parse("all:mean"),), {}) != NOTHING
    assert len({WhatIf((parse("all:mean"),)), WhatIf((parse("all:mean"),))}) == 1


@pytest.mark.parametrize("text", READ)
def test_a_chip_says_where_and_what(text: str) -> None:
    edit = READ[text]
    assert edit.said.startswith(edit.where) and (edit.channels in edit.said) and (edit.value in edit.said)
