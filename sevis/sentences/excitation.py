"""What a block's excitation says of one picture: which gates one squeeze moves, and what a narrower bottleneck loses."""

from __future__ import annotations

import numpy as np

from sevis.analysis.excitation import changed, narrowing
from sevis.analysis.rank import descending
from sevis.excitation import Answer, Excitation
from sevis.records import GateRecord
from sevis.words import amount, counted, decimal, listed, span, start

__all__ = ["excitation_narrowed_sentence", "excitation_network_sentence"]

MOVED = 0.01  # less is not seen
NAMED = 3  # gates


def excitation_network_sentence(excitation: Excitation, record: GateRecord, channel: int, value: float | None = None) -> str:
    """Which gates moved most when one channel's squeeze was set to a value; without a value, what the bottleneck makes of the picture."""
    squeeze = record.squeeze[0].astype(float)
    own = excitation.answer(squeeze)
    if value is None or np.isclose(value, squeeze[channel], rtol=1e-6, atol=0):
        return _at_rest(record, own)
    now = excitation.answer(changed(squeeze, channel, value))
    said = f"With the squeeze of channel {channel} at {decimal(value)} instead of {decimal(float(squeeze[channel]))}"
    return f"{said} {_moved(own, now)}{_woken(own, now)}."


def _at_rest(record: GateRecord, own: Answer) -> str:
    units, channels = len(own.hidden), record.site.channels
    fire = f"{counted(int((own.hidden > 0).sum()), 'unit', units)} of the bottleneck"
    return f"On this picture {fire} in {record.site.name} {_are(own.hidden)} above 0, and its {channels} gates are {span(own.weights)}."


def _are(hidden: np.ndarray) -> str:
    return "is" if len(hidden) == 1 or int((hidden > 0).sum()) == 1 else "are"


def _moved(own: Answer, now: Answer) -> str:
    """The gates that moved most, and how many moved at all."""
    distance = np.abs(now.weights - own.weights)
    several = int((distance >= MOVED).sum())
    if not several:
        return f"no gate moves by {MOVED} or more: the largest change is {amount(float(distance.max()))}"
    first = descending(distance)[: min(NAMED, several)].tolist()
    courses = [f"channel {gate} ({decimal(float(own.weights[gate]))} to {decimal(float(now.weights[gate]))})" for gate in first]
    verb = "moves" if several == 1 else "move"
    most = f"the gate of {courses[0]} moves" if len(first) == 1 else f"the gates of {listed(courses)} move most"
    return f"{most}; {counted(several, 'gate', len(distance))} {verb} by {MOVED} or more"


def _woken(own: Answer, now: Answer) -> str:
    """The units that began to fire or fell silent."""
    woken, silenced = (np.flatnonzero((one.hidden != 0) & (other.hidden == 0)) for one, other in ((now, own), (own, now)))
    verbs = ((woken, ("begins to fire", "begin to fire")), (silenced, ("falls silent", "fall silent")))
    parts = [f"{_units(which)} {verb[len(which) > 1]}" for which, verb in verbs if len(which)]
    return f", and {listed(parts)}" if parts else ""


def _units(which: np.ndarray) -> str:
    return f"unit{'s' * (len(which) > 1)} {listed([str(unit) for unit in which.tolist()])}"


def excitation_narrowed_sentence(excitation: Excitation, record: GateRecord, kept: int) -> str:
    """How far the gates move when only so many units are kept, on average and at most."""
    narrowed = narrowing(excitation, record.squeeze[0])
    units, distance = len(narrowed.order), np.abs(narrowed.weights[kept] - narrowed.weights[-1])
    if kept == units:
        return f"{start(counted(units, 'unit'))} of {record.site.name}, all that there are: nothing is lost."
    which = "no unit" if not kept else f"the {counted(kept, 'unit')} that matter{'s' * (kept == 1)} most"
    if distance.max() < MOVED:
        return f"With {which} of {units}, no gate of {record.site.name} moves by {MOVED} or more."
    moves = f"a gate of {record.site.name} moves by {amount(float(narrowed.moved[kept]))} on average"
    worst = int(descending(distance)[0])
    course = f"{decimal(float(narrowed.weights[-1, worst]))} to {decimal(float(narrowed.weights[kept, worst]))}"
    return f"With {which} of {units}, {moves}; that of channel {worst} moves most, from {course}."
