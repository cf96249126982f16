"""What others take for the Grad-CAM of all blocks, or for what it is made of, as their documentation says to use them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.networks import NETWORKS, inspected, picture
from benchmarks.passes import ALL_GATES, EVERYTHING, everything, gates, prepared
from benchmarks.rounds import interleaved
from benchmarks.row import LEAST, Row, Sizes, compared
from sevis.inspector import Inspector

__all__ = ["COMPETITORS", "Competitor", "against_others"]


def captum(module: nn.Module, pictures: Tensor, paths: Sequence[str]) -> object:
    """Its LayerGradCam, once a block."""
    from captum.attr import LayerGradCam

    target = int(module(pictures).argmax())
    layers = (module.get_submodule(path) for path in paths)
    return [LayerGradCam(module, layer).attribute(pictures, target=target, relu_attributions=True) for layer in layers]


def grad_cam(module: nn.Module, pictures: Tensor, paths: Sequence[str]) -> object:
    """All blocks as its target layers."""
    from pytorch_grad_cam import GradCAM

    with GradCAM(model=module, target_layers=[module.get_submodule(path) for path in paths]) as cam:
        return cam(input_tensor=pictures, targets=None)


def torch_cam(module: nn.Module, pictures: Tensor, paths: Sequence[str]) -> object:
    """All blocks as its target layers."""
    from torchcam.methods import GradCAM

    with GradCAM(module, target_layer=list(paths)) as cam:
        scores = module(pictures)
        return cam(int(scores.argmax()), scores)


def torchlens(module: nn.Module, pictures: Tensor, paths: Sequence[str]) -> object:
    """All activations, and from the score of the best class their gradients; gates and maps are still to be computed from them."""
    from torchlens import trace
    from torchlens.options import CaptureOptions

    traced = trace(module, pictures, capture=CaptureOptions(save_grads=True))
    traced.log_backward(traced[traced.output_layers[0]].out.max())
    return traced


def torchlens_forward(module: nn.Module, pictures: Tensor, paths: Sequence[str]) -> object:
    """All activations of the forward pass; gates are still to be found among them."""
    from torchlens import trace

    return trace(module, pictures)


@dataclass(frozen=True)
class Competitor:
    """A library, the name that it is imported by, how many times longer than sevis it is to take at least, and for what."""

    shown: str
    imported: str
    run: Callable[[nn.Module, Tensor, Sequence[str]], object]
    reach: float
    what: str = EVERYTHING


COMPETITORS = (
    Competitor("captum's LayerGradCam, once a block", "captum", captum, 10),
    Competitor("pytorch-grad-cam, all blocks as target layers", "pytorch_grad_cam", grad_cam, 1.4),
    Competitor("torch-cam, all blocks as target layers", "torchcam", torch_cam, 1 / 1.03),
    Competitor("torchlens, all activations and their gradients", "torchlens", torchlens, 8),
    Competitor("torchlens, all activations", "torchlens", torchlens_forward, 8, ALL_GATES),
)


OURS: dict[str, Callable[[Inspector, np.ndarray], None]] = {
    EVERYTHING: everything,
    ALL_GATES: lambda inspector, pixels: gates(inspector, prepared(inspector, pixels)),
}


def against_others(sizes: Sizes) -> Iterator[Row]:
    """How many times longer each of them takes; one that is not installed has no row."""
    for name in sizes.networks:
        inspector = inspected(name, sizes.side)
        torch.manual_seed(0)
        module = NETWORKS[name]().eval()  # as their users have it: with gradients for the parameters
        pixels = picture(sizes.side)
        paths = [site.path for site in inspector.sites]
        for other in (each for each in COMPETITORS if find_spec(each.imported)):
            works = {
                "sevis": lambda: OURS[other.what](inspector, pixels),  # noqa: B023 run before the loop goes on
                "theirs": lambda: other.run(module, prepared(inspector, pixels), paths),  # noqa: B023
            }
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # theirs to mend
                rounds = interleaved(works, sizes.slow_rounds)
            yield compared(f"{name}: {other.what}", other.shown, rounds, "theirs", "sevis", LEAST, other.reach)
