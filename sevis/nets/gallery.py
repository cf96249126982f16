"""The doctor's gallery: networks with one known fault each, by surgery on the checkpoints that ship, and the same without a fault.

    load("faulty/dead ReLU bottleneck")  # of GALLERY
    load("healthy/photos12/se_resnet18")  # of HEALTHY: as it ships

All of them see 64 x 64 pixels, a sixth of the multiply-adds of their own size: they still know what they see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from sevis.nets import surgery, zoo
from sevis.nets.blocks import Residual, SelectiveKernel, SqueezeExcitation
from sevis.nets.network import Blueprint, CheckpointError, Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_densenet import DenseNet, se_densenet
from sevis.nets.se_resnet import ResNet, se_resnet
from sevis.nets.sk_net import sk_net

__all__ = ["FAULTY", "GALLERY", "HEALTHY", "SIDE", "WELL", "Fault", "blueprint", "healthy", "is_name", "load"]

SIDE = 64
FAULTY, WELL = "faulty/", "healthy/"  # how the names begin
HEALTHY = ("photos12/se_resnet18", "photos12/sk_net26", "photos12/se_densenet")
SE, SK, _ = HEALTHY
CLASSES = 12  # of the networks that ship
Surgery = Callable[[Any], nn.Module]


def untrained() -> ResNet:
    """The shipped SE-ResNet-18 with fresh weights."""
    torch.manual_seed(0)
    return se_resnet(18, classes=CLASSES, stem="imagenet", width=0.5, reduction=8)


def untrained_selection() -> ResNet:
    """A small SKNet-26 with fresh weights."""
    torch.manual_seed(0)
    return sk_net(26, classes=CLASSES, stem="imagenet", width=0.25, groups=8, minimum=16)


def zero_init() -> ResNet:
    """The last norm of every branch starts at 0 (Goyal et al. 2017), so that no SE block has an input before training."""
    module = untrained()
    for part in module.modules():
        if isinstance(part, Residual):
            *_, norm = part.branch.children()
            nn.init.zeros_(norm.get_parameter("weight"))
    return module


def no_units() -> DenseNet:
    """A small SE-DenseNet of growth rate 12 as document 002 builds it: the SE blocks see 12 channels, and 12 // 16 = 0."""
    torch.manual_seed(0)
    module = se_densenet(growth_rate=12, block_config=(2, 2, 2), classes=CLASSES)
    for part in module.modules():
        if isinstance(part, SqueezeExcitation):
            with torch.no_grad():
                surgery.emptied(part)
    return module


@dataclass(frozen=True)
class Fault:
    """One fault in one block, or in all.

    Attributes:
        network: the shipped network that is operated on, or what builds one.
        block: its name; "" for all.
        operation: gives the block's attention in its place; what the builders make needs none.
        verdict: what the doctor must say of the block.
        rule: the rule that must find it.
    """

    network: str | Callable[[], nn.Module]
    block: str
    operation: Surgery | None
    verdict: str
    rule: str

    def build(self) -> Network:
        """The network with its fault."""
        if not isinstance(self.network, str):
            with torch.random.fork_rng(devices=[]):
                module = self.network()
            return Network("faulty", module.eval(), Preprocessing(SIDE, SIDE), tuple(zoo.read_card(SE)["classes"]))
        network = healthy(self.network)
        with torch.no_grad():
            _operate(network.module, self.block, self.operation)
        network.module.eval()
        return network


def _operate(module: nn.Module, block: str, operation: Surgery | None) -> None:
    """Put what the operation makes in the place of one block's attention."""
    assert operation is not None
    _, stage, number = block.split("_")
    unit = getattr(module, f"layer{int(stage) - 1}")[int(number) - 1]
    holder, name = next(
        (holder, name)
        for holder in unit.modules()
        for name, part in holder.named_children()
        if isinstance(part, SqueezeExcitation | SelectiveKernel)
    )
    setattr(holder, name, operation(getattr(holder, name)))


GALLERY: dict[str, Fault] = {
    "dead ReLU bottleneck": Fault(SE, "SE_3_1", surgery.dead_bottleneck, "dead bottleneck", "M6 dead"),
    "bottleneck of no units": Fault(no_units, "", None, "dead bottleneck", "no units"),
    "saturated open": Fault(SE, "SE_4_1", surgery.saturated(12), "saturated", "M3 open"),
    "saturated closed": Fault(SE, "SE_4_2", surgery.saturated(-12), "saturated", "M3 closed"),
    "stuck at 0.5": Fault(SE, "SE_3_2", surgery.stuck, "static", "M4 half"),
    "constant gate": Fault(SE, "SE_4_1", surgery.constant, "static", "M1 constant"),
    "low rank": Fault(SE, "SE_4_2", surgery.low_rank, "dynamic", "M8 rank"),
    "class-blind": Fault(SE, "SE_5_1", surgery.ClassBlind, "dynamic", "M11 classes"),
    "branch collapse": Fault(SK, "SK_4_1", surgery.collapsed, "branch collapse", "B2 usage"),
    "uniform branches": Fault(SK, "SK_3_2", surgery.uniform, "static", "B1 uniform"),
    "softmax over the batch axis": Fault(SK, "SK_4_1", surgery.BatchAxis, "wrong axis", "B6 axis"),
    "untrained": Fault(untrained, "", None, "untrained", "untrained"),
    "untrained selection": Fault(untrained_selection, "", None, "untrained", "untrained"),
    "zero-init untrained": Fault(zero_init, "", None, "no input", "M12 squeeze"),
    "doubled multiplication": Fault(SE, "SE_3_1", surgery.Doubled, "dynamic", "proof"),
    "squeeze that sees only zeros": Fault(SE, "SE_4_2", surgery.NoInput, "no input", "M12 squeeze"),
    "gate ignored downstream": Fault(SE, "SE_4_1", surgery.Ignored, "identity", "A1 ignored"),
}


def healthy(name: str) -> Network:
    """A shipped network that sees 64 pixels; it belongs to whoever asked, for surgery."""
    return replace(zoo.load_network(name), preprocessing=Preprocessing(SIDE, SIDE), averages=())


def is_name(name: str) -> bool:
    """Whether a name is one of the gallery's, to the letter: a file of one's own may lie in a folder that is called so."""
    return name.removeprefix(FAULTY) in GALLERY if name.startswith(FAULTY) else name.startswith(WELL) and name[len(WELL) :] in HEALTHY


def load(name: str) -> Network:
    """A network of the gallery, on the CPU."""
    if name.startswith(WELL):
        return replace(healthy(name.removeprefix(WELL)), name=name)
    fault = GALLERY[name.removeprefix(FAULTY)]
    told = f"This network is broken on purpose: {name.removeprefix(FAULTY)}, in {fault.block or 'every block'}."
    return replace(fault.build(), name=name, warnings=(told,))


def blueprint(name: str, arguments: object) -> Blueprint:
    """None of them is an architecture; raises CheckpointError, which says so."""
    raise CheckpointError(f"{name} is made from trained weights and is no architecture; load it as it is, without arguments.")
