"""The first look at a network, and every later one: searched once by its data flow, then watched by the calls that are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sevis.capture.doors import put_doors
from sevis.capture.replay import Replay
from sevis.capture.rewriting import Place
from sevis.capture.route import Route
from sevis.capture.tracer import Tape
from sevis.capture.watch import LastMap, Watch
from sevis.records import GateSite

__all__ = ["Show", "Survey", "survey", "watched"]

Show = Callable[[Tensor], Tensor]  # shows a network a batch, and gives what is read of its output


@dataclass(frozen=True)
class Survey:
    """What one pass tells of a network.

    Attributes:
        output: what the run gave.
        sites: its gates, in order of depth, each with its proof.
        last: the map that its output was pooled from.
        plan: which multiplication is which part of which gate.
        route: the calls that make its gates; None where they cannot be told by their numbers.
    """

    output: Tensor
    sites: tuple[GateSite, ...]
    last: LastMap | None
    plan: Mapping[int, Place]
    route: Route | None


def survey(module: nn.Module, show: Show, batch: Tensor, *others: Tensor) -> Survey:
    """The survey of a network from one pass; its route from another where the first one filled caches that later ones read.

    Args:
        module: one of our own (see frozen_twin): the parts that make its gates get a door.
        others: of the batch's shape; a network that makes other calls for any of them is always watched whole.
    """
    with torch.inference_mode(False), torch.no_grad():
        found = _searched(module, show, batch)
        if found.route is None:
            return found
        route = found.route if _is_kept(found.route, show, batch) else _searched(module, show, batch).route
        if route is not None and not _is_kept_in_parts(module, route, show, (batch, *others)):
            put_doors(module, ())
            route = replace(route, parts=())
    return replace(found, route=route)


def _searched(module: nn.Module, show: Show, batch: Tensor) -> Survey:
    tape = Tape(module, Watch(head=True, route=True))
    with tape:
        output = show(batch)
    return Survey(output, tape.sites(), tape.last_map(output), tape.plan(), tape.route(output))


def _is_kept(route: Route, show: Show, batch: Tensor) -> bool:
    """Whether a pass makes the calls of a route."""
    replay = Replay(route, Watch(head=True, proof=False))
    with replay:
        show(batch)
    return not replay.strayed


def _is_kept_in_parts(module: nn.Module, route: Route, show: Show, batches: Sequence[Tensor]) -> bool:
    """Whether all passes make them, and one does where only the parts are looked at, which get their doors here."""
    put_doors(module, {stop.part.path for stop in (*route.gate_tour, *route.head_tour)})
    in_parts = (_in_parts(show, batches[0], route, Watch(head=head, proof=False))[1] for head in (False, True))
    return all(_is_kept(route, show, each) for each in batches) and not any(replay.strayed for replay in in_parts)


def _in_parts(show: Show, batch: Tensor, route: Route, watch: Watch) -> tuple[Tensor, Replay]:
    replay = Replay(route, watch, tour=route.head_tour if watch.head else route.gate_tour)
    with replay:
        return show(batch), replay


def watched(module: nn.Module, show: Show, batch: Tensor, route: Route | None, watch: Watch) -> tuple[Tensor, Tape | Replay]:
    """What a network gives for a batch, and the tape of it; where it leaves the route, it runs once more and is searched."""
    if route is not None:
        output, replay = _in_parts(show, batch, route, watch)
        if not replay.strayed:
            return output, replay
    tape = Tape(module, watch)
    with tape:
        output = show(batch)
    return output, tape
