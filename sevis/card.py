"""Trains a network, measures it, and writes its checkpoint, its card and its gates' averages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from sevis.measures import measure
from sevis.nets.photographs import Photographs, load_photographs
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.recipes import PHOTOGRAPH, RECIPES, Recipe
from sevis.nets.tasks import TASKS
from sevis.nets.training import Progress, train
from sevis.nets.zoo import ARCHITECTURES

__all__ = ["make", "publish"]


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
) -> dict[str, Any]:
    """Write NAME.safetensors (half precision), NAME.gates.safetensors and NAME.json; gives the card.

    Everything on the card is measured on the weights as they are stored.
    """
    stored = {key: (values.half() if values.is_floating_point() else values).cpu().contiguous() for key, values in state.items()}
    module = ARCHITECTURES[architecture](**arguments).eval()
    module.load_state_dict(stored)
    measured, averages = measure(module, photographs, preprocessing, task)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    card = {
        "name": name,
        "architecture": architecture,
        "arguments": arguments,
        "task": task,
        "about": about,
        "classes": list(photographs.classes),
        "preprocessing": preprocessing.to_card(),
        "parameters": sum(p.numel() for p in module.parameters()),
        "sha256": _write(target.with_name(target.name + ".safetensors"), stored),
        "averages": {
            "sha256": _write(target.with_name(target.name + ".gates.safetensors"), averages),
            "paths": [gate["path"] for gate in measured["gates"]],
            "pictures": len(photographs),
        },
        "recipes": [asdict(recipe) for recipe in recipes],
        "measured": measured,
    }
    target.with_name(target.name + ".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return card


def _write(path: Path, tensors: dict[str, Tensor]) -> str:
    """Write a safetensors file; gives its sha256."""
    data = save(tensors)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def make(
    net: str,
    data: Path,
    *,
    group: str,
    out: Path,
    runs: Path,
    epochs: int | None = None,
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
    """
    course = RECIPES[net]
    architecture = course.architecture or net
    recipes = course.recipes if epochs is None else (replace(course.recipes[0], epochs=epochs),)
    photographs = load_photographs(data, "train", PHOTOGRAPH)
    arguments = {"classes": len(photographs.classes), **course.arguments}
    torch.manual_seed(recipes[0].seed)
    trained = ARCHITECTURES[architecture](**arguments)
    (runs / group).mkdir(parents=True, exist_ok=True)
    for place, recipe in enumerate(recipes):
        module = ARCHITECTURES[architecture](**arguments)
        module.load_state_dict(trained.state_dict())
        state = runs / group / f"{net}.{place}.pt"
        trained = train(module, photographs, recipe, state, task=TASKS[course.task], device=device, compiled=compiled, report=report)
    validation = load_photographs(data, "val", PHOTOGRAPH)
    preprocessing = Preprocessing(course.side, course.side)
    state_dict = trained.state_dict()
    return publish(
        out, f"{group}/{net}", architecture, arguments, state_dict, recipes, validation, preprocessing, course.task, course.about
    )
