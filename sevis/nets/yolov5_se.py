"""YOLOv5-SE: the detector YOLOv5 (version 6.1) with an SE block at the end of its backbone, built from a table of its layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sevis.nets.blocks import SqueezeExcitation, conv_norm
from sevis.nets.detection import decode

__all__ = ["ANCHORS", "LAYERS", "SIZES", "Layer", "YOLOv5", "yolov5_se"]

Anchors = Sequence[Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Layer:
    """A row of the table.

    Attributes:
        kind: of KINDS.
        channels: of its output, before the width multiple; 0 takes what the kind makes of its inputs.
        repeats: of what the kind repeats, before the depth multiple.
        sources: the rows that it reads; -1 is the one before it.
        options: of the kind.
    """

    kind: str
    channels: int = 0
    repeats: int = 1
    sources: tuple[int, ...] = (-1,)
    options: Mapping[str, Any] = field(default_factory=dict)


POINTWISE, HALVING, PLAIN = {"kernel": 1}, {"stride": 2}, {"shortcut": False}

LAYERS = (
    Layer("conv", 64, options={"kernel": 6, "stride": 2}),
    Layer("conv", 128, options=HALVING),
    Layer("c3", 128, repeats=3),
    Layer("conv", 256, options=HALVING),
    Layer("c3", 256, repeats=6),  # 4
    Layer("conv", 512, options=HALVING),
    Layer("c3", 512, repeats=9),  # 6
    Layer("conv", 1024, options=HALVING),
    Layer("c3", 1024, repeats=3),
    Layer("se"),
    Layer("sppf", 1024),  # 10, the end of the backbone
    Layer("conv", 512, options=POINTWISE),  # 11
    Layer("upsample"),
    Layer("concat", sources=(-1, 6)),
    Layer("c3", 512, repeats=3, options=PLAIN),
    Layer("conv", 256, options=POINTWISE),  # 15
    Layer("upsample"),
    Layer("concat", sources=(-1, 4)),
    Layer("c3", 256, repeats=3, options=PLAIN),  # 18: small objects
    Layer("conv", 256, options=HALVING),
    Layer("concat", sources=(-1, 15)),
    Layer("c3", 512, repeats=3, options=PLAIN),  # 21: medium
    Layer("conv", 512, options=HALVING),
    Layer("concat", sources=(-1, 11)),
    Layer("c3", 1024, repeats=3, options=PLAIN),  # 24: large
)
DETECT = (18, 21, 24)
STRIDES = (8, 16, 32)

# (width, height) in pixels of a picture of 640: three boxes for each row of DETECT
ANCHORS: Anchors = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)

# name: (depth multiple, width multiple)
SIZES: dict[str, tuple[float, float]] = {"n": (0.33, 0.25), "s": (0.33, 0.50), "m": (0.67, 0.75), "l": (1.0, 1.0), "x": (1.33, 1.25)}


def _conv(in_channels: int, channels: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(*conv_norm(in_channels, channels, kernel, stride=stride), nn.SiLU())


class Bottleneck(nn.Module):
    """1 x 1 and 3 x 3 convolution, added to their input where there is a shortcut."""

    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.branch = nn.Sequential(_conv(channels, channels, 1), _conv(channels, channels))
        self._shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.branch(x)
        return x + made if self._shortcut else made


class CrossStagePartial(nn.Module):
    """C3: half of the channels pass through the bottlenecks, the other half past them (Wang et al. 2020, figure 2)."""

    def __init__(self, in_channels: int, channels: int, repeats: int, shortcut: bool) -> None:
        super().__init__()
        half = channels // 2
        self.through = nn.Sequential(_conv(in_channels, half, 1), *(Bottleneck(half, shortcut) for _ in range(repeats)))
        self.past = _conv(in_channels, half, 1)
        self.join = _conv(2 * half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.join(torch.cat([self.through(x), self.past(x)], dim=1))
        return joined


class PyramidPooling(nn.Module):
    """SPPF: the map beside its 5 x 5 max-pool, taken one, two and three times (He et al. 2014, in its fast form)."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        half = in_channels // 2
        self.reduce = _conv(in_channels, half, 1)
        self.pool = nn.MaxPool2d(5, 1, padding=2)
        self.join = _conv(4 * half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = [self.reduce(x)]
        for _ in range(3):
            maps.append(self.pool(maps[-1]))
        joined: Tensor = self.join(torch.cat(maps, dim=1))
        return joined


class Concat(nn.Module):
    """Maps of one size side by side on the channel axis."""

    def forward(self, *maps: Tensor) -> Tensor:
        return torch.cat(maps, dim=1)


def _c3(in_channels: int, channels: int, repeats: int, *, shortcut: bool = True) -> nn.Module:
    return CrossStagePartial(in_channels, channels, repeats, shortcut)


# kind: builder of (input channels, output channels, repeats, options)
KINDS: dict[str, Callable[..., nn.Module]] = {
    "conv": lambda in_channels, channels, _, **options: _conv(in_channels, channels, **options),
    "c3": _c3,
    "se": lambda in_channels, _, __, **attention: SqueezeExcitation(in_channels, **attention),
    "sppf": lambda in_channels, channels, _: PyramidPooling(in_channels, channels),
    "upsample": lambda *_: nn.Upsample(scale_factor=2),
    "concat": lambda *_: Concat(),
}


class YOLOv5(nn.Module):
    """The detector: pictures (N, 3, H, W), both sides multiples of 32, to boxes.

    In training it gives the raw predictions of each scale, (N, A, H / stride, W / stride, 5 + classes); in eval mode one
    tensor (N, rows, 5 + classes) of all scales, as `sevis.nets.detection.decode` makes it: a box in pixels (centre x,
    centre y, width, height), then the *logits* of objectness and of every class, before their sigmoids.

    Attributes:
        anchors: (scales, A, 2) width and height in pixels.
        strides: pixels a cell of each scale.
    """

    anchors: Tensor

    def __init__(self, layers: list[nn.Module], heads: list[nn.Conv2d], anchors: Tensor) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.heads = nn.ModuleList(heads)
        self.strides = STRIDES
        self.register_buffer("anchors", anchors)

    def forward(self, pictures: Tensor) -> Tensor | tuple[Tensor, ...]:
        raw = self.raw(pictures)
        return raw if self.training else decode(raw, self.anchors, self.strides)

    def raw(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """What the heads say, (N, A, H / stride, W / stride, 5 + classes) for each scale."""
        height, width = pictures.shape[-2:]
        if height % STRIDES[-1] or width % STRIDES[-1]:
            raise ValueError(f"a picture of {width} x {height} pixels: both sides must be multiples of {STRIDES[-1]}; resize or pad it")
        maps = self._maps(pictures)
        anchors = self.anchors.shape[1]
        return tuple(
            head(maps[row]).unflatten(1, (anchors, -1)).permute(0, 1, 3, 4, 2) for head, row in zip(self.heads, DETECT, strict=True)
        )

    def _maps(self, pictures: Tensor) -> list[Tensor]:
        """What every layer made."""
        made: list[Tensor] = []
        for layer, row in zip(self.layers, LAYERS, strict=True):
            made.append(layer(*(made[source] if made else pictures for source in row.sources)))
        return made


def yolov5_se(
    size: str = "s",
    *,
    classes: int = 20,
    depth: float | None = None,
    width: float | None = None,
    anchors: Anchors = ANCHORS,
    **attention: Any,
) -> YOLOv5:
    """A YOLOv5-SE, randomly initialised.

    Args:
        size: of SIZES: "n", "s", "m", "l" or "x".
        classes: how many kinds of things it tells apart.
        depth, width: multiples of the repeats and of the channels, in place of the size's.
        anchors: (width, height) of the boxes of each scale, in pixels.
        attention: reduction, squeeze and excitation of the SqueezeExcitation.
    """
    if size not in SIZES:
        raise ValueError(f"no YOLOv5 of size {size!r}; choose from {', '.join(SIZES)}")
    usual_depth, usual_width = SIZES[size]
    layers, channels = _layers(depth or usual_depth, width or usual_width, attention)
    boxes = torch.tensor(anchors, dtype=torch.float32)
    heads = [_head(channels[row], boxes.shape[1], classes) for row in DETECT]
    return YOLOv5(layers, heads, boxes)


def _layers(depth: float, width: float, attention: dict[str, Any]) -> tuple[list[nn.Module], list[int]]:
    """The table's modules, and the channels that each gives."""
    built: list[nn.Module] = []
    channels: list[int] = []
    for row in LAYERS:
        inputs = sum(channels[source] for source in row.sources) if channels else 3
        channels.append(math.ceil(row.channels * width / 8) * 8 or inputs)
        repeats = max(round(row.repeats * depth), 1)
        built.append(KINDS[row.kind](inputs, channels[-1], repeats, **row.options, **(attention if row.kind == "se" else {})))
    return built, channels


def _head(channels: int, anchors: int, classes: int) -> nn.Conv2d:
    """A 1 x 1 convolution whose first guess is that boxes are rare, so that the many empty places do not drown the few others."""
    head = nn.Conv2d(channels, anchors * (5 + classes), 1)
    head.state_dict()["bias"].view(anchors, -1)[:, 4:] = math.log(0.01 / 0.99)  # Lin et al. 2017, section 3.3
    return head
