"""The Scan page in Streamlit's test bench, and what it is made of: packing, scans beside visitors, runs, a channel against one."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sevis.app import frame, own_runs, packing, shelf, state
from sevis.app.against import _is_of
from sevis.app.own_runs import OwnRuns
from sevis.app.packing import pack
from sevis.app.pages import PAGES, explore, scan
from sevis.app.thumbnails import thumbnails
from sevis.datasets import Entry, Source, open_source
from sevis.engine import Engine
from sevis.inspector import Inspector
from sevis.pictures import PictureError
from sevis.run_pictures import pictures_of
from sevis.runs import Run, open_run
from sevis.scan import scan as scan_all
from sevis.turns import Turns
from sevis.zips import REFUSALS
from tests.app.test_batch import living, packed
from tests.app.test_explore import figures, page, said
from tests.browser.conftest import ROOT
from tests.photo_folders import broken, class_folders, jpegs

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship

COUNT = 40
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def first(page: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The page is the one that opens first, and the server has no runs of its own yet."""
    monkeypatch.setattr(frame, "PAGES", (scan, explore))
    monkeypatch.setattr(state, "load", living)
    monkeypatch.setenv(shelf.RUNS, str(tmp_path / "runs"))
    monkeypatch.setenv(shelf.PICTURES_AT, str(tmp_path))
    return tmp_path / "runs"


@pytest.fixture
def engine() -> Iterator[Engine[Inspector]]:
    with Engine(living, budget=1 << 30) as made:
        yield made


@pytest.fixture
def own(engine: Engine[Inspector]) -> Iterator[OwnRuns]:
    made = OwnRuns(engine, Turns())
    yield made
    made.close()


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def photos(count: int = COUNT) -> bytes:
    """A zip of two class folders with a damaged picture, a note and what macOS adds."""
    entries = [(f"set/{('cat', 'dog')[n % 2]}/{n}.jpg", content) for n, content in enumerate(jpegs(count - 1))]
    return packed(*entries, ("set/cat/cut.jpg", broken()), ("set/notes.txt", b"hello"), ("__MACOSX/set/._1.jpg", b""))


def bring(app: AppTest, name: str, content: bytes) -> AppTest:
    return next(each for each in app.file_uploader if each.accept_multiple_files).set_value([(name, content, "application/zip")]).run()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def ended(runs: OwnRuns) -> Run:
    """The run of the scan that was begun last, once it has ended."""
    assert runs.scanning is not None
    runs.scanning.join(PATIENCE)
    assert not runs.scanning.is_running
    return open_run(runs.scanning.folder)


# ---- the page


def test_a_zip_is_scanned_stopped_and_gone_on_with() -> None:
    app = bring(opened(), "set.zip", photos())
    assert not app.exception and not app.error
    begin = app.button(key="begin_scan")
    assert begin.label.replace("\\", "") == f"Scan {COUNT} pictures with tiny/se"
    assert "2 class folders: cat and dog" in said(app).replace("\\", "")
    assert "notes" in said(app) and "._1" in said(app).replace("\\", "")
    own = app.session_state["own_runs"]
    with state.engine().turn():  # so the scan waits for its turn, however fast this machine is
        begin.click().run()
        until(lambda: own.scanning.step)
        app.run()
        assert f"0 of {COUNT} pictures" in app.get("progress")[0].proto.text
        app.button(key="stop_scan").click().run()
        own.scanning.join(PATIENCE)
    app.run()
    assert "Stopped: 0 of 40 pictures" in said(app).replace("\\", "")
    app.button(key="resume_scan").click().run()
    run = ended(own)
    app.run()
    assert not app.exception and not app.error
    assert (run.done, run.read, run.is_finished) == (COUNT, COUNT - 1, True)
    assert app.selectbox(key="run").value == own.key == app.session_state["loaded_run"]
    assert {each.label: each.value for each in app.metric}["Not readable"] == "1"
    assert list(app.dataframe[0].value["picture"]) == ["set/cat/cut.jpg"] and "damaged" in app.dataframe[0].value["why"][0]
    own.close()


def test_the_page_says_what_a_scan_is_for_and_that_a_network_has_no_gates() -> None:
    assert scan in PAGES
    app = opened(network="tiny/plain")
    assert not app.exception and not app.error
    assert "30 pictures" in said(app) and "There is none yet" in said(app)
    assert not app.get("download_button") and not [each for each in app.button if each.key == "begin_scan"]
    app.button(key="scan_samples").click().run()
    app.button(key="begin_scan").click().run()
    own = app.session_state["own_runs"]
    own.scanning.join(PATIENCE)
    app.run()
    assert not app.exception and "no gate to scan" in said(app)
    own.close()


# ---- packing


def test_packing_keeps_class_folders_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    one, two, three = jpegs(3)
    archive = packed(("a/1.jpg", one), ("a\\1.jpg", two), ("b/.2.jpg", one), ("b/inner.zip", photos(2)), ("../x.jpg", one), ("b/", b""))
    found = pack([("one.zip", archive), ("two.zip", packed(("a/1.jpg", three), ("b/2.JPEG", b"no picture")))], tmp_path / "pictures.tar")
    assert found.source is not None and found.pictures == 4
    assert [(each.path, each.label) for each in found.source.entries] == [
        ("a/1 2.jpg", "a"),
        ("a/1 3.jpg", "a"),
        ("a/1.jpg", "a"),
        ("b/2.JPEG", "b"),
    ]
    reasons = dict(found.left_out)
    assert reasons == {"b/.2.jpg": packing.HIDDEN, "b/inner.zip": REFUSALS["nested"], "../x.jpg": REFUSALS["outside"]}
    assert [path.name for path in tmp_path.iterdir()] == ["pictures.tar"]


@pytest.mark.parametrize(("bound", "value"), [("MOST", 2), ("MAX_TOTAL", 5000)])
def test_packing_has_bounds(bound: str, value: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packing, bound, value)
    files = [(f"{n}.jpg", content.ljust(2000, b"\0")) for n, content in enumerate(jpegs(4))]
    assert {len(content) for _, content in files} == {2000}
    found = pack(files, tmp_path / "pictures.tar")
    assert found.pictures == 2 and found.left_out == (("2.jpg", packing.FULL),)


def test_who_leaves_ends_the_packing_also_of_what_is_left_out(tmp_path: Path) -> None:
    """Junk takes time as pictures do."""
    told: list[int] = []

    def tell(count: int) -> None:
        told.append(count)
        if len(told) == 4:
            raise InterruptedError

    one, two = jpegs(2)
    archive = packed(("1.jpg", one), ("notes.txt", b"hello"), ("inner.zip", photos(1)), ("../x.jpg", two), ("2.jpg", two))
    with pytest.raises(InterruptedError):
        pack([("set.zip", archive)], tmp_path / "pictures.tar", tell)
    assert told == [0, 1, 1, 1]


def test_nothing_to_scan_is_no_error(own: OwnRuns) -> None:
    own.take([("empty.zip", packed()), ("words.txt", b"hello"), ("broken.zip", b"PK\x03\x04")])
    assert own.packed.pictures == 0 and len(own.packed.left_out) == 2
    with pytest.raises(ValueError, match="no picture to scan"):
        own.scan("tiny/se")


# ---- scans, beside visitors


@pytest.mark.parametrize("network", ["tiny/se", "tiny/sk"])
def test_a_scan_is_that_of_the_command_line(network: str, own: OwnRuns, tmp_path: Path) -> None:
    own.take([("set.zip", photos(5))])
    own.scan(network)
    run, source = ended(own), own.packed.source
    assert own.scanning is not None and own.scanning.is_done and not own.scanning.why and source is not None
    other = scan_all(living(network), source, tmp_path / "other", gates=True)
    assert run.meta["weights_sha256"] == other.meta["weights_sha256"]
    for name, values in other.pictures.items():
        np.testing.assert_array_equal(run.pictures[name], values)
    for mine, theirs in zip(run.statistics, other.statistics, strict=True):
        np.testing.assert_allclose(mine.overall.mean, theirs.overall.mean)
        np.testing.assert_array_equal(run.weights(mine.site.name), other.weights(mine.site.name))


def test_a_visitor_s_picture_comes_between_two_batches_and_no_network_runs_twice_at_once(own: OwnRuns, engine: Engine[Inspector]) -> None:
    inside: list[str] = []
    order: list[str] = []
    with engine.borrow("tiny/se") as inspector:
        real = inspector.module.forward

        def forward(batch: object) -> object:
            inside.append(threading.current_thread().name)
            assert len(inside) == 1
            order.append(inside[0])
            try:
                return real(batch)
            finally:
                inside.pop()

        inspector.module.forward = forward
        own.take([("set.zip", photos(70))])
        with engine.turn():
            own.scan("tiny/se")
            until(lambda: len(engine._turns._line) == 2)
            ticket = engine.ask("tiny/se", np.zeros((40, 40, 3), np.uint8))
            until(lambda: len(engine._turns._line) == 3)
        ticket.result(timeout=PATIENCE)
        run = ended(own)
    assert run.is_finished and order.index("sevis-worker") == 1 and len(order) == 1 + -(-70 // 32)


def test_a_visit_leaves_nothing_behind(own: OwnRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    own.take([("set.zip", photos(3))])
    own.scan("tiny/se")
    folder = ended(own).folder.parent
    monkeypatch.setattr(own_runs, "GRACE", 0.05)
    own.leave()
    own.stay()
    time.sleep(0.1)
    assert folder.is_dir() and list(own.folders) == [own.key]
    own.leave()
    until(lambda: not folder.exists())
    assert not own.folders


def test_nobody_waits_for_a_visitor_who_brought_nothing(own: OwnRuns) -> None:
    """A thread each would wait, three minutes long, for every visitor who ever left."""
    before = threading.active_count()
    own.leave()
    assert threading.active_count() == before


def test_old_runs_make_room(own: OwnRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_runs, "MOST_RUNS", 2)
    for _ in range(own_runs.MOST_RUNS + 1):
        own.take([("set.zip", photos(2))])
        own.scan("tiny/se")
        folder = ended(own).folder.parent
    assert len(own.folders) == own_runs.MOST_RUNS == len(list(folder.glob("*.tar")))
    assert next(iter(own.folders)) == own.key


# ---- runs


def made(folder: Path, source: Path, **options: bool) -> Run:
    return scan_all(living("tiny/se"), open_source(source), folder, **options)


def test_runs_of_the_server_are_chosen_among_and_nothing_outside(first: Path, tmp_path: Path) -> None:
    made(first / "one", class_folders(tmp_path / "photos", 6))
    made(tmp_path / "outside", tmp_path / "photos")
    (first / "link").symlink_to(tmp_path / "outside")
    (first / "part").mkdir()
    for name in ("run.json", "pictures.parquet"):
        (first / "part" / name).symlink_to(tmp_path / "outside" / name)
    (first / "training").mkdir()
    (first / "se_resnet18.pt").write_bytes(b"")
    assert list(shelf.shown()) == ["one"]
    app = opened(run="../outside")
    assert not app.exception and app.selectbox(key="run").value is None and not app.metric
    app.selectbox(key="run").set_value("one").run()
    assert not app.exception and {each.label: each.value for each in app.metric}["Pictures"] == "6"
    assert "holds no weights of single pictures" in said(app)
    (first / "one" / "run.json").write_text("{")
    app.run()
    assert not app.exception and "damaged" in app.error[0].value and app.selectbox(key="run").value == "one"


def test_a_run_is_taken_away_whole(first: Path, tmp_path: Path) -> None:
    run = made(first / "one", class_folders(tmp_path / "photos", 6))
    with zipfile.ZipFile(BytesIO(shelf.zipped(first / "one"))) as archive:
        archive.extractall(tmp_path / "taken")
    again = open_run(tmp_path / "taken" / "one")
    assert (again.done, again.network) == (run.done, run.network) and ".lock" not in {path.name for path in again.folder.iterdir()}


def test_thumbnails_come_from_where_the_pictures_are_and_stay_inside(first: Path, tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "photos", 6)
    (tmp_path / "secret.jpg").write_bytes(jpegs(1)[0])
    run = made(first / "one", folder)
    names = [*run.pictures["path"], "../secret.jpg", str(tmp_path / "secret.jpg"), "gone.jpg"]
    found = thumbnails(run, names)
    assert sorted(found) == sorted(run.pictures["path"]) and all(each.shape == (16, 16, 3) for each in found.values())
    folder.rename(tmp_path / "elsewhere")
    assert thumbnails(run, names) == {}


def test_pictures_from_anywhere_else_on_the_machine_are_not_shown(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that came from elsewhere says itself where its pictures are."""
    run = made(first / "one", class_folders(tmp_path / "photos", 6))
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv(shelf.PICTURES_AT, str(tmp_path / "mine"))
    assert not shelf.may_read(run) and thumbnails(run, list(run.pictures["path"])) == {}
    beside = made(first / "two", class_folders(first / "photos", 6))
    assert shelf.may_read(beside) and len(thumbnails(beside, list(beside.pictures["path"]))) == 6


def test_a_table_or_a_link_shows_no_picture_from_anywhere_else(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's table may be brought with it, and name any file; the command line reads what its user may read."""
    photos, secret = tmp_path / "mine" / "photos", tmp_path / "secret.jpg"
    photos.mkdir(parents=True)
    secret.write_bytes(jpegs(1)[0])
    (photos / "own.jpg").write_bytes(jpegs(1)[0])
    (photos / "link.jpg").symlink_to(secret)
    names = ["own.jpg", str(photos / "own.jpg"), "../photos/own.jpg", str(secret), "../../secret.jpg", "link.jpg"]
    (photos / "table.csv").write_text("path\n" + "\n".join(names))
    monkeypatch.setenv(shelf.PICTURES_AT, str(tmp_path / "mine"))
    (first / "one").mkdir(parents=True)
    run = made(first / "one", photos / "table.csv")
    assert run.read == 6 and shelf.may_read(run)
    assert sorted(thumbnails(run, [*run.pictures["path"], "a\0b", "gone.jpg"])) == sorted(names[:3])
    assert [entry.path for entry in shelf.near(run, pictures_of(run)).entries] == names[:3]
    flat = made(first / "two", photos)
    assert flat.read == 2 and list(thumbnails(flat, list(flat.pictures["path"]))) == ["own.jpg"]


def test_a_data_set_gives_no_file_from_anywhere_else(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A saved data set may hold paths in place of pictures."""
    run = made(first / "one", class_folders(tmp_path / "photos", 2))
    files = [tmp_path / "photos" / run.pictures["path"][0], tmp_path / "secret.jpg", jpegs(1)[0]]
    (tmp_path / "secret.jpg").write_bytes(jpegs(1)[0])
    monkeypatch.setenv(shelf.PICTURES_AT, str(tmp_path / "photos"))
    entries = tuple(Entry(f"set/{n}", None, -1) for n in range(len(files)))
    source = shelf.near(run, Source("saved data set", tmp_path / "photos", "", entries, content=files.__getitem__))
    assert [source.picture(source.entries[n]).pixels.ndim for n in (0, 2)] == [3, 3]
    with pytest.raises(PictureError, match="lies where this server reads no pictures"):
        source.picture(source.entries[1])


def test_only_a_runs_own_files_are_taken_away(first: Path, tmp_path: Path) -> None:
    made(first / "one", class_folders(tmp_path / "photos", 6))
    (tmp_path / "secret").write_text("nobody's business")
    (first / "one" / "profile").mkdir()
    (first / "one" / "profile" / "page.html").symlink_to(tmp_path / "secret")
    assert "one" in shelf.shown()
    with zipfile.ZipFile(BytesIO(shelf.zipped(first / "one"))) as archive:
        assert sorted(archive.namelist()) == ["one/pictures.parquet", "one/run.json", "one/statistics.npz"]
    (first / "one" / "sweep.npz").symlink_to(tmp_path / "secret")
    assert "one" not in shelf.shown() and "one/sweep.npz" not in zipfile.ZipFile(BytesIO(shelf.zipped(first / "one"))).namelist()


def test_who_is_back_keeps_the_runs_and_who_stays_away_does_not(engine: Engine[Inspector], monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was lost for a moment comes back without the page being run."""
    monkeypatch.setattr(own_runs, "GRACE", 0.05)
    here = True
    own = OwnRuns(engine, Turns(), lambda: here)
    own.take([("cat/1.jpg", jpegs(1)[0])])
    folder = own._folder
    own.leave()
    time.sleep(0.3)
    assert folder.exists() and own.packed.pictures == 1
    here = False
    until(lambda: not folder.exists() and own.packed.pictures == 0)
    assert not own.folders
    here = True
    own.take([("cat/1.jpg", jpegs(1)[0])])  # whoever comes back after all begins anew
    assert own.packed.pictures == 1
    own.close()


# ---- a channel up close


@pytest.fixture
def against(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Explore comes first, and the server has a run of the network on the page."""
    monkeypatch.setattr(frame, "PAGES", (explore, scan))
    folder = class_folders(tmp_path / "photos", 14, ("cat", "dog", "yak"))
    made(first / "one", folder, gates=True)
    return folder


def up_close(run: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    app.session_state["loaded_run"] = run
    for key, value in {"block": "SE_3_1", "channel": "3", **query}.items():
        app.query_params[key] = value
    return app.run()


def test_a_channel_stands_among_the_pictures_of_the_run(against: Path) -> None:
    app = up_close("one")
    assert not app.exception and not app.error
    inspector = living("tiny/se")
    depth = [site.name for site in inspector.sites].index("SE_3_1")
    weights = {path.relative_to(against).as_posix(): 0.0 for path in against.rglob("*.jpg")}
    for name in weights:
        weights[name] = float(inspector.inspect(against / name).gates[depth].weights[0, -1, 3])
    own = float(inspector.inspect(state.samples()[0].file).gates[depth].weights[0, -1, 3])
    drawn = figures(app)["SE_3_1, channel 3: the pictures of the scan that open it most and least"]
    order = sorted(weights, key=weights.__getitem__)
    shown = [str(told[0]) for told in drawn["data"][0]["customdata"]]
    np.testing.assert_allclose([weights[name] for name in shown], [weights[name] for name in [*order[:-7:-1], *order[:6]]], atol=1e-3)
    assert len(drawn["layout"]["images"]) == 12
    percentile = next(metric for metric in app.metric if metric.label == "Percentile")
    lower = 100 * np.mean([value < own for value in weights.values()])
    assert abs(int(percentile.value[:-2]) - lower) <= 8 and "14 pictures of one" in percentile.help
    (bars,) = figures(app)["SE_3_1, channel 3: its mean weight by class"]["data"]
    means = {name: np.mean([value for path, value in weights.items() if path.startswith(name)]) for name in ("cat", "dog", "yak")}
    assert [told[0] for told in bars["customdata"]] == sorted(means, key=means.__getitem__)
    assert "On the average of the scan" in said(app)


def test_another_network_s_run_changes_nothing(against: Path) -> None:
    app = up_close("one", network="tiny/sk", block="SK_3_1")
    assert not app.exception and not app.error
    assert not any("of the scan" in title for title in figures(app))
    assert next(metric.value for metric in app.metric if metric.label == "Percentile") == "–"


@pytest.mark.parametrize(
    ("change", "fits"),
    [({}, True), ({"gates": False}, False), ({"weights_sha256": "0" * 64}, False), ({"network": "by another name"}, True)],
)
def test_a_run_is_of_the_network_with_its_weights(change: dict[str, object], fits: bool, against: Path, first: Path) -> None:
    run, inspection = open_run(first / "one"), living("tiny/se").inspect(state.samples()[0].file)
    assert _is_of(replace(run, meta=run.meta | change), inspection, "tiny/se") is fits
