"""Networks that come and go, on the engine itself: twenty under a budget for three, and a thousand of them one after another."""

from __future__ import annotations

import gc
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from sevis.app.uploads import Upload, Uploads
from sevis.engine import Engine
from sevis.inspector import Inspector
from sevis.loading import load_uploaded
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.zoo import Network
from sevis.places import PRETRAINED
from tests.tiny_networks import CLASSES, pictures, se_net

__all__ = ["budget", "switches"]

NAMES = tuple(f"net{n}" for n in range(20))
CALLERS = 30
GROWTH = 0.05  # of the memory, over the second half


def _tiny(name: str) -> Inspector:
    return Inspector(Network(name, se_net(seed=int(name[3:])), Preprocessing(16, 16), CLASSES))


def budget(rounds: int) -> dict[str, Any]:
    """Thirty callers ask twenty networks in a memory for three."""
    size, loads, largest, image = _tiny(NAMES[0]).nbytes, Counter[str](), [0], pictures(1, 16)[0]

    def counted(name: str) -> Inspector:
        loads[name] += 1
        return _tiny(name)

    with Engine(counted, budget=3 * size) as engine, ThreadPoolExecutor(CALLERS) as callers:

        def ask(name: str) -> None:
            engine.ask(name, image).result()
            largest[0] = max(largest[0], engine.nbytes)

        list(callers.map(ask, ["net0"] * CALLERS))
        cold, chance, kept = loads["net0"], random.Random(0), True
        with engine.borrow("net0") as held:
            for _ in range(rounds):
                list(callers.map(ask, chance.choices(NAMES, k=CALLERS)))
                with engine.borrow("net0") as again:
                    kept = kept and again is held
    told = {"networks": len(NAMES), "cold_requests": CALLERS, "cold_loads": cold, "loads": sum(loads.values()), "in_use_stayed": kept}
    return told | {"budget": 3 * size, "largest": largest[0], "holds": cold == 1 and kept and largest[0] <= 3 * size}


def switches(count: int) -> dict[str, Any]:
    """So many switches between networks, and so many checkpoints brought: memory and threads before and after."""
    image, arch = pictures(1, 64)[0], "photos12/se_resnet18"
    data, uploads = (PRETRAINED / f"{arch}.safetensors").read_bytes(), Uploads(200 << 20)
    classes = [f"class {n}" for n in range(12)]

    def brought(name: str) -> Inspector:
        upload = uploads.get(name)
        assert upload is not None
        return load_uploaded(upload.data, upload.arch, upload.classes)

    def bring(place: int) -> str:
        return uploads.keep(Upload(data, arch, (*classes[1:], f"class of visitor {place}")))

    tiny = _tiny(NAMES[0]).nbytes
    told: dict[str, Any] = {"count": count}
    with Engine(_tiny, budget=3 * tiny) as engine:
        told["switches"] = _steady(lambda n: engine.ask(NAMES[n % 20], image).result(), count)
    with Engine(brought, budget=3 * len(data) * 2) as engine:
        told["uploads"] = _steady(lambda n: engine.ask(bring(n), image).result(), count)
    return told | {"holds": all(told[kind]["holds"] for kind in ("switches", "uploads"))}


def _steady(action: Callable[[int], Any], count: int) -> dict[str, Any]:
    """Memory and threads in the middle and at the end of so many actions."""
    seen = []
    for n in range(count):
        action(n)
        if n + 1 in (count // 2, count):
            gc.collect()
            seen.append((psutil.Process().memory_info().rss, threading.active_count()))
    (before, threads), (after, threads_after) = seen
    growth = after / before - 1
    numbers = {"MB_halfway": round(before / 1e6), "MB_at_the_end": round(after / 1e6), "threads": [threads, threads_after]}
    return numbers | {"holds": growth <= GROWTH and threads_after <= threads}
