"""What an edit of the gates did to one picture, and which block matters, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sevis.analysis.compare import Comparison
from sevis.analysis.mass import NINTHS, ninths
from sevis.edits import covers, parse
from sevis.records import Cam, Inspection, Outcome, Prediction
from sevis.words import counted, decimal, listed, signed

__all__ = ["cam_difference_sentence", "changes", "effects_sentence"]

STILL = 0.005  # a smaller change of a probability or weight is none


def changes(comparison: Comparison) -> tuple[str, ...]:
    """Two or three sentences on what the edits did: to the class, to what comes first, and to the gates behind."""
    before, after = comparison.sides
    return (_class(before, after), _first(before, after), *_behind(comparison))


def _class(before: Inspection, after: Inspection) -> str:
    was, now = before.target.probability, after.target.probability
    label, score = before.target.label, after.score - before.score
    if abs(now - was) < STILL and abs(score) < STILL:
        return f"{label} stays at {was:.0%}."
    verb = "rises" if now > was else "falls"
    if abs(now - was) < STILL:
        return f"{label} stays at {was:.0%}; its score changes by {signed(score)}."
    return f"{label} {verb} from {was:.0%} to {now:.0%}; its score changes by {signed(score)}."


def _first(before: Inspection, after: Inspection) -> str:
    if before.target.box is not None:
        return f"The network finds {counted(len(after.predictions), 'thing')} in place of {len(before.predictions)}."
    was, now = before.predictions[0], after.predictions[0]
    if was.label == now.label:
        return f"{now.label} still comes first."
    return f"{_named(now)} comes first now, in place of {_named(was)}."


def _named(prediction: Prediction) -> str:
    return f"{prediction.label} ({prediction.probability:.0%})"


def _behind(comparison: Comparison) -> tuple[str, ...]:
    """The block behind the edits whose weights changed most of itself, because another map came in."""
    after = comparison.sides[1]
    edits = [parse(text) for text in after.edits]
    edited = {place for edit in edits for place, site in enumerate(after.sites) if covers(edit, site)}
    moved = [(pair.distance or 0.0, place) for place, pair in enumerate(comparison.pairs) if place not in edited]
    if not moved:
        return ()
    most, place = max(moved)
    if most < STILL:
        return ("No other block's weights change by more than 0.005 a channel.",)
    return (f"Of the other blocks {comparison.blocks[place]} answers most: its weights change by {decimal(most)} a channel on average.",)


def effects_sentence(outcomes: Sequence[Outcome]) -> str:
    """Which block the class leans on most, which one holds it back, and how many decide what comes first."""
    before, *after = outcomes
    scores = np.array([each.score - before.score for each in after])
    low, high = after[int(scores.argmin())], after[int(scores.argmax())]
    label, said = before.target.label, []
    if scores.min() < 0:
        said.append(f"{_done(low)} takes the most from {label}: {before.target.probability:.0%} to {low.target.probability:.0%}")
    if scores.max() > 0:
        said.append(f"{_done(high)} adds the most: {before.target.probability:.0%} to {high.target.probability:.0%}")
    if not said:
        return f"No block makes a difference for {label}."
    turned = [_done(each) for each in after if each.predictions and each.predictions[0].label != before.predictions[0].label]
    ending = f"; another class comes first with {listed(turned[:4])}{' and others' * (len(turned) > 4)}" if turned else ""
    return "; ".join(said) + ending + "."


def _done(outcome: Outcome) -> str:
    edit = parse(outcome.edits[0])
    return f"{edit.where} at 1" if edit.what == "set" else f"{edit.value} alone in {edit.where}"


def cam_difference_sentence(before: Cam, after: Cam) -> str:
    """In which ninth of the picture the map gained most, and in which it lost most."""
    change = after.values[0] * after.peak[0] - before.values[0] * before.peak[0]
    if np.abs(change).max() < STILL:
        return f"{after.name}: the map did not change."
    said = [
        f"{verb} most in the {NINTHS[int(ninths(part).argmax())]} ninth of the picture"
        for verb, part in (("gained", change.clip(min=0)), ("lost", (-change).clip(min=0)))
        if part.max() >= STILL
    ]
    return f"{after.name}: the map {' and '.join(said)}."
