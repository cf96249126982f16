"""The first look at a network, and every later one: searched once by its data flow, then watched by the calls that are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """The survey of a network from one run; its route from another where the first one filled caches that later ones read.

    Args:
        module: one of our own (see frozen_twin): the parts that make its gates get a door.
    """
    with torch.inference_mode(False), torch.no_grad():
        found = _searched(module, run)
        if found.route is None:
            return found
        route = found.route if _is_kept(found.route, run) else _searched(module, run).route
        if route is not None and not _is_kept_in_parts(module, route, run):
            route = replace(route, parts=())
    return replace(found, route=route)


def _searched(module: nn.Module, run: Run) -> Survey:
    tape = Tape(module, Watch(head=True, route=True))
    with tape:
        output = run()
    return Survey(output, tape.sites(), tape.last_map(output), tape.plan(), tape.route(output))


def _is_kept(route: Route, run: Run) -> bool:
    """Whether a run makes the calls of a route."""
    replay = Replay(route, Watch(proof=False))
    with replay:
        run()
    return not replay.strayed


def _is_kept_in_parts(module: nn.Module, route: Route, run: Run) -> bool:
    """Whether it does where only the parts are looked at, which get their doors here."""
    put_doors(module, {visit.part.path for visit in (*route.gate_visits, *route.head_visits)})
    return not any(_in_parts(run, route, Watch(head=head, proof=False))[1].strayed for head in (False, True))


def _in_parts(run: Run, route: Route, watch: Watch) -> tuple[Tensor, Replay]:
    replay = Replay(route, watch, within=route.head_visits if watch.head else route.gate_visits)
    with replay:
        return run(), replay


def watched(module: nn.Module, run: Run, route: Route | None, watch: Watch) -> tuple[Tensor, Tape | Replay]:
    """What a run gives, and the tape of it; where it leaves the route, it runs once more and is searched."""
    if route is not None:
        output, replay = _in_parts(run, route, watch)
        if not replay.strayed:
            return output, replay
    tape = Tape(module, watch)
    with tape:
        output = run()
    return output, tape
