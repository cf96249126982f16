"""What others take for the Grad-CAM of all blocks (torchlens: for all activations), as their documentation says to use them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from benchmarks.networks import NETWORKS, inspected, picture
from benchmarks.passes import EVERYTHING, everything, prepared
from benchmarks.rounds import interleaved
from benchmarks.row import LEAST, Row, Sizes, compared

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
    """A trace of the forward pass; neither gates nor maps are computed from it."""
    from torchlens import trace

    return trace(module, pictures)


@dataclass(frozen=True)
class Competitor:
    """A library, the name that it is imported by, and how many times longer than sevis it is to take at least."""

    shown: str
    imported: str
    run: Callable[[nn.Module, Tensor, Sequence[str]], object]
    reach: float


COMPETITORS = (
    Competitor("captum's LayerGradCam, once a block", "captum", captum, 10),
    Competitor("pytorch-grad-cam, all blocks as target layers", "pytorch_grad_cam", grad_cam, 1.4),
    Competitor("torch-cam, all blocks as target layers", "torchcam", torch_cam, 1 / 1.03),
    Competitor("torchlens, a trace of the forward pass", "torchlens", torchlens, 8),
)


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
                "sevis": lambda: everything(inspector, pixels),  # noqa: B023 run before the loop goes on
                "theirs": lambda: other.run(module, prepared(inspector, pixels), paths),  # noqa: B023
            }
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # theirs to mend
                rounds = interleaved(works, sizes.slow_rounds)
            yield compared(f"{name}: {EVERYTHING}", other.shown, rounds, "theirs", "sevis", LEAST, other.reach)
