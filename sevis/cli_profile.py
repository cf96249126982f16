"""`sevis profile`: the papers' figures from a run, as tables and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sevis.cli_errors import told
from sevis.cli_options import Arch, Device

if TYPE_CHECKING:
    from rich.table import Table

    from sevis.analysis.profile_separation import Separation
    from sevis.analysis.zoom import Sweep
    from sevis.inspector import Inspector
    from sevis.profiles import Profile
    from sevis.runs import Run

__all__ = ["profile"]

NOTHING = "The run has no classes and no sweep, so there is nothing to draw; scan pictures with labels, or sweep a network with SK blocks."


@told()
def profile(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as `sevis scan` makes it.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the tables and pages; by default RUN/profile.")] = None,
    classes: Annotated[
        str | None, typer.Option(help="Whose profiles to draw, as in cat,church; by default the four with most pictures.")
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Show the network (SK) the scanned pictures enlarged and blurred; the run keeps it.")
    ] = False,
    pictures: Annotated[str | None, typer.Option(help="The same with other pictures: folder, .csv, .tar or a data set's name.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Sweep so many pictures, taken at random.")] = 600,
    model: Annotated[str | None, typer.Option(help="The network that was scanned, where the run's name for it does not load.")] = None,
    arch: Arch = None,
    device: Device = "auto",
) -> None:
    """Draw the figures of the SE and SK papers on the pictures of a run: each as a web page, and its numbers as CSV.

    Class profiles, the spread within a class, the separation of the classes by depth; of SK networks the sweep of the object's scale.
    Only the sweep needs the network. Exit code 0: done, 2: it could not run.

    Example: sevis profile RUN --classes cat,church --sweep
    """
    from sevis.profiles import profile as profile_of
    from sevis.run_network import network_of
    from sevis.runs import open_run

    scanned = open_run(run)
    if sweep or pictures is not None:
        _sweep(scanned, pictures, limit, lambda: network_of(scanned, model, arch, device))
    made = profile_of(scanned, None if classes is None else [name.strip() for name in classes.split(",")])
    if not made.exhibits:
        raise ValueError(NOTHING)
    folder = out or run / "profile"
    _write(folder, made)
    _print(scanned, made, folder)


def _sweep(run: Run, pictures: str | None, limit: int, network: Callable[[], Inspector]) -> None:
    """Sweep the run's network; the result stays in the run's folder. Ctrl-C leaves it at the pictures so far."""
    from sevis.analysis.zoom_storing import write_sweep
    from sevis.datasets import open_source
    from sevis.interrupts import asked_to_stop
    from sevis.run_pictures import pictures_of
    from sevis.sweeps import sweep

    source, inspector = pictures_of(run) if pictures is None else open_source(pictures), network()
    with _bar() as report, asked_to_stop() as stop:
        write_sweep(run.folder, sweep(inspector, source, limit=limit, report=report, stop=stop))


def _write(folder: Path, made: Profile) -> None:
    """A table and a page for each figure; plotly.js lies beside the pages, so that they need no other host."""
    from sevis.figures import FIGURES
    from sevis.profiles import csv_of

    draw = {entry.name: entry.draw for entry in FIGURES}
    folder.mkdir(parents=True, exist_ok=True)
    for exhibit in made.exhibits:
        (folder / f"{exhibit.name}.csv").write_text(csv_of(exhibit.rows), encoding="utf-8")
        figure = draw[exhibit.name](*exhibit.arguments)
        figure.write_html(folder / f"{exhibit.name}.html", include_plotlyjs="directory", config={"displaylogo": False})


def _print(run: Run, made: Profile, folder: Path) -> None:
    """What stands out: a table of the blocks and a sentence for each figure."""
    from rich.console import Console

    from sevis.sentences import TOLD

    console = Console()
    for table in _tables(made):
        console.print(table)
        console.print()
    for exhibit in made.exhibits:
        console.print(TOLD[exhibit.name](*exhibit.arguments), highlight=False, markup=False)
    console.print(f"\n{run.network}: {len(made.exhibits)} figures in {folder}, each as .html and .csv.", highlight=False, markup=False)


def _tables(made: Profile) -> Iterator[Table]:
    if made.separations:
        yield _by_class(made.separations)
    if made.sweep is not None:
        yield _by_scale(made.sweep)


def _by_class(separations: Sequence[Separation]) -> Table:
    table = _table("gate", "class share", "chance, mean", "chance, 95%", "p")
    for each in separations:
        table.add_row(each.site.name, *(_number(value) for value in (each.share, each.null, each.chance, each.p)))
    return table


def _by_scale(sweep: Sweep) -> Table:
    from sevis.analysis.metrics import SWEPT

    views = [view.name for view in sweep.views]
    table = _table("gate", *views, *SWEPT, "±")
    for gate in sweep.gates:
        values = [effect.mean for effect in gate.difference] + [metric.measure(gate) for metric in SWEPT.values()]
        table.add_row(gate.site.name, *map(_number, values), _number(gate.slope["size"].error))
    if sweep.top1 is not None:
        table.add_row("top-1", *map(_number, sweep.top1))
    return table


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar over all pictures."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("sweep", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
