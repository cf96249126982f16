"""What became of the gates over a training, in words: which went beyond a threshold, when, and which are well at the end."""

from __future__ import annotations

from collections.abc import Sequence

from sevis.analysis.courses import Course, courses, stayed_since
from sevis.analysis.limits import LIMITS, Limit
from sevis.analysis.looks import Look
from sevis.analysis.metrics import METRICS
from sevis.analysis.thresholds import load_thresholds
from sevis.words import amount, counted, listed

__all__ = ["gates_over_epochs_sentence", "gates_played_sentence"]

NAMED = 6  # gates


def gates_over_epochs_sentence(looks: Sequence[Look], metric: str) -> str:
    """Which gates are on which side of the metric's thresholds at the end, and since which step."""
    found, limits = courses(looks, metric), load_thresholds()
    said = [part for limit in LIMITS.get(metric, ()) for part in _beyond(found, limit, limits[limit.name])]
    return f"{_end(found, metric)}{''.join(f'; {part}' for part in said)}."


def _end(found: Sequence[Course], metric: str) -> str:
    """Where the gates are after the last step."""
    step = max(each.steps[-1] for each in found)
    low, high = (pick(found, key=lambda each: each.values[-1]) for pick in (min, max))
    name = METRICS[metric].name
    if len(found) == 1:
        return f"After step {step:,} the {name} of {low.gate} is {amount(low.values[-1])}"
    return f"After step {step:,} the {name} goes from {amount(low.values[-1])} in {low.gate} to {amount(high.values[-1])} in {high.gate}"


def _beyond(found: Sequence[Course], limit: Limit, threshold: float) -> list[str]:
    """The gates that are beyond a limit at the end; of what is wrong, since when."""
    there = {each.gate: step for each in found if (step := stayed_since(each, limit, threshold)) is not None}
    mark = f"{amount(threshold)} or more" if limit.side == "above" else f"below {amount(threshold)}"
    if not limit.wrong:
        named = f", {_named(list(there))}" if there else ""
        return [f"{counted(len(there), 'gate', len(found))} {'is' if len(there) == 1 else 'are'} {limit.meaning} ({mark}){named}"]
    always = [each.gate for each in found if there.get(each.gate) == each.steps[0]]
    came = [gate for gate in there if gate not in always]
    moved = f"{'rose to' if limit.side == 'above' else 'fell below'} {amount(threshold)}"
    said = [f"{gate} {moved} by step {there[gate]:,} and stayed there ({limit.meaning})" for gate in came[:NAMED]]
    more = [f"so did {len(came) - NAMED} more"] if len(came) > NAMED else []
    first = [f"{_named(always)} {'was' if len(always) == 1 else 'were'} {limit.meaning} ({mark}) at every look"] if always else []
    return [*said, *more, *first]


def _named(gates: Sequence[str]) -> str:
    return listed([*gates[:NAMED], f"{len(gates) - NAMED} more"] if len(gates) > NAMED else list(gates))


def gates_played_sentence(looks: Sequence[Look], metric: str) -> str:
    """How far the metric moved from the first look to the last, and in which gate most."""
    found = courses(looks, metric)
    most = max(found, key=lambda each: abs(each.values[-1] - each.values[0]))
    count = len({step for each in found for step in each.steps})
    moved = f"from {amount(most.values[0])} to {amount(most.values[-1])}"
    return f"Over {counted(count, 'look')} the {METRICS[metric].name} changes most in {most.gate}, {moved}."
