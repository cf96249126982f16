"""A checkpoint of a tiny network as it would ship, and labelled photographs of coloured noise."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from sevis.nets.photographs import Photographs
from sevis.nets.preprocessing import Preprocessing
from tests.tiny_networks import CLASSES, pictures, se_net

ARGUMENTS = {"classes": len(CLASSES), "width": 0.125, "reduction": 4}
SIDE = 16


def write(path: Path, tensors: dict[str, Tensor]) -> str:
    """Write a safetensors file; gives its sha256."""
    data = save({key: values.contiguous() for key, values in tensors.items()})
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def ship(folder: Path, name: str = "tiny/net", seed: int = 0, **changed: Any) -> dict[str, Tensor]:
    """Write NAME.safetensors, NAME.gates.safetensors and NAME.json; gives the state. `changed` goes over the card."""
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    module = se_net(seed=seed)
    paths = [path for path, part in module.named_modules() if path.endswith(".se")]
    averages = {f"{path}.mean": torch.full((1, module.get_submodule(path).expand.out_features), 0.5) for path in paths}
    averages |= {f"{path}.spread": torch.full_like(averages[f"{path}.mean"], 0.1) for path in paths}
    card = {
        "name": name,
        "architecture": "se_resnet18",
        "arguments": ARGUMENTS,
        "classes": list(CLASSES),
        "preprocessing": Preprocessing(SIDE, SIDE).to_card(),
        "sha256": write(target.with_name(target.name + ".safetensors"), module.state_dict()),
        "averages": {
            "sha256": write(target.with_name(target.name + ".gates.safetensors"), averages),
            "paths": paths,
            "pictures": 9,
        },
    }
    target.with_name(target.name + ".json").write_text(json.dumps(card | changed), encoding="utf-8")
    return module.state_dict()


def photographs(count: int, side: int = SIDE, seed: int = 0) -> Photographs:
    """Labelled noise, of as many classes as the tiny networks have."""
    pixels = np.stack(pictures(count, side, seed)).transpose(0, 3, 1, 2)
    labels = np.random.default_rng(seed).integers(0, len(CLASSES), count)
    return Photographs(np.ascontiguousarray(pixels), labels, CLASSES)


def photograph_files(folder: Path, each: int, *, side: int = 20, classes: tuple[str, ...] = ("ant", "bee")) -> Path:
    """A folder of train/CLASS/*.png and val/CLASS/*.png; gives the folder."""
    for split, seed in (("train", 1), ("val", 2)):
        for label, name in enumerate(classes):
            home = folder / split / name
            home.mkdir(parents=True)
            for n, picture in enumerate(pictures(each, side, seed=10 * seed + label)):
                Image.fromarray(picture).save(home / f"{n}.png")
    return folder
