"""The logs of trainings: those that ship with the networks, and the one that a visitor brings. Nothing here draws."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from sevis.analysis.courses import known_metrics
from sevis.analysis.looks import Look, read_looks
from sevis.places import PRETRAINED
from sevis.words import counted

__all__ = ["LARGEST", "LogError", "brought", "note_of", "shipped"]

LARGEST = 20  # MB
MOST = 2000  # looks; a training of 300 epochs has 300


class LogError(ValueError):
    """Why a file is no log that can be shown: one sentence."""


def shipped(networks: Iterable[str]) -> dict[str, Path]:
    """The log of every network that ships with one, by the network's name."""
    found = {name: PRETRAINED / f"{name}.training.jsonl" for name in networks}
    return {name: path for name, path in found.items() if path.is_file()}


def note_of(log: Path) -> str:
    """What the network's card says of a log that ships, in a sentence; "" where it says nothing."""
    card = log.with_name(log.name.replace(".training.jsonl", ".json"))
    told = json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {}
    return str(told.get("training", {}).get("note", ""))


def brought(data: bytes) -> tuple[Look, ...]:
    """The looks of a visitor's file.

    Raises:
        LogError: it is no log, or too long a one.
    """
    lines = data.splitlines()
    if len(lines) > MOST:
        raise LogError(f"The file has {len(lines):,} lines, and {MOST:,} can be shown; keep every tenth, say, or monitor less often.")
    try:
        looks = read_looks(line.decode() for line in lines)
    except UnicodeDecodeError as error:
        raise LogError("The file is no text; expected JSON Lines as sevis.GateMonitor writes them.") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise LogError(f"The file is no log of sevis.GateMonitor: {error}.") from error
    if not known_metrics(looks):
        raise LogError(f"The file has {counted(len(looks), 'look')} and no number of a gate in it; expected a log of sevis.GateMonitor.")
    return looks
