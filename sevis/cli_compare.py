"""`sevis compare`: two pictures, two networks, or a picture and its edited self, gate by gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sevis.cli_errors import told
from sevis.cli_options import NETWORK, Arch, AsJson, Device, Edits, Target, found_json, print_json, target_of

if TYPE_CHECKING:
    from rich.table import Table

    from sevis.analysis.compare import Comparison

__all__ = ["compare"]

USUAL = "photos12/se_resnet18"
Side = tuple[str, str, tuple[str, ...]]  # picture, network, edits
NUMBERS = ("distance", "cosine", "rank")
MOST = 3  # classes that are told of a side


@told()
def compare(
    images: Annotated[list[str], typer.Argument(help="Two pictures, or one.")],
    model: Annotated[list[str] | None, typer.Option(help=f"{NETWORK} Twice for two networks.", show_default=USUAL)] = None,
    target: Target = None,
    edit: Edits = None,
    arch: Arch = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Put two pictures side by side on one network, one picture on two networks, or one picture before and after an edit of its gates.

    The same class is explained on both sides, where both networks know it. Distance: mean absolute difference of a channel's weight,
    or of the sorted weights where the architectures differ; rank: Spearman's correlation.

    Example: sevis compare cat.jpg dog.jpg --model photos12/sk_net26
    """
    comparison = _compared(_sides(images, model or [USUAL], edit or []), target, arch, device)
    if as_json:
        print_json(_as_json(comparison))
    else:
        _print(comparison)


def _sides(images: Sequence[str], models: Sequence[str], edits: Sequence[str]) -> tuple[Side, Side]:
    """Both sides; raises ValueError unless exactly one thing differs."""
    sides = [(image, model, ()) for image in images for model in models]
    if edits and len(sides) == 1:
        return sides[0], (*sides[0][:2], tuple(edits))
    if edits or len(sides) != 2:
        raise ValueError(
            "Compare two pictures on one network, one picture on two (--model twice), or one picture with its gates edited (--edit);"
            f" there are {len(images)} pictures, {len(models)} networks and {len(edits)} edits."
        )
    return sides[0], sides[1]


def _compared(sides: tuple[Side, Side], target: str | None, arch: str | None, device: str) -> Comparison:
    """Both sides inspected, with the class of the first explained on the second where that network knows it."""
    from sevis.analysis.compare import compare as beside
    from sevis.loading import load

    (image, model, _), (other_image, other_model, edits) = sides
    # --arch is of the checkpoint files; the other side may be a network that ships
    inspectors = {
        name: load(name, device, arch=arch if model == other_model or Path(name).is_file() else None)
        for name in dict.fromkeys((model, other_model))
    }
    first = inspectors[model].inspect(image, target_of(inspectors[model], target))
    other, label = inspectors[other_model], first.target.label
    second = other.inspect(other_image, label if label in other.classes else None, edits=edits)
    return beside(first, second, _names(sides))


def _names(sides: tuple[Side, Side]) -> tuple[str, str]:
    """What differs between the sides."""
    (image, model, _), (other_image, other_model, edits) = sides
    if edits:
        return "the network", "the edited one"
    if model != other_model:
        return model.rsplit("/")[-1], other_model.rsplit("/")[-1]
    return Path(image).stem, Path(other_image).stem


def _as_json(comparison: Comparison) -> dict[str, Any]:
    from sevis.analysis.rank import weight
    from sevis.sentences import differing

    sides = [{"name": name, **found_json(side)} for name, side in zip(comparison.names, comparison.sides, strict=True)]
    first, second = comparison.sides
    means = [[float(weight(first, pair.first).mean()), float(weight(second, pair.second).mean())] for pair in comparison.pairs]
    pairs = [
        {"blocks": name, "means": mean, **asdict(pair)} for name, mean, pair in zip(comparison.blocks, means, comparison.pairs, strict=True)
    ]
    return {"sides": sides, "one_to_one": comparison.one_to_one, "pairs": pairs, "sentences": differing(comparison)}


def _print(comparison: Comparison) -> None:
    """Both predictions, a row a pair of blocks, and where the sides part."""
    from rich.console import Console

    from sevis.sentences import differing

    console = Console(highlight=False)
    console.print(_found(comparison), "", sep="\n")
    if comparison.pairs:
        console.print(_pairs(comparison), "", sep="\n")
    for sentence in differing(comparison):
        console.print(sentence, markup=False)
    told_already = [f"{name}: {note}" for name, side in zip(comparison.names, comparison.sides, strict=True) for note in side.warnings]
    for note in dict.fromkeys(told_already):
        console.print(note, markup=False)


def _found(comparison: Comparison) -> Table:
    """A row a side: what it is called, its network, and what is found."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    for name, side in zip(comparison.names, comparison.sides, strict=True):
        found = ", ".join(f"{each.label} {each.probability:.0%}" for each in side.predictions[:MOST]) or "nothing"
        table.add_row(Text(name, "bold"), Text(found))
    return table


def _pairs(comparison: Comparison) -> Table:
    from rich.table import Table
    from rich.text import Text

    from sevis.analysis.rank import weight

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("block", overflow="fold")
    for column in (*(f"mean, {name}" for name in comparison.names), *NUMBERS):
        table.add_column(Text(column), justify="right", overflow="fold")
    for name, pair in zip(comparison.blocks, comparison.pairs, strict=True):
        means = [weight(side, depth).mean() for side, depth in zip(comparison.sides, (pair.first, pair.second), strict=True)]
        table.add_row(name, *(_number(value) for value in (*means, *(getattr(pair, number) for number in NUMBERS))))
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
