"""Sixteen threads, one network, no lock: nobody sees another's numbers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import numpy as np
import pytest
import torch
from torch import nn

from sevis.capture import capture
from sevis.inspector import Inspector
from sevis.records import Inspection
from tests import SLOW
from tests.tiny_networks import CLASSES, network, pictures, se_net, selective_net, short

THREADS, EACH = 16, 20 if SLOW else 5
SIDE = 16
MAKERS: dict[str, Callable[[], nn.Module]] = {"SE": lambda: short(se_net()), "SK": lambda: short(selective_net())}
Numbers = list[np.ndarray]


def together(ask: Callable[[int], Numbers]) -> list[Numbers]:
    """What 16 threads get that start at once, each for its own pictures."""
    start = Barrier(THREADS)

    def work(thread: int) -> list[Numbers]:
        start.wait(30)
        return [ask(thread * EACH + n) for n in range(EACH)]

    with ThreadPoolExecutor(THREADS) as pool:
        return [numbers for part in pool.map(work, range(THREADS)) for numbers in part]


def wrong(found: list[Numbers], expected: list[Numbers]) -> list[int]:
    """Which of them differ from what one gets alone."""
    assert len(found) == len(expected) == THREADS * EACH
    return [
        n
        for n, (one, other) in enumerate(zip(found, expected, strict=True))
        if len(one) != len(other)
        or not all(a.shape == b.shape and np.allclose(a, b, rtol=0, atol=1e-5) for a, b in zip(one, other, strict=True))
    ]


def assert_all_different(expected: list[Numbers]) -> None:
    """Else a swap of two threads' records could not be seen."""
    assert all(max(np.abs(a - b).max() for a, b in zip(one, other, strict=True)) > 0.1 for one, other in pairwise(expected))


def numbers_of(inspection: Inspection) -> Numbers:
    numbers = [np.array([inspection.score]), np.array([p.probability for p in inspection.predictions])]
    for record, influence, cam in zip(inspection.gates, inspection.influence, inspection.cams, strict=True):
        assert record.hidden is not None
        numbers += [record.squeeze, record.hidden, record.logits, record.weights, influence, cam.values]
    assert inspection.last_cam is not None
    return [*numbers, inspection.last_cam.values]


@pytest.mark.parametrize("kind", MAKERS)
def test_no_wrong_inspection_among_threads(kind: str) -> None:
    inspector = Inspector(network(MAKERS[kind](), SIDE))
    shown = pictures(THREADS * EACH, SIDE)

    def ask(n: int) -> Numbers:
        return numbers_of(inspector.inspect_batch([shown[n]], [n % len(CLASSES)])[0])

    expected = [ask(n) for n in range(len(shown))]
    assert_all_different(expected)
    assert wrong(together(ask), expected) == []


def test_no_wrong_record_among_threads() -> None:
    """On the module itself, every third pass edited: an edit is nobody else's either."""
    module = short(se_net())
    batches = torch.randn((THREADS * EACH, 1, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(4))

    def ask(n: int) -> Numbers:
        edit = (lambda gate: gate * 0.5) if n % 3 == 0 else None
        with torch.no_grad(), capture(module, edit=edit) as tape:
            logits = module(batches[n])
        return [part for record in tape.records() for part in (record.weights, record.squeeze, record.logits)] + [logits.numpy()]

    expected = [ask(n) for n in range(len(batches))]
    assert_all_different(expected)
    assert wrong(together(ask), expected) == []
