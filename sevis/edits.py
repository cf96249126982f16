"""What-if: a change of gates in words, as in "SE_3_1[<0.2]:set=0": where, which channels, and what becomes of their weights.

    all:set=1                  every weight 1: no recalibration
    stage 3:factor=0.5         half of every weight in a stage
    SE_3_1[3,17]:set=0         two channels closed
    SE_3_1[top 10]:set=0       the ten largest weights of this picture
    SE_3_1[<0.2]:set=1         all below 0.2
    all:mean                   the average over the pictures that the network was measured on
    SE_3_1:picture=coffee      the weights that another picture got
    SE_3_1:permute=7           dealt out anew among the channels; 7 seeds the chance
    SK_3_2:only=5x5            one branch alone
    SK_3_2:even                all branches alike

Of a branch selection, set and factor mean the share of the last branch, as in SKNet's figures; the others keep their proportion.
Edits of the same gate are applied one after another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sevis.records import GateSite

__all__ = ["NOTHING", "OPERATIONS", "Edit", "EditError", "Operation", "WhatIf", "covers", "effects_of", "parse"]

FORM = re.compile(r"^(?P<where>[^\[\]:]+?)(?:\[(?P<channels>[^\]]*)\])?:(?P<what>[a-z]+)(?:=(?P<value>.+))?$")
NUMBERS = re.compile(r"^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$")
RULE = re.compile(r"^(?:(?:top|bottom) [1-9]\d*|[<>]-?\d*\.?\d+)$")
WHOLE = re.compile(r"^\d{1,9}$")
NUMBER = re.compile(r"^-?(?:\d{1,6}\.?\d{0,9}|\.\d{1,9})$")
LARGEST = 100.0  # of a value or factor
LONGEST = 200  # letters of an edit


class EditError(ValueError):
    """An edit that cannot be read, or that this network does not have; the sentence says why and what there is."""


@dataclass(frozen=True)
class Operation:
    """What can become of weights.

    Attributes:
        value: what stands after the "=": a number, a seed, a branch, a picture, or nothing.
        kinds: of the gates that it fits.
        title: on a button.
        says: the sentence on a chip, with {value}.
    """

    value: Literal["number", "seed", "branch", "picture", ""]
    kinds: tuple[str, ...]
    title: str
    says: str


BOTH = ("channel", "branch")
OPERATIONS: dict[str, Operation] = {
    "set": Operation("number", BOTH, "to a value", "set to {value}"),
    "factor": Operation("number", BOTH, "times a factor", "times {value}"),
    "mean": Operation("", BOTH, "to their average over pictures", "set to the average"),
    "picture": Operation("picture", BOTH, "to those of another picture", "taken from {value}"),
    "permute": Operation("seed", BOTH, "dealt out anew among the channels", "permuted ({value})"),
    "only": Operation("branch", ("branch",), "one branch alone", "{value} only"),
    "even": Operation("", ("branch",), "all branches alike", "all branches alike"),
}


@dataclass(frozen=True)
class Edit:
    """One change of gates.

    Attributes:
        where: "all", "stage N", or the name of a site.
        channels: "" for all; numbers and ranges ("3,17-20"), or a rule on the weights as they are then ("top 10", "bottom 10",
            "<0.2", ">0.8").
        what: of OPERATIONS.
        value: what the operation asks for; "" where it asks for nothing.
    """

    where: str
    channels: str
    what: str
    value: str = ""

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.where}{f'[{self.channels}]' * bool(self.channels)}:{self.what}{f'={self.value}' * bool(self.value)}"

    @property
    def said(self) -> str:
        """For a reader, as in "SE_3_1, channels < 0.2: set to 0"."""
        which = f", channels {self.channels}" if self.channels else ""
        return f"{self.where}{which}: {OPERATIONS[self.what].says.format(value=self.value)}"

    @property
    def number(self) -> float:
        """The value of an operation that asks for a number or a seed."""
        return float(self.value)

    def numbers(self, channels: int) -> tuple[int, ...]:
        """The channels that are named by number, of so many that there are; empty where they are named by a rule."""
        ends = [part.partition("-") for part in self.channels.split(",")] if NUMBERS.match(self.channels) else []
        named = [number for first, _, last in ends for number in range(int(first), min(int(last or first), channels) + 1)]
        return tuple(number for number in named if number < channels)


def parse(text: str) -> Edit:
    """The edit that a text means.

    Raises:
        EditError: it is none; the sentence says what is expected.
    """
    found = FORM.match(text.strip()) if len(text) <= LONGEST else None
    if found is None:
        raise EditError(f"{text[:LONGEST]!r} is no edit; expected something like 'SE_3_1:set=1', 'stage 3[<0.2]:set=0' or 'all:mean'")
    edit = Edit(found["where"].strip(), (found["channels"] or "").strip(), found["what"], (found["value"] or "").strip())
    if edit.what not in OPERATIONS:
        raise EditError(f"{edit.what!r} is nothing that can become of weights; choose from {', '.join(OPERATIONS)}")
    if edit.channels and not (NUMBERS.match(edit.channels) or RULE.match(edit.channels)):
        raise EditError(f"{edit.channels!r} names no channels; expected numbers like '3,17-20', or 'top 10', 'bottom 10', '<0.2', '>0.8'")
    _check_value(edit)
    return edit


def _check_value(edit: Edit) -> None:
    """Raise EditError unless the value is of the sort that the operation asks for."""
    asked = OPERATIONS[edit.what].value
    if bool(asked) != bool(edit.value):
        raise EditError(f"{str(edit)!r}: {edit.what} needs " + (f"a {asked} after '='" if asked else "no value"))
    fits, expected = {
        "seed": (WHOLE.match(edit.value), "a whole one"),
        "number": (NUMBER.match(edit.value) and abs(float(edit.value)) <= LARGEST, f"one from -{LARGEST:g} to {LARGEST:g}"),
    }.get(asked, (True, ""))
    if not fits:
        raise EditError(f"{edit.value!r} is no {asked}; expected {expected}")


def covers(edit: Edit, site: GateSite) -> bool:
    """Whether an edit changes a site's weights."""
    here = edit.where in ("all", site.name, f"stage {site.stage}")
    return here and site.kind in OPERATIONS[edit.what].kinds and (edit.what != "only" or edit.value in site.branches)


@dataclass(frozen=True)
class WhatIf:
    """What is changed for one picture.

    Attributes:
        edits: one after another.
        pictures: the weights that other pictures got, by the name that the edits call them: one (M, C) a gate. A name stands
            for one picture: two questions with equal edits are one question.
    """

    edits: tuple[Edit, ...] = ()
    pictures: Mapping[str, tuple[np.ndarray, ...]] = field(default_factory=dict, compare=False)

    def check(self, sites: Sequence[GateSite], *, averages: bool) -> None:
        """Raise EditError unless every edit means something in a network with those sites; averages: whether they are known."""
        for edit in self.edits:
            covered = [site for site in sites if covers(edit, site)]
            if not covered:
                raise EditError(f"{edit} changes nothing in this network: " + _why_not(edit, sites))
            if edit.what == "mean" and not averages:
                raise EditError(f"{edit}: the average over pictures is not known for this network")
            if edit.what == "picture":
                self._check_picture(edit, sites)
            if NUMBERS.match(edit.channels) and not any(edit.numbers(site.channels) for site in covered):
                raise EditError(f"{edit}: there is no such channel; {covered[0].name} has 0 to {covered[0].channels - 1}")

    def _check_picture(self, edit: Edit, sites: Sequence[GateSite]) -> None:
        """Raise EditError unless the weights of the other picture are at hand, and are of such gates."""
        known = self.pictures.get(edit.value)
        if known is None:
            raise EditError(f"{edit}: the weights of {edit.value!r} are not at hand; known are {', '.join(self.pictures) or 'none'}")
        shapes, expected = [each.shape for each in known], [(len(site.branches), site.channels) for site in sites]
        if shapes != expected:
            raise EditError(f"{edit}: the weights of {edit.value!r} are those of another network; inspect it with this one")


NOTHING = WhatIf()


def effects_of(sites: Sequence[GateSite]) -> tuple[Edit, ...]:
    """What shows which gate matters: the weights of one block at 1, or one branch of a selection alone, for each in turn."""
    return tuple(
        edit
        for site in sites
        for edit in (
            [Edit(site.name, "", "set", "1")] if site.kind == "channel" else [Edit(site.name, "", "only", name) for name in site.branches]
        )
    )


def _why_not(edit: Edit, sites: Sequence[GateSite]) -> str:
    """What there is instead."""
    if not sites:
        return "it has no gates"
    named = [site for site in sites if edit.where in ("all", site.name, f"stage {site.stage}")]
    if not named:
        stages = dict.fromkeys(f"stage {site.stage}" for site in sites)
        return f"it has no {edit.where!r}, but all, {', '.join(stages)}, and {sites[0].name} to {sites[-1].name}"
    branches = dict.fromkeys(name for site in named if site.kind == "branch" for name in site.branches)
    return f"choose one of its branches, {', '.join(branches)}" if branches else "its gates weigh channels, not branches"
