"""Trains a network, measures it, and writes its checkpoint, its card and its gates' averages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor, nn

from sevis.analysis.looks import Look, line, read_looks
from sevis.aside import aside
from sevis.measures import measure
from sevis.monitor import GateMonitor
from sevis.nets.photographs import Photographs, load_photographs
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.recipes import PHOTOGRAPH, RECIPES, Recipe
from sevis.nets.tasks import TASKS
from sevis.nets.training import Progress, train
from sevis.nets.zoo import ARCHITECTURES

__all__ = ["make", "publish"]

PROBE = 48  # pictures of val that the monitor looks at after every epoch


def publish(
    folder: Path,
    name: str,
    architecture: str,
    arguments: dict[str, Any],
    state: dict[str, Tensor],
    recipes: Sequence[Recipe],
    photographs: Photographs,
    preprocessing: Preprocessing,
    task: str = "classification",
    about: str = "",
    looks: Sequence[Look] = (),
) -> dict[str, Any]:
    """Write NAME.safetensors (half precision), NAME.gates.safetensors and NAME.json; gives the card.

    Everything on the card is measured on the weights as they are stored. What the monitor saw of the training goes into
    NAME.training.jsonl, where there are looks.
    """
    stored = {key: (values.half() if values.is_floating_point() else values).cpu().contiguous() for key, values in state.items()}
    module = ARCHITECTURES[architecture](**arguments).eval()
    module.load_state_dict(stored)
    measured, averages = measure(module, photographs, preprocessing, task)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    files = {".safetensors": save(stored), ".gates.safetensors": save(averages)}
    card = {
        "name": name,
        "architecture": architecture,
        "arguments": arguments,
        "task": task,
        "about": about,
        "classes": list(photographs.classes),
        "preprocessing": preprocessing.to_card(),
        "parameters": sum(p.numel() for p in module.parameters()),
        "sha256": _sha256(files[".safetensors"]),
        "averages": {
            "sha256": _sha256(files[".gates.safetensors"]),
            "paths": [gate["path"] for gate in measured["gates"]],
            "pictures": len(photographs),
        },
        "recipes": [asdict(recipe) for recipe in recipes],
        "measured": measured,
    }
    if looks:
        files[".training.jsonl"] = "".join(f"{line(look)}\n" for look in looks).encode()
        card["training"] = {"sha256": _sha256(files[".training.jsonl"]), "looks": len(looks), "pictures": PROBE}
    card_itself = {".json": (json.dumps(card, indent=1) + "\n").encode()}
    _replace({target.with_name(target.name + ending): data for ending, data in (card_itself | files).items()})
    return card


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _replace(files: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all are whole before the first takes its name, and the one that is named first is the last to.

    That one is the card: killed between two names, a checkpoint's bytes are not those that its card tells of, and nobody reads them.
    """
    with ExitStack() as written:
        for path, data in files.items():
            written.enter_context(aside(path)).write_bytes(data)


def make(
    net: str,
    data: Path,
    *,
    group: str,
    out: Path,
    runs: Path,
    epochs: int | None = None,
    decay: float | None = None,
    device: str = "cpu",
    compiled: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, Any]:
    """Train a network of RECIPES on photographs, measure it on their val split and publish it; gives its card.

    Args:
        data: folder or .tar of train/CLASS/*.jpg and val/CLASS/*.jpg.
        group: the checkpoint is called GROUP/NET.
        out, runs: folders of the checkpoint and of the state from which a killed run goes on.
        epochs: of the first recipe, in place of its own; the ones after it are then left out.
        decay: weight decay on the excitation, in place of the recipes' own.
    """
    course = RECIPES[net]
    architecture = course.architecture or net
    recipes = course.recipes if epochs is None else (replace(course.recipes[0], epochs=epochs),)
    recipes = recipes if decay is None else tuple(replace(recipe, excitation_decay=decay) for recipe in recipes)
    photographs = load_photographs(data, "train", PHOTOGRAPH)
    arguments = {"classes": len(photographs.classes), **course.arguments}
    torch.manual_seed(recipes[0].seed)
    trained = ARCHITECTURES[architecture](**arguments)
    (runs / group).mkdir(parents=True, exist_ok=True)
    validation, preprocessing = load_photographs(data, "val", PHOTOGRAPH), Preprocessing(course.side, course.side)
    probe = _probe(validation, preprocessing, course.task)
    looks: list[Look] = []
    for place, recipe in enumerate(recipes):
        module = ARCHITECTURES[architecture](**arguments)
        module.load_state_dict(trained.state_dict())
        state = runs / group / f"{net}.{place}.pt"
        trained = train(
            module,
            photographs,
            recipe,
            state,
            task=TASKS[course.task],
            device=device,
            compiled=compiled,
            report=report,
            watch=partial(_watch, *probe, state.with_suffix(".jsonl")),
        )
        looks += _after(looks, read_looks(state.with_suffix(".jsonl")))
    state_dict = trained.state_dict()
    return publish(
        out, f"{group}/{net}", architecture, arguments, state_dict, recipes, validation, preprocessing, course.task, course.about, looks
    )


def _probe(photographs: Photographs, preprocessing: Preprocessing, task: str) -> tuple[Tensor, Tensor | None]:
    """The pictures that the monitor looks at, and their classes where the network is to tell them."""
    chosen = np.random.default_rng(0).permutation(len(photographs))[:PROBE]
    pictures = [preprocessing(Image.fromarray(photographs.pixels[n].transpose(1, 2, 0))) for n in chosen]
    return torch.stack(pictures), torch.from_numpy(photographs.labels[chosen]) if task == "classification" else None


def _watch(probe: Tensor, labels: Tensor | None, log: Path, module: nn.Module, every: int, steps: int) -> Callable[[], object]:
    """A look after every epoch."""
    if not steps:
        log.unlink(missing_ok=True)  # of another run
    elif log.exists():
        _drop_what_was_cut(log)
    where = next(module.parameters()).device
    return GateMonitor(module, probe.to(where), every=every, labels=labels, log=log, steps=steps).step


def _drop_what_was_cut(log: Path) -> None:
    """Leave out a last line that has no end: the run was killed while it was written, and takes that look again."""
    lines = log.read_bytes()
    _replace({log: lines[: lines.rfind(b"\n") + 1]})


def _after(before: Sequence[Look], looks: Sequence[Look]) -> list[Look]:
    """The looks of a recipe, their steps counted on from the recipe before it."""
    return [replace(look, step=look.step + before[-1].step if before else look.step) for look in looks]
