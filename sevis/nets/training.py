"""The recipe behind pretrained/: standard parts, seeded, resumable after a kill, on a GPU or on two cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from sevis.aside import aside
from sevis.nets.blocks import SelectiveKernel, SqueezeExcitation
from sevis.nets.photographs import Photographs
from sevis.nets.recipes import Recipe
from sevis.nets.tasks import CLASSIFICATION, Task

__all__ = ["Progress", "train"]

EXCITATION_BLOCKS = (SqueezeExcitation, SelectiveKernel)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Progress:
    """What is known after each step: (epoch, step) of (epochs, steps), and the loss."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float


def _quiet_worker(_: int) -> None:
    torch.set_num_threads(1)


def _batches(task: Task, photographs: Photographs, recipe: Recipe, epoch: int, workers: int) -> DataLoader[tuple[Tensor, ...]]:
    """One epoch's batches; their order and augmentation depend on the seed and the epoch alone."""
    return DataLoader(
        task.examples(photographs, recipe, recipe.side(epoch)),
        recipe.batch,
        shuffle=True,
        drop_last=len(photographs) >= recipe.batch,
        num_workers=workers,
        worker_init_fn=_quiet_worker,
        generator=torch.Generator().manual_seed(recipe.seed * 100_003 + epoch),
        pin_memory=torch.cuda.is_available(),
    )


def normalise(pixels: Tensor, mean: tuple[float, ...] = MEAN, std: tuple[float, ...] = STD) -> Tensor:
    """uint8 pictures (N, 3, H, W) as the networks want them, float32."""
    shape = (1, 3, 1, 1)
    scaled = pixels.float() / 255
    return (scaled - torch.tensor(mean, device=pixels.device).view(shape)) / torch.tensor(std, device=pixels.device).view(shape)


def parameter_groups(module: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The parameters in three groups: convolutions and linear layers, which decay; norms and biases; the excitation."""
    excitation = [p for block in module.modules() if isinstance(block, EXCITATION_BLOCKS) for p in _excitation_parameters(block)]
    spared = {id(p) for p in excitation}
    rest = [p for p in module.parameters() if id(p) not in spared]
    rate = recipe.learning_rate
    return [
        {"params": [p for p in rest if p.ndim > 1], "lr": rate, "weight_decay": recipe.weight_decay},
        {"params": [p for p in rest if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
        {"params": excitation, "lr": rate * recipe.excitation_rate, "weight_decay": recipe.excitation_decay},
    ]


def _excitation_parameters(block: nn.Module) -> Iterator[nn.Parameter]:
    """An SE block's or a selective kernel's parameters but for the kernels of its branches."""
    return (p for name, p in block.named_parameters() if not name.startswith("branches."))


@dataclass
class _Run:
    """The mutable side of a training run; all of it is in the state file, so that a killed run goes on where it was."""

    module: nn.Module
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    forward: Callable[[Tensor], Tensor]
    of: str
    steps: int
    epoch: int = 0
    parts: tuple[str, ...] = field(default=("module", "average", "optimizer", "schedule"), repr=False)

    def save(self, path: Path) -> None:
        """Write the state; a kill in the middle leaves the old file whole."""
        state = {"epoch": self.epoch, "of": self.of} | {part: getattr(self, part).state_dict() for part in self.parts}
        with aside(path) as fresh:
            torch.save(state, fresh)

    def resume(self, path: Path) -> None:
        """Go on from a state file, where there is one."""
        if path.exists():
            state = torch.load(path, weights_only=True, map_location=next(self.module.parameters()).device)
            if state.get("of") != self.of:
                raise ValueError(
                    f"{path} belongs to another run ({state.get('of')}; expected {self.of}); delete it, or name another folder"
                )
            self.epoch = state["epoch"]
            for part in self.parts:
                getattr(self, part).load_state_dict(state[part])


def _start(module: nn.Module, recipe: Recipe, photographs: Photographs, compiled: bool) -> _Run:
    steps = max(len(photographs) // recipe.batch, 1)
    optimizer = torch.optim.SGD(parameter_groups(module, recipe), momentum=recipe.momentum, nesterov=True)
    peaks = [group["lr"] for group in optimizer.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, peaks, total_steps=recipe.epochs * steps, pct_start=recipe.warm_up, cycle_momentum=False
    )
    average = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema), use_buffers=True)
    forward = torch.compile(module, dynamic=False) if compiled else module
    of = f"{len(photographs)} pictures of {', '.join(photographs.classes)}; {recipe}"
    return _Run(module, average, optimizer, schedule, forward, of, steps)


def train(
    module: nn.Module,
    photographs: Photographs,
    recipe: Recipe,
    state: Path,
    *,
    task: Task = CLASSIFICATION,
    device: str = "cpu",
    compiled: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    watch: Callable[[nn.Module, int, int], Callable[[], object]] = lambda module, every, steps: lambda: None,
) -> nn.Module:
    """The trained network (the moving average of its weights, in eval mode); the module itself is trained in place.

    Args:
        task: what the network is trained for.
        state: file that is written after every epoch, and read where it exists: a killed run goes on from it.
        compiled: run the network through torch.compile (1.6 times as fast on a CPU; needs a C++ compiler).
        report: called after every step.
        watch: takes the moving average, the steps of an epoch and the steps that are done, and gives what to call after every step.
    """
    module.to(device).to(memory_format=torch.channels_last).train()
    run = _start(module, recipe, photographs, compiled)
    run.resume(state)
    workers = (os.cpu_count() or 1) if len(photographs) > recipe.batch else 0
    watched = watch(run.average.module, run.steps, run.epoch * run.steps)
    for epoch in range(run.epoch, recipe.epochs):
        torch.manual_seed(recipe.seed * 100_003 + epoch)
        for step, batch in enumerate(_batches(task, photographs, recipe, epoch, workers), 1):
            loss = _step(run, task, recipe, *(part.to(device, non_blocking=True) for part in batch))
            watched()
            report(Progress(epoch + 1, recipe.epochs, step, run.steps, loss))
        run.epoch = epoch + 1
        run.save(state)
    trained: nn.Module = run.average.module
    return trained.eval()


def _step(run: _Run, task: Task, recipe: Recipe, pixels: Tensor, *targets: Tensor) -> float:
    """One update; gives the loss."""
    pictures = normalise(pixels).to(memory_format=torch.channels_last)
    with torch.autocast(pictures.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
        loss = task.loss(run.forward(pictures), targets, recipe, run.module)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(run.module.parameters(), 2.0)
    run.optimizer.step()
    run.schedule.step()
    run.average.update_parameters(run.module)
    return loss.item()
