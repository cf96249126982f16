"""`sevis scan`: a network's gates over a data set, from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sevis.cli_errors import INTERRUPTED, told
from sevis.cli_options import NETWORK, Arch, AsJson, Device, print_json

if TYPE_CHECKING:
    from rich.progress import Task
    from rich.text import Text

    from sevis.runs import Run
    from sevis.scan import Step

__all__ = ["scan"]


@told()
def scan(
    model: Annotated[str, typer.Argument(help=NETWORK)],
    source: Annotated[
        str, typer.Argument(help="Folder of pictures or of class folders, .csv of paths and labels, .tar, torchvision/NAME or hf/NAME.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in that folder.")] = False,
    split: Annotated[str | None, typer.Option(help="val, test or train; by default the first of these that is there.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Scan so many pictures, taken at random.")] = None,
    gates: Annotated[bool, typer.Option("--gates", help="Write every picture's weights too, as Parquet.")] = False,
    arch: Arch = None,
    device: Device = "auto",
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16: faster on a GPU, in steps of 0.004 near a weight of 1.")
    ] = "float32",
    engine: Annotated[str, typer.Option(help="local, or ray: one process a GPU of a cluster, or a processor; docs/scale.md.")] = "local",
    root: Annotated[
        Path | None, typer.Option(help="Folder that torchvision's data sets lie in, by default data, or Hugging Face's.")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch torchvision/NAME or hf/NAME where it is missing.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads that decode pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a network every picture of a data set and keep what its gates did.

    Ctrl-C finishes the batch and keeps what is done; --resume goes on. Exit code 0: done, 2: it could not run, 130: interrupted.

    Example: sevis scan photos12/se_resnet18 photos/val -o RUN
    """
    from sevis.datasets import open_source
    from sevis.loading import load
    from sevis.scan import scan as run_scan

    pictures = open_source(source, split, root=root, download=download)  # before the network, which takes longer
    inspector = load(model, device, arch=arch)
    typer.echo(f"{inspector.name} on {inspector.device}: {pictures.kind}{f', {pictures.split}' * bool(pictures.split)}", err=as_json)
    how: dict[str, Any] = {"precision": precision, "engine": engine, "workers": workers}
    with _interruptible(out), _bar() as report:
        run = run_scan(inspector, pictures, out, limit=limit, gates=gates, resume=resume, **how, report=report)
    if as_json:
        print_json(_as_json(run))
    else:
        typer.echo(_summary(run))
    if not run.read:
        raise ValueError(f"None of the {run.done} pictures could be read; the first: {run.pictures['why'][0]}")


@contextmanager
def _interruptible(out: Path) -> Iterator[None]:
    """Ctrl-C as a sentence on what is kept, and its exit code."""
    try:
        yield
    except KeyboardInterrupt as error:
        kept = f"what was done is kept in {out}, and the same command with --resume goes on"
        typer.echo(f"Interrupted; {kept if (out / 'run.json').exists() else 'nothing was done yet'}.", err=True)
        raise typer.Exit(INTERRUPTED) from error


def _as_json(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.folder),
        "network": run.network,
        "asked": run.meta["pictures"],
        "done": run.done,
        "read": run.read,
        "unreadable": run.done - run.read,
        "gates": [each.site.name for each in run.statistics],
        "classes": run.classes,
        "top1": run.top1,
    }


def _summary(run: Run) -> str:
    """What a run holds, in a sentence or two."""
    words = [f"{run.folder}: {run.read:,} pictures, {len(run.statistics)} gates"]
    if run.top1 is not None:
        words.append(f"{run.top1:.1%} top-1")
    if run.done > run.read:
        words.append(f"{run.done - run.read:,} could not be read: pictures.parquet says why")
    return ", ".join(words)


@contextmanager
def _bar() -> Iterator[Callable[[Step], None]]:
    """A progress bar over all pictures, with pictures a second and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f} images/s" if task.speed else "")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Speed(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("scan", total=None)

        def report(step: Step) -> None:
            text = f"scan, {step.unreadable} not read" if step.unreadable else "scan"
            progress.update(task, description=text, completed=step.done, total=step.total)

        yield report
