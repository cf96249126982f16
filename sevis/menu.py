"""The networks of the menu and what is known of each before it is loaded; neither torch nor a network connection is needed.

The numbers are measured by `sevis.sizes` and ship in assets/networks.json.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sevis.nets.caches import hub_cached, url_cached
from sevis.places import ASSETS

__all__ = ["Entry", "is_here", "menu", "write_menu"]

FACTS = ASSETS / "networks.json"


@dataclass(frozen=True)
class Entry:
    """One network of the menu.

    Attributes:
        name: for `sevis.load`.
        gate: what its gates are called.
        gates: how many were found.
        parameters: how many weights it has.
        macs: multiply-adds for one picture of side x side pixels.
        side: of the square that it sees, in pixels.
        classes: how many it tells apart.
        licence: of the weights, as their publisher states it; "" where none is stated.
        repository: of the Hugging Face hub that has the weights; "" where another place has them.
        url: of the weights; "" where a repository has them, or where they ship.
    """

    name: str
    gate: str
    gates: int
    parameters: int
    macs: int
    side: int
    classes: int
    licence: str
    repository: str
    url: str


def menu(facts: Path = FACTS) -> tuple[Entry, ...]:
    """All of them, in display order."""
    return tuple(Entry(**entry) for entry in json.loads(facts.read_text(encoding="utf-8")))


def write_menu(entries: tuple[Entry, ...], facts: Path = FACTS) -> None:
    """Put down what was measured."""
    lines = ",\n".join(f" {json.dumps(asdict(entry), ensure_ascii=False)}" for entry in entries)
    facts.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def is_here(entry: Entry) -> bool:
    """Whether the weights are on this machine, so that loading asks no network."""
    if entry.repository:
        try:
            return hub_cached(entry.repository, "model.safetensors") is not None
        except ImportError:  # without the hub's client nothing was fetched
            return False
    return not entry.url or url_cached(entry.url) is not None
