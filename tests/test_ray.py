"""A scan on Ray gives what a local one gives, also after its driver was killed. Ray itself is started by `make test-ray` alone."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import sevis
from sevis import ray_scan
from sevis.runs import Run, RunError, open_run
from sevis.scan import scan
from tests.photo_folders import broken, class_folders, inspector, write
from tests.test_scan import each_once, same
from tests.tiny_networks import CLASSES

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures for ten stretches, one of which cannot be read."""
    return write(class_folders(tmp_path_factory.mktemp("photos"), 300), {"cat/cut.jpg": broken()})


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return scan(inspector(), photos, tmp_path_factory.mktemp("whole") / "run", gates=True)


class InProcess(ModuleType):
    """Ray as far as a scan uses it, with its actors in this process."""

    class exceptions:
        class RayError(Exception): ...

    class ActorPoolStrategy:
        def __init__(self, size: int) -> None:
            self.size = size

    def __init__(self, cluster: dict[str, float], *, lost: bool = False) -> None:
        super().__init__("ray")
        self.data, self.context, self.execution_options = self, self, SimpleNamespace()
        self._cluster, self._lost = cluster, lost

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return self._cluster

    def put(self, task: object) -> object:
        return task

    get = put

    def from_items(self, items: list[dict[str, int]], override_num_blocks: int) -> InProcess:
        assert override_num_blocks == len(items)
        self.items = items
        return self

    def map_batches(self, actor: Callable[..., Any], *, fn_constructor_args: tuple[object, ...], **how: Any) -> InProcess:
        self.actor, self.how = actor(*fn_constructor_args), how
        return self

    def iter_rows(self) -> Iterator[dict[str, bytes]]:
        assert self.execution_options.preserve_order
        for item in self.items:
            if self._lost:
                raise self.exceptions.RayError("\nActorDiedError: it ran out of memory\n  File ...\n")
            yield {"scanned": self.actor({"first": np.array([item["first"]])})["scanned"][0]}


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Callable[..., InProcess]:
    def install(*arguments: Any, **options: Any) -> InProcess:
        stand_in = InProcess(*arguments, **options)
        monkeypatch.setitem(sys.modules, "ray", stand_in)
        monkeypatch.setitem(sys.modules, "ray.data", stand_in)
        return stand_in

    return install


@pytest.mark.parametrize("gates", [False, True])
def test_stretches_add_up_to_a_local_scan(
    whole: Run, photos: Path, tmp_path: Path, gates: bool, in_process: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_scan, "STRETCHES", 2)
    stand_in = in_process({"CPU": 2.0})
    run = scan(inspector(), photos, tmp_path / "run", gates=gates, engine="ray")
    assert [item["first"] for item in stand_in.items] == [0, 64, 128, 192, 256]
    assert (stand_in.how["compute"].size, stand_in.how["num_cpus"], stand_in.how["num_gpus"]) == (2, 1, 0)
    each_once(run, photos)
    same(run.statistics, whole.statistics)
    assert list(run.pictures["path"]) == list(whole.pictures["path"])
    assert not gates or np.array_equal(run.weights("SE_3_1"), whole.weights("SE_3_1"))


@pytest.mark.parametrize(
    ("cluster", "driver", "shares"),
    [
        ({"CPU": 16, "GPU": 4}, "cuda", ("cuda", 4, 4)),
        ({"CPU": 2, "GPU": 4}, "cpu", ("cuda", 4, 1)),  # a head without a graphics card
        ({"CPU": 16}, "cpu", ("cpu", 16, 1)),
        ({}, "cpu", ("cpu", 1, 1)),
    ],
)
def test_an_actor_has_a_graphics_card_where_there_are_any(
    cluster: dict[str, float], driver: str, shares: tuple[str, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_scan, "choose_device", lambda name: torch.device(driver))
    assert ray_scan._shares(cluster, driver) == shares


def test_what_is_wrong_in_an_actor_is_a_sentence(photos: Path, tmp_path: Path, in_process: Callable[..., InProcess]) -> None:
    sides = iter(range(16, 1000))
    uneven = sevis.wrap(inspector().module, lambda picture: torch.zeros(3, 16, next(sides)), CLASSES)
    in_process({"CPU": 2.0})
    with pytest.raises(ValueError, match="expected one; add a crop to it"):
        scan(uneven, photos, tmp_path / "run", limit=64, engine="ray")
    in_process({"CPU": 2.0}, lost=True)
    with pytest.raises(RunError, match=r"Ray lost a part of the scan \(ActorDiedError: it ran out of memory\); --resume"):
        scan(inspector(), photos, tmp_path / "other", limit=64, engine="ray")


# --- Ray itself


@contextmanager
def two_workers() -> Iterator[None]:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


CHILD = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from sevis.scan import scan
from tests.photo_folders import inspector
from tests.test_ray import two_workers
with two_workers():
    scan(inspector(), Path(sys.argv[1]), Path(sys.argv[2]), gates=True, every=0, engine="ray")
"""


def killed_midway(photos: Path, run: Path) -> None:
    """Begin a scan in a process of its own and kill it as soon as something is written."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD, str(photos), str(run)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as driver:
        while driver.poll() is None and not (run / "statistics.npz").exists():
            time.sleep(0.01)
        driver.kill()
        assert driver.stderr is not None and driver.wait() == -signal.SIGKILL, driver.stderr.read()


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: make test-ray installs it and runs this")
@pytest.mark.skipif("SEVIS_TEST_RAY" not in os.environ, reason="Ray takes a minute to start twice: make test-ray runs this")
@pytest.mark.filterwarnings("default")  # Ray's own
@pytest.mark.timeout(1200)
def test_killed_midway_and_gone_on_with(whole: Run, photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    killed_midway(photos, run)
    kept = open_run(run)
    assert 0 < kept.done < whole.done
    with two_workers():
        further = scan(inspector(), photos, run, gates=True, resume=True, engine="ray")
    each_once(further, photos)
    same(further.statistics, whole.statistics)
    assert list(further.pictures["path"]) == list(whole.pictures["path"])
    assert np.array_equal(further.weights("SE_3_1"), whole.weights("SE_3_1"))
    assert scan(inspector(), photos, run, gates=True, resume=True, engine="ray").done == whole.done  # nothing is left, and Ray not started
