"""Measures a trained network on labelled photographs and writes its checkpoint, its card and its gates' averages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor, nn

from sevis.capture.tracer import Tape, Watch
from sevis.nets.photographs import Photographs, load_photographs
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.recipes import RECIPES, Recipe
from sevis.nets.training import Progress, train
from sevis.nets.zoo import ARCHITECTURES
from sevis.records import GateRecord

__all__ = ["aliveness", "make", "measure", "publish", "run"]

BATCH = 64


def run(
    module: nn.Module,
    photographs: Photographs,
    preprocessing: Preprocessing,
    *,
    seed: int = 0,
    permuted: bool = False,
    record: Callable[[tuple[GateRecord, ...]], None] = lambda records: None,
) -> np.ndarray:
    """The predicted class of every photograph, (N,), in the order given.

    Args:
        permuted: every picture gets the gates of another picture of its batch, the same one in all blocks.
        record: called with the gates of each batch.
    """
    shuffle = np.random.default_rng(seed)
    predicted = np.empty(len(photographs), dtype=np.int64)
    for batch in _batches(shuffle.permutation(len(photographs))):
        edit = _neighbours if permuted else None
        with torch.no_grad(), Tape(module, Watch(proof=False, edit=edit)) as tape:
            logits = module(torch.stack([preprocessing(_image(photographs, n)) for n in batch]))
        record(tape.records())
        predicted[batch] = logits.argmax(dim=1).numpy()
    return predicted


def _batches(order: np.ndarray) -> list[np.ndarray]:
    """Batches of nearly equal length: none of a single picture, which would have no other beside it."""
    return np.array_split(order, max(-(-len(order) // BATCH), 1))


def _neighbours(gate: Tensor) -> Tensor:
    """Every picture's gate moved to the next one; the batch is in random order, and no picture keeps its own."""
    return gate.roll(1, dims=0)


def _image(photographs: Photographs, n: int) -> Image.Image:
    return Image.fromarray(photographs.pixels[n].transpose(1, 2, 0))


def aliveness(weights: np.ndarray) -> dict[str, float]:
    """Whether a gate answers to pictures and treats channels apart, from its weights (N, M, C).

    `image_std` is the weight's standard deviation over pictures, averaged over channels; `channel_std` the standard
    deviation over channels of the weight averaged over pictures. Of a branch selection it is the last branch's share.
    """
    share = weights[:, -1].astype(np.float64)
    return {"image_std": share.std(axis=0).mean().item(), "channel_std": share.mean(axis=0).std().item(), "mean": share.mean().item()}


def measure(module: nn.Module, photographs: Photographs, preprocessing: Preprocessing) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a card says of a network, and the averages of its gates as tensors named <path>.mean and <path>.spread."""
    batches: list[tuple[GateRecord, ...]] = []
    predicted = run(module, photographs, preprocessing, record=batches.append)
    shuffled = run(module, photographs, preprocessing, permuted=True)
    weights = [np.concatenate([records[depth].weights for records in batches]) for depth in range(len(batches[0]))]
    sites = [record.site for record in batches[0]]
    top1, permuted = (float((classes == photographs.labels).mean()) for classes in (predicted, shuffled))
    confusion = np.zeros((len(photographs.classes),) * 2, dtype=int)
    np.add.at(confusion, (photographs.labels, predicted), 1)
    measured = {
        "pictures": len(photographs),
        "top1": top1,
        "top1_with_gates_of_another_picture": permuted,
        "gates": [{"name": site.name, "path": site.path} | aliveness(values) for site, values in zip(sites, weights, strict=True)],
        "confusion": confusion.tolist(),
    }
    averages = {f"{site.path}.mean": values.mean(axis=0) for site, values in zip(sites, weights, strict=True)}
    averages |= {f"{site.path}.spread": values.std(axis=0) for site, values in zip(sites, weights, strict=True)}
    return measured, {key: torch.from_numpy(np.ascontiguousarray(values)) for key, values in averages.items()}


def publish(
    folder: Path,
    name: str,
    architecture: str,
    arguments: dict[str, Any],
    state: dict[str, Tensor],
    recipes: Sequence[Recipe],
    photographs: Photographs,
    preprocessing: Preprocessing,
) -> dict[str, Any]:
    """Write NAME.safetensors (half precision), NAME.gates.safetensors and NAME.json; gives the card.

    Everything on the card is measured on the weights as they are stored.
    """
    stored = {key: (values.half() if values.is_floating_point() else values).cpu().contiguous() for key, values in state.items()}
    module = ARCHITECTURES[architecture](**arguments).eval()
    module.load_state_dict(stored)
    measured, averages = measure(module, photographs, preprocessing)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    card = {
        "name": name,
        "architecture": architecture,
        "arguments": arguments,
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
    recipes = course.recipes if epochs is None else (replace(course.recipes[0], epochs=epochs),)
    photographs = load_photographs(data, "train", course.side)
    arguments = {"classes": len(photographs.classes), **course.arguments}
    torch.manual_seed(recipes[0].seed)
    trained = ARCHITECTURES[net](**arguments)
    (runs / group).mkdir(parents=True, exist_ok=True)
    for place, recipe in enumerate(recipes):
        module = ARCHITECTURES[net](**arguments)
        module.load_state_dict(trained.state_dict())
        state = runs / group / f"{net}.{place}.pt"
        trained = train(module, photographs, recipe, state, device=device, compiled=compiled, report=report)
    validation = load_photographs(data, "val", course.side)
    preprocessing = Preprocessing(course.side, course.side)
    return publish(out, f"{group}/{net}", net, arguments, trained.state_dict(), recipes, validation, preprocessing)
