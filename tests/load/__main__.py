"""`python -m tests.load --sessions 10 --out benchmarks/results/load.json`: every scenario, or those that are named."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.load import networks, scenarios
from tests.load.leaving import leaving
from tests.load.server import Server, serving

Numbers = dict[str, Any]

LIMITS = {30: 1.0, 100: 2.5, 200: 5.0}  # sessions -> seconds
LOOK = 30.0  # seconds that a visitor looks at a page, on average
SETTLED = 60.0  # seconds after which the memory may not grow by more than GROWTH
GROWTH = 0.10
STEADY = 10  # pages that each of a hundred visitors looks at in one load that does not change: five minutes


def main() -> None:
    """Run what is asked for, and write what came of it over what the file says of these scenarios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="of " + ", ".join(SCENARIOS) + "; all of them where none is named")
    parser.add_argument("--sessions", type=int, default=200, help="at most; smaller runs show that the scenarios work")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/load.json"))
    parser.add_argument("--note", default="", help="what else the machine was doing")
    asked = parser.parse_args()
    if unknown := set(asked.scenarios) - set(SCENARIOS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(SCENARIOS)}")
    told = json.loads(asked.out.read_text(encoding="utf-8")) if asked.out.exists() else {}
    for name in asked.scenarios or SCENARIOS:
        told[name] = {"machine": f"{os.cpu_count()} x {platform.machine()}", "note": asked.note, "runs": []}
        for numbers in SCENARIOS[name](asked.sessions):
            told[name]["runs"].append(numbers | {"load_average": round(os.getloadavg()[0], 1)})
            print(name, json.dumps(numbers, indent=1), flush=True)
            asked.out.parent.mkdir(parents=True, exist_ok=True)
            asked.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _isolation(sessions: int) -> Iterator[Numbers]:
    with serving() as server:
        yield scenarios.isolation(server, sessions)


def _load(sessions: int) -> Iterator[Numbers]:
    with serving() as server:
        scenarios.latency(server, 4, limit=60.0)  # torch is loaded, the network is there
        for count, limit in LIMITS.items():
            if _is_run(count, sessions):
                yield scenarios.latency(server, min(count, sessions), limit=limit)
        for count, limit in LIMITS.items():
            if _is_run(count, sessions):
                yield scenarios.latency(server, min(count, sessions), think=LOOK, limit=limit)
        yield _memory(server)


def _steady(sessions: int) -> Iterator[Numbers]:
    with serving() as server:
        count = min(100, sessions)
        yield scenarios.latency(server, count, think=LOOK, limit=LIMITS[100], looks=STEADY if count == 100 else 1)
        yield _memory(server)


def _empty(sessions: int) -> Iterator[Numbers]:
    with serving() as server:
        scenarios.latency(server, 4, limit=60.0)
        yield scenarios.latency(server, min(100, sessions), page="glossary", limit=0.3)
    with serving("tests/load/nothing.py") as server:
        scenarios.latency(server, 4, page=scenarios.NOTHING, limit=60.0)
        yield scenarios.latency(server, min(100, sessions), page=scenarios.NOTHING, limit=0.3)


def _storm(sessions: int) -> Iterator[Numbers]:
    with serving() as server:
        yield scenarios.storm(server, min(30, sessions))


def _leaving(sessions: int) -> Iterator[Numbers]:
    with serving() as server:
        yield leaving(server, min(30, sessions))


def _networks(sessions: int) -> Iterator[Numbers]:
    yield networks.budget(rounds=sessions // 5 + 1)
    yield networks.switches(5 * sessions)


def _is_run(count: int, sessions: int) -> bool:
    return count <= sessions or count == min(LIMITS)


def _memory(server: Server) -> Numbers:
    """Its level after the first minute, and at the end."""
    later = [resident for seconds, resident in server.memory if seconds >= SETTLED]
    if not later:
        return {"memory": "the run took less than a minute", "holds": None}
    growth = later[-1] / later[0] - 1
    return {"MB_after_a_minute": round(later[0] / 1e6), "MB_at_the_end": round(later[-1] / 1e6), "holds": growth <= GROWTH}


SCENARIOS: dict[str, Callable[[int], Iterator[Numbers]]] = {
    "isolation": _isolation,
    "load": _load,
    "steady": _steady,
    "empty": _empty,
    "storm": _storm,
    "leaving": _leaving,
    "networks": _networks,
}

if __name__ == "__main__":
    main()
