"""The passes on a GPU: CUDA events, channels_last, bfloat16 under autocast, and CUDA graphs of the bare pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.networks import inspected, picture
from benchmarks.passes import EVERYTHING, everything, forward, forward_and_backward, gates, prepared
from benchmarks.rounds import Work, interleaved
from benchmarks.row import MOST, Row, Sizes, compared
from sevis.inspector import Inspector

__all__ = ["LEFT_OUT", "on_gpu", "replayed"]

LEFT_OUT = "No GPU was at hand: the section that times the passes with CUDA events was left out."
ROUNDS = 50


def event_seconds(work: Work) -> float:
    """From the first kernel to the last, by the device's own clock."""
    before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    before.record()
    work()
    after.record()
    after.synchronize()
    return float(before.elapsed_time(after)) / 1000


def replayed(inspector: Inspector, pictures: Tensor) -> Work:
    """The bare forward pass as a CUDA graph. A tape cannot be in one: it copies to the host while the pass runs."""
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.no_grad(), torch.cuda.stream(stream):
        inspector.module(pictures)
    torch.cuda.current_stream().wait_stream(stream)
    with torch.no_grad(), torch.cuda.graph(graph):
        inspector.module(pictures)
    return graph.replay


def on_gpu(sizes: Sizes) -> Iterator[Row]:
    """The rows of passes.py, in float32 and under autocast; none without a GPU."""
    for name in sizes.networks if torch.cuda.is_available() else ():
        inspector = inspected(name, sizes.side, device=torch.device("cuda"))
        inspector.module.to(memory_format=torch.channels_last)
        batch = inspector.batch([inspector.tensor(picture(sizes.side))]).contiguous(memory_format=torch.channels_last)
        for precision, as_precise in PRECISIONS.items():
            yield from _rows(f"GPU, channels_last, {precision}: {name}", inspector, batch, as_precise, picture(sizes.side))


def _rows(name: str, inspector: Inspector, batch: Tensor, as_precise: Callable[[Work], Work], pixels: np.ndarray) -> Iterator[Row]:
    whole = {
        "sevis": lambda: everything(inspector, pixels),
        "bare": lambda: forward_and_backward(inspector.module, prepared(inspector, pixels)),
    }
    alone = {"sevis": lambda: gates(inspector, batch), "bare": lambda: forward(inspector.module, batch)}
    for what, against, works, reach in (
        (EVERYTHING, "a bare forward and backward, parameters frozen", whole, 1.08),
        ("all gates, forward only", "a bare forward in inference mode", alone, 1.05),
    ):
        rounds = interleaved({key: as_precise(work) for key, work in works.items()}, ROUNDS, event_seconds)
        yield compared(f"{name}: {what}", against, rounds, "sevis", "bare", MOST, reach)
    graph = interleaved({"graph": replayed(inspector, batch), "eager": lambda: forward(inspector.module, batch)}, ROUNDS, event_seconds)
    yield compared(f"{name}: the bare forward as a CUDA graph", "the same, eager", graph, "graph", "eager", MOST, 1)


def _in_bfloat16(work: Work) -> Work:
    def run() -> None:
        with torch.autocast("cuda", torch.bfloat16):
            work()

    return run


PRECISIONS: dict[str, Callable[[Work], Work]] = {"float32": lambda work: work, "bfloat16": _in_bfloat16}
