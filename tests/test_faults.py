"""Faults that come from outside: a full memory in the middle of a pass, a lost device, SIGTERM between two bytes of a file."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sevis import card, local_scan
from sevis.ablations import ablate
from sevis.analysis.statistics import to_arrays
from sevis.app import health
from sevis.attempts import attempt
from sevis.datasets import open_source
from sevis.edits import NOTHING, WhatIf, parse
from sevis.engine import DeviceLost, Engine, OutOfMemory, Ticket
from sevis.inspector import Inspector
from sevis.memory import aware_of_full_memory
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.recipes import Course, Recipe
from sevis.nets.training import train
from sevis.nets.zoo import CheckpointError, Network, load_network
from sevis.records import Inspection, Outcome
from sevis.runs import open_run
from sevis.scan import scan
from sevis.scanner import Scanner
from sevis.sweeps import sweep
from tests.load.visitor import Page, Visitor
from tests.photo_folders import class_folders, inspector
from tests.tiny_checkpoints import SIDE, photograph_files, photographs
from tests.tiny_networks import CLASSES, pictures, se_net, selective_net

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0


# --- a full memory


CONVOLUTIONS = (torch.ops.aten.convolution.default, torch.ops.aten.conv2d.default)  # the second in inference mode


class Memory(TorchDispatchMode):
    """A device on which a tensor of more than so many rows cannot be allocated."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows, self.refused = rows, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = func(*args, **(kwargs or {}))
        if func in CONVOLUTIONS and len(made) > self.rows:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return made


class Small:
    """A real network on a device with that little memory."""

    def __init__(self, network: Inspector) -> None:
        self.network, self.rows, self.batches = network, 16, list[int]()
        self.name, self.nbytes, self.input_shape, self.effects = network.name, network.nbytes, network.input_shape, network.effects

    def inspect_batch(self, images: Sequence[np.ndarray], targets: Sequence[object], edits: Sequence[WhatIf]) -> tuple[Inspection, ...]:
        self.batches.append(len(images))
        with Memory(self.rows):
            return self.network.inspect_batch(images, targets, edits)  # type: ignore[arg-type]


@pytest.fixture
def small() -> Small:
    return Small(Inspector(Network("tiny", se_net(), Preprocessing(SIDE, SIDE), CLASSES)))


def asked_together(engine: Engine[Small], images: Sequence[np.ndarray], edit: WhatIf) -> list[Ticket]:
    """Tickets for pictures that all wait before the first of them runs."""
    with engine.turn():
        first = engine.ask("tiny", pictures(1, 8, seed=99)[0])
        while first.place:
            time.sleep(0.001)
        return [engine.ask("tiny", image, what_if=edit if n % 2 else NOTHING) for n, image in enumerate(images)]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_pass_that_does_not_fit_is_split_and_its_answers_are_those_of_each_picture_alone(small: Small, rows: int) -> None:
    images, edit = pictures(8, 20, seed=3), WhatIf((parse("all:set=0.5"),))
    small.rows = rows
    with Engine(lambda name: small, budget=10**9) as engine:
        told = [ticket.result(timeout=PATIENCE) for ticket in asked_together(engine, images, edit)]
    assert max(small.batches) == 8 and max(size for size in small.batches if size <= rows) > rows // 2
    for n in (0, 1, 7):
        (alone,) = small.network.inspect_batch([images[n]], [None], [edit if n % 2 else NOTHING])
        for here, there in zip(told[n].gates, alone.gates, strict=True):
            np.testing.assert_allclose(here.weights, there.weights, atol=1e-5)
        for mine, other in zip(told[n].cams, alone.cams, strict=True):
            np.testing.assert_allclose(mine.values, other.values, atol=2e-4)


def test_where_nothing_fits_it_is_one_sentence_and_the_next_visitor_is_served(small: Small) -> None:
    small.rows = 0
    with Engine(lambda name: small, budget=10**9) as engine:
        tickets = [engine.ask("tiny", image) for image in pictures(5, 20)]
        for ticket in tickets:
            with pytest.raises(OutOfMemory, match=r"^[^.]*memory is full[^.]*\.$"):
                ticket.result(timeout=PATIENCE)
        small.rows = 16
        assert engine.ask("tiny", pictures(1, 20)[0]).result(timeout=PATIENCE).gates


def scanned(network: Inspector, folder: Path) -> list[np.ndarray]:
    scanner = Scanner(network, open_source(folder))
    shown = [scanner.show(scanner.decode(scanner.source.entries)) for _ in range(2)]
    return [np.array([row["probability"] for row in shown[1].rows]), *(gate.weights for gate in shown[1].records)]


def ablated(network: Inspector, folder: Path) -> list[np.ndarray]:
    told = ablate(network, pictures(6, SIDE))
    return [np.array([effect.divergence.mean for effect in gate.effects.values()]) for gate in told]


def swept(network: Inspector, folder: Path) -> list[np.ndarray]:
    told = sweep(network, open_source(folder), limit=9)
    return [told.right, *(gate.channels.mean for gate in told.gates)]


def followed(network: Inspector, folder: Path) -> list[np.ndarray]:
    network.route = None  # as on a device: several edits in one pass
    return [np.array([outcome.score for outcome in network.effects(pictures(1, SIDE)[0])])]


LONG: dict[str, Callable[[Inspector, Path], list[np.ndarray]]] = {"scan": scanned, "ablate": ablated, "sweep": swept, "effects": followed}


@pytest.mark.parametrize("name", LONG)
def test_long_work_comes_down_to_a_size_that_fits(name: str, tmp_path: Path) -> None:
    network = Inspector(Network("tiny", selective_net(), Preprocessing(SIDE, SIDE), CLASSES))
    folder = class_folders(tmp_path, 9)
    whole = LONG[name](network, folder)
    with Memory(7) as memory:
        parts = LONG[name](network, folder)
    assert memory.refused and len(parts) == len(whole) > 0
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    with pytest.raises(OutOfMemory, match=r"^[^.]*memory is full[^.]*\.$"), aware_of_full_memory(), Memory(0):
        LONG[name](network, folder)


def test_a_scan_does_not_try_again_what_did_not_fit(tmp_path: Path) -> None:
    network = Inspector(Network("tiny", se_net(), Preprocessing(SIDE, SIDE), CLASSES))
    scanner = Scanner(network, open_source(class_folders(tmp_path, 20)))
    with Memory(7) as memory:
        refused = [(scanner.show(scanner.decode(scanner.source.entries)), memory.refused)[1] for _ in range(3)]
    assert refused == [3, 3, 3]  # 32, 16 and 8 the first time; fours from then on


def test_effects_that_do_not_fit_let_unused_networks_go(small: Small) -> None:
    """As on a device, where several edits make a pass: one that has room for none asks for the others' first."""
    small.network.route = None
    freed = []

    def load(name: str) -> Small:
        if name == "tiny":
            small.rows, small.effects = 0, lambda image, target: short_of_memory(small, image, target)  # type: ignore[assignment]
        else:
            weakref.finalize(networks[name], lambda: (freed.append(name), setattr(small, "rows", 16)))
        return networks.pop(name, small)

    networks = {"other": Small(Inspector(Network("other", se_net(), Preprocessing(SIDE, SIDE), CLASSES)))}
    with Engine(load, budget=10**9) as engine:
        engine.ask("other", pictures(1, 20)[0]).result(timeout=PATIENCE)
        told = engine.ask("tiny", pictures(1, 20)[0], kind="effects").result(timeout=PATIENCE)
    assert freed == ["other"] and len(told) == 1 + len(small.network.sites)


def short_of_memory(small: Small, image: np.ndarray, target: object) -> tuple[Outcome, ...]:
    with Memory(small.rows):
        return small.network.effects(image, target)  # type: ignore[arg-type]


def test_the_processors_own_allocator_runs_out_too() -> None:
    """A real failure: more than an address can say."""
    with Engine(lambda name: torch.empty(1 << 60), budget=1) as engine, pytest.raises(OutOfMemory):  # type: ignore[arg-type, return-value]
        engine.ask("any", pictures(1, 8)[0]).result(timeout=PATIENCE)


# --- a lost device

LOST = [
    torch.AcceleratorError("CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported"),
    torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("HIP error: unspecified launch failure"),
]


def raising(error: BaseException) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize("error", LOST, ids=str)
def test_a_lost_device_is_told_from_other_errors(error: BaseException) -> None:
    with pytest.raises(DeviceLost) as caught:
        attempt(raising(error))
    assert str(caught.value).count("\n") == 0 and str(error).partition("\n")[0] in str(caught.value)


@pytest.mark.parametrize("error", [torch.AcceleratorError("CUDA error: invalid argument"), ValueError("device-side assert")], ids=str)
def test_other_errors_are_only_that(error: BaseException) -> None:
    assert attempt(raising(error)) is error


@pytest.mark.parametrize("borrowed", [False, True])
def test_a_lost_device_ends_the_engine_once(small: Small, borrowed: bool) -> None:
    told: list[DeviceLost] = []
    engine = Engine(lambda name: small, budget=10**9, on_lost=told.append)
    small.inspect_batch = lambda *_: raising(LOST[0])()  # type: ignore[method-assign, assignment, return-value]
    if borrowed:
        with pytest.raises(DeviceLost), engine.borrow("tiny"), engine.turn():
            raise LOST[0]
    else:
        for ticket in asked_together(engine, pictures(4, 20), NOTHING):
            with pytest.raises(DeviceLost):
                ticket.result(timeout=PATIENCE)
    for again in (lambda: engine.ask("tiny", pictures(1, 20)[0]), lambda: engine.borrow("other").__enter__()):
        with pytest.raises(DeviceLost, match="try again in a minute"):
            again()
    engine.close(PATIENCE)
    assert len(told) == 1 and engine.waiting == 0


SERVED = f"""
import torch
from sevis.app import health
from sevis.app.serving import serve
from sevis.inspector import Inspector
health.LAST_WORDS = 2.0
def lost(*_):
    raise {LOST[0]!r}
Inspector.inspect_batch = lost
serve(%d, "127.0.0.1")
""".replace("AcceleratorError(", "torch.AcceleratorError(")


def answer(address: str) -> int:
    """The status of /healthz; 0 before there is a server."""
    try:
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=2) as told:
            return int(told.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_server_whose_device_is_lost_turns_red_and_ends_with_a_code() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-c", SERVED % port], cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert first_other(address, 0) == 200
            with ThreadPoolExecutor(1) as visitors:
                look = visitors.submit(asyncio.run, first_look(address))
                assert first_other(address, 200) == 503
                page = look.result(PATIENCE)
            assert len(page.errors) == 1 and "The device failed" in page.errors[0] and "try again" in page.errors[0]
            assert server.wait(PATIENCE) == health.EXIT
            assert server.stderr is not None and "ends with code 70" in server.stderr.read()
        finally:
            server.kill()


def first_other(address: str, status: int) -> int:
    """The status that follows this one."""
    end = time.monotonic() + PATIENCE
    while (now := answer(address)) == status and time.monotonic() < end:
        time.sleep(0.05)
    return now


async def first_look(address: str) -> Page:
    async with Visitor(address) as visitor:
        return await visitor.open()


# --- SIGTERM

COURSE = Course({"width": 0.125, "reduction": 4}, (Recipe(epochs=3, sizes=((1.0, 16),), batch=8),), side=SIDE, architecture="se_resnet18")


def ending_at(action: Callable[..., object], place: int, before: Callable[..., object]) -> Callable[..., object]:
    """The action; at its n-th call half of the work, and then SIGTERM."""
    calls = iter(range(place))

    def cut(*arguments: object, **named: object) -> object:
        if next(calls, None) is None:
            before(*arguments)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(PATIENCE)
        return action(*arguments, **named)

    return cut


def half_a_state(state: object, path: Path) -> None:
    path.write_bytes(b"PK\3\4 half a state")


def half_a_file(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data[: len(data) // 2])


def half_an_archive(file: BinaryIO) -> None:
    file.write(b"PK\3\4 half an archive")


def trained_in_a_child(state: Path) -> None:
    torch.save = ending_at(torch.save, 2, half_a_state)  # type: ignore[assignment]
    trained(state)


def trained(state: Path) -> dict[str, torch.Tensor]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    recipe = Recipe(epochs=3, sizes=((1.0, 16),), batch=8, precision="float32")
    return train(se_net(), photographs(8), recipe, state).state_dict()


def published_in_a_child(folder: Path, place: int, half: bool) -> None:
    if half:
        Path.write_bytes = ending_at(Path.write_bytes, place, half_a_file)  # type: ignore[assignment, method-assign]
    else:
        Path.replace = ending_at(Path.replace, place, lambda *_: None)  # type: ignore[assignment, method-assign]
    published(folder, seed=2)


def published(folder: Path, seed: int) -> None:
    torch.set_num_threads(1)
    state = se_net(seed=seed).state_dict()
    arguments = {"classes": len(CLASSES), "width": 0.125, "reduction": 4}
    card.publish(folder, "tiny", "se_resnet18", arguments, state, [Recipe()], photographs(9), Preprocessing(SIDE, SIDE))


def scanned_in_a_child(photos: Path, run: Path) -> None:
    torch.set_num_threads(1)
    local_scan.BATCH = 4
    np.savez = ending_at(np.savez, 2, half_an_archive)
    scan(inspector(), photos, run, resume=True, every=0)


def end_by_sigterm(monkeypatch: pytest.MonkeyPatch, target: Callable[..., None], *arguments: object) -> None:
    """Run it in a process of its own, which must end by SIGTERM."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # Streamlit's bench leaves the app there
    children = multiprocessing.get_context("forkserver")  # which imports torch once
    children.set_forkserver_preload(["tests.test_faults"])
    child = children.Process(target=target, args=arguments)
    child.start()
    child.join(PATIENCE)
    assert child.exitcode == -signal.SIGTERM


def test_a_training_that_is_ended_in_the_middle_of_its_state_goes_on_from_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_by_sigterm(monkeypatch, trained_in_a_child, tmp_path / "net.pt")
    assert torch.load(tmp_path / "net.pt", weights_only=True)["epoch"] == 2
    resumed, whole = trained(tmp_path / "net.pt"), trained(tmp_path / "whole.pt")
    assert all(torch.equal(resumed[name], values) for name, values in whole.items())
    assert {path.name for path in tmp_path.iterdir()} == {"net.pt", "whole.pt"}


@pytest.mark.parametrize(("place", "half"), [(0, True), (2, True), (0, False), (1, False), (2, False)])
def test_a_checkpoint_that_is_replaced_is_the_old_one_or_refused_until_it_is_the_new_one(
    place: int, half: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(tmp_path, seed=1)
    before = load_network("tiny", tmp_path).module.state_dict()
    end_by_sigterm(monkeypatch, published_in_a_child, tmp_path, place, half)
    if half or not place:
        now = load_network("tiny", tmp_path).module.state_dict()
        assert all(torch.equal(now[name], values) for name, values in before.items())
    else:
        with pytest.raises(CheckpointError, match="damaged"):
            load_network("tiny", tmp_path)
    published(tmp_path, seed=2)
    after = load_network("tiny", tmp_path).module.state_dict()
    assert not all(torch.equal(after[name], values) for name, values in before.items())


def test_a_log_whose_last_line_was_cut_goes_on_with_whole_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(card.RECIPES, "tiny", COURSE)
    monkeypatch.setattr(card, "PHOTOGRAPH", 20)
    data, log = photograph_files(tmp_path / "photographs", 4), tmp_path / "runs" / "own" / "tiny.0.jsonl"
    made = card.make("tiny", data, group="own", out=tmp_path / "out", runs=tmp_path / "runs")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text(lines[0] + lines[1][:40])
    card.make("tiny", data, group="own", out=tmp_path / "out", runs=tmp_path / "runs")
    assert made["training"]["looks"] == 3
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [1]


def test_a_scan_that_is_ended_in_the_middle_of_its_statistics_goes_on_from_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, run = class_folders(tmp_path / "photos", 14), tmp_path / "run"
    end_by_sigterm(monkeypatch, scanned_in_a_child, photos, run)
    assert open_run(run).done == 8
    whole, resumed = scan(inspector(), photos, tmp_path / "whole"), scan(inspector(), photos, run, resume=True)
    assert resumed.is_finished and resumed.done == 14
    here, there = to_arrays(resumed.statistics), to_arrays(whole.statistics)
    assert here and here.keys() == there.keys()
    for name in (name for name, values in there.items() if values.dtype.kind == "f"):
        np.testing.assert_allclose(here[name], there[name], rtol=1e-9, atol=1e-9, err_msg=name)
    assert not list(run.rglob("*.aside"))
