"""What all visitors share may be changed by none of them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

__all__ = ["frozen"]


Held = TypeVar("Held")


def frozen(held: Held) -> Held:
    """The same record, after every array in it was made read-only: who writes into one gets a ValueError."""
    for array in _arrays(held):
        array.flags.writeable = False
    return held


def _arrays(held: Any) -> list[np.ndarray]:
    if isinstance(held, np.ndarray):
        return [held]
    if is_dataclass(held):
        return [array for each in fields(held) for array in _arrays(getattr(held, each.name))]
    return [array for each in held for array in _arrays(each)] if isinstance(held, tuple) else []
