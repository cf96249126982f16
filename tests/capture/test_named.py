"""Gates that no data flow shows, recorded because the user names their modules: values, edits, gradients, and clear refusals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import sevis
from sevis.capture import capture, find_gates
from sevis.capture.cams import explain
from sevis.capture.tracer import Tape, Watch
from sevis.host import brought
from tests import footprint
from tests.foreign_modules import CHANNELS, Classifier, ExpandAs
from tests.tiny_networks import alive, batch, se_net
from tests.unseen_modules import Weighing, scripted, unseen_cases, with_part

CASES = unseen_cases()
# the map is weighed inside the module; in the others the module makes the weights
WEIGHERS = [name for name in CASES if "excitation" not in name and "attention" not in name]
pytestmark = pytest.mark.filterwarnings("ignore:.*(scripted|meets its map).*")  # said by find_gates; test_blind_spots.py has it


def features_of(module: Classifier, pictures: Tensor) -> Tensor:
    return module.features(pictures)


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_a_named_gate_is_recorded_with_its_values(name: str) -> None:
    module, path, block = CASES[name]
    pictures = batch(3, 8)
    with capture(module, maps=True, gates=[path]) as tape:
        output = module(pictures)
    assert torch.equal(output, module(pictures))
    (record,) = tape.records()
    site = record.site
    assert (site.kind, site.activation, site.channels, site.warning) == ("channel", "named", CHANNELS, "")
    assert site.path == "block"
    features = features_of(module, pictures)
    np.testing.assert_allclose(record.weights, block.expected(features), atol=1e-5)
    np.testing.assert_allclose(record.squeeze, features.mean((2, 3)), atol=1e-6)
    assert record.maps is not None
    np.testing.assert_array_equal(record.maps[:, 0], features)
    assert record.hidden is None and np.isnan(record.logits).all()
    assert record.weights.std() > 0.005


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_without_a_name_it_is_not_seen(name: str) -> None:
    """Else the tests above would prove nothing."""
    module, _, _ = CASES[name]
    with capture(module) as tape:
        module(batch(2, 8))
    assert tape.records() == ()


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_a_named_gate_can_be_edited(name: str) -> None:
    """Half of every weight, and of the first channel none."""

    def edit(gate: Tensor) -> Tensor:
        assert gate.shape == (2, CHANNELS, 1, 1)
        return gate * 0.5 * (torch.arange(CHANNELS) > 0)[:, None, None]

    module, path, block = CASES[name]
    pictures = batch(2, 8)
    with capture(module, edit=edit, gates=[path]) as tape:
        edited = module(pictures)
    features = features_of(module, pictures)
    weights = block.expected(features) * 0.5 * (torch.arange(CHANNELS) > 0)
    torch.testing.assert_close(edited, module.linear((features * weights[:, 0, :, None, None]).mean((2, 3))), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(tape.records()[0].weights, weights, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_its_influence_and_map_are_those_of_a_gate_in_plain_sight(name: str) -> None:
    """The score is linear in the gated map: its gradient is the linear layer's weight, spread over the places."""
    module, path, block = CASES[name]
    module.requires_grad_(False)
    block.requires_grad_(False)
    pictures = batch(2, 8)
    with torch.enable_grad(), Tape(module, Watch(maps=True, gradients=True, proof=False, roots=True, gates=(path,))) as tape:
        output = module(pictures)
    (explanation,) = brought(explain(tape.found, None, output[:, 1]))
    features, weights = features_of(module, pictures), block.expected(features_of(module, pictures))[:, 0]
    slope = module.linear.weight[1]
    np.testing.assert_allclose(explanation.influence[0][:, 0], slope * weights * features.mean((2, 3)), atol=1e-5)
    gated = features * weights[..., None, None]
    cam = torch.einsum("c,nchw->nhw", slope / 64, gated).relu()
    np.testing.assert_allclose(explanation.maps[0], cam, atol=1e-5)


def test_find_gates_takes_names_too() -> None:
    module, path, _ = CASES["einsum"]
    (site,) = find_gates(module, batch(2, 8), gates=[path])
    assert (site.path, site.activation, site.warning) == ("block", "named", "")


def test_named_gates_stand_among_those_that_are_found() -> None:
    module = se_net()
    usual = find_gates(module, batch(2, 16))
    part = module.get_submodule("layer2.0.se")
    with_part(module, "layer2.0.se", scripted(part))
    sites = find_gates(module, batch(2, 16), gates=["layer2.0.se"])
    assert [site.path for site in sites] == [site.path for site in usual]
    assert [site.name for site in sites] == [site.name for site in usual]
    assert [site.activation for site in sites] == ["sigmoid"] * 2 + ["named"] + ["sigmoid"] * 5


def test_naming_what_is_found_anyway_changes_nothing() -> None:
    module, pictures = se_net(), batch(2, 16)
    usual = find_gates(module, pictures)
    assert find_gates(module, pictures, gates=["layer1.0.se", "layer3.1", ""]) == usual


def test_one_module_called_twice_gives_two_gates() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.se = scripted(ExpandAs())

        def forward(self, x: Tensor) -> Tensor:
            return self.se(torch.roll(self.se(x), 1, dims=1))

    sites = find_gates(alive(Classifier(Twice())), batch(2, 8), gates=["block.se"])
    assert [(site.path, site.warning) for site in sites] == [("block.se", "")] * 2


# ---- what is in doubt is said


class Convolved(ExpandAs):
    """More than a gate: the weighed map is convolved."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(torch.einsum("nchw,nc->nchw", x, self.fc(x.mean((2, 3)))))


def test_a_module_that_does_more_says_so_and_cannot_be_edited() -> None:
    module = alive(Classifier(Convolved()))
    (site,) = find_gates(module, batch(2, 8), gates=["block"])
    assert "'block' does more than to weigh channels" in site.warning and "differs from input x weights by up to" in site.warning
    with (
        pytest.raises(ValueError, match=r"more than to weigh channels.*It cannot be edited"),
        capture(module, edit=lambda g: g, gates=["block"]),
    ):
        module(batch(2, 8))


def test_of_one_place_any_output_fits_and_the_site_says_so() -> None:
    module, path, block = CASES["scripted"]
    pictures = torch.randn(2, 3, 1, 1)
    (site,) = find_gates(module, pictures, gates=[path])
    assert "On a map of 1 x 1" in site.warning
    with torch.no_grad(), capture(module, gates=[path]) as tape:
        module(pictures)
        features = features_of(module, pictures)
    seen = (features > 0).flatten(1).numpy()
    np.testing.assert_allclose(tape.records()[0].weights[:, 0][seen], block.expected(features).detach()[:, 0][seen], atol=1e-5)


def test_a_map_that_is_0_everywhere_gives_no_weight_and_the_site_says_so() -> None:
    module, path, _ = CASES["scripted"]
    pictures = batch(2, 8)
    bias = module.stem.bias.detach().clone()
    try:
        with torch.no_grad():
            module.stem.bias[3] = -1000
        (site,) = find_gates(module, pictures, gates=[path])
        with torch.no_grad(), capture(module, gates=[path]) as tape:
            module(pictures)
        assert "2 of 16 maps are 0 everywhere" in site.warning
        (record,) = tape.records()
        assert (record.weights[:, 0, 3] == 0).all() and (np.delete(record.weights, 3, axis=2) > 0).all()
    finally:
        with torch.no_grad():
            module.stem.bias.copy_(bias)


# ---- what cannot be is refused


def test_a_wrong_path_lists_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"no module 'layer2.0.sE' in ResNet; the nearest are 'layer2.0.se'.*'layer"):
        capture(se_net(), gates=["layer2.0.sE"])


def test_inside_a_scripted_part_nothing_can_be_named() -> None:
    module, _, _ = CASES["scripted"]
    with pytest.raises(ValueError, match=r"'block.fc.3' lies inside scripted code, which runs as one: name 'block'"):
        capture(module, gates=["block.fc.3"])
    with pytest.raises(ValueError, match=r"'block' lies inside scripted code, which runs as one: load the network unscripted"):
        capture(scripted(alive(Classifier(ExpandAs()))), gates=["block"])


def test_one_path_may_stand_alone() -> None:
    module, path, _ = CASES["einsum"]
    assert len(find_gates(module, batch(2, 8), gates=path)) == 1


class Refused(nn.Module):
    """Calls its parts in ways that make no gate."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.part = how, Parts(how)

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "does not run":
            return x
        if self.how == "called by name":
            return self.part(x=x)
        made = self.part(x)
        return torch.einsum("nchw,nc->nchw", x, made) if self.how == "weights for einsum" else x


class Parts(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> object:
        made = {"a tuple": (x, x), "fewer channels": x[:, :2], "weights for einsum": x.mean((2, 3)).exp()}
        return made.get(self.how, x)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("does not run", "'block.part' was named as a gate, but did not run"),
        ("called by name", "'block.part' was named as a gate, but its first argument is neither a map"),
        ("a tuple", r"makes tuple of \(2, 8, 8, 8\): expected a map of the same shape, or one weight a channel"),
        ("fewer channels", r"makes \(2, 2, 8, 8\) of \(2, 8, 8, 8\)"),
        ("weights for einsum", "makes weights, but no multiplication of its own map by them was seen: name the module that multiplies"),
    ],
)
def test_what_is_no_gate_is_refused(how: str, said: str) -> None:
    module = alive(Classifier(Refused(how)))
    before = footprint.of_process()["hooks"]
    with pytest.raises(ValueError, match=said):
        find_gates(module, batch(2, 8), gates=["block.part"])
    assert footprint.of_process()["hooks"] == before


# ---- nothing is left behind, nobody else is heard


class Failing(ExpandAs):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("in the middle")


def test_nothing_is_left_after_an_error() -> None:
    module = alive(Classifier(Failing()))
    before = footprint.of_module(module), footprint.of_process()
    with pytest.raises(RuntimeError, match="in the middle"), capture(module, gates=["block"]):
        module(batch(2, 8))
    assert (footprint.of_module(module), footprint.of_process()) == before


def test_nothing_is_left_after_success() -> None:
    module, path, _ = CASES["einsum"]
    before = footprint.of_module(module), footprint.of_process()
    with torch.no_grad(), sevis.capture(module, gates=[path]) as tape:
        module(batch(2, 8))
    assert len(tape.records()) == 1
    assert (footprint.of_module(module), footprint.of_process()) == before


@pytest.mark.parametrize("name", ["einsum", "scripted", "scripted excitation"])
def test_threads_hear_their_own_pass_alone(name: str) -> None:
    """Sixteen threads on one module, a third of them editing, a third of them watching nothing."""
    module, path, _ = CASES[name]
    threads, each = 16, 12
    batches = torch.randn((threads * each, 1, 3, 8, 8), generator=torch.Generator().manual_seed(4))
    start = Barrier(threads)

    def ask(n: int) -> list[np.ndarray]:
        with torch.no_grad():
            if n % 3 == 0:
                return [module(batches[n]).numpy()]
            edit = (lambda gate: gate * 0.5) if n % 3 == 1 else None
            with capture(module, edit=edit, gates=[path]) as tape:
                output = module(batches[n])
        (record,) = tape.records()
        return [record.weights, record.squeeze, output.numpy()]

    def work(thread: int) -> list[list[np.ndarray]]:
        start.wait(30)
        return [ask(thread * each + n) for n in range(each)]

    expected = [ask(n) for n in range(threads * each)]
    assert all(np.abs(one[-1] - other[-1]).max() > 1e-3 for one, other in pairwise(expected))
    with ThreadPoolExecutor(threads) as pool:
        found = [numbers for part in pool.map(work, range(threads)) for numbers in part]
    for one, other in zip(found, expected, strict=True):
        assert len(one) == len(other)
        assert all(np.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(one, other, strict=True))


def test_a_scripted_excitation_leaves_the_multiplication_to_the_data_flow() -> None:
    """Its site is the module that multiplies, and the map's own pooling is its squeeze."""
    module = alive(Classifier(Weighing()))
    in_python = find_gates(module, batch(2, 8))
    with_part(module, "block.excitation", scripted(module.block.excitation))
    (site,) = find_gates(module, batch(2, 8), gates=["block.excitation"])
    assert (site.path, site.channels, site.stage) == (in_python[0].path, in_python[0].channels, in_python[0].stage)
