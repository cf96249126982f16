"""`sevis doctor`: what is wrong with the gates that a scan saw, from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sevis.cli_errors import told
from sevis.cli_options import Arch, AsJson, Device, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from sevis.analysis.ablation import Ablated
    from sevis.analysis.doctor import Diagnosis
    from sevis.datasets import Source
    from sevis.inspector import Inspector
    from sevis.runs import Run

__all__ = ["doctor"]

HEALTHY, ILL = 0, 1  # exit codes
STYLES = {True: "red", False: "green"}
ALONE = (
    "No ablations: statistics alone decide less. Give --pictures FOLDER to find out with the network what every gate is worth;"
    " the answer stays in the run."
)


@told()
def doctor(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as `sevis scan` makes it.")],
    as_json: AsJson = False,
    thresholds: Annotated[Path | None, typer.Option(help="TOML file whose values replace ours; see docs/doctor.md.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder, .csv or .tar of pictures to ablate every gate on, with the network.")
    ] = None,
    ablate: Annotated[bool, typer.Option("--ablate", help="The same with the pictures that were scanned.")] = False,
    limit: Annotated[int, typer.Option(min=2, help="Ablate on so many pictures, taken at random.")] = 200,
    model: Annotated[str | None, typer.Option(help="Where the network is, if not where the scan found it.")] = None,
    arch: Arch = None,
    device: Device = "auto",
) -> None:
    """Say of every gate whether it is alive, and what to do.

    Exit code 0: healthy, 1: something is wrong, 2: it could not run.

    Example: sevis doctor RUN --pictures photos/val
    """
    from sevis.analysis.ablation import read_ablations
    from sevis.analysis.reporting import report
    from sevis.analysis.thresholds import load_thresholds
    from sevis.runs import open_run

    limits, opened = load_thresholds(thresholds), open_run(run)
    if not opened.statistics:
        raise ValueError(f"{run} holds no gate's statistics: no picture was read; scan again")
    source = _source(opened, pictures, ablate=ablate)
    ablated = read_ablations(run) if source is None else _ablated(opened, source, limit, _network(opened, model, arch, device))
    diagnoses = opened.examine(ablated, limits)
    if as_json:
        print_json(report(str(opened.folder), opened.network, opened.read, diagnoses, ablated))
    else:
        _print(opened, diagnoses, ablated)
    raise typer.Exit(ILL if any(each.alarms for each in diagnoses) else HEALTHY)


def _source(run: Run, pictures: Path | None, *, ablate: bool) -> Source | None:
    """The pictures to ablate on: those that are named, or those that were scanned; None where neither is asked for."""
    from sevis.datasets import open_source
    from sevis.run_pictures import pictures_of

    if pictures is not None:
        return open_source(pictures)
    return pictures_of(run) if ablate else None


def _network(run: Run, model: str | None, arch: str | None, device: str) -> tuple[Inspector, Inspector | None]:
    """The network that was scanned, and the same architecture with fresh weights, None where no name builds it.

    Raises:
        ValueError: there is no such network, or it is not the one that was scanned.
    """
    from sevis.loading import CheckpointError, load
    from sevis.provenance import weights_sha256
    from sevis.run_network import network_of

    inspector = network_of(run, model, arch, device)
    try:
        twin = load(arch or inspector.name, device, weights=None)
    except (CheckpointError, OSError, TypeError):
        return inspector, None
    return inspector, twin if weights_sha256(twin.module) != run.meta["weights_sha256"] else None


def _ablated(run: Run, source: Source, limit: int, networks: tuple[Inspector, Inspector | None]) -> tuple[Ablated, ...]:
    """What every gate is worth on the pictures of a source; kept in the run's folder."""
    from sevis.ablations import ablate, gathered
    from sevis.analysis.ablation import write_ablations

    inspector, twin = networks
    pictures, targets = gathered(source, inspector.classes, limit)
    means = [each.overall.mean for each in run.statistics]
    with _bar() as report:
        ablated = ablate(inspector, pictures, targets, means=means, twin=twin, report=report)
    write_ablations(run.folder, ablated)
    return ablated


def _print(run: Run, diagnoses: Sequence[Diagnosis], ablated: Sequence[Ablated]) -> None:
    """The table of verdicts, what to do about each alarm, and what the judgement rests on."""
    from rich.console import Console

    console = Console()
    console.print(_table(diagnoses))
    for each in diagnoses:
        for finding in each.alarms:
            console.print(f"\n[red]{each.site.name}[/red] ({each.site.path or 'the network'}), {finding.rule}", highlight=False)
            console.print(finding.cause, finding.remedy, highlight=False, markup=False)
    console.print(f"\n{run.network}: {_summary(run, diagnoses, ablated)}", highlight=False)
    if not ablated:
        console.print(ALONE, highlight=False)


def _summary(run: Run, diagnoses: Sequence[Diagnosis], ablated: Sequence[Ablated]) -> str:
    ill = sum(bool(each.alarms) for each in diagnoses)
    on = f", ablations on {ablated[0].pictures}" if ablated else ""
    need = "needs" if ill == 1 else "need"
    return f"{ill or 'none'} of {len(diagnoses)} gates {need} attention. Statistics on {run.read:,} pictures{on}."


def _table(diagnoses: Sequence[Diagnosis]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column, justify in (
        ("gate", "left"),
        ("verdict", "left"),
        ("rule", "left"),
        ("number", "right"),
        ("threshold", "right"),
        ("also", "left"),
    ):
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for each in diagnoses:
        first, *others = each.findings
        verdict = Text(each.verdict, style=STYLES[bool(each.alarms)])
        table.add_row(
            each.site.name, verdict, first.rule, _number(first.number), _number(first.threshold), ", ".join(f.rule for f in others)
        )
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar over all passes."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("ablations", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
