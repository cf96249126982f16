"""The command line: `python -m sevis train NET DATA` makes a checkpoint and its card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sevis.nets.recipes import RECIPES

__all__ = ["app"]

app = typer.Typer(add_completion=False, help="What channel attention does inside a convolutional network.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """See SE gates and SK selections, next to Grad-CAM."""


@app.command()
def train(
    net: Annotated[str, typer.Argument(help=f"Architecture: {', '.join(RECIPES)}.")],
    data: Annotated[Path, typer.Argument(help="Folder or .tar of train/CLASS/*.jpg and val/CLASS/*.jpg.")],
    name: Annotated[str, typer.Option(help="Group of the checkpoint: it becomes NAME/NET.")] = "photos12",
    out: Annotated[Path, typer.Option(help="Where the checkpoint and its card go.")] = Path("pretrained"),
    runs: Annotated[Path, typer.Option(help="Where a run keeps its state; run again after a kill and it goes on.")] = Path("runs"),
    epochs: Annotated[int | None, typer.Option(help="Default: the epochs behind the shipped checkpoint.")] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Processor threads of the CPU.")] = None,
    compiled: Annotated[bool, typer.Option("--compiled", help="Run through torch.compile: 1.6 times as fast on a CPU.")] = False,
) -> None:
    """Train a network on photographs, measure it on the val split, and write its checkpoint and card.

    Example: python -m sevis train se_resnet18 photos12-160.tar
    """
    import torch

    from sevis.card import make
    from sevis.inspector import choose_device

    if net not in RECIPES:
        raise typer.BadParameter(f"no recipe for {net!r}; choose from {', '.join(RECIPES)}")
    torch.set_num_threads(threads or torch.get_num_threads())
    torch.set_flush_denormal(True)  # young networks fall into denormal numbers, ten times slower on a CPU
    where = str(choose_device(device))
    with _bar() as report:
        card = make(net, data, group=name, out=out, runs=runs, epochs=epochs, device=where, compiled=compiled, report=report)
    measured = card["measured"]
    typer.echo(f"{out / name / net}.safetensors: {measured['top1']:.1%} top-1 on {measured['pictures']} pictures of val")


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
