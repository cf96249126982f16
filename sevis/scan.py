"""Shows a network every picture of a data set and keeps what its gates did, in a folder that a later scan can go on with.

    run = sevis.scan("photos12/se_resnet18", "photos/", "RUN")
    run.statistics[0].site.name

Every beginning of a scan is a random sample of the pictures, so that an interrupted one can be judged already.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from sevis.datasets import Entry, Source, open_source
from sevis.inspector import Inspector
from sevis.interrupts import asked_to_stop
from sevis.ledger import EVERY, Ledger, write_meta
from sevis.loading import load
from sevis.runs import FORMAT, META, Run, RunError, open_run
from sevis.scanner import PRECISIONS, Decoded, Scanner

__all__ = ["BATCH", "Step", "scan"]

BATCH = 32
SEED = 0  # of the order in which pictures are shown
MOST_WORKERS = 16
LOCK = ".lock"

# What has to be the same for a scan to go on, and how it is called in a sentence.
SAME = {
    "network": "the network",
    "weights_sha256": "its weights",
    "preprocessing": "its preprocessing",
    "precision": "the precision",
    "source": "the pictures",
    "gates": "whether the gates of every picture are written",
    "batch": "the size of a batch",
}


class _Room(ModuleType):
    """This module, which can be called: importing it puts it in the place of the function `sevis.scan`."""

    def __call__(self, model: Inspector | str, source: Source | str | Path, out: str | Path, **options: Any) -> Run:
        return scan(model, source, out, **options)


sys.modules[__name__].__class__ = _Room


@dataclass(frozen=True)
class Step:
    """How far a scan is, after a batch.

    Attributes:
        done: pictures scanned, those of earlier scans into the folder included.
        total: pictures in all.
        unreadable: of those of this scan, how many could not be read.
    """

    done: int
    total: int
    unreadable: int


def scan(
    model: Inspector | str,
    source: Source | str | Path,
    out: str | Path,
    *,
    split: str | None = None,
    limit: int | None = None,
    gates: bool = False,
    resume: bool = False,
    precision: str | None = None,
    workers: int | None = None,
    every: float = EVERY,
    report: Callable[[Step], None] = lambda step: None,
) -> Run:
    """The statistics of every gate over all pictures of a source, and a row for every picture.

    A picture that cannot be read is a row with the reason. Ctrl-C finishes the batch and keeps all that is done; a second one
    stops at once, and so does a kill: both lose at most what was scanned in the last `every` seconds.

    Args:
        model: an Inspector, or a name as `sevis.load` takes it.
        source: a folder, .csv or .tar, as in `sevis.datasets.open_source`.
        out: the run's folder, made where it is missing.
        split: of the source, where it has splits.
        limit: how many pictures to scan, at random; None takes all. A scan can go on with a greater one.
        gates: whether every picture's weights are written too, as float16: 30 KB a picture for SE-ResNet-50.
        resume: go on with the run in that folder, if there is one.
        precision: "float32" or "bfloat16"; None takes bfloat16 on a GPU. Its steps near a weight of 0.5 to 1 are 0.004.
        workers: threads that decode; None takes as many as there are processors, up to 16.
        every: seconds between two moments at which what is done is written; 0 writes after every batch.
        report: called after every batch.

    Raises:
        SourceError: there is no such source, or no picture in it.
        RunError: the folder is in use, holds something else, or a run of another network or of other pictures.
        CheckpointError: there is no such network.
        KeyboardInterrupt: Ctrl-C was pressed; what is done is kept.
    """
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}; choose from {', '.join(PRECISIONS)}")
    pictures = source if isinstance(source, Source) else open_source(source, split)
    inspector = load(model) if isinstance(model, str) else model
    if not inspector.sites:
        raise RunError(f"{inspector.name} has no gate to scan; choose a network with SE or SK blocks.")
    scanner, folder = Scanner(inspector, pictures, precision), Path(out)
    total = min(len(pictures.entries), limit if limit is not None else len(pictures.entries))
    with _claimed(folder, resume=resume):
        meta = _meta(scanner, total, gates=gates)
        _check_same(folder, meta)
        write_meta(folder, meta)
        ledger = Ledger(folder, inspector.sites if gates else (), meta, every=every)
        _go_on(scanner, ledger, total, workers or min(cpu_count() or 1, MOST_WORKERS), report)
        ledger.close()
        run = open_run(folder)
        write_meta(folder, meta | {"counts": {"done": run.done, "read": run.read, "unreadable": run.done - run.read}})
    return open_run(folder)


def _go_on(scanner: Scanner, ledger: Ledger, total: int, workers: int, report: Callable[[Step], None]) -> None:
    """Scan what the ledger does not hold yet.

    Raises:
        KeyboardInterrupt: after the batch in which Ctrl-C was pressed, with everything committed.
    """
    entries = scanner.source.entries
    order = np.random.default_rng(SEED).permutation(len(entries))[ledger.done : total]
    batches = [[entries[n] for n in order[first : first + BATCH]] for first in range(0, len(order), BATCH)]
    done, unreadable = ledger.done, 0
    report(Step(done, total, unreadable))
    with asked_to_stop() as stop, _decoded(scanner, batches, workers) as decoded:
        for batch in decoded:
            scanned = scanner.show(batch)
            ledger.add(scanned.rows, scanned.statistics, scanned.records)
            done, unreadable = done + len(scanned.rows), unreadable + sum(map(bool, batch.whys))
            report(Step(done, total, unreadable))
            if ledger.is_due or stop():
                ledger.commit()
            if stop():
                raise KeyboardInterrupt


@contextmanager
def _decoded(scanner: Scanner, batches: Sequence[Sequence[Entry]], workers: int) -> Iterator[Iterator[Decoded]]:
    """The batches in order, decoded in threads a little ahead: Pillow and NumPy leave Python's lock while they work."""
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:

        def ahead() -> Iterator[Decoded]:
            waiting: deque[Future[Decoded]] = deque()
            for batch in batches:
                waiting.append(pool.submit(scanner.decode, batch))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

        try:
            yield ahead()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _claimed(folder: Path, *, resume: bool) -> Iterator[None]:
    """The folder for this scan alone; the system gives it free when the process ends, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise RunError(f"{folder} is a file; name a folder for the run.") from error
    held = {path.name for path in folder.iterdir()} - {LOCK}
    if META in held and not resume:
        raise RunError(f"{folder} holds a run already; go on with it by --resume (resume=True), or name another folder.")
    if held - {f"{META}.aside"} and META not in held:
        raise RunError(f"{folder} is not empty and holds no run; name a new folder.")
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise RunError(f"Another scan writes to {folder}; wait for its end, or name another folder.") from error


def _meta(scanner: Scanner, total: int, *, gates: bool) -> dict[str, Any]:
    """What run.json says, as it reads when it comes back."""
    source = scanner.source
    told = {"path": str(source.where), "kind": source.kind, "split": source.split, "pictures": len(source.entries)}
    meta = {
        "format": FORMAT,
        **scanner.describe(),
        "source": told | {"fingerprint": source.fingerprint},
        "pictures": total,
        "gates": gates,
        "batch": BATCH,
        "seed": SEED,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    returned: dict[str, Any] = json.loads(json.dumps(meta))
    return returned


def _check_same(folder: Path, meta: dict[str, Any]) -> None:
    """Raise RunError where the folder holds a run that this scan would not be a part of."""
    if not (folder / META).is_file():
        return
    before = open_run(folder).meta
    for key, name in SAME.items():
        if _kept(before, key) != _kept(meta, key):
            raise RunError(
                f"The run in {folder} cannot go on: {name} is another ({_short(before[key])}, now {_short(meta[key])});"
                " name another folder for this scan."
            )


def _kept(meta: dict[str, Any], key: str) -> Any:
    """Of the source its content alone: it may have moved."""
    return meta[key]["fingerprint"] if key == "source" else meta[key]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['path']}, {value['pictures']} pictures" if "fingerprint" in value else ", ".join(map(str, value.values()))
    return str(value)[:12] if isinstance(value, str) and len(value) == 64 else str(value)
