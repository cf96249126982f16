"""The two layers of an excitation, taken out of a network, against its state dict; and everything that is no two layers is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sevis.capture.excitation import excitation_of
from sevis.capture.tracer import Tape
from sevis.excitation import Excitation
from sevis.inspector import Inspector
from sevis.loading import load
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.records import GateRecord
from tests import foreign_modules as foreign
from tests.foreign_modules import CHANNELS, Classifier
from tests.tiny_networks import alive, batch, se_net, selective_net


def taken(
    module: nn.Module, pictures: Tensor | None = None, dtype: torch.dtype = torch.float32
) -> list[tuple[Excitation | None, GateRecord]]:
    """Every gate's excitation and record."""
    pictures = batch(3, 16) if pictures is None else pictures
    with torch.no_grad(), Tape(module) as tape:
        module(pictures.to(dtype))
    records = tape.records()
    return [(excitation_of(module, found, record), record) for found, record in zip(tape.found, records, strict=True)]


def only(block: nn.Module) -> Excitation | None:
    """The excitation of a foreign block's one gate."""
    ((excitation, _),) = taken(alive(Classifier(block), seed=2))
    return excitation


def assert_explains(excitation: Excitation | None, record: GateRecord) -> None:
    assert excitation is not None and record.hidden is not None
    for n, squeeze in enumerate(record.squeeze):
        told = excitation.answer(squeeze)
        np.testing.assert_allclose(told.hidden, record.hidden[n], atol=1e-4)
        np.testing.assert_allclose(told.logits, record.logits[n, 0], atol=1e-4)
        np.testing.assert_allclose(told.weights, record.weights[n, 0], atol=1e-5)


@pytest.mark.parametrize("name", ["se_resnet18", "se_resnet18_collapsed", "se_densenet", "yolov5_se"])
def test_the_excitations_of_the_shipped_networks_are_their_weights(name: str) -> None:
    inspector = load(f"photos12/{name}")
    state = {key: values.float().numpy() for key, values in inspector.module.state_dict().items()}
    for depth in range(0, len(inspector.sites), 3):
        excitation, path = inspector.excitation(depth), inspector.sites[depth].path
        assert excitation is not None and (excitation.bottleneck, excitation.gate) == ("relu", "sigmoid")
        (w1, w2) = (state[f"{path}.{layer}.weight"] for layer in ("reduce", "expand"))
        np.testing.assert_array_equal(excitation.w1, w1.reshape(w1.shape[:2]))
        np.testing.assert_array_equal(excitation.w2, w2.reshape(w2.shape[:2]))
        assert not excitation.b1.any() and not excitation.b2.any()


@pytest.mark.parametrize("excitation", ["sigmoid", "tanh", "relu"])
def test_an_excitation_explains_other_pictures_than_it_was_proved_on(excitation: str) -> None:
    module = se_net(excitation=excitation)
    proved, others = taken(module), taken(module, batch(2, 24, seed=7))
    assert len(proved) == 8
    for (found, _), (_, record) in zip(proved, others, strict=True):
        assert_explains(found, record)
        assert found is not None and found.gate == excitation


# the block, what follows its layers, and whether they have biases
EXPLAINED = {
    "document 0": (foreign.ExpandAs, "relu", "sigmoid", False),
    "document 1": (foreign.NamedLayers, "relu", "sigmoid", False),
    "inline": (foreign.Inline, "silu", "sigmoid", True),
    "relu6(x + 3) / 6": (foreign.Ramp, "relu", "hardsigmoid", True),
    "clamp": (foreign.Clamp, "relu", "hardsigmoid", True),
    "hard sigmoid": (foreign.HardSigmoid, "relu", "hardsigmoid", True),
    "in place": (foreign.InPlace, "relu", "sigmoid", False),
    "flattened": (foreign.Flattened, "relu", "sigmoid", False),
    "another squeeze": (foreign.WeighedPlaces, "relu", "sigmoid", False),
}


@pytest.mark.parametrize("case", EXPLAINED)
def test_foreign_blocks_are_explained_whatever_they_are_called(case: str) -> None:
    block, bottleneck, gate, biased = EXPLAINED[case]
    module = alive(Classifier(block()), seed=2)
    ((_, record),) = taken(module, batch(2, 12, seed=9))
    ((excitation, _),) = taken(module)
    assert_explains(excitation, record)
    assert excitation is not None and (excitation.bottleneck, excitation.gate) == (bottleneck, gate)
    assert (excitation.b1.any(), excitation.b2.any()) == (biased, biased)


@pytest.mark.parametrize("layer", [0, 2])
def test_weights_that_did_not_make_the_record_are_refused(layer: int) -> None:
    module = alive(Classifier(foreign.ExpandAs()), seed=2)
    with torch.no_grad(), Tape(module) as tape:
        module(batch(3, 16))
    ((found,), (record,)) = tape.found, tape.records()
    assert excitation_of(module, found, record) is not None
    with torch.no_grad():
        module.block.fc[layer].weight.mul_(1.02)
    assert excitation_of(module, found, record) is None


def test_timm_and_torchvision_are_explained() -> None:
    layers, efficient = pytest.importorskip("timm.layers"), pytest.importorskip("timm.models._efficientnet_blocks")
    misc = pytest.importorskip("torchvision.ops.misc")
    blocks = (
        layers.SEModule(CHANNELS, rd_channels=3),
        layers.SEModule(CHANNELS, rd_channels=3, gate_layer="hard_sigmoid"),
        efficient.SqueezeExcite(CHANNELS, rd_channels=3, act_layer=nn.SiLU),
        misc.SqueezeExcitation(CHANNELS, 3),
        misc.SqueezeExcitation(CHANNELS, 3, scale_activation=nn.Hardsigmoid),
    )
    for block in blocks:
        excitation = only(block)
        assert excitation is not None and excitation.w1.shape == (3, CHANNELS) and excitation.b1.any()


class Normed(foreign.ExpandAs):
    """A batch norm after the first layer, as timm's SEModule has it where a norm_layer is given."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(CHANNELS // 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.norm(self.fc[0](foreign.mean(x))))
        return x * torch.sigmoid(self.fc[2](hidden))[:, :, None, None]


class Twice(foreign.ExpandAs):
    """A second pair of layers with the same weights: which of them ran, the numbers cannot tell."""

    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Sequential(*(nn.Linear(*shape, bias=False) for shape in ((CHANNELS, CHANNELS // 2), (CHANNELS // 2, CHANNELS))))

    def tied(self) -> Twice:
        for mine, theirs in zip(self.other, (self.fc[0], self.fc[2]), strict=True):
            mine.load_state_dict(theirs.state_dict())
        return self


class Silent(foreign.ExpandAs):
    """timm's ResNets start like this: the branch is 0 everywhere, and so is the squeeze."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(0 * x)


REFUSED = {
    "a norm": Normed,
    "a group norm": foreign.Grouped,
    "two squeezes": foreign.TwoSqueezes,
    "no bottleneck": foreign.OverChannels,
    "a learned scale behind": foreign.Scaled,
    "a softmax over channels": foreign.OverAllChannels,
    "a squeeze that is changed first": foreign.EveryStepInPlace,
    "a squeeze of zeros": Silent,
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_two_layers_is_refused(case: str) -> None:
    assert only(REFUSED[case]()) is None


def test_two_pairs_that_explain_the_same_are_refused() -> None:
    module = alive(Classifier(Twice()), seed=2)
    ((excitation, _),) = taken(module)
    assert excitation is not None
    module.block.tied()
    ((excitation, _),) = taken(module)
    assert excitation is None


def test_an_empty_bottleneck_and_a_selection_have_no_excitation() -> None:
    class Empty(foreign.ExpandAs):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Sequential(nn.Linear(CHANNELS, 0, bias=False), nn.ReLU(), nn.Linear(0, CHANNELS, bias=False), nn.Sigmoid())

    with pytest.warns(UserWarning, match="zero-element"):
        block = Empty()
    module = Classifier(block).eval()
    assert [excitation for excitation, _ in taken(module)] == [None]
    assert {excitation for excitation, _ in taken(selective_net())} == {None}


def test_the_inspector_proves_it_on_noise_and_leaves_the_network_alone() -> None:
    module = se_net()
    inspector = Inspector(Network("tiny", module, Preprocessing(32, 32), ("ant", "bee", "cat", "dog", "emu")))
    kept = {key: values.clone() for key, values in inspector.module.state_dict().items()}
    excitation = inspector.excitation(2)
    picture = np.random.default_rng(3).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    assert_explains(excitation, inspector.inspect(picture).gates[2])
    assert all(torch.equal(kept[key], values) for key, values in inspector.module.state_dict().items())


def test_half_precision_is_proved_to_its_own_rounding() -> None:
    module = se_net(width=0.25).to(torch.bfloat16)
    assert all(excitation is not None for excitation, _ in taken(module, dtype=torch.bfloat16))
