"""Scans on a cluster: one actor a GPU, or a processor, each with the scanner of its own that a local scan has.

An actor takes a stretch of the scan's order and gives back its rows and the sum of its statistics; the stretches arrive in order,
so that the ledger, and with it every way to stop and to go on, is the local one's.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sevis.analysis.statistics import Growing
from sevis.capture.twin import frozen_twin
from sevis.inspector import Inspector
from sevis.loading import choose_device
from sevis.local_scan import scan_locally
from sevis.nets.network import Network
from sevis.records import GateRecord
from sevis.runs import RunError
from sevis.scanner import BATCH, Scanned, Scanner
from sevis.sources import Source

__all__ = ["scan_on_ray"]

STRETCHES = 32  # an actor: few, because adding two statistics takes as long for many pictures as for few
LONGEST = {"cuda": 16_384, "cpu": 512}  # pictures of a stretch, by kind of device: ten seconds of work or so
WITH_GATES = 512  # pictures of a stretch whose gates travel too: 100 MB of the 15,104 gates of SE-ResNet-50
# Nothing is reported to Ray's makers, and its C++ parts keep to themselves what is no error of the scan's.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DATA_DISABLE_PROGRESS_BARS": "1"}


@dataclass(frozen=True)
class _Task:
    """What every actor is given once."""

    network: Network
    source: Source
    precision: str
    gates: bool
    order: np.ndarray
    length: int
    device: str
    workers: int


class _Actor:
    """One process with the network on its own device."""

    def __init__(self, shared: Any) -> None:
        import ray

        self._task = task = ray.get(shared)
        self._scanner = Scanner(Inspector(task.network, choose_device(task.device)), task.source, task.precision)

    def __call__(self, block: dict[str, np.ndarray]) -> dict[str, list[bytes]]:
        return {"scanned": [pickle.dumps(self._stretch(int(first))) for first in block["first"]]}

    def _stretch(self, first: int) -> Scanned | ValueError:
        """What came of a stretch; a sentence travels as it is, where Ray would wrap an exception into several of its own."""
        part = self._task.order[first : first + self._task.length]
        try:
            with scan_locally(self._scanner, part, self._task.workers, gates=self._task.gates) as batches:
                return _together(list(batches))
        except ValueError as error:
            return error


@contextmanager
def scan_on_ray(scanner: Scanner, order: np.ndarray, workers: int, *, gates: bool) -> Iterator[Iterator[Scanned]]:
    """What comes of the entries of those numbers, stretch by stretch and in order.

    GPUs are used where the cluster has them, unless this machine has one as well and the network is not on it. Ray that runs
    already is used, and so is the cluster that RAY_ADDRESS names; otherwise one is started here and stopped at the end.

    Args:
        workers: threads that decode for each actor, at most its share of the processors.

    Raises:
        RunError: Ray is not installed, or lost what it cannot do again.
    """
    if len(order) == 0:
        yield iter(())
        return
    with _ray() as ray:
        device, actors, processors = _shares(ray.cluster_resources(), scanner.inspector.device.type)
        longest = min(LONGEST[device], WITH_GATES) if gates else LONGEST[device]
        length = max(min(len(order) // (actors * STRETCHES), longest) // BATCH, 1) * BATCH
        source, network = _from_anywhere(scanner.source), _on_cpu(scanner.inspector)
        task = _Task(network, source, scanner.precision, gates, order, length, device, min(workers, processors))
        yield _stretches(task, actors, processors)


@contextmanager
def _ray() -> Iterator[Any]:
    """Ray, started where it does not run yet."""
    os.environ.update(QUIET | os.environ)
    try:
        import ray
    except ImportError as error:
        raise RunError("The engine ray needs the package ray; install it with: pip install 'sevis[ray]'.") from error
    ours = not ray.is_initialized()
    if ours:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def _shares(cluster: dict[str, float], driver: str) -> tuple[str, int, int]:
    """On what kind of device the actors run, how many there are, and how many processors each has."""
    processors, cards = max(int(cluster.get("CPU", 1)), 1), int(cluster.get("GPU", 0))
    if cards and (driver == "cuda" or choose_device("auto").type != "cuda"):
        return "cuda", cards, max(processors // cards, 1)
    return "cpu", processors, 1


def _on_cpu(asked: Inspector) -> Network:
    """The network as it travels to machines that may have other devices."""
    return Network(asked.name, frozen_twin(asked.module, choose_device("cpu")), asked.preprocessing, asked.classes, task=asked.task)


def _from_anywhere(source: Source) -> Source:
    return source if source.content else replace(source, where=source.where.absolute())


def _stretches(task: _Task, actors: int, processors: int) -> Iterator[Scanned]:
    """The scanned stretches, in order."""
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what it would print is raised
    firsts = [{"first": first} for first in range(0, len(task.order), task.length)]
    shared = ray.put(task)  # kept until the end: an actor that died begins again with it
    shown = ray.data.from_items(firsts, override_num_blocks=len(firsts)).map_batches(
        _Actor,
        fn_constructor_args=(shared,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(actors, len(firsts))),
        num_cpus=processors,
        num_gpus=int(task.device == "cuda"),
    )
    shown.context.execution_options.preserve_order = True
    try:
        for row in shown.iter_rows():
            scanned = pickle.loads(row["scanned"])
            if isinstance(scanned, ValueError):
                raise scanned
            yield scanned
    except ray.exceptions.RayError as error:
        why = re.findall(r"^[\w.]*(?:Error|Exception)\b.*", str(error), re.MULTILINE) or [type(error).__name__]
        raise RunError(f"Ray lost a part of the scan ({why[-1]}); --resume (resume=True) goes on with what is done.") from error


def _together(batches: Sequence[Scanned]) -> Scanned:
    """Several batches as one."""
    read = [batch for batch in batches if batch.statistics]
    rows = tuple(row for batch in batches for row in batch.rows)
    gates = zip(*(batch.records for batch in read if batch.records), strict=True)
    grown = Growing()
    for batch in read:
        grown.add(batch.statistics)
    return Scanned(rows, grown.whole, tuple(map(_joined, gates)))


def _joined(records: Sequence[GateRecord]) -> GateRecord:
    """One gate's records of several batches as one."""
    first = records[0]
    squeeze, logits, weights = (np.concatenate([getattr(each, name) for each in records]) for name in ("squeeze", "logits", "weights"))
    hidden = None if first.hidden is None else np.concatenate([each.hidden for each in records if each.hidden is not None])
    return GateRecord(first.site, squeeze, hidden, logits, weights)
