"""What the data flow does not show ends in a sentence that says so and names the way out."""

from __future__ import annotations

import re
import warnings

import pytest
import torch
from torch import nn

from sevis.capture import capture, find_gates
from sevis.capture.blind import nothing_found
from tests.foreign_modules import Classifier, ExpandAs, branch_cases, channel_cases
from tests.tiny_networks import Plain, alive, batch, se_net, selective_net
from tests.unseen_modules import scripted, unseen_cases, with_part

CASES = unseen_cases()
EINSUM = {"einsum": "einsum", "bmm": "bmm", "addcmul": "addcmul"}


def said_of(module: nn.Module, *names: str) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        find_gates(module, batch(2, 16), gates=names)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", CASES)
def test_an_unseen_gate_is_said_with_a_way_out_that_works(name: str) -> None:
    module, path, _ = CASES[name]
    (said,) = said_of(module)
    assert ("scripted" if name not in EINSUM else f"a gate meets its map in {EINSUM[name]}") in said and said.startswith(path)
    (way_out,) = re.findall(r'sevis\.capture\(module, gates=\["(.+)"\]\)', said)
    assert len(find_gates(module, batch(2, 16), gates=[way_out])) == 1
    assert said_of(module, way_out) == []


def test_a_scripted_network_says_that_nothing_can_be_watched() -> None:
    (said,) = said_of(scripted(alive(Classifier(ExpandAs()))))
    assert said == "This network is scripted: no operation can be watched and no gate is seen. Load it unscripted."


def test_many_scripted_parts_are_counted_by_their_outermost() -> None:
    module = se_net()
    for stage in (module.layer1, module.layer2):
        for block in stage:
            with_part(block, "se", scripted(block.se))
    (said,) = said_of(module)
    assert said.startswith("layer1.0.se, layer1.1.se, layer2.0.se ...: scripted")


SOUND = {
    "SE": se_net(),
    "SK": selective_net(),
    "plain": Plain(16, pooled=True),
    "attention": alive(
        Classifier(nn.Sequential(nn.Flatten(2), nn.TransformerEncoderLayer(256, 4, 32, batch_first=True), nn.Unflatten(2, (16, 16))))
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_of_what_was_seen_nothing_is_said(name: str) -> None:
    assert said_of(SOUND[name]) == []


@pytest.mark.parametrize("name", [name for name in channel_cases() | branch_cases() if name not in ("1-D", "3-D")])
def test_of_foreign_code_that_was_seen_nothing_is_said(name: str) -> None:
    assert said_of((channel_cases() | branch_cases())[name][0]) == []


def test_where_nothing_was_found_the_way_out_is_named_too() -> None:
    (said,) = nothing_found(find_gates(SOUND["plain"], batch(2, 16)))
    assert said.startswith("No channel gate was found") and 'sevis.capture(module, gates=["its.path"])' in said
    assert nothing_found(find_gates(SOUND["SE"], batch(2, 16))) == ()


def test_a_tape_says_the_same() -> None:
    module, _, _ = CASES["einsum"]
    with torch.no_grad(), capture(module) as tape:
        module(batch(2, 16))
    assert tape.blind_spots() == tuple(said_of(module))
