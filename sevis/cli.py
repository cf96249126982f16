"""The command line: `sevis models` lists networks, `sevis summary` shows one's layers, `sevis train` makes a checkpoint and its card.

Every other command has a file of its own.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sevis.cli_doctor import doctor
from sevis.cli_profile import profile
from sevis.cli_query import query
from sevis.cli_scan import scan
from sevis.nets.recipes import RECIPES

if TYPE_CHECKING:
    from sevis.menu import Entry

__all__ = ["app"]

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

app = typer.Typer(add_completion=False, help="What channel attention does inside a convolutional network.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """See SE gates and SK selections, next to Grad-CAM."""


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one object a network.")] = False,
    measure: Annotated[bool, typer.Option("--measure", help="Count everything anew; takes minutes and needs timm.")] = False,
) -> None:
    """List the networks of the menu: parameters, multiply-adds, gates, licence, and whether their weights are on this machine.

    Any other network of timm, torchvision or the Hugging Face hub loads too, as does a checkpoint of your own: see sevis.load.
    """
    from sevis.menu import is_here, menu, write_menu

    if measure:
        write_menu(_measured())
    rows = [(entry, is_here(entry)) for entry in menu()]
    if as_json:
        typer.echo(json.dumps([{**asdict(entry), "downloaded": here} for entry, here in rows], indent=1))
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


@app.command()
def summary(
    name: Annotated[str, typer.Argument(help="As in `sevis models`, timm/NAME, torchvision/NAME, a checkpoint, net.py:FUNCTION.")],
    arch: Annotated[str | None, typer.Option(help="The network that a checkpoint file is of.")] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="With random weights: nothing is fetched.")] = False,
    depth: Annotated[int | None, typer.Option(help="How many levels of modules; by default as deep as the deepest gate.")] = None,
) -> None:
    """A network's layers: output shapes, parameters, multiply-adds, and the gates that were found.

    Example: python -m sevis summary timm/skresnext50_32x4d --untrained
    """
    from rich.console import Console

    from sevis.loading import CheckpointError, load

    try:
        Console().print(load(name, "cpu", weights=None if untrained else "trained", arch=arch).summary(depth))
    except CheckpointError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def train(
    net: Annotated[str, typer.Argument(help=f"Architecture: {', '.join(RECIPES)}.")],
    data: Annotated[Path, typer.Argument(help="Folder or .tar of train/CLASS/*.jpg and val/CLASS/*.jpg.")],
    name: Annotated[str, typer.Option(help="Group of the checkpoint: it becomes NAME/NET.")] = "photos12",
    out: Annotated[Path, typer.Option(help="Where the checkpoint and its card go.")] = Path("pretrained"),
    runs: Annotated[Path, typer.Option(help="Where a run keeps its state; run again after a kill and it goes on.")] = Path("runs"),
    epochs: Annotated[int | None, typer.Option(help="Default: the epochs behind the shipped checkpoint.")] = None,
    decay: Annotated[
        float | None, typer.Option("--excitation-decay", help="Weight decay on the excitation.", show_default="the recipe's")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Processor threads of the CPU.")] = None,
    compiled: Annotated[bool, typer.Option("--compiled", help="Run through torch.compile: 1.6 times as fast on a CPU.")] = False,
) -> None:
    """Train a network on photographs, measure it on the val split, and write its checkpoint and card.

    Example: python -m sevis train se_resnet18 photos12-160.tar
    """
    import torch

    from sevis.card import make
    from sevis.loading import choose_device

    if net not in RECIPES:
        raise typer.BadParameter(f"no recipe for {net!r}; choose from {', '.join(RECIPES)}")
    torch.set_num_threads(threads or torch.get_num_threads())
    torch.set_flush_denormal(True)  # young networks fall into denormal numbers, ten times slower on a CPU
    where = str(choose_device(device))
    with _bar() as report:
        card = make(net, data, group=name, out=out, runs=runs, epochs=epochs, decay=decay, device=where, compiled=compiled, report=report)
    typer.echo(f"{out / name / net}.safetensors: {_told(card['measured'])}")


def _told(measured: dict[str, Any]) -> str:
    """How good a network is, in words: of a classifier its top-1, of a detector what it found."""
    if "top1" in measured:
        return f"{measured['top1']:.1%} top-1 on {measured['pictures']} pictures of val"
    return f"{measured['found']:.1%} of {measured['boxes']} boxes found, and {measured['right']:.1%} of what it found is right"


class _bar:
    """A progress bar over all steps of a run."""

    def __enter__(self) -> Any:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns)
        task = self._progress.add_task("epoch 1", total=None)
        self._progress.start()

        def report(step: Any) -> None:
            done = (step.epoch - 1) * step.steps + step.step
            text = f"epoch {step.epoch}/{step.epochs}, loss {step.loss:.2f}"
            self._progress.update(task, completed=done, total=step.epochs * step.steps, description=text)

        return report

    def __exit__(self, *error: object) -> None:
        self._progress.stop()


app.command()(scan)
app.command()(query)
app.command()(doctor)
app.command()(profile)
