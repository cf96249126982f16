"""Numbers as words and words that follow numbers: what figures and sentences share. No record, no plotly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["adds", "amount", "counted", "decimal", "listed", "ordinal", "percent", "side", "signed", "span", "start"]

MINUS = "−"
TINY = 1e-6  # less than that is nothing


def decimal(value: float, digits: int = 2) -> str:
    """A number with so many digits after the point, a real minus sign, and never a minus nought."""
    text = f"{value:.{digits}f}"
    return text.replace("-", MINUS) if text.strip("-0.") else text.lstrip("-")


def amount(value: float) -> str:
    """A number with two significant digits and no exponent, as in "0.012", "1.8" or "120"; in words where it is none or has no end."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{MINUS if value < 0 else ''}infinity"
    if abs(value) < TINY:
        return "0"
    digits = 1 - int(f"{value:.1e}".split("e")[1])  # 0.996 has the exponent of 1.0
    return decimal(round(value, digits), max(digits, 0))


def signed(value: float) -> str:
    """A number with its sign and two significant digits."""
    return f"+{amount(value)}" if value > 0 else amount(value)


def counted(number: int, noun: str, of: int | None = None) -> str:
    """So many things, as in "1 channel", "4 channels", "none of 64 channels" or "1 of 64 channels"."""
    plural = noun if (number if of is None else of) == 1 else f"{noun}s"
    if of is None:
        return f"{number or 'no'} {plural}"
    return f"{number or 'none'} of {of} {plural}"


def ordinal(number: int) -> str:
    """A place, as in "1st", "12th" or "23rd"."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def listed(parts: Sequence[str]) -> str:
    """The parts in a row, as in "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def start(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


def adds(value: float, target: str, add: str = "adds", take: str = "takes") -> str:
    """What an influence did to the score of a class; the verbs are given for more than one channel."""
    if value < 0:
        return f"{take} about {amount(-value)} from the score of {target}"
    return f"{add} {f'about {amount(value)}' if value else 'nothing'} to the score of {target}"


def span(values: np.ndarray, written: Callable[[float], str] = decimal) -> str:
    """The extent of the values, or their one value where both ends read the same."""
    low, high = written(float(values.min())), written(float(values.max()))
    return low if low == high else f"{low} to {high}"


def percent(value: float) -> str:
    """A share as a whole percentage."""
    return f"{value:.0%}"


def side(spreads: float) -> str:
    """How far above or below the average, as in "2.4 spreads above"."""
    return f"{abs(spreads):.1f} spreads {'below' if spreads < 0 else 'above'}"
