"""Edits of gates: every operation against NumPy, in every layout that foreign code keeps its gates in, with all that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sevis.capture.edits import CARRIED_OUT, rewriting
from sevis.capture.tracer import Tape, Watch, capture
from sevis.edits import OPERATIONS, EditError, WhatIf, parse
from sevis.inspector import Inspector, weights_of
from sevis.nets.blocks import SelectiveKernel
from sevis.nets.network import Network
from sevis.records import GateAverage, GateSite
from tests.capture.test_foreign_code import SAYS_SOMETHING, example
from tests.foreign_modules import CHANNELS, branch_cases, channel_cases
from tests.tiny_networks import detector, network, pictures, se_net, selective_net

RNG = np.random.default_rng(11)
BRANCHES = ("3x3", "5x5", "7x7")
SITES = {
    "channel": GateSite("se", "channel", "sigmoid", 2, 1, 0, 12),
    "branch": GateSite("sk", "branch", "softmax", 2, 1, 0, 12, BRANCHES),
}
WEIGHTS = {"channel": RNG.random((1, 12)), "branch": (lambda w: w / w.sum(axis=0))(RNG.random((3, 12)))}
OTHER = {"channel": RNG.random((1, 12)), "branch": (lambda w: w / w.sum(axis=0))(RNG.random((3, 12)))}
AVERAGE = {kind: GateAverage("x", values[::-1] * 0.5, values, 9) for kind, values in OTHER.items()}


def shared(weights: np.ndarray, share: Any) -> np.ndarray:
    """The last branch at that share, the others in their proportion."""
    made = weights.copy()
    made[-1] = share
    for column in range(weights.shape[1]):
        rest = weights[:-1, column]
        made[:-1, column] = (1 - made[-1, column]) * rest / rest.sum()
    return made


# (kind, edit, the weights expected of the chosen channels' columns)
EXPECTED: dict[str, tuple[str, str, Callable[[np.ndarray], np.ndarray]]] = {
    "set": ("channel", "all:set=0.25", lambda w: np.full_like(w, 0.25)),
    "set, of branches": ("branch", "all:set=0.25", lambda w: shared(w, 0.25)),
    "factor": ("channel", "all:factor=-1.5", lambda w: w * -1.5),
    "factor, of branches": ("branch", "all:factor=0.5", lambda w: shared(w, w[-1] * 0.5)),
    "mean": ("channel", "all:mean", lambda w: AVERAGE["channel"].mean),
    "mean, of branches": ("branch", "all:mean", lambda w: AVERAGE["branch"].mean),
    "picture": ("channel", "all:picture=cup", lambda w: OTHER["channel"]),
    "permute": ("channel", "all:permute=5", lambda w: w[:, np.random.default_rng(5).permutation(12)]),
    "permute, of branches": ("branch", "all:permute=5", lambda w: w[:, np.random.default_rng(5).permutation(12)]),
    "only": ("branch", "all:only=5x5", lambda w: np.array([[0.0], [1.0], [0.0]]).repeat(12, axis=1)),
    "even": ("branch", "all:even", lambda w: np.full_like(w, 1 / 3)),
}


def carried_out(kind: str, text: str, weights: np.ndarray | None = None) -> np.ndarray:
    """One gate's weights (M, C) after an edit."""
    given = torch.from_numpy(WEIGHTS[kind] if weights is None else weights)
    rewrite = rewriting([WhatIf((parse(text),), {"cup": (OTHER[kind],)})], [SITES[kind]], (AVERAGE[kind],))
    assert rewrite is not None
    made = rewrite(0, given[None])
    assert made.dtype == given.dtype
    return made[0].numpy()


def test_every_operation_can_be_carried_out() -> None:
    assert set(CARRIED_OUT) == set(OPERATIONS) == {name.split(",")[0] for name in EXPECTED}


@pytest.mark.parametrize("name", EXPECTED)
def test_operations_do_what_they_say(name: str) -> None:
    kind, text, expected = EXPECTED[name]
    np.testing.assert_allclose(carried_out(kind, text), expected(WEIGHTS[kind]), atol=1e-12)


def lowest(weights: np.ndarray, count: int) -> set[int]:
    return set(sorted(range(len(weights)), key=lambda c: weights[c])[:count])


RULES: dict[str, Callable[[np.ndarray], set[int]]] = {
    "3": lambda w: {3},
    "0,4-6,99": lambda w: {0, 4, 5, 6},
    "top 5": lambda w: set(range(12)) - lowest(w, 7),
    "bottom 2": lambda w: lowest(w, 2),
    "bottom 50": lambda w: set(range(12)),
    "<0.3": lambda w: {c for c in range(12) if w[c] < 0.3},
    ">.3": lambda w: {c for c in range(12) if w[c] > 0.3},
    ">5": lambda w: set(),
}


@pytest.mark.parametrize("kind", SITES)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_chooses_its_channels_by_the_weight_or_the_last_share(rule: str, kind: str) -> None:
    before = WEIGHTS[kind]
    after = carried_out(kind, f"all[{rule}]:set=0.77")
    assert {c for c in range(12) if not np.array_equal(before[:, c], after[:, c])} == RULES[rule](before[-1])
    assert all(after[-1, c] == pytest.approx(0.77) for c in RULES[rule](before[-1]))


def test_permuted_weights_stay_among_the_chosen_channels() -> None:
    after = carried_out("channel", "all[2-7]:permute=1")
    assert sorted(after[0, 2:8]) == sorted(WEIGHTS["channel"][0, 2:8]) and (after != WEIGHTS["channel"])[0, 2:8].any()
    np.testing.assert_array_equal(np.delete(after, range(2, 8), axis=1), np.delete(WEIGHTS["channel"], range(2, 8), axis=1))


def test_a_share_of_one_leaves_the_others_nothing_and_comes_back_even() -> None:
    gone = carried_out("branch", "all:set=1")
    np.testing.assert_array_equal(gone, [[0] * 12, [0] * 12, [1] * 12])
    np.testing.assert_allclose(carried_out("branch", "all:set=0.4", gone), [[0.3] * 12, [0.3] * 12, [0.4] * 12])
    np.testing.assert_array_equal(carried_out("branch", "all:factor=99")[-1], 1)


def test_edits_follow_one_another() -> None:
    rewrite = rewriting([WhatIf((parse("all:set=0.4"), parse("all[0]:factor=2"), parse("all[>0.5]:factor=10")))], [SITES["channel"]], ())
    assert rewrite is not None
    np.testing.assert_allclose(rewrite(0, torch.zeros(1, 1, 12))[0, 0].numpy(), [8.0] + [0.4] * 11)


def test_without_edits_there_is_nothing_to_rewrite() -> None:
    assert rewriting([WhatIf(), WhatIf()], [SITES["channel"]], ()) is None
    assert rewriting([WhatIf((parse("stage 9:set=1"),))], [SITES["channel"]], ()) is None


# Layouts: whatever axes the network keeps its gate on, the map is multiplied by the new weights


def planned(module: nn.Module, shown: Tensor) -> Tape:
    with torch.no_grad(), capture(module, maps=True) as tape:
        module(shown)
    return tape


def rewritten(module: nn.Module, shown: Tensor, tape: Tape, weights: Tensor) -> tuple[Tensor, Tape]:
    """The network's output with a gate's weights (N, M, C) in place of its own."""
    watch = Watch(maps=True, plan=tape.plan(), rewrite=lambda depth, own: weights.to(own.dtype))
    with torch.no_grad(), Tape(module, watch) as again:
        return module(shown), again


@pytest.mark.parametrize("name", [name for name in channel_cases() if name not in SAYS_SOMETHING])
def test_a_channel_gate_of_any_layout_is_rewritten(name: str) -> None:
    module, shown = channel_cases()[name][0], example(name)
    tape = planned(module, shown)
    weights = torch.rand(2, 1, CHANNELS, generator=torch.Generator().manual_seed(2))
    output, again = rewritten(module, shown, tape, weights)
    (record,) = again.records()
    np.testing.assert_allclose(record.weights, weights.numpy(), atol=1e-6)
    assert record.site.warning == ""  # the map is its input times these weights
    with torch.no_grad():
        more = weights[:, 0] - torch.from_numpy(tape.records()[0].weights)[:, 0]
        pooled = (module.features(shown).flatten(2) * more[..., None]).mean(2)
        torch.testing.assert_close(output - module(shown), pooled @ module.linear.weight.T, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", branch_cases())
def test_a_selection_of_any_layout_is_rewritten(name: str) -> None:
    module, shown = branch_cases()[name][0], example(name)
    tape = planned(module, shown)
    (before,) = tape.records()
    assert before.maps is not None
    branches = len(before.site.branches)
    weights = torch.rand(2, branches, CHANNELS, generator=torch.Generator().manual_seed(2)).softmax(dim=1)
    output, again = rewritten(module, shown, tape, weights)
    (record,) = again.records()
    np.testing.assert_allclose(record.weights, weights.numpy(), atol=1e-6)
    assert record.site.warning == ""
    mixed = (torch.from_numpy(before.maps).flatten(3) * weights[..., None]).sum(1)
    with torch.no_grad():
        torch.testing.assert_close(output, module.linear(mixed.mean(2)), atol=1e-4, rtol=1e-4)


# Whole networks


def scores(module: nn.Module, picture: np.ndarray) -> Tensor:
    with torch.no_grad():
        return module(network(module).preprocessing(Image.fromarray(picture))[None])[0]


BY_HAND: dict[str, tuple[list[str], Callable[[Tensor], Tensor]]] = {
    "all:set=1": (["layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1", "layer4.0", "layer4.1"], torch.ones_like),
    "stage 3:factor=0.5": (["layer2.0", "layer2.1"], lambda weights: weights * 0.5),
    "SE_5_2:set=0": (["layer4.1"], torch.zeros_like),
    "SE_2_2[>0.5]:factor=0": (["layer1.1"], lambda weights: weights * (weights <= 0.5)),
}


@pytest.mark.parametrize("text", BY_HAND)
def test_a_whole_network_answers_as_with_its_blocks_changed_by_hand(text: str) -> None:
    (paths, change), (picture,), module = BY_HAND[text], pictures(1), se_net()
    found = Inspector(network(se_net())).inspect(picture, edits=[text])
    assert abs(found.score - float(scores(module, picture)[found.target.index])) > 1e-3
    for path in paths:
        part: Any = module.get_submodule(path).se
        part._excitation = lambda logits: change(torch.sigmoid(logits))
    assert found.score == pytest.approx(float(scores(module, picture)[found.target.index]), abs=1e-4)
    assert found.edits == (text,)


@pytest.mark.parametrize(("text", "mixture"), [("all:only=3x3", (1.0, 0.0)), ("all:even", (0.5, 0.5)), ("all:set=0.2", (0.8, 0.2))])
def test_a_whole_selective_network_mixes_its_branches_as_told(text: str, mixture: tuple[float, float]) -> None:
    (picture,), module = pictures(1), selective_net()
    found = Inspector(network(selective_net())).inspect(picture, edits=[text])
    assert abs(found.score - float(scores(module, picture)[found.target.index])) > 1e-3
    for part in module.modules():
        if isinstance(part, SelectiveKernel):
            part.forward = lambda x, part=part: sum(share * branch(x) for share, branch in zip(mixture, part.branches, strict=True))
    assert found.score == pytest.approx(float(scores(module, picture)[found.target.index]), abs=1e-4)


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_an_edit_that_changes_nothing_changes_nothing_of_influence_and_maps_either(make: Any) -> None:
    """The gradients of rewritten gates flow on: times 1, everything is as it was."""
    inspector, (picture,) = Inspector(network(make())), pictures(1)
    plain, same = inspector.inspect(picture), inspector.inspect(picture, edits=["all:factor=1"])
    assert plain.score == pytest.approx(same.score, abs=1e-6)
    for one, other, cam, again in zip(plain.influence, same.influence, plain.cams, same.cams, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
        np.testing.assert_allclose(cam.values * cam.peak[:, None, None], again.values * again.peak[:, None, None], atol=1e-6)


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_influence_of_an_edited_gate_is_the_slope_at_its_new_weight(make: Any) -> None:
    """Finite differences: the score with every weight of one gate a little larger, around the edited network."""
    inspector, (picture,), step = Inspector(network(make())), pictures(1), 1e-3
    name = inspector.sites[2].name
    around = (f"stage 2:{'factor=0.7' if make is se_net else 'even'}", f"{name}[4]:set=0.6")
    found = inspector.inspect(picture, 1, edits=around)
    up, down = (inspector.inspect(picture, 1, edits=(*around, f"{name}[4]:set={0.6 + sign * step:.4f}")).score for sign in (1, -1))
    slopes = found.influence[2][0, :, 4] / found.gates[2].weights[0, :, 4]
    slope = slopes[0] if make is se_net else slopes[1] - slopes[0]
    assert slope == pytest.approx((up - down) / (2 * step), rel=0.02, abs=1e-4)


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_in_a_batch_every_picture_has_its_own_edits(make: Any) -> None:
    inspector, shown = Inspector(network(make())), pictures(4)
    other = inspector.inspect(shown[3])
    texts = [(), ("all:permute=3",), ("stage 3:set=0.1", "all[top 2]:factor=0.5"), ("all:picture=cup",)]
    what_ifs = [WhatIf(tuple(map(parse, each)), {"cup": weights_of(other)}) for each in texts]
    together = inspector.inspect_batch(shown, [0, 1, None, 2], what_ifs)
    for n, (found, each) in enumerate(zip(together, texts, strict=True)):
        alone = inspector.inspect(shown[n], (0, 1, None, 2)[n], edits=each, others={"cup": other})
        assert found.edits == alone.edits == each
        assert found.score == pytest.approx(alone.score, abs=1e-5)
        for one, two in zip(found.gates, alone.gates, strict=True):
            np.testing.assert_allclose(one.weights, two.weights, atol=1e-5)
        for mine, its in zip(found.influence, alone.influence, strict=True):
            np.testing.assert_allclose(mine, its, atol=1e-5)
    np.testing.assert_array_equal(together[3].gates[0].weights, other.gates[0].weights)


@pytest.mark.parametrize("make", [se_net, selective_net])
def test_effects_are_the_outcomes_of_one_edit_after_another(make: Any) -> None:
    inspector, (picture,) = Inspector(network(make())), pictures(1)
    plain = inspector.inspect(picture)
    before, *effects = inspector.effects(picture)
    assert before.edits == () and before.predictions[0].label == plain.predictions[0].label
    branches = 1 if make is se_net else 2
    assert len(effects) == branches * len(inspector.sites)
    for effect in effects:
        alone = inspector.inspect(picture, plain.target.index, edits=effect.edits)
        assert effect.score == pytest.approx(alone.score, abs=1e-4)
        assert effect.target.label == plain.target.label
        assert effect.target.probability == pytest.approx(alone.target.probability, abs=1e-5)
        assert [p.label for p in effect.predictions] == [p.label for p in alone.predictions]


def test_effects_of_many_blocks_come_in_passes_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    inspector, (picture,), sizes = Inspector(network(se_net())), pictures(1), []
    watched = inspector.watched
    monkeypatch.setattr("sevis.outcomes._branched", lambda *_: None)  # as on a device
    monkeypatch.setattr(inspector, "watched", lambda batch, watch: sizes.append(len(batch)) or watched(batch, watch))
    monkeypatch.setattr("sevis.outcomes.MOST_ROWS", 4)
    effects = inspector.effects(picture)
    assert len(effects) == 9 and sizes == [4, 4, 2]  # the network as it is goes along twice: to be followed, and to be told
    monkeypatch.setattr("sevis.outcomes.MOST_ROWS", 16)
    assert [effect.score for effect in inspector.effects(picture)] == pytest.approx([effect.score for effect in effects], abs=1e-5)


def test_a_detectors_box_is_followed() -> None:
    inspector, (picture,) = Inspector(detector_network()), pictures(1, 64)
    plain = inspector.inspect(picture, 1)
    before, *effects = inspector.effects(picture, 1)
    assert before.score == pytest.approx(plain.score, abs=1e-4)
    assert before.target.label == plain.target.label and before.target.box == pytest.approx(plain.target.box, abs=1e-3)
    assert [effect.edits for effect in effects] == [(f"{inspector.sites[0].name}:set=1",)]
    assert effects[0].score != pytest.approx(plain.score, abs=1e-6)


def detector_network() -> Network:
    return replace(network(detector(), 64, "boxes"), task="detection")


def test_an_edit_that_means_nothing_here_is_refused_before_the_pass() -> None:
    inspector, (picture,) = Inspector(network(se_net())), pictures(1)
    selective = Inspector(network(selective_net()))
    for text, said in {
        "SE_9_9:set=1": "has no 'SE_9_9'",
        "all:only=3x3": "weigh channels, not branches",
        "all:mean": "not known for this network",
        "all:picture=cup": "'cup' are not at hand",
        "SE_2_1[999]:set=0": "0 to 7",
        "nonsense": "is no edit",
    }.items():
        with pytest.raises(EditError, match=said):
            inspector.inspect(picture, edits=[text])
    with pytest.raises(EditError, match="choose one of its branches, 3x3, 5x5"):
        selective.inspect(picture, edits=["all:only=9x9"])
    with pytest.raises(EditError, match="another network"):
        inspector.inspect(picture, edits=["all:picture=cup"], others={"cup": selective.inspect(picture)})
