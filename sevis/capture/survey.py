"""The first look at a network, and every later one: searched once by its data flow, then watched by the calls that are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sevis.capture.replay import Replay
from sevis.capture.rewriting import Place
from sevis.capture.route import Route
from sevis.capture.tracer import Tape
from sevis.capture.watch import LastMap, Watch
from sevis.records import GateSite

__all__ = ["Run", "Survey", "survey", "watched"]

Run = Callable[[], Tensor]  # a network shown a batch; gives what is read of its output


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


def survey(module: nn.Module, run: Run) -> Survey:
    """The survey of a network from one run; its route from another where the first one filled caches that later ones read."""
    with torch.inference_mode(False), torch.no_grad():
        found = _searched(module, run)
        if found.route is not None and _strays(found.route, run):
            return replace(found, route=_searched(module, run).route)
    return found


def _searched(module: nn.Module, run: Run) -> Survey:
    tape = Tape(module, Watch(head=True, route=True))
    with tape:
        output = run()
    return Survey(output, tape.sites(), tape.last_map(output), tape.plan(), tape.route(output))


def _strays(route: Route, run: Run) -> bool:
    """Whether a run makes other calls than those of a route."""
    replay = Replay(route, Watch(proof=False))
    with replay:
        run()
    return replay.strayed


def watched(module: nn.Module, run: Run, route: Route | None, watch: Watch) -> tuple[Tensor, Tape | Replay]:
    """What a run gives, and the tape of it; where it leaves the route, it runs once more and is searched."""
    if route is not None:
        replay = Replay(route, watch)
        with replay:
            output = run()
        if not replay.strayed:
            return output, replay
    tape = Tape(module, watch)
    with tape:
        output = run()
    return output, tape
