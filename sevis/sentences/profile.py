"""What the papers' figures say of a run: where classes part, how far pictures of one class differ, what an object's size changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sevis.analysis.profile import BANDS, ClassProfile
from sevis.analysis.profile_separation import Separation
from sevis.analysis.zoom import GateSweep, Sweep
from sevis.words import amount, counted, decimal, listed, signed

__all__ = [
    "class_profile_sentence",
    "class_spread_sentence",
    "scale_sweep_channels_sentence",
    "scale_sweep_classes_sentence",
    "scale_sweep_sentence",
    "scale_sweep_slopes_sentence",
    "separation_sentence",
]

SURE = 1.96  # standard errors from 0: further by chance once in twenty
EARLY = (2, 3)  # the stages where the large kernel gained in Li et al. 2019, section 4.4


def class_profile_sentence(profiles: Sequence[ClassProfile]) -> str:
    """In which block the classes lie furthest from the mean over all pictures, and in which closest."""
    most, least = (pick(profiles, key=lambda each: each.apart) for pick in (max, min))
    said = f"{most.site.name} keeps {listed(most.classes)} furthest from the mean over all pictures, by {amount(most.apart)} a channel"
    return f"{said}; {least.site.name} keeps them closest, by {amount(least.apart)}." if len(profiles) > 1 else f"{said}."


def class_spread_sentence(profiles: Sequence[ClassProfile]) -> str:
    """In which block pictures of one class differ most, and in which least."""
    parts = [_within(profiles, place, name) for place, name in enumerate(profiles[0].classes[:BANDS])]
    return f"The number of a channel varies {'; '.join(parts)}."


def _within(profiles: Sequence[ClassProfile], place: int, name: str) -> str:
    most, least = (pick(profiles, key=lambda each: each.within[place]) for pick in (max, min))
    said = f"between pictures of {name} by {amount(most.within[place])} in {most.site.name}"
    return f"{said} and by {amount(least.within[place])} in {least.site.name}" if len(profiles) > 1 else said


def separation_sentence(separations: Sequence[Separation]) -> str:
    """Which block tells the classes apart best, which worst, and how many do so better than chance."""
    known = {each.site.name: each.share for each in separations if each.share is not None}
    most, least = max(known, key=lambda name: known[name]), min(known, key=lambda name: known[name])
    above = sum(each.is_above_chance for each in separations)
    other = f" and of {least} {_percent(known[least])}" if len(known) > 1 else ""
    chance = f"{counted(above, 'block', len(separations))} {'is' if above == 1 else 'are'} above chance"
    return f"Of the variance in {most} {_percent(known[most])} lies between classes{other}; {chance} ({_percent(separations[0].null)})."


def _percent(share: float) -> str:
    return f"{decimal(100 * share, 1)}%"


def scale_sweep_sentence(sweep: Sweep) -> str:
    """In which block the largest zoom changes the large kernel's share most, and what the blur alone does there."""
    last = len(sweep.zooms) - 1
    changes = [_change(gate, last) for gate in sweep.gates]
    most = int(np.abs(changes).argmax())
    gate = sweep.gates[most]
    blur = gate.difference[-1].mean - gate.difference[0].mean
    return (
        f"At zoom {sweep.zooms[-1]:g} {_kernels(gate)} changes most in {gate.site.name}, by {signed(changes[most])};"
        f" the blur alone changes it by {signed(blur)} there."
    )


def _kernels(gate: GateSweep) -> str:
    return f"the share of {gate.site.branches[-1]} less that of {gate.site.branches[0]}"


def _change(gate: GateSweep, view: int) -> float:
    return gate.difference[view].mean - gate.difference[0].mean


def scale_sweep_slopes_sentence(sweep: Sweep) -> str:
    """In how many early and late blocks the large kernel gains with the object's size, beyond what the blur alone does."""
    early = [gate for gate in sweep.gates if gate.site.stage in EARLY]
    late = [gate for gate in sweep.gates if gate.site.stage not in EARLY]
    parts = [_gains(gates, words) for gates, words in ((early, "stages 2 and 3"), (late, "the later stages")) if gates]
    return f"Beyond what the blur does, {sweep.gates[0].site.branches[-1]} gains with the object's size in {' and in '.join(parts)}."


def _gains(gates: Sequence[GateSweep], where: str) -> str:
    sizes = [gate.slope["size"] for gate in gates]
    gain = sum(size.mean > SURE * size.error for size in sizes)
    lose = sum(size.mean < -SURE * size.error for size in sizes)
    return f"{counted(gain, 'block', len(gates))} of {where}" + (f" (it loses in {lose})" if lose else "")


def scale_sweep_channels_sentence(sweep: Sweep) -> str:
    """In which block most channels lean to the large kernel as the object grows, and in which fewest."""
    last = len(sweep.zooms) - 1
    lean = {gate.site.name: float((gate.channels.mean[last] > gate.channels.mean[0]).mean()) for gate in sweep.gates}
    most, least = max(lean, key=lambda name: lean[name]), min(lean, key=lambda name: lean[name])
    other = f", and {lean[least]:.0%} of those of {least}" if len(lean) > 1 else ""
    gate = sweep.gates[0]
    return (
        f"From zoom 1 to {sweep.zooms[last]:g}, {lean[most]:.0%} of the channels of {most} lean further to {gate.site.branches[-1]}{other}."
    )


def scale_sweep_classes_sentence(sweep: Sweep) -> str:
    """In which block most classes lean to the large kernel at the first zoom, and in which fewest (Li et al. 2019, figure 4)."""
    seen = list(sweep.seen)
    rise = {gate.site.name: int((gate.classes.mean[seen, 1] > gate.classes.mean[seen, 0]).sum()) for gate in sweep.gates}
    most, least = max(rise, key=lambda name: rise[name]), min(rise, key=lambda name: rise[name])
    classes = f"{len(seen)} {'class' if len(seen) == 1 else 'classes'}"
    other = f", in {least} in {rise[least]}" if len(rise) > 1 else ""
    large = sweep.gates[0].site.branches[-1]
    return f"From zoom 1 to {sweep.zooms[1]:g}, {large} gains in {rise[most]} of {classes} in {most}{other}."
