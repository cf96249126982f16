"""Passes that branch off one another give what whole passes give, whatever the network overwrites, and leave the first as it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from sevis.capture.replay import Replay
from sevis.capture.route import Route
from sevis.capture.tracer import Tape
from sevis.capture.trunk import branched
from sevis.capture.watch import Watch
from sevis.edits import NOTHING, WhatIf, effects_of, parse
from sevis.inspector import Inspector
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_densenet import se_densenet
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net
from sevis.outcomes import _branched
from tests.tiny_networks import pictures


class Overwriting(nn.Module):
    """Three gates; the map of the first is kept, and overwritten only after the second; the second and the third weigh in place."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.layers, self.gates = (nn.ModuleList(make() for _ in range(3)) for make in (lambda: nn.Conv2d(4, 4, 3, padding=1), self._gate))
        self.head = nn.Linear(4, 3)

    @staticmethod
    def _gate() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 2), nn.ReLU(inplace=True), nn.Linear(2, 4), nn.Sigmoid())

    def _weights(self, n: int, features: Tensor) -> Tensor:
        weights: Tensor = self.gates[n](features.mean((2, 3)))[:, :, None, None]
        return weights

    def forward(self, batch: Tensor) -> Tensor:
        kept = self.stem(batch)
        first = self.layers[0](kept) + 0
        first = first * self._weights(0, first)
        second = self.layers[1](first) + 0
        second *= self._weights(1, second)
        kept += second  # was made before every gate
        functional.relu(input=first, inplace=True).sub_(0.1)  # was made by the first
        third = self.layers[2](kept.view(kept.shape) + first) + 0
        third.mul_(self._weights(2, third))
        return self.head((third + kept).mean((2, 3)))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "SE-ResNet": lambda: se_resnet(18, classes=3, width=0.125),
    "SKNet": lambda: sk_net(26, classes=3, width=0.125, groups=4),
    "SE-DenseNet": lambda: se_densenet(classes=3),
    "overwriting": Overwriting,
    "softmax at the end": lambda: nn.Sequential(Overwriting(), nn.Softmax(dim=1)),
    "timm's in-place SE": lambda: timm.create_model("legacy_seresnet18"),
    "timm's inline residual": lambda: timm.create_model("seresnet18", zero_init_last=False),
}


def inspector_of(module: nn.Module) -> Inspector:
    classes = 3 if not hasattr(module, "num_classes") else module.num_classes
    return Inspector(Network("network", module.eval(), Preprocessing(64, 64), tuple(map(str, range(classes)))))


@pytest.mark.parametrize("name", NETWORKS)
def test_branches_give_what_whole_passes_give(name: str) -> None:
    torch.manual_seed(0)
    inspector, (picture,) = inspector_of(NETWORKS[name]()), pictures(1, 64)
    tensor, early = inspector.tensor(picture), inspector.sites[0].name
    deep = inspector.sites[-1].name
    rows = [NOTHING, *(WhatIf((edit,)) for edit in effects_of(inspector.sites))]
    rows += [NOTHING, WhatIf((parse(f"{deep}:factor=0"), parse(f"{early}:factor=0.5")))]
    shared = _branched(inspector, tensor, rows)
    assert shared is not None and len(shared) == len(rows)
    for row, output in zip(rows, shared, strict=True):
        with torch.no_grad(), Tape(inspector.module, inspector.watch((row,))) as tape:
            alone = tape.logits(inspector.module(inspector.batch([tensor])))
        assert torch.equal(output, alone), row
    assert torch.equal(shared[0], shared[-2])
    assert not any(torch.equal(shared[0], output) for output in shared[1 : len(inspector.sites)])


def test_only_what_follows_the_edit_is_computed() -> None:
    torch.manual_seed(0)
    inspector, (picture,) = inspector_of(se_resnet(18, classes=3, width=0.125)), pictures(1, 64)
    layers = [module for module in inspector.module.modules() if isinstance(module, nn.Conv2d)]
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        _branched(inspector, inspector.tensor(picture), [NOTHING, WhatIf((parse(f"{inspector.sites[-1].name}:set=1"),))])
    made = [event.count for event in profile.key_averages() if event.key == "aten::convolution"]
    assert made == [len(layers)]  # the last gate's pass needs none of its own


def test_networks_that_write_to_what_nobody_saw_made_are_not_shared() -> None:
    class Behind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = se_resnet(18, classes=3, width=0.125)

        def forward(self, batch: Tensor) -> Tensor:
            with torch._C.DisableTorchFunction():
                unseen = batch * 2
            return self.body(unseen.relu_())

    inspector, (picture,) = inspector_of(Behind()), pictures(1, 64)
    rows = [NOTHING, *(WhatIf((edit,)) for edit in effects_of(inspector.sites))]
    assert _branched(inspector, inspector.tensor(picture), rows) is None
    assert len(inspector.effects(picture)) == len(rows)


def test_an_error_in_a_branch_leaves_the_trunk_as_it_was() -> None:
    torch.manual_seed(0)
    inspector, (picture,) = inspector_of(Overwriting()), pictures(1, 64)
    route, batch = inspector.route, inspector.batch([inspector.tensor(picture)])
    assert isinstance(route, Route)
    whole = inspector.module(batch)

    def fails(depth: int, weights: Tensor) -> Tensor:
        raise ArithmeticError("an edit that fails")

    def run(replay: Replay) -> Tensor:
        try:
            with replay:
                output = inspector.reader.output(inspector.module(batch))
        except ArithmeticError:
            output = torch.zeros(1, 3)
        return output.clone()

    failing = Watch(head=True, proof=False, rewrite=fails, plan=inspector.plan)
    unchanged = Watch(head=True, proof=False, rewrite=lambda depth, weights: weights.clone(), plan=inspector.plan)
    assert branched(run, route, [(route.first_calls[2], failing), (route.first_calls[0], unchanged)]) is None  # cut short, it strayed
    made = branched(run, route, [(route.first_calls[2], unchanged), (route.first_calls[0], unchanged)])
    assert made is not None and all(np.allclose(each, whole, atol=1e-6) for each in made)
