"""Shows a network every picture of a data set and keeps what its gates did, in a folder that a later scan can go on with.

    run = sevis.scan("photos12/se_resnet18", "photos/", "RUN")
    run.statistics[0].site.name

Every beginning of a scan is a random sample of the pictures, so that an interrupted one can be judged already.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from os import cpu_count
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from filelock import FileLock, Timeout

from sevis.datasets import Source, open_source
from sevis.inspector import Inspector
from sevis.interrupts import asked_to_stop
from sevis.ledger import EVERY, Ledger, write_meta
from sevis.loading import load
from sevis.local_scan import scan_locally
from sevis.ray_scan import scan_on_ray
from sevis.runs import FORMAT, META, Run, RunError, open_run
from sevis.scanner import BATCH, PRECISIONS, Scanned, Scanner, Turn

__all__ = ["BATCH", "ENGINES", "Step", "scan"]

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


class Engine(Protocol):
    """Scans the entries of those numbers; what it gives arrives in their order, some pictures at a time."""

    def __call__(self, scanner: Scanner, order: np.ndarray, workers: int, *, gates: bool) -> AbstractContextManager[Iterator[Scanned]]: ...


ENGINES: dict[str, Engine] = {"local": scan_locally, "ray": scan_on_ray}


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
    precision: str = "float32",
    workers: int | None = None,
    every: float = EVERY,
    engine: str = "local",
    report: Callable[[Step], None] = lambda step: None,
    turn: Turn = nullcontext,
) -> Run:
    """The statistics of every gate over all pictures of a source, and a row for every picture.

    A picture that cannot be read is a row with the reason. Ctrl-C finishes the batch and keeps all that is done; a second one
    stops at once, and so does a kill: both lose at most what was scanned in the last `every` seconds.

    Args:
        model: an Inspector, or a name as `sevis.load` takes it.
        source: a folder, .csv or .tar, or the name of a data set, as in `sevis.datasets.open_source`; or what that gives.
        out: the run's folder, made where it is missing.
        split: of the source, where it has splits.
        limit: how many pictures to scan, at random; None takes all. A scan can go on with a greater one.
        gates: whether every picture's weights are written too, as float16: 30 KB a picture for SE-ResNet-50.
        resume: go on with the run in that folder, if there is one.
        precision: "float32", or "bfloat16" for autocast. The steps of bfloat16 between weights of 0.5 and 1 are
            0.004, as large as the spread that tells a static gate from a dynamic one.
        workers: threads that decode; None takes as many as there are processors, up to 16.
        every: seconds between two moments at which what is done is written; 0 writes after every batch.
        engine: of ENGINES: "local", or "ray" for one process a GPU of a cluster, or a processor; see docs/scale.md.
        report: called after every batch, with Ray after some of them; what it raises ends the scan, and what is done is kept.
        turn: in which a batch goes through the network, where others use the device too; the local engine's alone.

    Raises:
        SourceError: there is no such source, or no picture in it.
        RunError: the folder is in use, holds something else, or a run of another network or of other pictures.
        CheckpointError: there is no such network.
        KeyboardInterrupt: Ctrl-C was pressed; what is done is kept.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}; choose from {', '.join(PRECISIONS)}")
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}; choose from {', '.join(ENGINES)}")
    pictures = source if isinstance(source, Source) else open_source(source, split)
    inspector = load(model) if isinstance(model, str) else model
    if not inspector.sites:
        raise RunError(f"{inspector.name} has no gate to scan; choose a network with SE or SK blocks.")
    scanner, folder = Scanner(inspector, pictures, precision, turn), Path(out)
    total = min(len(pictures.entries), limit if limit is not None else len(pictures.entries))
    with _claimed(folder, resume=resume):
        meta = _meta(scanner, total, gates=gates)
        _check_same(folder, meta)
        write_meta(folder, meta)
        ledger = Ledger(folder, inspector.sites if gates else (), meta, every=every)
        order = np.random.default_rng(SEED).permutation(len(pictures.entries))[ledger.done : total]
        with (
            asked_to_stop() as stop,
            ENGINES[engine](scanner, order, workers or min(cpu_count() or 1, MOST_WORKERS), gates=gates) as scanned,
        ):
            _keep(scanned, ledger, total, stop, report)
        ledger.close()
        run = open_run(folder)
        counts = {"counts": {"done": run.done, "read": run.read, "unreadable": run.done - run.read}}
        write_meta(folder, meta | counts)
    return replace(run, meta=run.meta | counts)


def _keep(scanned: Iterator[Scanned], ledger: Ledger, total: int, stop: Callable[[], bool], report: Callable[[Step], None]) -> None:
    """Put into the ledger what it does not hold yet.

    Raises:
        KeyboardInterrupt: after the batch in which Ctrl-C was pressed, with everything committed.
    """
    done, unreadable = ledger.done, 0
    report(Step(done, total, unreadable))
    try:
        for batch in scanned:
            ledger.add(batch.rows, batch.statistics, batch.records)
            done, unreadable = done + len(batch.rows), unreadable + sum(not row["read"] for row in batch.rows)
            report(Step(done, total, unreadable))
            if ledger.is_due or stop():
                ledger.commit()
            if stop():
                raise KeyboardInterrupt
    except Exception:  # of the report, of a turn that does not come, of a picture's transform: what is done is kept
        ledger.commit()
        raise


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
    told |= {} if source.root is None else {"root": str(source.root)}
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
                f"The run in {folder} cannot go on: {name} is another ({_short(before.get(key))}, now {_short(meta[key])});"
                " name another folder for this scan."
            )


def _kept(meta: dict[str, Any], key: str) -> Any:
    """Of the source its content alone: it may have moved."""
    return meta[key]["fingerprint"] if key == "source" else meta.get(key)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['path']}, {value['pictures']} pictures" if "fingerprint" in value else ", ".join(map(str, value.values()))
    return str(value)[:12] if isinstance(value, str) and len(value) == 64 else str(value)
