"""Scans on this machine: threads decode pictures a little ahead of the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from sevis.scanner import BATCH, Decoded, Scanned, Scanner

__all__ = ["scan_locally"]


@contextmanager
def scan_locally(scanner: Scanner, order: np.ndarray, workers: int, *, gates: bool) -> Iterator[Iterator[Scanned]]:
    """What comes of the entries of those numbers, batch by batch and in order.

    Pillow and NumPy leave Python's lock while they work, so threads are enough.

    Args:
        order: numbers of the scanner's entries.
        workers: threads that decode.
        gates: whether the records of every picture are wanted.
    """
    entries = scanner.source.entries
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:

        def decoded() -> Iterator[Decoded]:
            waiting: deque[Future[Decoded]] = deque()
            for first in range(0, len(order), BATCH):
                waiting.append(pool.submit(scanner.decode, [entries[n] for n in order[first : first + BATCH]]))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

        try:
            scanned = map(scanner.show, decoded())
            yield scanned if gates else (replace(each, records=()) for each in scanned)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
