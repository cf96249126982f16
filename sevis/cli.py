"""The command line: every command has a file of its own, but for `sevis train`, which makes a checkpoint and its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sevis.cli_app import app as serve
from sevis.cli_compare import compare
from sevis.cli_doctor import doctor
from sevis.cli_errors import Telling, told
from sevis.cli_inspect import inspect
from sevis.cli_models import models, summary
from sevis.cli_options import Device
from sevis.cli_profile import profile
from sevis.cli_query import query
from sevis.cli_report import report
from sevis.cli_scan import scan
from sevis.nets.recipes import RECIPES

__all__ = ["app"]

EPILOG = "Exit codes: 0 done, 1 a fault was found (doctor), 2 it could not be done, 70 sevis broke off, 130 interrupted."

app = typer.Typer(cls=Telling, add_completion=False, no_args_is_help=True, pretty_exceptions_show_locals=False, epilog=EPILOG)


@app.callback()
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Show where it went wrong; may stand behind the command too.")] = False,
) -> None:
    """What channel attention does inside a convolutional network: SE gates and SK selections, next to Grad-CAM.

    Start with `sevis app`, or with `sevis inspect PICTURE`.
    """


@told()
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
    device: Device = "auto",
    threads: Annotated[int | None, typer.Option(help="Processor threads of the CPU.")] = None,
    compiled: Annotated[bool, typer.Option("--compiled", help="Run through torch.compile: 1.6 times as fast on a CPU.")] = False,
) -> None:
    """Train a network on photographs, measure it on the val split, and write its checkpoint and card.

    Example: sevis train se_resnet18 photos12-160.tar
    """
    import torch

    from sevis.card import make
    from sevis.loading import choose_device

    if net not in RECIPES:
        raise ValueError(f"There is no recipe for {net!r}; choose from {', '.join(RECIPES)}.")
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


# display order: a first look, then many pictures, then making networks
for command in (serve, models, inspect, summary, compare, scan, query, doctor, profile, report, train):
    app.command()(command)
