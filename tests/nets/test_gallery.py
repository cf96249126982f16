"""The gallery and the rearranged networks by name, and that each is what it says; see tests/analysis/test_doctor.py for the faults."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sevis.gallery import PATIENTS, photographs
from sevis.loading import load as inspect_with
from sevis.nets import gallery, rearranged
from sevis.nets.blocks import Residual, SqueezeExcitation
from sevis.nets.network import CheckpointError
from sevis.nets.se_resnet import ResNet
from sevis.nets.sources import SOURCES, load
from sevis.nets.surgery import emptied
from sevis.rearranged import NAMES, arranged

ALL = (*(each.name for each in PATIENTS), *NAMES.values())


@pytest.mark.parametrize("name", ALL)
def test_every_name_has_one_source(name: str) -> None:
    assert sum(source.knows(name) for source in SOURCES) == 1


@pytest.mark.parametrize(
    "name", ["faulty/", "faulty/mine.pt", "faulty/low rank.pt", "faulty/net.py:build", "healthy/low rank", "healthy/", "rearranged/x.pth"]
)
def test_a_file_in_a_folder_of_such_a_name_is_nobodys_network(name: str) -> None:
    assert not gallery.is_name(name) and not rearranged.is_name(name)
    with pytest.raises(CheckpointError):
        load(name)


@pytest.mark.parametrize(("options", "said"), [({"arguments": {"width": 2}}, "as it is"), ({"weights": None}, "no architecture")])
def test_they_are_had_as_they_are(options: dict[str, object], said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        load("faulty/low rank", **options)  # type: ignore[arg-type]


def test_a_faulty_network_says_so_and_does_so() -> None:
    inspector = inspect_with("faulty/saturated closed", "cpu")
    inspection = inspector.inspect(photographs()[0][0])
    assert inspection.model == "faulty/saturated closed" and "saturated closed, in SE_4_2" in inspection.warnings[0]
    highest = {each.site.name: float(each.weights.max()) for each in inspection.gates}
    assert [name for name, weight in highest.items() if weight < 1e-4] == ["SE_4_2"]


def test_the_networks_of_fresh_weights_leave_the_randomness_of_others_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    load("faulty/untrained")
    load("faulty/bottleneck of no units")
    assert torch.equal(torch.rand(3), expected)


def test_a_bottleneck_without_units_multiplies_by_one_half() -> None:
    """Document 002: hidden = k // 16 with a growth rate of 12."""
    features = torch.randn(2, 12, 3, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        empty = emptied(SqueezeExcitation(12))
        assert torch.equal(empty(features), 0.5 * features)
    assert sum(each.numel() for each in empty.parameters()) == 0


# ---- rearranged


def unit(residual: Residual, arrangement: str, x: torch.Tensor) -> torch.Tensor:
    """The unit's formula (Hu et al. 2018, figure 5; document 000) from its parts, with the gate written out."""

    def gate(u: torch.Tensor) -> torch.Tensor:
        z = u.mean(dim=(2, 3))
        hidden = (z @ residual.se.get_parameter("reduce.weight").T).clamp(min=0)
        return (1 / (1 + (-(hidden @ residual.se.get_parameter("expand.weight").T)).exp()))[..., None, None]

    branch, shortcut = residual.branch, residual.shortcut(x)
    if arrangement == "pre":
        return F.relu(branch(x * gate(x)) + shortcut)
    if arrangement == "post":
        added = F.relu(branch(x) + shortcut)
        return added * gate(added)
    if arrangement == "identity":
        return F.relu(branch(x) + shortcut * gate(shortcut))
    out = branch(x)
    return F.relu(out * out * gate(out) + shortcut) if arrangement == "doubled" else F.relu(out * gate(out) + shortcut)


@pytest.mark.parametrize("arrangement", NAMES)
def test_a_rearranged_network_computes_its_formula_with_the_shipped_weights(arrangement: str) -> None:
    """Every unit's spread as it is measured, against the formula from its branch and its shortcut."""
    inspector, shipped = inspect_with(NAMES[arrangement], "cpu"), dict(load(rearranged.TEACHER).module.named_parameters())
    module, picture = inspector.module, photographs()[0][5]
    told = arranged(inspector, picture)
    assert isinstance(module, ResNet)
    with torch.no_grad():
        x = module.stem(inspector.batch([inspector.tensor(picture)]))
        for place, residual in enumerate([*module.layer1, *module.layer2, *module.layer3, *module.layer4]):
            assert isinstance(residual, Residual)
            fits = arrangement != "pre" or isinstance(residual.shortcut, nn.Identity)
            x = unit(residual, arrangement if fits else "standard", x)
            np.testing.assert_allclose(told.spreads[place], float(x.std(unbiased=False)), rtol=1e-4)
    own = dict(module.named_parameters())
    assert set(shipped) <= set(own) and all(torch.equal(values, own[name]) for name, values in shipped.items())
    assert not any(own[name].any() for name in set(own) - set(shipped))  # the biases of a doubled block
    best = inspector.inspect(picture).predictions[0]
    assert (told.name, told.label) == (arrangement, best.label) and told.probability == pytest.approx(best.probability, abs=1e-5)
    assert told.blocks == tuple(site.name for site in inspector.sites) and told.kept == KEPT.get(arrangement, ())


KEPT = {"pre": ("SE_3_1", "SE_4_1", "SE_5_1")}


def test_standard_is_the_shipped_network_and_the_others_say_that_they_are_not() -> None:
    shipped, standard, post = load(rearranged.TEACHER), load(NAMES["standard"]), load(NAMES["post"])
    assert all(torch.equal(a, b) for a, b in zip(shipped.module.buffers(), standard.module.buffers(), strict=True))
    assert standard.averages and not standard.warnings and not post.averages and "stand as post" in post.warnings[0]
    assert not any(part.training for part in post.module.modules())
