"""The logs of trainings: those that ship with the networks, and the one that a visitor brings. Nothing here draws."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from sevis.analysis.courses import known_metrics
from sevis.analysis.looks import Look, read_looks
from sevis.places import PRETRAINED
from sevis.words import counted

__all__ = ["LARGEST", "LogError", "brought", "note_of", "shipped"]

LARGEST = 20  # MB
MOST = 2000  # looks; a training of 300 epochs has 300
GATES = 1000  # of all looks together; a network of a thousand layers has about as many
PLACES = 100_000  # looks times gates, drawn in some seconds
NAME = 200  # characters of a gate's name
STEPS = 2**53  # on either side of 0: what JSON and a browser count exactly


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
        LogError: it is no log, too long a one, or one with names or steps that cannot be drawn.
    """
    if len(data) > LARGEST << 20:  # the browser keeps to it, and others need not
        raise LogError(f"The file has {len(data) / 2**20:,.0f} MB, and {LARGEST} MB are read; keep every tenth line, say.")
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
    if reason := _undrawn(looks):
        raise LogError(reason)
    return looks


def _undrawn(looks: Sequence[Look]) -> str:
    """Why looks that are sound as such cannot be drawn, in a sentence that repeats none of their names; "" where they can."""
    gates = {gate for look in looks for gate in look.gates}
    if len(gates) > GATES:
        return f"The log has {len(gates):,} gates, and {GATES:,} can be shown; monitor a part of the network."
    if len(looks) * len(gates) > PLACES:
        return f"The log has {len(looks):,} looks at {len(gates):,} gates, and {PLACES:,} numbers can be shown; keep every tenth line, say."
    if any(len(gate) > NAME or not _is_text(gate) for gate in gates):
        return f"A gate's name in the log has more than {NAME} characters or is no proper Unicode; give it another name."
    if any(abs(look.step) > STEPS for look in looks):
        return "A step in the log is beyond 2 to the 53rd, as in no training; count the steps from 0."
    return ""


def _is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8: JSON may have halves of characters in it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
