"""Networks that others wrote, and which gates their classes say they have: what the tracer's findings are compared with.

Counting goes by class alone and knows nothing of data flow, so that the two can only agree by being right. The table test
(capture/test_architectures.py) and `make survey` (docs/survey.py) share this file.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torchvision
from torch import Tensor, nn

from sevis.capture import find_gates
from sevis.records import GateSite

__all__ = ["ALIKE", "Row", "build", "differences", "example", "parameters_of", "row_of", "sites_of"]

# modules that multiply a map by one weight a channel computed from it, or branches by their shares
GATES = (
    "timm.layers.squeeze_excite.SEModule",
    "timm.layers.squeeze_excite.SqueezeExciteCl",
    "timm.layers.squeeze_excite.EffectiveSEModule",
    "timm.layers.eca.EcaModule",
    "timm.layers.eca.CecaModule",
    "timm.layers.cbam.ChannelAttn",
    "timm.layers.global_context.GlobalContext",
    "timm.layers.selective_kernel.SelectiveKernel",
    "timm.layers.split_attn.SplitAttn",
    "timm.models._efficientnet_blocks.SqueezeExcite",
    "timm.models.senet.SEModule",
    "timm.models.hgnet.EseModule",
    "torchvision.ops.misc.SqueezeExcitation",
)
ADDITIVE = "adds what it computes from the pooled map to every place; nothing is multiplied"
# modules that a list of names would take for gates, and why they are none
ALIKE = {
    "timm.layers.cbam.SpatialAttn": "one weight a place, the same for all channels",
    "timm.layers.coord_attn.CoordAttn": "weights along the height times weights along the width: they differ between places",
    "timm.layers.grn.GlobalResponseNorm": "divides a channel's norm by the mean norm: a normalisation, with neither layer nor nonlinearity",
    "timm.layers.layer_scale.LayerScale": "one learned weight a channel, the same for every picture",
    "timm.layers.layer_scale.LayerScale2d": "one learned weight a channel, the same for every picture",
    "timm.models.csatv2.SpatialAttention": "one weight a place, the same for all channels",
    "timm.models.davit.ChannelAttention": "attention between channels: a matrix mixes them, none is weighed",
    "timm.models.davit.ChannelAttentionV2": "attention between channels: a matrix mixes them, none is weighed",
    "timm.models.focalnet.FocalModulation": "the pooled context is multiplied by one weight a place, and the result by a map of queries",
    "timm.models.mobilevit.LinearSelfAttention": "the pooled keys multiply another projection of the map, without a nonlinearity",
    "timm.models.swiftformer.EfficientAdditiveAttention": "the pooled query multiplies the keys, without a nonlinearity",
    "torchvision.models.convnext.LayerScale": "one learned weight a channel, the same for every picture",
}
SIDES = (64, 224)  # pictures to try before a network's own size
REFUSALS = (RuntimeError, AssertionError, ValueError, IndexError, ZeroDivisionError)  # what a network of one size says to others


def build(name: str) -> nn.Module:
    """The network of a name as in "timm/seresnet18" or "torchvision/regnet_y_400mf", with random weights, in eval mode."""
    library, _, model = name.partition("/")
    if library == "torchvision":
        # without these two arguments the inceptions warn, of a slow start and of a second output
        options = {"init_weights": True, "aux_logits": False} if model in {"googlenet", "inception_v3"} else {}
        return torchvision.models.get_model(model, weights=None, **options).eval()
    try:
        # with the last norm of every branch at 0 each squeeze would be 0 too, and its gate the same for all pictures
        return timm.create_model(model, zero_init_last=False).eval()
    except TypeError:
        return timm.create_model(model).eval()


def parameters_of(name: str) -> int:
    """How many parameters one of timm's networks has, without making one."""
    with torch.device("meta"):
        return sum(p.numel() for p in build(name).parameters())


def example(side: int, count: int = 2) -> Tensor:
    """Pictures (N, 3, side, side), each with a grain and a brightness of its own."""
    noise = torch.randn((count, 3, side, side), generator=torch.Generator().manual_seed(1))
    return noise + torch.linspace(-1, 1, count)[:, None, None, None]


def _classes(module: nn.Module) -> Iterator[str]:
    """The names of a module's class and of what it derives from."""
    return (f"{base.__module__}.{base.__qualname__}" for base in type(module).__mro__)


def is_additive(module: nn.Module) -> bool:
    """Whether a GlobalContext is of the kind that adds, as in gcresnet."""
    return getattr(module, "mlp_scale", module) is None


def counted(module: nn.Module) -> list[str]:
    """The paths of a network's gates by their classes; a shared module counts once."""
    return [path for path, part in module.named_modules() if any(name in GATES for name in _classes(part)) and not is_additive(part)]


def alike(module: nn.Module) -> dict[str, int]:
    """How many modules of each class resemble a gate and are none."""
    names = [
        "GlobalContext, additive" if is_additive(part) else next((n for n in _classes(part) if n in ALIKE), "") for part in module.modules()
    ]
    return dict(Counter(name.rpartition(".")[2] for name in names if name))


def sites_of(module: nn.Module) -> tuple[int, tuple[GateSite, ...]]:
    """The smallest side of picture that a network takes, and its gates there."""
    own = int(getattr(module, "pretrained_cfg", {}).get("input_size", (3, 224, 224))[-1])
    sides = sorted({*SIDES, own})
    for side in sides[:-1]:
        try:
            return side, find_gates(module, example(side))
        except REFUSALS:
            continue
    return sides[-1], find_gates(module, example(sides[-1]))


def differences(module: nn.Module, sites: tuple[GateSite, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The gates by class that were not found, and what was found where no class says so; by path."""
    found, expected = Counter(site.path for site in sites), Counter(counted(module))
    return tuple((expected - found).elements()), tuple((found - expected).elements())


@dataclass(frozen=True)
class Row:
    """One network of the survey.

    Attributes:
        name: with its library.
        parameters: how many it has.
        side: of the pictures that it was shown.
        found: gates that the tracer found.
        counted: gates by class.
        missed: paths of gates by class that were not found.
        invented: paths of gates that were found where no class says so.
        alike: how many modules of each class resemble a gate.
        activations: of the gates, each once.
        warnings: what their sites say, and what could not be seen, each sentence once.
        error: why there are no numbers; empty where there are.
    """

    name: str
    parameters: int = 0
    side: int = 0
    found: int = 0
    counted: int = 0
    missed: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()
    alike: dict[str, int] | None = None
    activations: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""


def row_of(name: str) -> Row:
    """What the tracer finds in a network, beside what its classes say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            module = build(name)
            side, sites = sites_of(module)
        except Exception as error:  # whatever a stranger's network raises is a line of the table
            return Row(name, error=f"{type(error).__name__}: {str(error).partition(chr(10))[0][:150]}")
    unseen = [str(warning.message) for warning in caught if "sevis.capture" in str(warning.message)]
    missed, invented = differences(module, sites)
    details: dict[str, Any] = {
        "activations": tuple(dict.fromkeys(site.activation for site in sites)),
        "warnings": tuple(dict.fromkeys([*(site.warning for site in sites if site.warning), *unseen])),
    }
    parameters = sum(p.numel() for p in module.parameters())
    return Row(name, parameters, side, len(sites), len(counted(module)), missed, invented, alike(module), **details)
