"""The Doctor page in Streamlit's test bench: verdicts, the evidence behind them, ablations on the spot, what can be taken away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sevis.ablations import ablate, gathered
from sevis.analysis.ablation import FILE, read_ablations, write_ablations
from sevis.analysis.doctor import examine
from sevis.analysis.findings import VERDICTS
from sevis.analysis.metrics import METRICS
from sevis.analysis.zoom_storing import FILE as SWEEP
from sevis.app import frame, own_runs, shelf, state
from sevis.app.ablating import Ablating
from sevis.app.pages import PAGES, doctor, explore
from sevis.app.words import plain
from sevis.datasets import open_source
from sevis.engine import Engine
from sevis.inspector import Inspector
from sevis.loading import CheckpointError
from sevis.runs import META, Run, open_run
from sevis.scan import scan as scan_all
from sevis.sweeps import sweep
from sevis.turns import Turns
from tests.app.test_batch import living
from tests.app.test_explore import figures, page, said
from tests.app.test_scan import opened, until
from tests.browser.conftest import ROOT
from tests.made_up_gates import ablated_of
from tests.made_up_runs import COUNT, written
from tests.photo_folders import class_folders

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def shelves(page: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The page is the one that opens first, and the server's runs lie in a folder of the test."""
    monkeypatch.setattr(frame, "PAGES", (doctor, explore))
    monkeypatch.setattr(state, "load", living)
    monkeypatch.setenv(shelf.RUNS, str(tmp_path / "runs"))
    monkeypatch.setenv(shelf.PICTURES_AT, str(tmp_path))
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def judged(shelves: Path) -> Run:
    """A run of SE and SK gates, each of which was ablated."""
    folder = written(shelves / "one")
    meta = json.loads((folder / META).read_text())
    (folder / META).write_text(
        json.dumps(meta | {"weights_sha256": "0" * 64, "task": "classification", "source": meta["source"] | {"path": "gone"}})
    )
    run = open_run(folder)
    write_ablations(folder, [ablated_of(each) for each in run.statistics])
    return run


@pytest.fixture
def tiny(shelves: Path, tmp_path: Path) -> Run:
    """A run of a tiny network over a few pictures that are still there."""
    return scan_all(living("tiny/se"), open_source(class_folders(tmp_path / "photos", 6)), shelves / "few")


def alert(app: AppTest) -> str:
    return "".join(each.value for kind in ("success", "info", "warning", "error") for each in getattr(app, kind)).replace("\\", "")


def report(app: AppTest) -> Any:
    """What the button hands out; Streamlit keeps it until it is asked for."""
    return next(each for each in app.get("download_button") if each.proto.label == "Report")


def test_without_a_run_the_page_says_how_to_come_by_one() -> None:
    assert doctor in PAGES
    app = opened()
    assert not app.exception and not app.error
    assert "has collapsed" in said(app) and "no run yet" in said(app) and not figures(app)


def test_every_gate_is_judged_and_its_evidence_shown(judged: Run) -> None:
    diagnoses = examine(judged.statistics, read_ablations(judged.folder))
    app = opened(run="one")
    assert not app.exception and not app.error
    ill = [each for each in diagnoses if each.alarms]
    assert f"{len(ill) or 'none'} of {len(diagnoses)} gates" in alert(app) and f"{COUNT} pictures, with ablations on 64" in alert(app)
    usual = ill[0] if ill else diagnoses[0]
    assert app.selectbox(key="gate").proto.placeholder == usual.site.name
    assert f"{usual.site.name}: {usual.verdict}" in [each.value.replace("\\", "") for each in app.subheader]
    selection = diagnoses[-1]
    app.selectbox(key="gate").set_value(selection.site.name).run()
    titles = [title.removeprefix(f"{selection.site.name}: ") for title in figures(app)]
    assert titles[1:] == [
        "what becomes of the answers without its own weights",
        f"shares over {COUNT} pictures",
        "spread between pictures",
        "use of the branches",
        "directions of the logits",
    ]
    words = said(app).replace("\\", "")
    for finding in selection.findings:
        assert finding.rule in words and finding.cause in words and finding.remedy in words
    assert VERDICTS[selection.verdict] in words.lower()
    metrics = app.dataframe[0].value
    assert list(metrics["id"]) == [name for name in METRICS if selection.metrics[name] is not None]
    np.testing.assert_allclose(metrics["value"], [selection.metrics[name] for name in metrics["id"]])
    assert all(metrics["source"]) and all(metrics["unit"])
    app.toggle(key="verdict_table").set_value(True).run()
    assert list(app.dataframe[0].value["verdict"]) == [each.verdict for each in diagnoses]
    assert not app.exception and report(app)


def test_the_papers_figures_of_the_run(judged: Run) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    app.query_params["run"] = "one"
    app.session_state["papers"] = True
    app.run()
    assert not app.exception and not app.error
    assert "Mean weight by class" in figures(app)
    assert "The numbers as CSV" in [each.proto.label for each in app.get("download_button")]
    app.multiselect(key="profile_classes").set_value(["dog"]).run()
    assert [line["line"].get("dash") for line in figures(app)["Mean weight by class"]["data"][:2]] == [None, "dot"]


def test_ablations_of_another_network_are_told_and_left_out(judged: Run, tiny: Run) -> None:
    (judged.folder / FILE).write_text((tiny.folder / FILE).read_text() if (tiny.folder / FILE).exists() else "{")
    app = opened(run="one", gate="nothing")
    assert not app.exception and "cannot be read" in alert(app) and "without ablations" in alert(app)
    assert "not on this server" in said(app) and not [each for each in app.button if each.key == "ablate"]


def test_a_few_pictures_prove_nothing_and_can_be_ablated(tiny: Run, shelves: Path) -> None:
    app = opened(run="few", network="tiny/se")
    assert not app.exception and not app.error
    assert "6 pictures cannot prove" in alert(app)
    before = set(figures(app))
    app.button(key="ablate").click().run()
    (begun,) = app.session_state["ablations"]._begun.values()
    begun.join(PATIENCE)
    app.run()
    assert not app.exception and not begun.why
    pictures, targets = gathered(open_source(tiny.meta["source"]["path"]), living("tiny/se").classes, 64)
    direct = ablate(living("tiny/se"), pictures, targets, means=[each.overall.mean for each in tiny.statistics])
    for mine, theirs in zip(begun.result, direct, strict=True):
        assert mine.effects["images"].divergence.mean == pytest.approx(theirs.effects["images"].divergence.mean, abs=1e-6)
    assert "with ablations on 6" in alert(app) and not (shelves / "few" / FILE).exists()
    assert any("what becomes of the answers" in title for title in set(figures(app)) - before)


def test_a_sweep_is_made_on_the_spot(shelves: Path, tmp_path: Path) -> None:
    photos = open_source(class_folders(tmp_path / "photos", 6))
    scan_all(living("tiny/sk"), photos, shelves / "few")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    app.query_params["run"], app.query_params["network"] = "few", "tiny/sk"
    app.session_state["papers"] = True
    app.run()
    assert not app.exception and not app.error
    before = set(figures(app))
    app.button(key="sweep").click().run()
    (begun,) = app.session_state["sweeps"]._begun.values()
    begun.join(PATIENCE)
    app.run()
    assert not app.exception and not begun.why and not [each for each in app.button if each.key == "sweep"]
    direct = sweep(living("tiny/sk"), photos, limit=96)
    assert begun.result.pictures == direct.pictures == 6
    for mine, theirs in zip(begun.result.gates, direct.gates, strict=True):
        assert mine.slope["size"].mean == pytest.approx(theirs.slope["size"].mean, abs=1e-6)
    app.segmented_control(key="exhibit").set_value("scale_sweep").run()
    assert not app.exception and set(figures(app)) - before
    assert not (shelves / "few" / SWEEP).exists()


@pytest.fixture
def engine() -> Iterator[Engine[Inspector]]:
    with Engine(living, budget=1 << 30) as made:
        yield made


def test_ablations_wait_for_their_turn_stop_and_are_kept_where_they_may(
    tiny: Run, engine: Engine[Inspector], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_twin(*args: object, **options: object) -> Inspector:
        raise CheckpointError("no such network")

    monkeypatch.setattr("sevis.app.ablating.load", no_twin)
    inside: list[str] = []
    with engine.borrow("tiny/se") as inspector:
        real = inspector.module.forward

        def forward(batch: object) -> object:
            inside.append(threading.current_thread().name)
            return real(batch)

        inspector.module.forward = forward
        made = Ablating(engine, Turns(), tiny, "tiny/se", "tiny/se", keep=True)
        with engine.turn():
            made.start()
            until(lambda: len(engine._turns._line) == 2)
            assert not inside and made.is_running and not made.total
            made.stop()
        made.join(PATIENCE)
    assert not made.is_running and not made.why and not made.result and not (tiny.folder / FILE).exists()
    again = Ablating(engine, Turns(), tiny, "tiny/se", "tiny/se", keep=True)
    again.start()
    again.join(PATIENCE)
    assert again.done == again.total > 0 and read_ablations(tiny.folder) == again.result and not engine._turns._line
    other = Ablating(engine, Turns(), tiny, "tiny/sk", "tiny/sk", keep=False)
    other.start()
    other.join(PATIENCE)
    assert "other weights" in plain(other.why).replace("\\", "") and not other.result


@pytest.mark.parametrize(("button", "kind", "network"), [("ablate", "ablations", "tiny/se"), ("sweep", "sweeps", "tiny/sk")])
def test_what_a_visitor_asked_for_ends_when_the_visitor_is_gone(
    button: str, kind: str, network: str, shelves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_all(living(network), open_source(class_folders(tmp_path / "photos", 6)), shelves / "few")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    app.query_params["run"], app.query_params["network"] = "few", network
    app.session_state["papers"] = True
    app.run()
    own = app.session_state["own_runs"]
    monkeypatch.setattr(own, "_is_here", lambda: False)
    monkeypatch.setattr(own_runs, "GRACE", 0.05)
    engine = state.engine()
    with engine.turn():  # so it waits for its turn
        app.button(key=button).click().run()
        (begun,) = app.session_state[kind]._begun.values()
        until(lambda: len(engine._turns._line) == 2)
        assert begun.is_running
        own.leave()
        begun.join(PATIENCE)
        assert not begun.is_running and not begun.why and not begun.result
