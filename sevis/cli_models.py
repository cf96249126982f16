"""`sevis models` lists networks, and `sevis summary` shows the layers of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sevis.cli_errors import told
from sevis.cli_options import NETWORK, Arch, AsJson, print_json

if TYPE_CHECKING:
    from sevis.inspector import Inspector
    from sevis.menu import Entry

__all__ = ["models", "summary"]

COLUMNS: dict[str, Literal["left", "right"]] = {
    "network": "left",
    "gates": "left",
    "params": "right",
    "GMACs": "right",
    "licence": "left",
    "here": "left",
}
CAPTION = (
    "GMACs: multiply-adds for one picture. Licence: of the weights, as their publisher states it; ImageNet itself was released for research"
    " that is not commercial. Here: the weights are on this machine. The ablations, as in untrained/se_resnet50 reduction 8, and"
    " timm's networks with random weights are in --json."
)


@told()
def models(
    as_json: AsJson = False,
    measure: Annotated[bool, typer.Option("--measure", help="Count everything anew; takes minutes and needs timm.")] = False,
) -> None:
    """List the networks of the menu: parameters, multiply-adds, gates, licence, and whether their weights are on this machine.

    Any other network of timm, torchvision or the Hugging Face hub loads too, as does a checkpoint of your own: see sevis.load.

    Example: sevis models --json
    """
    from sevis.menu import is_here, menu, write_menu

    if measure:
        write_menu(_measured())
    rows = [(entry, is_here(entry)) for entry in menu()]
    if as_json:
        print_json([{**asdict(entry), "downloaded": here} for entry, here in rows])
    else:
        _print_menu(rows)


def _measured() -> tuple[Entry, ...]:
    from rich.progress import track

    from sevis.sizes import NAMES, measure

    return tuple(measure(name) for name in track(NAMES, "measuring"))


def _print_menu(rows: list[tuple[Entry, bool]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False, caption=CAPTION, caption_justify="left")
    for column, justify in COLUMNS.items():
        table.add_column(column, justify=justify, no_wrap=True)
    for entry, here in rows:
        if " " in entry.name or entry.name.startswith("untrained/timm/"):  # long names of networks that are listed in another form
            continue
        gates = f"{entry.gates} {entry.gate}" if entry.gates else "none"
        cost = f"{entry.parameters / 1e6:.1f}M", f"{entry.macs / 1e9:.2f}"
        table.add_row(entry.name, gates, *cost, entry.licence or "not stated", "yes" if here else "no")
    Console().print(table)


@told()
def summary(
    name: Annotated[str, typer.Argument(help=NETWORK)],
    arch: Arch = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="With random weights: nothing is fetched.")] = False,
    depth: Annotated[int | None, typer.Option(help="How many levels of modules; by default as deep as the deepest gate.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a network's layers: output shapes, parameters, multiply-adds, and the gates that were found.

    Example: sevis summary timm/skresnext50_32x4d --untrained
    """
    from rich.console import Console

    from sevis.loading import load

    inspector = load(name, "cpu", weights=None if untrained else "trained", arch=arch)
    if as_json:
        print_json(_as_json(inspector, depth))
    else:
        Console().print(inspector.summary(depth))


def _as_json(inspector: Inspector, depth: int | None) -> dict[str, Any]:
    from sevis.summary import summary_of

    whole = summary_of(inspector.module, inspector.input_shape, inspector.sites, depth=depth)
    layers = [asdict(layer) | {"gates": [site.name for site in layer.gates]} for layer in whole.layers]
    gates = [{"name": site.name} | asdict(site) for site in inspector.sites]
    totals = {"parameters": whole.parameters, "multiply_adds": whole.multiply_adds, "bytes": inspector.nbytes}
    known = {"network": inspector.name, "task": inspector.task, "input": inspector.input_shape, "classes": inspector.classes}
    return {**known, **totals, "gates": gates, "layers": layers}
