"""Attention modules as others write them, each with its own weights' formula beside it: what a tracer must find unasked.

Every module takes a map of C channels and gives one of the same shape; `expected(features)` restates its weights (N, M, C)
from its layers without touching its forward.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.tiny_networks import alive

CHANNELS = 8


class Classifier(nn.Module):
    """Convolution, one foreign block, average pool, linear layer."""

    def __init__(self, block: nn.Module, *, dimensions: int = 2, channels: int = CHANNELS) -> None:
        super().__init__()
        conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
        self.stem = conv(3, channels, 3, padding=1)
        self.block = block
        self.linear = nn.Linear(channels, 4)

    def features(self, pictures: Tensor) -> Tensor:
        return torch.relu(self.stem(pictures))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.linear(self.block(self.features(pictures)).flatten(2).mean(2))


def mean(features: Tensor) -> Tensor:
    """(N, C, ...) -> (N, C)."""
    return features.flatten(2).mean(2)


def one(gate: Tensor) -> Tensor:
    """(N, C) as the weights of a channel gate, (N, 1, C)."""
    return gate.flatten(1)[:, None]


class ExpandAs(nn.Module):
    """Documents 0, 1 and 4: moskomule's SELayer."""

    def __init__(self, channel: int = CHANNELS, reduction: int = 2) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Linear(channel, channel // reduction, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channel // reduction, channel, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        y = self.avg_pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)

    def expected(self, features: Tensor) -> Tensor:
        return one(self.fc(mean(features)))


class Squared(nn.Module):
    """Document 0's bug: the block multiplies by the rescaled map once more, out * SE(out)."""

    def __init__(self) -> None:
        super().__init__()
        self.SE = ExpandAs()

    def forward(self, out: Tensor) -> Tensor:
        SE_out = self.SE(out)
        return out * SE_out

    def expected(self, features: Tensor) -> Tensor:
        return self.SE.expected(features)


class NamedLayers(nn.Module):
    """Document 1's SElayer(c1, c2, ratio)."""

    def __init__(self, c1: int = CHANNELS, c2: int = CHANNELS, ratio: int = 2) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.l1 = nn.Linear(c1, c1 // ratio, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.l2 = nn.Linear(c1 // ratio, c1, bias=False)
        self.sig = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        y = self.avgpool(x).view(b, c)
        y = self.l1(y)
        y = self.relu(y)
        y = self.l2(y)
        y = self.sig(y)
        y = y.view(b, c, 1, 1)
        return x * y.expand_as(x)

    def expected(self, features: Tensor) -> Tensor:
        return one(torch.sigmoid(self.l2(torch.relu(self.l1(mean(features))))))


class Inline(nn.Module):
    """EfficientNet-PyTorch writes SE inside its block: no module of its own exists, and the gate stands first."""

    def __init__(self) -> None:
        super().__init__()
        self._se_reduce = nn.Conv2d(CHANNELS, 2, 1)
        self._se_expand = nn.Conv2d(2, CHANNELS, 1)
        self._swish = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        x_squeezed = F.adaptive_avg_pool2d(x, 1)
        x_squeezed = self._se_reduce(x_squeezed)
        x_squeezed = self._swish(x_squeezed)
        x_squeezed = self._se_expand(x_squeezed)
        return torch.sigmoid(x_squeezed) * x

    def expected(self, features: Tensor) -> Tensor:
        return one(torch.sigmoid(self._se_expand(F.silu(self._se_reduce(features.mean((2, 3), keepdim=True))))))


class Ramp(nn.Module):
    """The hard sigmoid of MobileNetV3 written as relu6(x + 3) / 6: the gate is not the activation's output."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(CHANNELS, 4, 1)
        self.fc2 = nn.Conv2d(4, CHANNELS, 1)

    def forward(self, x: Tensor) -> Tensor:
        s = x.mean((2, 3), keepdim=True)
        s = self.fc2(F.relu(self.fc1(s), inplace=True))
        return torch.mul(x, F.relu6(s + 3, inplace=True) / 6)

    def logits(self, features: Tensor) -> Tensor:
        return one(self.fc2(F.relu(self.fc1(features.mean((2, 3), keepdim=True)))))

    def expected(self, features: Tensor) -> Tensor:
        return ((self.logits(features) + 3) / 6).clamp(0, 1)


class Clamp(Ramp):
    """mmcls's HSigmoid: the ramp first, then the clamp."""

    def forward(self, x: Tensor) -> Tensor:
        s = self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1))))
        return x * ((s + 3) / 6).clamp_(0, 1)


class HardSigmoid(Ramp):
    """torchvision's MobileNetV3: the ramp as one function."""

    def forward(self, x: Tensor) -> Tensor:
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class Grouped(nn.Module):
    """A GroupNorm inside the excitation, whose weights are computed in every pass from a direction and a length."""

    def __init__(self) -> None:
        super().__init__()
        self.reduce = nn.utils.parametrizations.weight_norm(nn.Conv2d(CHANNELS, 4, 1))
        self.norm = nn.GroupNorm(2, 4)
        self.expand = nn.Conv2d(4, CHANNELS, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weigh(F.adaptive_avg_pool2d(x, 1))

    def weigh(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.expand(F.relu(self.norm(self.reduce(z)))))

    def expected(self, features: Tensor) -> Tensor:
        return one(self.weigh(features.mean((2, 3), keepdim=True)))


class ByName(ExpandAs):
    """Both factors of the multiplication as keyword arguments."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.mul(other=self.fc(x.mean((2, 3)))[:, :, None, None], input=x)


class OverAllChannels(ExpandAs):
    """A softmax over the channels: they compete, and their weights sum to 1."""

    def forward(self, x: Tensor) -> Tensor:
        return x * self.logits(mean(x)).softmax(dim=1)[:, :, None, None]

    def logits(self, z: Tensor) -> Tensor:
        return self.fc[2](torch.relu(self.fc[0](z)))

    def expected(self, features: Tensor) -> Tensor:
        return one(self.logits(mean(features)).softmax(dim=1))


class Scaled(ExpandAs):
    """Weights that are learned stand after the sigmoid: what multiplies the map is their product."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(CHANNELS))

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.fc(mean(x)) * self.scale)[:, :, None, None]

    def expected(self, features: Tensor) -> Tensor:
        return one(self.fc(mean(features)) * self.scale)


class SpaceAndChannels(ExpandAs):
    """scSE: the map weighed by its channels plus the map weighed by its places; only the first is a channel gate."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Conv2d(CHANNELS, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x * torch.sigmoid(self.places(x))


class WeighedPlaces(ExpandAs):
    """GCNet's squeeze: a softmax over the places instead of their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Conv2d(CHANNELS, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        share = self.places(x).flatten(2).softmax(dim=-1)
        z = x.flatten(2) @ share.transpose(1, 2)
        return x * self.fc(z.flatten(1))[:, :, None, None]

    def squeeze(self, features: Tensor) -> Tensor:
        share = self.places(features).flatten(2).softmax(dim=-1)
        return (features.flatten(2) * share).sum(-1)

    def expected(self, features: Tensor) -> Tensor:
        return one(self.fc(self.squeeze(features)))


class InPlace(ExpandAs):
    """The multiplication overwrites the map that it read."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x.mean((2, 3)))[:, :, None, None]
        x *= y
        return x


class EveryStepInPlace(ExpandAs):
    """The squeeze, the bottleneck and the logits are overwritten by what follows them."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(x, 1).flatten(1)
        y = self.fc[2](self.fc[0](y.mul_(2)).relu_())
        return x.mul_(y.sigmoid_()[:, :, None, None])

    def expected(self, features: Tensor) -> Tensor:
        return one(self.fc(2 * mean(features)))


class InPlaceMethod(ExpandAs):
    """The same as a method."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(self.fc(x.mean(-1).mean(-1)).unsqueeze(-1).unsqueeze(-1))


class Overwritten(ExpandAs):
    """timm's ResNet: the gated map is added to and rectified in place right after the gate."""

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x.clone()
        x = super().forward(x)
        x += shortcut
        return F.relu(x, inplace=True)


class Flattened(ExpandAs):
    """ai-med's ChannelSELayer: the squeeze is the mean of a view."""

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        y = self.fc(x.view(b, c, -1).mean(dim=2))
        return torch.mul(x, y.view(b, c, 1, 1))


class Summed(ExpandAs):
    """The squeeze as a sum divided by the number of places."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.sum(dim=(2, 3)) / (x.shape[2] * x.shape[3])
        return x * self.fc(y)[..., None, None]


class Residual(ExpandAs):
    """MONAI's ResidualSELayer: x + x * g."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Gained(ExpandAs):
    """timm's NFNets: the gated map times a number."""

    def forward(self, x: Tensor) -> Tensor:
        return 2.0 * super().forward(x)


class TwoSqueezes(nn.Module):
    """CBAM's channel gate: average and maximum through one bottleneck."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(CHANNELS, 4), nn.ReLU(), nn.Linear(4, CHANNELS))

    def forward(self, x: Tensor) -> Tensor:
        average = self.mlp(F.avg_pool2d(x, x.shape[2:], stride=x.shape[2:]))
        maximum = self.mlp(F.max_pool2d(x, x.shape[2:], stride=x.shape[2:]))
        scale = torch.sigmoid(average + maximum).unsqueeze(2).unsqueeze(3).expand_as(x)
        return x * scale

    def expected(self, features: Tensor) -> Tensor:
        return one(torch.sigmoid(self.mlp(features.mean((2, 3))) + self.mlp(features.amax((2, 3)))))


class OverChannels(nn.Module):
    """Efficient channel attention: a convolution along the channels, no bottleneck."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(x, 1)
        y = self.conv(y.squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
        return x * torch.sigmoid(y).expand_as(x)

    def expected(self, features: Tensor) -> Tensor:
        return torch.sigmoid(self.conv(mean(features)[:, None]))


class ChannelsLast(ExpandAs):
    """The map as (N, H, W, C), pooled and gated there."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        y = self.fc(x.mean(dim=(1, 2)))
        return (x * y[:, None, None, :]).permute(0, 3, 1, 2)


class AnyDimension(ExpandAs):
    """One line of places, or a volume of them."""

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x.mean(dim=tuple(range(2, x.ndim))))
        return x * y.reshape(*y.shape, *[1] * (x.ndim - 2))


def channel_cases() -> dict[str, tuple[nn.Module, str]]:
    """Name -> (classifier, activation) of the channel gates."""
    flat = {
        "expand_as": (ExpandAs(), "sigmoid"),
        "squared": (Squared(), "sigmoid"),
        "named layers": (NamedLayers(), "sigmoid"),
        "inline": (Inline(), "sigmoid"),
        "relu6(x + 3) / 6": (Ramp(), "relu6"),
        "clamp((x + 3) / 6)": (Clamp(), "clamp"),
        "hardsigmoid": (HardSigmoid(), "hardsigmoid"),
        "GroupNorm": (Grouped(), "sigmoid"),
        "keywords": (ByName(), "sigmoid"),
        "softmax over channels": (OverAllChannels(), "softmax"),
        "sigmoid * scale": (Scaled(), "sigmoid"),
        "scSE": (SpaceAndChannels(), "sigmoid"),
        "weighed places": (WeighedPlaces(), "sigmoid"),
        "x *= g": (InPlace(), "sigmoid"),
        "x.mul_(g)": (InPlaceMethod(), "sigmoid"),
        "every step in place": (EveryStepInPlace(), "sigmoid"),
        "overwritten": (Overwritten(), "sigmoid"),
        "mean of a view": (Flattened(), "sigmoid"),
        "sum / places": (Summed(), "sigmoid"),
        "x + x * g": (Residual(), "sigmoid"),
        "2 * x * g": (Gained(), "sigmoid"),
        "two squeezes": (TwoSqueezes(), "sigmoid"),
        "over channels": (OverChannels(), "sigmoid"),
        "channels last": (ChannelsLast(), "sigmoid"),
    }
    cases: dict[str, tuple[nn.Module, str]] = {name: (Classifier(block), activation) for name, (block, activation) in flat.items()}
    cases |= {f"{n}-D": (Classifier(AnyDimension(), dimensions=n), "sigmoid") for n in (1, 3)}
    return {name: (alive(module, seed=2), activation) for name, (module, activation) in cases.items()}


class Selection(nn.Module):
    """Two convolutions and the bottleneck that weighs them; subclasses write the forward."""

    def __init__(self, kernels: tuple[int, ...] = (3, 5), d: int = 4) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(CHANNELS, CHANNELS, k, padding=k // 2) for k in kernels)
        self.fc1 = nn.Linear(CHANNELS, d)
        self.fc2 = nn.Linear(d, len(kernels) * CHANNELS, bias=False)

    def branches(self, x: Tensor) -> list[Tensor]:
        return [torch.relu(conv(x)) for conv in self.convs]

    def expected(self, features: Tensor) -> Tensor:
        z = torch.relu(self.fc1(mean(sum(self.branches(features)))))
        return self.fc2(z).unflatten(1, (len(self.convs), -1)).softmax(dim=1)


class Chunked(nn.Module):
    """Document 3's SKConv: dilated branches, softmax on (B, M, C, 1), chunk, a list of products and their sum."""

    def __init__(self, out_channels: int = CHANNELS, M: int = 2, r: int = 2, L: int = 4, dim: int = 1, factor: float = 1.0) -> None:
        super().__init__()
        d = max(out_channels // r, L)
        self.M, self.out_channels, self.dim, self.factor = M, out_channels, dim, factor
        self.conv = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(out_channels, out_channels, 3, 1, padding=1 + i, dilation=1 + i, groups=4, bias=False),
                nn.BatchNorm2d(out_channels),
                nn.ReLU(inplace=True),
            )
            for i in range(M)
        )
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Sequential(nn.Conv2d(out_channels, d, 1, bias=False), nn.BatchNorm2d(d), nn.ReLU(inplace=True))
        self.fc2 = nn.Conv2d(d, out_channels * M, 1, 1, bias=False)
        self.softmax = nn.Softmax(dim=dim)

    def forward(self, input: Tensor) -> Tensor:
        batch_size = input.size(0)
        output = [conv(input) for conv in self.conv]
        U = output[0]
        for more in output[1:]:
            U = U + more
        s = self.global_pool(U)
        z = self.fc1(s)
        a_b = self.fc2(z)
        a_b = a_b.reshape(batch_size, self.M, self.out_channels, -1)
        a_b = self.softmax(a_b)
        if self.factor != 1:
            a_b = a_b * self.factor
        a_b = list(a_b.chunk(self.M, dim=1))
        a_b = [x.reshape(batch_size, self.out_channels, 1, 1) for x in a_b]
        V = [x * y for x, y in zip(output, a_b, strict=True)]
        total = V[0]
        for more in V[1:]:
            total = total + more
        return total

    def expected(self, features: Tensor) -> Tensor:
        s = sum(conv(features) for conv in self.conv).mean((2, 3), keepdim=True)
        return self.fc2(self.fc1(s)).reshape(len(s), self.M, self.out_channels).softmax(dim=self.dim) * self.factor


class BranchesFirst(Selection):
    """xmu-xiaoma's SKAttention: (M, N, C, H, W), pooled in two steps, a softmax over axis 0."""

    def forward(self, x: Tensor) -> Tensor:
        feats = torch.stack(self.branches(x), 0)
        U = sum(feats)
        Z = torch.relu(self.fc1(U.mean(-1).mean(-1)))
        weights = self.fc2(Z).view(len(Z), len(self.convs), CHANNELS).transpose(0, 1)
        attention = weights.softmax(dim=0)[..., None, None]
        return (attention * feats).sum(0)


class Stacked(Selection):
    """timm's SelectiveKernel: a stack (N, M, C, H, W) and attention (N, M, C, 1, 1)."""

    def __init__(self, *, dim: int = 1, factor: float = 1.0, kernels: tuple[int, ...] = (3, 5)) -> None:
        super().__init__(kernels)
        self.dim, self.factor = dim, factor

    def forward(self, x: Tensor) -> Tensor:
        x = torch.stack(self.branches(x), dim=1)
        attention = self.fc2(torch.relu(self.fc1(x.sum(1).mean((2, 3)))))
        attention = torch.softmax(attention.view(len(x), len(self.convs), CHANNELS, 1, 1), dim=self.dim)
        return torch.sum(x * (attention * self.factor if self.factor != 1 else attention), dim=1)

    def expected(self, features: Tensor) -> Tensor:
        z = torch.relu(self.fc1(mean(sum(self.branches(features)))))
        return self.fc2(z).unflatten(1, (len(self.convs), -1)).softmax(dim=self.dim) * self.factor


class Indexed(Selection):
    """pppLang's SKConv: unsqueeze_ on the branches, one linear layer a branch, softmax on their concatenation."""

    def forward(self, x: Tensor) -> Tensor:
        feas = torch.cat([branch.unsqueeze_(dim=1) for branch in self.branches(x)], dim=1)
        fea_s = torch.sum(feas, dim=1).mean(-1).mean(-1)
        fea_z = torch.relu(self.fc1(fea_s))
        vectors = torch.cat([part.unsqueeze_(dim=1) for part in self.fc2(fea_z).chunk(len(self.convs), dim=1)], dim=1)
        attention = torch.softmax(vectors, dim=1).unsqueeze(-1).unsqueeze(-1)
        return (feas * attention).sum(dim=1)


class Mixed(Selection):
    """The shortcut is added between the branches, so that the block's sum is not the selection alone."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.branches(x)
        z = torch.relu(self.fc1((first + second).mean((2, 3))))
        a, b = self.fc2(z).view(len(x), 2, -1, 1, 1).softmax(dim=1).unbind(dim=1)
        return first * a + x + second * b


class Unbound(Selection):
    """Two products of indexed weights, added at once."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.branches(x)
        z = torch.relu(self.fc1((first + second).mean((2, 3))))
        a = F.softmax(self.fc2(z).view(len(x), 2, -1), dim=1)
        return a[:, 0, :, None, None] * first + a[:, 1, :, None, None] * second


def branch_cases() -> dict[str, tuple[nn.Module, tuple[str, ...]]]:
    """Name -> (classifier, names of its branches) of the branch selections."""
    two = ("3x3", "5x5")
    cases: dict[str, tuple[nn.Module, tuple[str, ...]]] = {
        "chunk": (Chunked(), two),
        "three chunks": (Chunked(M=3), (*two, "7x7")),
        "branches first": (BranchesFirst(), two),
        "stack": (Stacked(), two),
        "stack of four": (Stacked(kernels=(1, 3, 5, 7)), ("branch 0", "branch 1", "branch 2", "branch 3")),
        "unsqueeze_ and cat": (Indexed(), two),
        "indexed": (Unbound(), two),
    }
    return {name: (alive(Classifier(block)), names) for name, (block, names) in cases.items()}


def wrong_cases() -> dict[str, tuple[nn.Module, str]]:
    """Name -> (classifier, what its warning must say) of selections that fail an identity."""
    sums, differs = "sum to 1 only to within", "output differs from input x weights"
    cases = {
        "chunk, softmax over channels": (Chunked(dim=2), sums),
        "chunk, softmax over pictures": (Chunked(dim=0), sums),
        "chunk, doubled": (Chunked(factor=2), sums),
        "stack, softmax over channels": (Stacked(dim=2), sums),
        "stack, softmax over pictures": (Stacked(dim=0), sums),
        "stack, doubled": (Stacked(factor=2), sums),
        "shortcut between the branches": (Mixed(), differs),
    }
    return {name: (alive(Classifier(block)), said) for name, (block, said) in cases.items()}
