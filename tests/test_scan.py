"""A scan counts every picture once, whatever happens meanwhile, and its statistics are those of one picture after another."""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest
import torch
from filelock import FileLock
from PIL import Image
from typer.testing import CliRunner

import sevis
from sevis import local_scan
from sevis.analysis.statistics import GateStatistics, to_arrays, total
from sevis.cli import app
from sevis.datasets import SourceError, open_source
from sevis.inspector import Inspector
from sevis.provenance import weights_sha256
from sevis.runs import Run, RunError, open_run
from sevis.scan import Step, scan
from sevis.scanner import Scanner
from tests import SLOW, tiny_networks
from tests.faulty_networks import HEALTHY, healthy
from tests.photo_folders import SIDE, broken, class_folders, inspector, jpegs, tar_of, write

COUNT = 70  # three batches


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of three classes, two of which cannot be read."""
    root = class_folders(tmp_path_factory.mktemp("photos"), COUNT - 2)
    return write(root, {"cat/cut.jpg": broken(), "bee/empty.png": b""})


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return scan(inspector(), photos, tmp_path_factory.mktemp("whole") / "run", gates=True)


def same(one: tuple[GateStatistics, ...], other: tuple[GateStatistics, ...]) -> None:
    """Both statistics are the same to 1e-9."""
    first, second = to_arrays(one), to_arrays(other)
    assert first.keys() == second.keys() and first
    for name, values in first.items():
        if values.dtype.kind in "fiu":
            np.testing.assert_allclose(second[name], values, rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            assert np.array_equal(values, second[name])


def each_once(run: Run, photos: Path) -> None:
    """Every picture of the folder has one row, and the gates those that were read."""
    files = sorted(path.relative_to(photos).as_posix() for path in photos.rglob("*.*g"))
    assert sorted(run.pictures["path"]) == files and run.is_finished
    assert all(each.pictures == run.read for each in run.statistics)


def one_by_one(asked: Inspector, photos: Path, run: Run) -> list[list[np.ndarray]]:
    """Each gate's weights (M, C) of every picture that was read, from inspections of single pictures."""
    weights: list[list[np.ndarray]] = [[] for _ in asked.sites]
    for path in run.pictures["path"][run.pictures["read"]]:
        for depth, record in enumerate(asked.inspect(photos / path).gates):
            weights[depth].append(record.weights[0])
    return weights


def test_the_statistics_are_those_of_single_inspections(whole: Run, photos: Path) -> None:
    each_once(whole, photos)
    assert (whole.done, whole.read, whole.network) == (COUNT, COUNT - 2, "tiny")
    for statistics, weights in zip(whole.statistics, one_by_one(inspector(), photos, whole), strict=True):
        np.testing.assert_allclose(statistics.overall.mean, np.mean(weights, axis=0), atol=1e-5)
        np.testing.assert_allclose(statistics.overall.spread, np.std(weights, axis=0), atol=1e-5)
        np.testing.assert_allclose(whole.weights(statistics.site.name), weights, atol=1e-3)


def test_a_row_says_what_became_of_a_picture(whole: Run, photos: Path) -> None:
    rows = {path: n for n, path in enumerate(whole.pictures["path"])}
    told = inspector().inspect(photos / "cat/000.jpg").predictions[0]
    row = rows["cat/000.jpg"]
    assert whole.pictures["predicted"][row] == told.label and whole.pictures["probability"][row] == pytest.approx(told.probability, 1e-4)
    assert [whole.pictures[name][row] for name in ("label", "target", "read", "why")] == ["cat", 2, True, None]
    assert whole.pictures["target"][rows["yak/002.jpg"]] == -1
    for path, why in (("cat/cut.jpg", "is damaged"), ("bee/empty.png", "is empty")):
        row = rows[path]
        assert not whole.pictures["read"][row] and why in whole.pictures["why"][row] and whole.pictures["predicted"][row] is None


def test_the_classes_are_the_labels_in_the_network_s_order(whole: Run, photos: Path) -> None:
    assert whole.classes == ("bee", "cat", "yak") and whole.meta["targets"] == [1, 2, -1]
    weights = whole.weights(whole.statistics[0].site.name).astype(float)
    labels = whole.pictures["label"][whole.pictures["read"]]
    for group, name in enumerate(whole.classes):
        np.testing.assert_allclose(whole.statistics[0].weights.mean[group], weights[labels == name].mean(axis=0), atol=1e-3)
    known = whole.pictures["read"] & (whole.pictures["label"] != "yak")
    assert whole.top1 == (whole.pictures["predicted"] == whole.pictures["label"])[known].mean()


def test_a_run_says_what_it_is_of(whole: Run) -> None:
    network = tiny_networks.short(tiny_networks.se_net())
    assert whole.meta["weights_sha256"] == weights_sha256(network) != weights_sha256(tiny_networks.short(tiny_networks.se_net(seed=1)))
    assert whole.meta["preprocessing"]["side"] == SIDE and whole.meta["precision"] == "float32"
    assert whole.meta["versions"].keys() >= {"sevis", "torch", "numpy"}
    assert json.loads((whole.folder / "run.json").read_text())["counts"] == {"done": COUNT, "read": COUNT - 2, "unreadable": 2}
    assert sorted(path.name for path in whole.folder.iterdir()) == [
        ".lock",
        "gates.parquet",
        "parts",
        "pictures.parquet",
        "run.json",
        "statistics.npz",
    ]
    assert not list((whole.folder / "parts").iterdir())


def test_the_gates_are_a_table_of_half_floats(whole: Run) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(whole.folder / "gates.parquet")
    site = whole.statistics[1].site
    assert file.schema_arrow.field(site.name).type == arrow.list_(arrow.float16(), site.channels)
    told = json.loads(file.schema_arrow.metadata[b"sevis"])
    for name in ("weights_sha256", "preprocessing", "versions"):
        assert told[name] and told[name] == whole.meta[name]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    table = file.read()
    rows = table.column("picture").to_numpy()
    assert list(table.column("path").to_numpy()) == list(whole.pictures["path"][rows]) and whole.pictures["read"][rows].all()


def test_the_beginning_of_a_scan_is_a_random_sample_and_goes_on(whole: Run, photos: Path, tmp_path: Path) -> None:
    first = scan(inspector(), photos, tmp_path / "run", limit=32)
    assert first.is_finished and first.done == 32 and set(first.pictures["label"]) == {"bee", "cat", "yak"}
    assert list(first.pictures["path"]) == list(whole.pictures["path"][:32])
    further = scan(inspector(), photos, tmp_path / "run", resume=True)
    each_once(further, photos)
    same(further.statistics, whole.statistics)
    assert scan(inspector(), photos, tmp_path / "run", resume=True).done == COUNT  # nothing is left to do


def test_parts_of_any_size_add_up_to_the_whole(tmp_path: Path) -> None:
    """Of a real network: the smaller a batch, the more its sums are rounded otherwise, unless it is filled up."""
    files = jpegs(45)
    patient = Inspector(healthy(HEALTHY[0]))
    everything = scan(patient, write(tmp_path / "all", {f"{n:02d}.jpg": file for n, file in enumerate(files)}), tmp_path / "whole")
    for limit in (5, 8, 39, None):
        cut = scan(patient, tmp_path / "all", tmp_path / "cut", limit=limit, resume=limit != 5)
    same(cut.statistics, everything.statistics)
    for count in (2, 7):
        folders = [write(tmp_path / f"{count} {part}", {f"{n:02d}.jpg": files[n] for n in range(part, 45, count)}) for part in range(count)]
        parts = [scan(patient, folder, tmp_path / f"run {folder.name}").statistics for folder in folders]
        same(total(parts), everything.statistics)


def test_the_steps_tell_how_far_it_is(photos: Path, tmp_path: Path) -> None:
    steps: list[Step] = []
    scan(inspector(), photos, tmp_path / "run", report=steps.append)
    assert [step.done for step in steps] == [0, 32, 64, COUNT] and {step.total for step in steps} == {COUNT}
    assert steps[-1].unreadable == 2


@pytest.mark.parametrize("kind", ["selective kernels", "detector"])
@pytest.mark.parametrize("container", ["folder", "tar"])
def test_other_networks_and_sources(kind: str, container: str, tmp_path: Path) -> None:
    files = {f"{n}.jpg": content for n, content in enumerate(jpegs(5))}
    source = write(tmp_path / "photos", files) if container == "folder" else tar_of(tmp_path / "photos.tar", files)
    run = scan(network_of(kind), source, tmp_path / "run", gates=True)
    assert run.read == 5 and run.classes == () and run.top1 is None
    for statistics in run.statistics:
        assert statistics.pictures == 5
        assert run.weights(statistics.site.name).shape == (5, len(statistics.site.branches), statistics.site.channels)
        if statistics.site.kind == "branch":
            np.testing.assert_allclose(run.weights(statistics.site.name).astype(float).sum(axis=1), 1, atol=2e-3)


def network_of(kind: str) -> Inspector:
    from sevis.nets.network import Network
    from sevis.nets.preprocessing import Preprocessing

    if kind == "detector":
        return Inspector(Network("yolo", tiny_networks.detector(), Preprocessing(64, 64), tiny_networks.CLASSES, task="detection"))
    return Inspector(tiny_networks.network(tiny_networks.selective_net(), 32))


def test_pictures_none_of_which_can_be_read(tmp_path: Path) -> None:
    source = write(tmp_path / "photos", {"a.jpg": broken(), "b.jpg": b"no"})
    run = scan(inspector(), source, tmp_path / "run", gates=True)
    assert (run.done, run.read, run.statistics) == (2, 0, ())
    with pytest.raises(RunError, match="no picture was read"):
        run.weights("SE_2_1")


def test_a_transform_that_fails_is_a_reason(tmp_path: Path) -> None:
    def transform(picture: object) -> torch.Tensor:
        raise RuntimeError("no\nfurther")

    source = write(tmp_path / "photos", {"a.jpg": jpegs(1)[0]})
    run = scan(sevis.wrap(tiny_networks.se_net(), transform_once(transform), tiny_networks.CLASSES), source, tmp_path / "run")
    assert run.pictures["why"][0] == "The network's transform fails on it (RuntimeError: no)."


def transform_once(after: Callable[[object], torch.Tensor]) -> Callable[[object], torch.Tensor]:
    """A transform that works for the survey of a network, and does the other thing after it."""
    calls = []

    def transform(picture: object) -> torch.Tensor:
        calls.append(picture)
        return torch.randn(3, SIDE, SIDE) if len(calls) <= 3 else after(picture)  # the survey of a network shows it three

    return transform


def test_a_transform_without_a_crop_is_refused(photos: Path, tmp_path: Path) -> None:
    sides = iter(range(SIDE, 10 * SIDE))
    uneven = transform_once(lambda picture: torch.zeros(3, SIDE, next(sides)))
    with pytest.raises(ValueError, match="expected one; add a crop to it"):
        scan(sevis.wrap(tiny_networks.se_net(), uneven, tiny_networks.CLASSES), photos, tmp_path / "run")


def test_a_table_may_name_what_is_not_there(tmp_path: Path) -> None:
    table = write(tmp_path, {"t.csv": b"1.jpg,cat\n2.jpg,cat\n", "1.jpg": jpegs(1)[0]}) / "t.csv"
    run = scan(inspector(), table, tmp_path / "run")
    assert dict(zip(run.pictures["path"], run.pictures["read"], strict=True)) == {"1.jpg": True, "2.jpg": False}
    assert "There is no file" in run.pictures["why"][~run.pictures["read"]][0]


def test_a_data_set_by_name_is_found_again(photos: Path, tmp_path: Path) -> None:
    run = scan(inspector(), open_source("torchvision/ImageFolder", root=photos), tmp_path / "run", limit=COUNT)
    assert (run.done, run.read, run.classes) == (COUNT, COUNT - 2, ("bee", "cat", "yak"))
    told = run.meta["source"]
    assert (told["path"], told["root"]) == ("torchvision/ImageFolder", str(photos))
    assert open_source(told["path"], told["split"] or None, root=told["root"]).fingerprint == told["fingerprint"]
    assert all(why.startswith("torchvision/ImageFolder cannot give it") for why in run.pictures["why"][~run.pictures["read"]])


def test_half_precision_is_near_and_is_not_mixed_with_single(whole: Run, photos: Path, tmp_path: Path) -> None:
    run = scan(inspector(), photos, tmp_path / "run", limit=32, precision="bfloat16")
    assert run.meta["precision"] == "bfloat16"
    other = scan(inspector(), photos, tmp_path / "other", limit=32)
    for half, single in zip(run.statistics, other.statistics, strict=True):
        assert 0 < np.abs(half.overall.mean - single.overall.mean).max() < 0.02
    with pytest.raises(RunError, match="the precision is another"):
        scan(inspector(), photos, tmp_path / "run", resume=True, precision="float32")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_computes_in_single_precision_from_pinned_memory(whole: Run, photos: Path, tmp_path: Path) -> None:
    asked = Inspector(tiny_networks.network(tiny_networks.short(tiny_networks.se_net()), SIDE), torch.device("cuda"))
    scanner = Scanner(asked, open_source(photos))
    decoded = scanner.decode(scanner.source.entries[:4])
    assert decoded.tensor is not None and decoded.tensor.is_pinned()
    run = scan(asked, photos, tmp_path / "run")
    assert run.meta["precision"] == "float32" and run.read == whole.read
    for there, here in zip(run.statistics, whole.statistics, strict=True):
        np.testing.assert_allclose(there.overall.mean, here.overall.mean, atol=2e-3)  # cuDNN convolves in TensorFloat-32


# --- what is refused


def test_a_network_without_gates_is_refused(photos: Path, tmp_path: Path) -> None:
    plain = Inspector(tiny_networks.network(tiny_networks.Plain(SIDE, pooled=True).eval(), SIDE))
    with pytest.raises(RunError, match="tiny has no gate to scan"):
        scan(plain, photos, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_anything_is_refused(photos: Path, tmp_path: Path) -> None:
    small = write(tmp_path / "small", {"a.jpg": jpegs(1)[0]})
    scan(inspector(), small, tmp_path / "run")
    with pytest.raises(RunError, match="holds a run already; go on with it by --resume"):
        scan(inspector(), small, tmp_path / "run")
    with pytest.raises(RunError, match="is not empty and holds no run"):
        scan(inspector(), small, small, resume=True)
    with pytest.raises(RunError, match=r"a\.jpg is a file"):
        scan(inspector(), small, small / "a.jpg")
    with FileLock(tmp_path / "run" / ".lock"), pytest.raises(RunError, match="Another scan writes to"):
        scan(inspector(), small, tmp_path / "run", resume=True)
    with pytest.raises(ValueError, match="unknown precision 'int8'; choose from float32, bfloat16"):
        scan(inspector(), small, tmp_path / "other", precision="int8")
    with pytest.raises(ValueError, match="unknown engine 'abacus'; choose from local, ray"):
        scan(inspector(), small, tmp_path / "other", engine="abacus")
    assert not (tmp_path / "other").exists()


def test_an_engine_that_is_not_installed_names_its_extra(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunError, match=r"pip install 'sevis\[ray\]'"):
        scan(inspector(), photos, tmp_path / "run", engine="ray")
    scan(inspector(), photos, tmp_path / "run", resume=True, limit=32)
    assert scan(inspector(), photos, tmp_path / "run", resume=True, limit=32, engine="ray").done == 32  # nothing is left to do


OTHERS: dict[str, tuple[Callable[[], Inspector], str, dict[str, bool], str]] = {
    "weights": (lambda: inspector(seed=1), "photos", {}, "its weights is another"),
    "network": (lambda: shown(SIDE, "other"), "photos", {}, "the network is another"),
    "preprocessing": (
        lambda: Inspector(tiny_networks.network(tiny_networks.short(tiny_networks.se_net()), 24)),
        "photos",
        {},
        "its preprocessing",
    ),
    "pictures": (inspector, "others", {}, "the pictures is another"),
    "gates": (inspector, "photos", {"gates": True}, "whether the gates"),
}


def shown(side: int, name: str = "tiny") -> Inspector:
    """The same weights, shown other sizes or called otherwise."""
    return Inspector(tiny_networks.network(tiny_networks.short(tiny_networks.se_net()), side, name=name))


@pytest.mark.parametrize("other", OTHERS)
def test_a_run_goes_on_with_the_same_things_only(other: str, tmp_path: Path) -> None:
    make, source, options, sentence = OTHERS[other]
    write(tmp_path / "photos", {f"{n}.jpg": content for n, content in enumerate(jpegs(3))})
    write(tmp_path / "others", {f"{n}.jpg": content for n, content in enumerate(jpegs(4))})
    before = scan(inspector(), tmp_path / "photos", tmp_path / "run", limit=2)
    with pytest.raises(RunError, match=sentence):
        scan(make(), tmp_path / source, tmp_path / "run", resume=True, **options)
    same(open_run(tmp_path / "run").statistics, before.statistics)
    assert open_run(tmp_path / "run").meta == before.meta and before.meta["counts"]["done"] == before.done
    (tmp_path / "photos").rename(tmp_path / "moved")
    assert scan(inspector(), tmp_path / "moved", tmp_path / "run", resume=True).done == 3


# --- interruptions

CUT = ("replace", "unlink")  # what a scan does to files that others see


class Cut(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", [False, True])
def test_cut_short_at_any_change_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """The k-th time that a file gets its name or goes, the scan ends right before or after it; for every k there is."""
    monkeypatch.setattr(local_scan, "BATCH", 3)
    photos = write(class_folders(tmp_path / "photos", 6), {"cat/cut.jpg": broken()})  # three batches
    whole = scan(inspector(), photos, tmp_path / "whole", gates=True)
    source, asked = open_source(photos), inspector()
    left = 0

    def cutting(method: Callable[..., object]) -> Callable[..., object]:
        def change(self: Path, *arguments: object) -> object:
            nonlocal left
            left -= 1
            if left == 0 and not after:
                raise Cut
            done = method(self, *arguments)
            if left == 0:
                raise Cut
            return done

        return change

    for name in CUT:
        monkeypatch.setattr(Path, name, cutting(getattr(Path, name)))
    cuts = 0
    while True:
        run, left = tmp_path / f"run{cuts}", cuts + 1
        try:
            scan(asked, source, run, gates=True, resume=True, every=0)
        except Cut:
            left = 0
            if (run / "run.json").exists():
                assert open_run(run).done in (0, 3, 6, 7)
            finished = scan(asked, source, run, gates=True, resume=True, every=0)
            each_once(finished, photos)
            same(finished.statistics, whole.statistics)
            assert np.array_equal(finished.weights("SE_2_1"), whole.weights("SE_2_1"))
            cuts += 1
        else:
            break
    assert cuts == 1 + 3 * 3 + 2 + 3 * 2 + 1  # run.json, three files a batch, two joined tables, their parts, run.json again


KILLS = 10 if SLOW else 4
SMALL = 8  # pictures of a batch: many moments to be killed at, in a small data set


def in_a_child(photos: Path, run: Path) -> None:
    """What a process of its own does until it is killed."""
    torch.set_num_threads(1)
    local_scan.BATCH = SMALL
    scan(inspector(), photos, run, gates=True, resume=True, every=0, workers=2)


def committed_once(process: multiprocessing.process.BaseProcess, statistics: Path) -> None:
    """Wait until a process has replaced the statistics, or ended."""
    before = statistics.stat().st_ino if statistics.exists() else None
    while process.is_alive() and (statistics.stat().st_ino if statistics.exists() else None) == before:
        time.sleep(0.001)


def test_killed_again_and_again_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = write(class_folders(tmp_path / "photos", 28 * KILLS), {"cat/cut.jpg": broken()})
    monkeypatch.setattr(local_scan, "BATCH", SMALL)
    whole = scan(inspector(), photos, tmp_path / "whole", gates=True)
    monkeypatch.setitem(
        sys.modules, "__main__", ModuleType("__main__")
    )  # Streamlit's bench leaves the app there, and children would run it
    children = multiprocessing.get_context("forkserver")  # which imports torch once and not each time
    children.set_forkserver_preload(["tests.test_scan"])
    moments, done = random.Random(time.time_ns()), [0]
    for _ in range(KILLS):
        child = children.Process(target=in_a_child, args=(photos, tmp_path / "run"))
        child.start()
        committed_once(child, tmp_path / "run" / "statistics.npz")
        time.sleep(moments.uniform(0, 0.02))
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        done.append(open_run(tmp_path / "run").done)
    assert done == sorted(set(done)) and done[-1] < whole.done  # each time further on, and never at the end
    run = scan(inspector(), photos, tmp_path / "run", gates=True, resume=True)
    each_once(run, photos)
    same(run.statistics, whole.statistics)
    assert np.array_equal(run.weights("SE_3_1"), whole.weights("SE_3_1"))


def test_ctrl_c_finishes_the_batch_and_keeps_all_that_is_done(whole: Run, photos: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)

    def press(step: Step) -> None:
        if step.done == 32:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        scan(inspector(), photos, tmp_path / "run", report=press)
    assert signal.getsignal(signal.SIGINT) is before
    kept = open_run(tmp_path / "run")
    assert kept.done == 32 and not kept.is_finished
    run = scan(inspector(), photos, tmp_path / "run", resume=True)
    each_once(run, photos)
    same(run.statistics, whole.statistics)


def test_a_report_that_raises_ends_the_scan_and_keeps_the_batch(whole: Run, photos: Path, tmp_path: Path) -> None:
    class Enough(Exception):
        """Whoever watches has seen enough."""

    def stop(step: Step) -> None:
        if step.done == 32:
            raise Enough

    with pytest.raises(Enough):
        scan(inspector(), photos, tmp_path / "run", report=stop)
    assert open_run(tmp_path / "run").done == 32
    run = scan(inspector(), photos, tmp_path / "run", resume=True)
    each_once(run, photos)
    same(run.statistics, whole.statistics)


def test_a_second_ctrl_c_stops_at_once(photos: Path, tmp_path: Path) -> None:
    def press(step: Step) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        scan(inspector(), photos, tmp_path / "run", report=press)
    assert open_run(tmp_path / "run").done in (0, 32)  # the first batch counts where it was written before the press, by a slow machine


def test_it_runs_in_any_thread(whole: Run, photos: Path, tmp_path: Path) -> None:
    runs: list[Run] = []
    thread = threading.Thread(target=lambda: runs.append(scan(inspector(), photos, tmp_path / "run", workers=1)))
    thread.start()
    thread.join()
    same(runs[0].statistics, whole.statistics)


# --- the command line


def command(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["scan", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def test_the_command_scans(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sevis.loading

    monkeypatch.setattr(sevis.loading, "load", lambda name, device, arch: inspector())
    code, told = command("tiny", photos, "-o", tmp_path / "run", "--gates")
    assert code == 0 and "68 pictures, 4 gates" in told and "2 could not be read" in told and "folder of class folders" in told
    assert open_run(tmp_path / "run").read == COUNT - 2
    code, told = command("tiny", photos, "-o", tmp_path / "run")
    assert code == 2 and "holds a run already" in told and "Traceback" not in told
    assert command("tiny", photos, "-o", tmp_path / "run", "--gates", "--resume")[0] == 0
    unread = write(tmp_path / "unread", {"a.jpg": broken()})
    code, told = command("tiny", unread, "-o", tmp_path / "other")
    assert code == 2 and "None of the 1 pictures could be read; the first: The JPEG picture is damaged" in told.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("no/network", "."), "There is no picture in"),
        (("no/network", "nowhere"), "There is nothing at"),
        (("no/network", "photos"), "There is no network"),
        (("no/network", "photos", "--device", "abacus"), "no device 'abacus' here"),
    ],
)
def test_what_cannot_run_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    code, told = command(*(photos if each == "photos" else each for each in arguments), "-o", tmp_path / "run")
    assert code == 2 and sentence in told and "Traceback" not in told and not (tmp_path / "run").exists()


def test_ctrl_c_has_a_code_of_its_own(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sevis.loading

    def interrupting(scanner: Scanner, entries: object) -> object:
        signal.raise_signal(signal.SIGINT)
        return show(scanner, entries)

    show = Scanner.show
    monkeypatch.setattr(sevis.loading, "load", lambda name, device, arch: inspector())
    with monkeypatch.context() as patched:
        patched.setattr(Scanner, "show", interrupting)
        code, told = command("tiny", photos, "-o", tmp_path / "run")
    assert code == 130 and "is kept" in told and open_run(tmp_path / "run").done == 32
    assert command("tiny", photos, "-o", tmp_path / "run", "--resume")[0] == 0


def test_the_facade_scans_by_name(photos: Path, tmp_path: Path) -> None:
    """Also once the module of the same name has taken the function's place."""
    assert callable(sevis.scan)
    with pytest.raises(SourceError):
        sevis.scan("photos12/se_resnet18", tmp_path / "nothing", tmp_path / "run")


@pytest.mark.skipif(not SLOW, reason="a minute or two: make test-slow")
def test_three_thousand_pictures_take_less_than_four_minutes_and_no_more_memory(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    soft = np.random.default_rng(0).integers(0, 256, (3057, 10, 10, 3), dtype=np.uint8)
    for n, pixels in enumerate(soft):
        Image.fromarray(pixels).resize((160, 160)).save(tmp_path / "photos" / f"{n:04d}.jpg", quality=90)
    memory: dict[int, int] = {}

    def watch(step: Step) -> None:
        memory[step.done] = psutil.Process().memory_info().rss

    begun = time.monotonic()
    run = scan(sevis.load("photos12/se_resnet18", "cpu"), tmp_path / "photos", tmp_path / "run", report=watch)
    assert run.read == 3057 and time.monotonic() - begun < 240
    early, late = (min(done for done in memory if done >= count) for count in (500, 3000))
    assert memory[late] < 1.1 * memory[early]
