"""Measuring what the menu says of its networks, with random weights: nothing is fetched."""

from __future__ import annotations

from typing import Any

from PIL import Image

from sevis.inspector import Inspector
from sevis.menu import Entry
from sevis.nets.cost import macs, parameters
from sevis.nets.recommended import RECOMMENDED
from sevis.nets.sources import blueprint, load
from sevis.nets.timm_zoo import TIMM
from sevis.nets.torchvision_zoo import TORCHVISION, default_weights

__all__ = ["NAMES", "measure"]

NAMES = tuple(RECOMMENDED)


def measure(name: str) -> Entry:
    """One network of the menu: its cost from the meta device, its gates from one pass."""
    sketch, network = blueprint(name).sketch(), load(name, weights=None)
    side = network.preprocessing(Image.new("RGB", (256, 256))).shape[-1]
    licence, repository, url = _home(name)
    return Entry(
        name=name,
        gate=RECOMMENDED[name],
        gates=len(Inspector(network).sites),
        parameters=parameters(sketch),
        macs=macs(sketch, side),
        side=side,
        classes=len(network.classes),
        licence=licence,
        repository=repository,
        url=url,
    )


def _home(name: str) -> tuple[str, str, str]:
    """Licence, repository and URL of the weights."""
    if name.startswith(TIMM):
        import timm

        config: Any = timm.get_pretrained_cfg(name.removeprefix(TIMM))
        return config.license or "", config.hf_hub_id or "", "" if config.hf_hub_id else config.url
    if name.startswith(TORCHVISION):
        return "", "", default_weights(name).url  # torchvision states no licence for its weights
    return "apache-2.0", "", ""
