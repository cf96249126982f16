"""YOLOv5-SE: the document's table, the published counts, and raw predictions equal to a restatement with torch's functions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import sevis
from sevis.nets.blocks import SqueezeExcitation
from sevis.nets.detection import decode
from sevis.nets.yolov5_se import ANCHORS, DETECT, LAYERS, SIZES, YOLOv5, yolov5_se
from tests.tiny_networks import alive, batch

# from, repeats, kind and channels as document 1 lists them, but for C3's repeats at 4 (it has 9, of version 5.0) and SPPF's channels
DOCUMENT = """
-1 1 conv 64 | -1 1 conv 128 | -1 3 c3 128 | -1 1 conv 256 | -1 6 c3 256 | -1 1 conv 512 | -1 9 c3 512 | -1 1 conv 1024 | -1 3 c3 1024
| -1 1 se 0 | -1 1 sppf 1024 | -1 1 conv 512 | -1 1 upsample 0 | -1,6 1 concat 0 | -1 3 c3 512 | -1 1 conv 256 | -1 1 upsample 0
| -1,4 1 concat 0 | -1 3 c3 256 | -1 1 conv 256 | -1,15 1 concat 0 | -1 3 c3 512 | -1 1 conv 512 | -1,11 1 concat 0 | -1 3 c3 1024
"""
# YOLOv5's own table for 80 classes: millions of parameters, counted with every batch norm folded into its convolution
PUBLISHED = {"n": 1.9, "s": 7.2, "m": 21.2, "l": 46.5, "x": 86.7}


def tiny(**options: object) -> YOLOv5:
    module = yolov5_se("n", classes=3, width=0.125, **options)
    anchors = module.anchors.clone()
    alive(module).anchors.copy_(anchors)
    return module


def se_of(module: nn.Module) -> SqueezeExcitation:
    (se,) = (part for part in module.modules() if isinstance(part, SqueezeExcitation))
    return se


def test_the_table_is_the_documents() -> None:
    rows = [f"{','.join(map(str, row.sources))} {row.repeats} {row.kind} {row.channels}" for row in LAYERS]
    assert rows == [" ".join(row.split()) for row in DOCUMENT.replace("\n", " ").strip().split("|")]
    assert DETECT == (18, 21, 24)


@pytest.mark.parametrize("size", SIZES)
def test_without_the_excitation_there_are_as_many_parameters_as_published(size: str) -> None:
    with torch.device("meta"):
        module = yolov5_se(size, classes=80)
    parameters = sum(p.numel() for p in module.parameters()) - sum(p.numel() for p in se_of(module).parameters())
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    folded = sum(norm.num_features for norm in norms)  # weight and bias become the convolution's bias
    assert round((parameters - folded) / 1e6, 1) == PUBLISHED[size]


def test_the_small_one_is_the_documents() -> None:
    with torch.device("meta"):
        module = yolov5_se("s")
        raw = module.train()(torch.zeros(2, 3, 640, 640))
    assert [head.in_channels for head in module.heads] == [128, 256, 512]
    assert [tuple(scale.shape) for scale in raw] == [(2, 3, 640 // stride, 640 // stride, 25) for stride in (8, 16, 32)]
    assert module.strides == (8, 16, 32)
    assert module.layers[9] is se_of(module)
    assert (se_of(module).reduce.in_features, se_of(module).reduce.out_features) == (512, 32)


def conv(state: dict[str, Tensor], path: str, x: Tensor, stride: int = 1) -> Tensor:
    kernel = state[f"{path}.0.weight"]
    x = F.conv2d(x, kernel, stride=stride, padding=(kernel.shape[-1] - 1) // 2)
    norm = (state[f"{path}.1.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
    return F.silu(F.batch_norm(x, *norm))


def c3(state: dict[str, Tensor], path: str, x: Tensor, shortcut: bool) -> Tensor:
    inner = conv(state, f"{path}.through.0", x)
    repeats = len({key.split(".through.")[1].split(".")[0] for key in state if key.startswith(f"{path}.through.")}) - 1
    for number in range(1, 1 + repeats):
        made = conv(state, f"{path}.through.{number}.branch.1", conv(state, f"{path}.through.{number}.branch.0", inner))
        inner = inner + made if shortcut else made
    return conv(state, f"{path}.join", torch.cat([inner, conv(state, f"{path}.past", x)], 1))


def detector(module: nn.Module, x: Tensor) -> list[Tensor]:
    """The backbone and the head, step by step, from the state alone."""
    state = module.state_dict()
    backbone = []
    for row in range(9):
        path = f"layers.{row}"
        x = c3(state, path, x, True) if row in (2, 4, 6, 8) else conv(state, path, x, 2)
        backbone.append(x)
    z = x.mean((2, 3)) @ state["layers.9.reduce.weight"].T
    x = x * torch.sigmoid(z.relu() @ state["layers.9.expand.weight"].T)[:, :, None, None]
    pooled = [conv(state, "layers.10.reduce", x)]
    pooled += [F.max_pool2d(pooled[0], size, 1, size // 2) for size in (5, 9, 13)]  # two and three 5 x 5 in turn
    large = conv(state, "layers.11", conv(state, "layers.10.join", torch.cat(pooled, 1)))
    up = torch.cat([large.repeat_interleave(2, 2).repeat_interleave(2, 3), backbone[6]], 1)
    medium = conv(state, "layers.15", c3(state, "layers.14", up, False))
    up = torch.cat([medium.repeat_interleave(2, 2).repeat_interleave(2, 3), backbone[4]], 1)
    first = c3(state, "layers.18", up, False)
    second = c3(state, "layers.21", torch.cat([conv(state, "layers.19", first, 2), medium], 1), False)
    third = c3(state, "layers.24", torch.cat([conv(state, "layers.22", second, 2), large], 1), False)
    heads = zip((first, second, third), (0, 1, 2), strict=True)
    made = [F.conv2d(x, state[f"heads.{n}.weight"], state[f"heads.{n}.bias"]) for x, n in heads]
    return [x.reshape(len(x), 3, -1, *x.shape[2:]).permute(0, 1, 3, 4, 2) for x in made]


def test_raw_predictions_are_the_descriptions() -> None:
    module = tiny(depth=0.67).double()  # 0.67: stages of two, four and six bottlenecks
    pictures = batch(2, 64)[..., :32, :].double()
    with torch.no_grad():
        raw, expected = module.raw(pictures), detector(module, pictures)
        together = module(pictures)
    for found, wanted in zip(raw, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
        assert found.std() > 1e-3
    torch.testing.assert_close(together, decode(raw, module.anchors, module.strides))
    assert together.shape == (2, 3 * (8 * 4 + 4 * 2 + 2 * 1), 5 + 3)


def test_at_first_it_finds_next_to_nothing() -> None:
    raw = yolov5_se("n", classes=3, width=0.125).eval()(batch(1, 64))
    assert raw[..., 4:].sigmoid().max() < 0.2


def test_its_gate_is_found() -> None:
    (site,) = sevis.find_gates(tiny(), batch(2, 64))
    assert (site.path, site.channels, site.warning) == ("layers.9", 128, "")


@pytest.mark.parametrize("sides", [(100, 64), (64, 80)])
def test_a_picture_that_does_not_divide_is_refused(sides: tuple[int, int]) -> None:
    said = rf"^a picture of {sides[1]} x {sides[0]} pixels: both sides must be multiples of 32; resize or pad it$"
    with pytest.raises(ValueError, match=said):
        tiny()(torch.zeros(1, 3, *sides))


def test_an_unknown_size_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"^no YOLOv5 of size 'xl'; choose from n, s, m, l, x$"):
        yolov5_se("xl")


def test_its_anchors_may_be_others() -> None:
    smaller = tuple(tuple((w / 4, h / 4) for w, h in scale) for scale in ANCHORS)
    assert torch.equal(tiny(anchors=smaller).anchors, torch.tensor(smaller))
