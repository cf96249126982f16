"""Edits in words (sevis.edits) carried out on the weights of a pass, each picture of a batch with its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sevis.capture.watch import Rewrite
from sevis.edits import Edit, WhatIf, covers
from sevis.records import GateAverage, GateSite

__all__ = ["CARRIED_OUT", "rewriting"]

Averages = tuple[GateAverage, ...]


@dataclass(frozen=True)
class _Gate:
    """One gate of one picture: its weights (M, C) before the edit, which channels (C,) it is to change, and what edits may refer to."""

    site: GateSite
    weights: Tensor
    chosen: Tensor
    what_if: WhatIf
    averages: Averages

    def like(self, values: np.ndarray) -> Tensor:
        return torch.tensor(values, dtype=self.weights.dtype, device=self.weights.device)  # a copy: the values may be read-only


def _to_share(gate: _Gate, share: Tensor) -> Tensor:
    """The last branch at that share, the others in their proportion; alike, where all of theirs is gone."""
    others = gate.weights[:-1]
    whole = others.sum(dim=0)
    proportion = torch.where(whole > 0, others / whole.clamp(min=torch.finfo(others.dtype).tiny), 1 / max(len(others), 1))
    return torch.cat([proportion * (1 - share), share[None]])


def _set(gate: _Gate, edit: Edit) -> Tensor:
    value = torch.full_like(gate.weights[-1], edit.number)
    return value[None] if gate.site.kind == "channel" else _to_share(gate, value.clamp(0, 1))


def _times(gate: _Gate, edit: Edit) -> Tensor:
    scaled = gate.weights[-1] * edit.number
    return scaled[None] if gate.site.kind == "channel" else _to_share(gate, scaled.clamp(0, 1))


def _mean(gate: _Gate, edit: Edit) -> Tensor:
    return gate.like(gate.averages[gate.site.depth].mean)


def _picture(gate: _Gate, edit: Edit) -> Tensor:
    return gate.like(gate.what_if.pictures[edit.value][gate.site.depth])


def _permuted(gate: _Gate, edit: Edit) -> Tensor:
    """The chosen channels' weights dealt out anew among them, by NumPy's generator of that seed."""
    places = gate.chosen.nonzero().flatten()
    order = np.random.default_rng(int(edit.value)).permutation(len(places))
    dealt = gate.weights.clone()
    dealt[:, places] = gate.weights[:, places[torch.as_tensor(order, device=places.device)]]
    return dealt


def _only(gate: _Gate, edit: Edit) -> Tensor:
    alone = torch.zeros_like(gate.weights)
    alone[gate.site.branches.index(edit.value)] = 1
    return alone


def _even(gate: _Gate, edit: Edit) -> Tensor:
    return torch.full_like(gate.weights, 1 / len(gate.weights))


CARRIED_OUT: dict[str, Callable[[_Gate, Edit], Tensor]] = {
    "set": _set,
    "factor": _times,
    "mean": _mean,
    "picture": _picture,
    "permute": _permuted,
    "only": _only,
    "even": _even,
}


def rewriting(rows: Sequence[WhatIf], sites: Sequence[GateSite], averages: Averages) -> Rewrite | None:
    """What a tape needs to carry out the edits of each picture of a batch; None where there are none.

    Args:
        rows: what is changed for each picture.
        sites: of the network, in order of depth.
        averages: one a gate; empty where none were measured.
    """
    changed = {site.depth for site in sites for row in rows for edit in row.edits if covers(edit, site)}

    def rewrite(depth: int, weights: Tensor) -> Tensor:
        if depth not in changed:
            return weights
        return torch.stack([_edited(own, sites[depth], row, averages) for own, row in zip(weights, rows, strict=True)])

    return rewrite if changed else None


def _edited(weights: Tensor, site: GateSite, what_if: WhatIf, averages: Averages) -> Tensor:
    """One picture's weights (M, C) of one gate after its edits."""
    for edit in (edit for edit in what_if.edits if covers(edit, site)):
        chosen = _chosen(edit, weights[-1])
        gate = _Gate(site, weights, chosen, what_if, averages)
        weights = torch.where(chosen, CARRIED_OUT[edit.what](gate, edit), weights)
    return weights


def _chosen(edit: Edit, weights: Tensor) -> Tensor:
    """Which channels an edit changes (C,), by their number or by the weight that they have."""
    rule, channels = edit.channels, len(weights)
    if not rule:
        return torch.ones(channels, dtype=torch.bool, device=weights.device)
    if rule[0] in "<>":
        return weights < float(rule[1:]) if rule[0] == "<" else weights > float(rule[1:])
    chosen = torch.zeros(channels, dtype=torch.bool, device=weights.device)
    if rule.startswith(("top", "bottom")):
        which, count = rule.split()
        places = weights.topk(min(int(count), channels), largest=which == "top").indices
    else:
        places = torch.tensor(edit.numbers(channels), dtype=torch.long, device=weights.device)
    chosen[places] = True
    return chosen
