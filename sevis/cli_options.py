"""What several commands ask for, asked in the same words."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sevis.inspector import Inspector
    from sevis.records import Inspection

__all__ = ["NETWORK", "Arch", "AsJson", "Device", "Edits", "Target", "found_json", "print_json", "target_of"]

NETWORK = "As in `sevis models`, timm/NAME, torchvision/NAME, a checkpoint, net.py:FUNCTION."

Arch = Annotated[str | None, typer.Option(help="The network that a checkpoint file is of.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, with every digit.")]
Device = Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")]
Edits = Annotated[
    list[str] | None, typer.Option("--edit", help="A change of gates, as in 'SE_3_1:set=1'; may be there several times: docs/cli.md.")
]
Target = Annotated[
    str | None, typer.Option(help="The class to explain, by name or number; of a detector the box, from 0; by default the most probable.")
]


def target_of(inspector: Inspector, text: str | None) -> int | str | None:
    """What --target means to a network: the name of a class, or else a number."""
    return text if text is None or text in inspector.classes or not text.isdecimal() else int(text)


def print_json(value: Any) -> None:
    """Write it to the output, indented, with letters as they are."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def found_json(inspection: Inspection) -> dict[str, Any]:
    """What a network found in a picture, and which class or box of it is explained."""
    return {
        "network": inspection.model,
        "edits": inspection.edits,
        "seen": inspection.image.shape[:2],
        "predictions": [asdict(each) for each in inspection.predictions],
        "target": asdict(inspection.target),
        "score": inspection.score,
    }
