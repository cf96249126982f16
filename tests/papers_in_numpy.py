"""The papers' formulas restated in NumPy, float64, from a state dict alone: the oracle of the networks and of the tracer.

Hu et al. 2018 (squeeze and excitation), Li et al. 2019 (selective kernels), He et al. 2016 (residual units).
Shapes: N pictures, M branches, C channels, d hidden units, H x W pixels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn

Array = np.ndarray
State = dict[str, Array]


@dataclass(frozen=True)
class Gate:
    """What the paper's formula gives for one block."""

    path: str
    squeeze: Array  # (N, C)
    hidden: Array  # (N, d)
    logits: Array  # (N, M, C)
    weights: Array  # (N, M, C)
    maps: Array  # (N, M, C, H, W)
    output: Array  # (N, C, H, W)


def state_of(module: nn.Module) -> State:
    """A module's state dict, float64."""
    return {name: numbers(values) for name, values in module.state_dict().items()}


def numbers(values: Tensor) -> Array:
    """A tensor's values, float64."""
    return values.detach().double().numpy()


def conv(x: Array, kernel: Array, *, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1) -> Array:
    """(N, C, H, W) and (O, C / groups, k, k) -> (N, O, H', W')."""
    reach = dilation * (kernel.shape[-1] - 1) + 1
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(padded, (reach, reach), axis=(2, 3))[:, :, ::stride, ::stride, ::dilation, ::dilation]
    inputs, outputs = np.split(windows, groups, axis=1), np.split(kernel, groups, axis=0)
    parts = [np.tensordot(i, o, axes=([1, 4, 5], [1, 2, 3])) for i, o in zip(inputs, outputs, strict=True)]  # (N, H', W', O / groups)
    return np.concatenate(parts, axis=3).transpose(0, 3, 1, 2)


def max_pool(x: Array) -> Array:
    """3 x 3, stride 2, padding 1."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    return sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::2, ::2].max(axis=(4, 5))


def norm(state: State, path: str, x: Array) -> Array:
    """Batch norm by its running statistics; x is (N, C, ...)."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, variance = state[f"{path}.running_mean"].reshape(shape), state[f"{path}.running_var"].reshape(shape)
    return (x - mean) / np.sqrt(variance + 1e-5) * state[f"{path}.weight"].reshape(shape) + state[f"{path}.bias"].reshape(shape)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


SQUEEZES: dict[str, Callable[[Array], Array]] = {"average": lambda u: u.mean(axis=(2, 3)), "max": lambda u: u.max(axis=(2, 3))}
EXCITATIONS: dict[str, Callable[[Array], Array]] = {"sigmoid": sigmoid, "tanh": np.tanh, "relu": relu}


def squeeze_excitation(state: State, path: str, u: Array, *, squeeze: str = "average", excitation: str = "sigmoid") -> Gate:
    """Hu et al. 2018, eq. 2 to 4."""
    z = SQUEEZES[squeeze](u)
    hidden = relu(z @ state[f"{path}.reduce.weight"].T)
    logits = hidden @ state[f"{path}.expand.weight"].T
    s = EXCITATIONS[excitation](logits)
    return Gate(path, z, hidden, logits[:, None], s[:, None], u[:, None], u * s[:, :, None, None])


def selective_kernel(state: State, path: str, x: Array, *, stride: int = 1, groups: int = 32) -> Gate:
    """Li et al. 2019, eq. 1 to 6; as many branches as the state has."""
    count = len({key.split(".branches.")[1].split(".")[0] for key in state if key.startswith(f"{path}.branches.")})
    split = []
    for i in range(count):
        kernel = state[f"{path}.branches.{i}.0.weight"]
        made = conv(x, kernel, stride=stride, padding=1 + i, dilation=1 + i, groups=groups)
        split.append(relu(norm(state, f"{path}.branches.{i}.1", made)))
    s = sum(split).mean(axis=(2, 3))
    z = relu(norm(state, f"{path}.norm", s @ state[f"{path}.reduce.weight"].T))
    logits = (z @ state[f"{path}.select.weight"].T).reshape(len(x), count, -1)
    powers = np.exp(logits)
    weights = powers / powers.sum(axis=1, keepdims=True)
    output = sum(weights[:, m, :, None, None] * split[m] for m in range(count))
    return Gate(path, s, z, logits, weights, np.stack(split, axis=1), output)


def _units(state: State) -> list[str]:
    """Paths of the residual units in order."""
    return list(dict.fromkeys(found[0] for key in state if (found := re.match(r"layer\d+\.\d+", key))))


def _stride(unit: str) -> int:
    return 2 if unit.endswith(".0") and unit != "layer1.0" else 1


def _stem(state: State, pictures: Array) -> Array:
    large = state["stem.0.weight"].shape[-1] == 7
    made = conv(pictures, state["stem.0.weight"], stride=2 if large else 1, padding=3 if large else 1)
    made = relu(norm(state, "stem.1", made))
    return max_pool(made) if large else made


def _shortcut(state: State, unit: str, x: Array) -> Array:
    if f"{unit}.shortcut.0.weight" not in state:
        return x
    return norm(state, f"{unit}.shortcut.1", conv(x, state[f"{unit}.shortcut.0.weight"], stride=_stride(unit)))


def _branch(state: State, unit: str, x: Array) -> Array:
    """Two 3 x 3 convolutions, or the bottleneck with its stride on the 3 x 3."""
    path, stride = f"{unit}.branch", _stride(unit)
    if f"{path}.6.weight" in state:
        x = relu(norm(state, f"{path}.1", conv(x, state[f"{path}.0.weight"])))
        x = relu(norm(state, f"{path}.4", conv(x, state[f"{path}.3.weight"], stride=stride, padding=1)))
        return norm(state, f"{path}.7", conv(x, state[f"{path}.6.weight"]))
    x = relu(norm(state, f"{path}.1", conv(x, state[f"{path}.0.weight"], stride=stride, padding=1)))
    return norm(state, f"{path}.4", conv(x, state[f"{path}.3.weight"], padding=1))


def _head(state: State, features: Array) -> Array:
    return features.mean(axis=(2, 3)) @ state["linear.weight"].T + state["linear.bias"]


def se_resnet(module: nn.Module, pictures: Tensor, *, integration: str = "standard", **attention: str) -> tuple[Array, list[Gate]]:
    """Logits and gates of an SE-ResNet (Hu et al. 2018, figure 5 for the integration)."""
    state = state_of(module)
    x, gates = _stem(state, numbers(pictures)), []

    def se(unit: str, u: Array) -> Array:
        gates.append(squeeze_excitation(state, f"{unit}.se", u, **attention))
        return gates[-1].output

    for unit in _units(state):
        if integration == "standard":
            x = relu(se(unit, _branch(state, unit, x)) + _shortcut(state, unit, x))
        elif integration == "pre":
            x = relu(_branch(state, unit, se(unit, x)) + _shortcut(state, unit, x))
        elif integration == "post":
            x = se(unit, relu(_branch(state, unit, x) + _shortcut(state, unit, x)))
        else:
            x = relu(_branch(state, unit, x) + se(unit, _shortcut(state, unit, x)))
    return _head(state, x), gates


def sk_net(module: nn.Module, pictures: Tensor, *, groups: int) -> tuple[Array, list[Gate]]:
    """Logits and gates of an SKNet (Li et al. 2019, table 1)."""
    state = state_of(module)
    x, gates = _stem(state, numbers(pictures)), []
    for unit in _units(state):
        path = f"{unit}.branch"
        made = relu(norm(state, f"{path}.1", conv(x, state[f"{path}.0.weight"])))
        gates.append(selective_kernel(state, f"{path}.3", made, stride=_stride(unit), groups=groups))
        made = norm(state, f"{path}.5", conv(gates[-1].output, state[f"{path}.4.weight"]))
        x = relu(made + _shortcut(state, unit, x))
    return _head(state, x), gates
