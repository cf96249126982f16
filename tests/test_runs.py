"""A run is opened without its network, also half done, and says in one sentence what is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sevis.analysis.statistics import collect
from sevis.analysis.thresholds import load_thresholds
from sevis.ledger import Ledger, write_meta
from sevis.records import GateRecord, GateSite
from sevis.runs import Run, RunError, open_run

ROOT = Path(__file__).parents[1]
SITES = (
    GateSite("layer1.0.se", "channel", "sigmoid", 2, 1, 0, 3),
    GateSite("layer2.0.sk", "branch", "softmax", 3, 1, 1, 2, ("3x3", "5x5")),
)
BATCHES = (4, 1, 3)  # pictures; the first of each cannot be read


def records(count: int, seed: int) -> tuple[GateRecord, ...]:
    """What two gates did with so many pictures."""
    random = np.random.default_rng(seed)
    made = []
    for site in SITES:
        logits = random.normal(size=(count, len(site.branches), site.channels)).astype(np.float32)
        weights = 1 / (1 + np.exp(-logits)) if site.kind == "channel" else np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        made.append(GateRecord(site, random.normal(size=(count, site.channels)), None, logits, weights))
    return tuple(made)


def row(n: int, read: bool) -> dict[str, Any]:
    told = {"predicted": "cat", "probability": 0.5 + n / 100} if read else {"predicted": None, "probability": None}
    said = {"label": "ant" if n % 2 else None, "target": n % 2 - 1, "read": read, "why": None if read else "No."}
    return {"path": f"é/{n}.jpg"} | said | told


def meta(**other: Any) -> dict[str, Any]:
    names = {"classes": ["ant"], "network_classes": ["ant", "cat"], "targets": [0], "weights_sha256": "0" * 64}
    source = {"path": "photos", "kind": "flat folder", "split": "", "pictures": sum(BATCHES), "fingerprint": "0" * 64}
    names |= {"source": source, "task": "classification", "started": "2026-01-02T03:04:05Z"}
    return {"format": 1, "network": "tiny", "pictures": sum(BATCHES), "gates": True} | names | other


def written(folder: Path, batches: tuple[int, ...] = BATCHES, *, close: bool = True) -> Path:
    """A run of that many pictures, each batch committed on its own."""
    folder.mkdir(exist_ok=True)
    write_meta(folder, meta())
    ledger = Ledger(folder, SITES, meta())
    for seed, count in enumerate(batches):
        rows = [row(ledger.done + n, n > 0) for n in range(count)]
        read = records(count - 1, seed) if count > 1 else ()
        ledger.add(rows, collect(read) if read else (), read)
        ledger.commit()
    if close:
        ledger.close()
    return folder


def check(run: Run, batches: tuple[int, ...]) -> None:
    """The run is that of these batches."""
    done = sum(batches)
    expected = [row(first + n, n > 0) for first, count in zip(np.cumsum((0, *batches)), batches, strict=False) for n in range(count)]
    assert (run.done, run.read, run.network, run.classes) == (done, sum(each["read"] for each in expected), "tiny", ("ant",))
    for name in ("path", "label", "target", "read", "why", "predicted"):
        assert list(run.pictures[name]) == [each[name] for each in expected], name
    probabilities = [np.nan if each["probability"] is None else each["probability"] for each in expected]
    np.testing.assert_allclose(run.pictures["probability"], probabilities, rtol=1e-6)
    whole = [records(count - 1, seed) for seed, count in enumerate(batches) if count > 1]
    for depth, statistics in enumerate(run.statistics):
        weights = np.concatenate([each[depth].weights for each in whole])
        assert statistics.site == SITES[depth] and statistics.pictures == run.read
        np.testing.assert_allclose(statistics.overall.mean, weights.mean(axis=0, dtype=float), rtol=1e-12)
        assert np.array_equal(run.weights(SITES[depth].name), weights.astype(np.float16))


@pytest.mark.parametrize("close", [True, False])
def test_what_was_written_comes_back(tmp_path: Path, close: bool) -> None:
    run = open_run(written(tmp_path / "run", close=close))
    check(run, BATCHES)
    assert run.is_finished and run.meta == meta()
    assert len(list((tmp_path / "run" / "parts").iterdir())) == (0 if close else 6)


def test_a_part_of_a_run_comes_back_too(tmp_path: Path) -> None:
    run = open_run(written(tmp_path / "run", BATCHES[:1], close=False))
    check(run, BATCHES[:1])
    assert not run.is_finished


def test_a_closed_run_can_go_on(tmp_path: Path) -> None:
    folder = written(tmp_path / "run", (2,))
    ledger = Ledger(folder, SITES, meta())
    made = records(1, 1)
    ledger.add([row(2, False), row(3, True)], collect(made), made)
    ledger.close()
    check(open_run(folder), (2, 2))


def test_rows_that_do_not_count_are_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan that is killed between the rows and the statistics leaves rows of pictures that will be scanned again."""
    folder = written(tmp_path / "run", BATCHES[:2], close=False)
    ledger = Ledger(folder, SITES, meta())
    made = records(2, 2)
    ledger.add([row(n, n > 5) for n in (5, 6, 7)], collect(made), made)
    monkeypatch.setattr("sevis.ledger.to_arrays", lambda statistics: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ledger.commit()
    assert (folder / "parts" / "pictures-000000000005.parquet").is_file()
    check(open_run(folder), BATCHES[:2])


def test_before_the_first_picture(tmp_path: Path) -> None:
    run = open_run(written(tmp_path / "run", ()))
    assert (run.done, run.read, run.statistics, run.top1) == (0, 0, (), None) and not run.is_finished


def test_top1_is_over_the_pictures_of_known_class(tmp_path: Path) -> None:
    run = open_run(written(tmp_path / "run"))
    assert run.top1 == 0.0  # the odd ones are ants, and all are taken for cats
    write_meta(tmp_path / "run", meta(network_classes=["cat"]))
    assert open_run(tmp_path / "run").top1 == 1.0


# pictures, of the commonest class, right: whether that shows that the network has learned
LEARNED = [
    (1200, 100, 300, True),
    (1200, 100, 140, False),  # not 1.5 times as often
    (60, 2, 3, False),  # 1.5 times as often, and by chance
    (400, 280, 400, True),  # a large class leaves no room for 1.5 times
    (400, 280, 285, False),
    (100, 100, 100, False),
    (0, 0, 0, False),
]


@pytest.mark.parametrize(("pictures", "commonest", "right", "learned"), LEARNED)
def test_a_network_has_learned_that_beats_the_commonest_class(pictures: int, commonest: int, right: int, learned: bool) -> None:
    others = 1 + np.arange(pictures - commonest) % max((pictures - commonest) // max(commonest, 1) + 1, 1)
    target = np.concatenate([np.zeros(commonest), others]).astype(int)
    names = [f"class {n}" for n in range(int(target.max(initial=0)) + 1)]
    predicted = np.array([names[each] if n < right else "another" for n, each in enumerate(target)], dtype=object)
    columns = {"read": np.ones(pictures, bool), "target": target, "predicted": predicted}
    run = Run(Path(), "tiny", (), columns, (), meta(network_classes=names))
    assert run.has_learned(load_thresholds()) is learned


def test_it_is_opened_without_torch(tmp_path: Path) -> None:
    code = "import sys, sevis; run = sevis.open_run(sys.argv[1]); print(run.read, run.weights('SK_3_1').shape, 'torch' in sys.modules)"
    command = [sys.executable, "-c", code, str(written(tmp_path / "run"))]
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=120).stdout == "5 (5, 2, 2) False\n"


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    folder = written(tmp_path / "run")
    with pytest.raises(RunError, match="has no gate 'SE_9_9'; choose from SE_2_1, SK_3_1"):
        open_run(folder).weights("SE_9_9")
    write_meta(folder, meta(gates=False))
    with pytest.raises(RunError, match="holds no weights of single pictures; scan again with gates"):
        open_run(folder).weights("SE_2_1")


def overwrite(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no run": (lambda folder: (folder / "run.json").unlink(), "There is no run in"),
    "a description without end": (overwrite("run.json", b"[" * 100_000), r"run\.json is damaged"),
    "damaged description": (overwrite("run.json", b"{"), r"run\.json is damaged"),
    "a description of nothing": (overwrite("run.json", b'{"format": 1}'), r"run\.json says nothing of network, weights_sha256, "),
    "another version": (overwrite("run.json", json.dumps({"format": 2}).encode()), "is of format 2, and this version of sevis reads 1"),
    "damaged statistics": (overwrite("statistics.npz", b"PK\3\4"), "cannot be read"),
    "empty statistics": (overwrite("statistics.npz", b""), "cannot be read"),
    "damaged pictures": (overwrite("pictures.parquet", b"PAR1"), "cannot be read"),
    "lost pictures": (lambda folder: (folder / "pictures.parquet").unlink(), "has rows of 0 pictures, expected 8"),
}


ODD = [
    *[(key, value) for key in ("classes", "targets", "network_classes") for value in (5, None, "ant", {"ant": 0}, [["ant"]])],
    *[(key, value) for key in ("network", "weights_sha256", "task", "started") for value in (5, None, ["a"], {}, "\ud800")],
    *[("pictures", value) for value in (None, "8", 8.5, True, [])],
    *[("gates", value) for value in (None, 1, "yes")],
    *[("source", value) for value in ([], None, "photos", {}, {"path": "photos"})],
    *[("source", meta()["source"] | {key: 5}) for key in ("path", "kind", "split", "fingerprint", "root")],
    ("classes", ["ant", 5]),
    ("network_classes", ["ant", "\ud800"]),
    ("targets", [0.5]),
    ("targets", [0, 1]),
]


@pytest.mark.parametrize(("key", "value"), ODD, ids=lambda value: ascii(value)[:40])
def test_a_description_of_another_kind_is_one_sentence(key: str, value: object, tmp_path: Path) -> None:
    write_meta(written(tmp_path / "run"), meta(**{key: value}))
    with pytest.raises(RunError, match=rf"run\.json gives (classes|targets|{key}) as no scan does; [^.]*\.$"):
        open_run(tmp_path / "run")


def test_classes_that_are_not_named_are_not_counted(tmp_path: Path) -> None:
    write_meta(written(tmp_path / "run"), meta(network_classes=[]))
    with pytest.raises(RunError, match=r"counts pictures of classes that run\.json does not name"):
        open_run(tmp_path / "run")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_run_is_one_sentence(fault: str, tmp_path: Path) -> None:
    harm, sentence = FAULTS[fault]
    folder = written(tmp_path / "run")
    harm(folder)
    with pytest.raises(RunError, match=sentence):
        open_run(folder)
