"""Which of a network's classes a data set's labels are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["matched"]


def matched(labels: Sequence[str], classes: Sequence[str], *, numbered: bool = False) -> tuple[int, ...]:
    """The network's class for each label: by its number, by its name, or by its name but for case, "_" and "-"; else -1.

    Of a name of many words, as ImageNet's "tench, Tinca tinca", the first is enough. What fits two classes fits none.
    """
    if numbered:
        return tuple(int(label) if int(label) < len(classes) else -1 for label in labels)
    exact = _unambiguous(classes)
    plain = _unambiguous([_plain(name.split(",")[0]) for name in classes]) | _unambiguous([_plain(name) for name in classes])
    return tuple(exact.get(label, plain.get(_plain(label), -1)) for label in labels)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _unambiguous(names: Sequence[str]) -> dict[str, int]:
    counts = Counter(names)
    return {name: n for n, name in enumerate(names) if counts[name] == 1}
