"""`sevis inspect`: what a network's gates did with pictures, as tables and sentences or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sevis.cli_errors import FAILED, told
from sevis.cli_options import NETWORK, Arch, AsJson, Device, Edits, Target, found_json, print_json, target_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sevis.inspector import Inspector
    from sevis.records import Inspection

__all__ = ["inspect"]

BAR = 24  # columns of a probability of 1
By = Literal["weight", "influence", "deviation"]
SHOWN: dict[By, str] = {"weight": "the channel's own", "influence": "influence on the score", "deviation": "spreads above the average"}


@told()
def inspect(
    images: Annotated[list[str], typer.Argument(help="Pictures: JPEG, PNG, WebP, BMP, GIF or TIFF.")],
    model: Annotated[str, typer.Option(help=NETWORK)] = "photos12/se_resnet18",
    target: Target = None,
    edit: Edits = None,
    by: Annotated[By, typer.Option(help="What makes a channel one of the strongest.")] = "weight",
    count: Annotated[int, typer.Option(min=1, help="How many of a block's channels are named.")] = 3,
    arch: Arch = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Say what a network sees in pictures, and what every block's gate did: mean weight, how far from the average, strongest channels.

    A picture that cannot be read is told, the others are done, and the exit code is 2.

    Example: sevis inspect cat.jpg --model photos12/sk_net26 --target cat --edit 'SK_3_1:only=5x5'
    """
    from sevis.loading import load

    refused: list[str] = []
    answers = list(_answers(load(model, device, arch=arch), images, target, edit or [], refused))
    if as_json:
        print_json([{"picture": image, **_as_json(each, by, count)} for image, each in answers])
    else:
        _print(answers, by, count)
    for sentence in refused:
        typer.echo(sentence, err=True)
    if refused:
        raise typer.Exit(FAILED)


def _answers(
    inspector: Inspector, images: Sequence[str], target: str | None, edits: Sequence[str], refused: list[str]
) -> Iterator[tuple[str, Inspection]]:
    """Every picture that can be read with its inspection; a sentence on each of the others goes to `refused`."""
    from sevis.edits import parse
    from sevis.pictures import PictureError

    lenders = {each.value for text in edits if (each := parse(text)).what == "picture"}
    others = {name: inspector.inspect(image) for image in images for name in (Path(image).name, Path(image).stem) if name in lenders}
    for image in images:
        try:
            yield image, inspector.inspect(image, target_of(inspector, target), edits=edits, others=others)
        except PictureError as error:
            refused.append(f"{image}: {error}")


def _as_json(inspection: Inspection, by: By, count: int) -> dict[str, Any]:
    from sevis.sentences import standouts

    return {
        **found_json(inspection),
        "device": inspection.device,
        "seconds": inspection.seconds,
        "gates": [_gate(inspection, depth, by, count) for depth in range(len(inspection.gates))],
        "standouts": standouts(inspection),
        "warnings": inspection.warnings,
    }


def _gate(inspection: Inspection, depth: int, by: By, count: int) -> dict[str, Any]:
    """One block in numbers; those against the average picture are None where it is not known."""
    from sevis.analysis.rank import channel_influence, moved, reference, strongest, weight
    from sevis.sentences.numbers import number_of

    site, weights, known = inspection.sites[depth], weight(inspection, depth), reference(inspection, depth)
    return {
        "name": site.name,
        "path": site.path,
        "number": number_of(site),
        "channels": site.channels,
        "mean": float(weights.mean()),
        "least": float(weights.min()),
        "most": float(weights.max()),
        "average": None if known is None else float(known[0].mean()),
        "moved": moved(inspection, depth),
        "influence": float(channel_influence(inspection, depth).sum()),
        "strongest": [_channel(inspection, depth, channel) for channel in strongest(inspection, depth, by, count)],
    }


def _channel(inspection: Inspection, depth: int, channel: int) -> dict[str, Any]:
    from sevis.analysis.rank import channel_influence, deviation, weight

    spreads = deviation(inspection, depth)
    return {
        "channel": channel,
        "weight": float(weight(inspection, depth)[channel]),
        "deviation": None if spreads is None else float(spreads[channel]),
        "influence": float(channel_influence(inspection, depth)[channel]),
    }


def _print(answers: Sequence[tuple[str, Inspection]], by: By, count: int) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for place, (image, inspection) in enumerate(answers):
        console.print("\n" * bool(place), end="")
        _print_one(console, image, inspection, by, count)


def _print_one(console: Console, image: str, inspection: Inspection, by: By, count: int) -> None:
    """One picture: how it was seen, what is found in it, a row a block, and what stands out."""
    from rich.text import Text

    from sevis.edits import parse
    from sevis.sentences import standouts

    tables = [_found(inspection), *([_blocks(inspection, by, count)] if inspection.gates else [])]
    height, width = inspection.image.shape[:2]
    seen = f" on {inspection.model}, seen at {width} x {height}, {1000 * inspection.seconds:.0f} ms on {inspection.device}"
    console.print(Text.assemble((image, "bold"), seen))
    for text in inspection.edits:
        console.print(f"What if: {parse(text).said}", markup=False)
    for table in tables:
        console.print("", table, sep="\n")
    console.print()
    for sentence in (*standouts(inspection), *inspection.warnings):
        console.print(sentence, markup=False)


def _found(inspection: Inspection) -> Table:
    """A row a class, or a box of a detector, with the explained one marked."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    known = inspection.predictions
    for each in known if inspection.target in known else (*known, inspection.target):
        where = "" if each.box is None else "{:.0f}, {:.0f} to {:.0f}, {:.0f}".format(*each.box)
        style = "bold" if each == inspection.target else ""
        table.add_row(Text(each.label, style), f"{each.probability:.1%}", "█" * round(BAR * each.probability), where)
    return table


def _blocks(inspection: Inspection, by: By, count: int) -> Table:
    """A row a block: its mean, that of the average picture, how far it moved, and its strongest channels."""
    from rich.table import Table

    gates = [_gate(inspection, depth, by, count) for depth in range(len(inspection.gates))]
    numbers = " and of the ".join(dict.fromkeys(each["number"] for each in gates))
    caption = f"Mean: of the {numbers} over the block's channels. In brackets: {SHOWN[by]}."
    if inspection.averages:
        pictures = inspection.averages[0].pictures
        caption += f" Average: that mean over {pictures:,} pictures. Moved: how far a channel is from its average, in spreads."
    table = Table(box=None, pad_edge=False, header_style="bold", caption=caption, caption_justify="left")
    columns = (
        ("block", "mean", "average", "moved", "strongest channels") if inspection.averages else ("block", "mean", "strongest channels")
    )
    for column in columns:
        table.add_column(column, justify="right" if column in ("mean", "average", "moved") else "left", overflow="fold")
    for each in gates:
        against = [f"{each['average']:.2f}", f"{each['moved']:.1f}"] if inspection.averages else []
        table.add_row(each["name"], f"{each['mean']:.2f}", *against, ", ".join(_named(channel, by) for channel in each["strongest"]))
    return table


def _named(channel: dict[str, Any], by: By) -> str:
    from sevis.words import decimal, signed

    value = channel[by]
    return f"{channel['channel']} ({decimal(value) if by == 'weight' else signed(value)})"
