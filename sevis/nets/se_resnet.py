"""SE-ResNet (Hu et al. 2018, table 1) with the CIFAR or the ImageNet stem, and the paper's ablations of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from sevis.nets.blocks import EXCITATIONS, INTEGRATIONS, SQUEEZES, Residual, SqueezeExcitation, conv_norm, pick

__all__ = ["ABLATIONS", "DEPTHS", "STAGES", "STEMS", "ResNet", "projection", "residual_stages", "se_resnet"]

STAGES = (2, 3, 4, 5)  # as the paper counts them: stage 1 is the stem


def cifar_stem(channels: int) -> nn.Sequential:
    """3 x 3, stride 1: keeps small pictures whole (He et al. 2016, section 4.2)."""
    return nn.Sequential(*conv_norm(3, channels, 3), nn.ReLU())


def imagenet_stem(channels: int) -> nn.Sequential:
    """7 x 7, stride 2, then a max-pool: a quarter of the input's size (He et al. 2016, table 1)."""
    return nn.Sequential(*conv_norm(3, channels, 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))


STEMS: dict[str, Callable[[int], nn.Sequential]] = {"cifar": cifar_stem, "imagenet": imagenet_stem}


def basic(in_channels: int, planes: int, stride: int, *inside: nn.Module) -> nn.Sequential:
    """Two 3 x 3 convolutions, the branch of ResNet-18 and 34; what is to stand inside it follows the first."""
    return nn.Sequential(*conv_norm(in_channels, planes, 3, stride=stride), *inside, nn.ReLU(), *conv_norm(planes, planes, 3))


def bottleneck(in_channels: int, planes: int, stride: int, *inside: nn.Module) -> nn.Sequential:
    """1 x 1, 3 x 3 with the stride and what is to stand inside, 1 x 1 to four times the planes: the branch of ResNet-50 and deeper."""
    return nn.Sequential(
        *conv_norm(in_channels, planes, 1),
        nn.ReLU(),
        *conv_norm(planes, planes, 3, stride=stride),
        *inside,
        nn.ReLU(),
        *conv_norm(planes, 4 * planes, 1),
    )


Branch = Callable[..., nn.Sequential]

# depth: (branch, expansion, blocks in each stage)
DEPTHS: dict[int, tuple[Branch, int, tuple[int, ...]]] = {
    18: (basic, 1, (2, 2, 2, 2)),
    34: (basic, 1, (3, 4, 6, 3)),
    50: (bottleneck, 4, (3, 4, 6, 3)),
    101: (bottleneck, 4, (3, 4, 23, 3)),
    152: (bottleneck, 4, (3, 8, 36, 3)),
}


def projection(in_channels: int, channels: int, stride: int) -> nn.Module:
    """The shortcut: the identity where shapes agree, else a 1 x 1 convolution (He et al. 2016, option B)."""
    if stride == 1 and in_channels == channels:
        return nn.Identity()
    return nn.Sequential(*conv_norm(in_channels, channels, 1, stride=stride))


Block = Callable[[int, int, int, int], nn.Module]  # of (stage, input channels, planes, stride)


def residual_stages(
    block: Block, in_channels: int, planes: tuple[int, ...], counts: tuple[int, ...], expansion: int
) -> list[nn.Sequential]:
    """One Sequential for each of STAGES; every one but the first halves the size in its first block."""
    built = []
    for stage, width, count in zip(STAGES, planes, counts, strict=True):
        blocks = []
        for number in range(count):
            blocks.append(block(stage, in_channels, width, 2 if stage > STAGES[0] and not number else 1))
            in_channels = width * expansion
        built.append(nn.Sequential(*blocks))
    return built


class ResNet(nn.Module):
    """Stem, four stages of residual units, average pool and a linear layer: (N, 3, H, W) -> logits (N, classes)."""

    def __init__(self, stem: nn.Module, layers: list[nn.Sequential], features: int, classes: int) -> None:
        super().__init__()
        self.stem = stem
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.linear = nn.Linear(features, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        features = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(pictures)))))
        logits: Tensor = self.linear(features.mean(dim=(2, 3)))
        return logits


def se_resnet(
    depth: int,
    *,
    classes: int = 10,
    stem: str = "cifar",
    width: float = 1.0,
    integration: str = "standard",
    stages: Sequence[int] = STAGES,
    **attention: Any,
) -> ResNet:
    """An SE-ResNet of one of DEPTHS, randomly initialised.

    Args:
        depth: 18, 34, 50, 101 or 152.
        classes: how many logits it gives.
        stem: "cifar" or "imagenet".
        width: factor on every channel count.
        integration: "standard", "pre", "post", "identity" or "3x3".
        stages: which of STAGES have SE blocks; () leaves a plain ResNet.
        attention: reduction, squeeze and excitation of every SqueezeExcitation.
    """
    if depth not in DEPTHS:
        raise ValueError(f"no SE-ResNet of depth {depth!r}; choose from {', '.join(map(str, DEPTHS))}")
    if unknown := [stage for stage in stages if stage not in STAGES]:
        raise ValueError(f"an SE-ResNet has no stage {unknown[0]!r}; choose from {', '.join(map(str, STAGES))}")
    branch, expansion, counts = DEPTHS[depth]

    def block(stage: int, in_channels: int, planes: int, stride: int) -> Residual:
        channels = planes * expansion
        gated = {"pre": in_channels, "3x3": planes}.get(integration, channels)
        se = SqueezeExcitation(gated, **attention) if stage in stages else nn.Identity()
        inside, around = ((se,), nn.Identity()) if integration == "3x3" else ((), se)
        return Residual(branch(in_channels, planes, stride, *inside), projection(in_channels, channels, stride), around, integration)

    planes = tuple(round(c * width) for c in (64, 128, 256, 512))
    layers = residual_stages(block, planes[0], planes, counts, expansion)
    return ResNet(pick(STEMS, "stem", stem)(planes[0]), layers, planes[-1] * expansion, classes)


# what the paper varies in SE-ResNet-50, as arguments of se_resnet (Hu et al. 2018, sections 6.1 to 6.5 and 7.1)
ABLATIONS: dict[str, dict[str, Any]] = {
    "no SE": {"stages": ()},
    **{f"reduction {r}": {"reduction": r} for r in (2, 4, 8, 16, 32)},
    **{f"squeeze {name}": {"squeeze": name} for name in SQUEEZES},
    **{f"excitation {name}": {"excitation": name} for name in EXCITATIONS},
    **{f"stage {stage}": {"stages": (stage,)} for stage in (2, 3, 4)},
    **{f"integration {name}": {"integration": name} for name in INTEGRATIONS},
}
