"""What it costs to read something, each thing in a process of its own: seconds of processor and megabytes above the start."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Cost:
    """What one reading took, and what came of it.

    Attributes:
        seconds: of the processor, which a busy machine does not stretch.
        megabytes: the peak of resident memory above that before it began.
        said: what the reader says that came of it.
    """

    seconds: float
    megabytes: float
    said: str


def tell(cases: Mapping[str, Callable[[], object]], read: Callable[[object], str]) -> None:
    """Make and read every case in a fork of this process, and print its cost as a line of JSON."""
    for name, make in cases.items():
        made = make()
        sys.stdout.flush()
        if os.fork() == 0:
            before, start = _peak(), time.process_time()
            said = read(made)
            cost = Cost(time.process_time() - start, _peak() - before, said)
            print(json.dumps([name, asdict(cost)]), flush=True)
            os._exit(0)
        os.wait()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def told(module: str, *arguments: str) -> dict[str, Cost]:
    """The costs that a module tells when it is run."""
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: Cost(**cost) for name, cost in map(json.loads, done.stdout.splitlines())}
