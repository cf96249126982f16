"""The Batch page in Streamlit's test bench, and what it is made of: gathering, asking a few at a time, handing over."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from sevis import pictures
from sevis.app import chart, frame, session, state
from sevis.app.asking import IN_FLIGHT, Answers, answers
from sevis.app.gathering import EXACT, MOST, Brought, Gathering, gather
from sevis.app.pages import PAGES, batch, explore
from sevis.app.words import plain
from sevis.engine import Busy, Engine, OutOfMemory
from sevis.inspector import Inspector
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.zips import REFUSALS
from tests.app.test_explore import CLASSES, TINY, figures, page, png, said, tiny
from tests.browser.conftest import ROOT
from tests.made_up import CASES
from tests.tiny_networks import alive
from tests.tiny_networks import pictures as coloured

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship


def living(name: str) -> Inspector:
    """A tiny network with weights that no gate can do without; the detector is one already."""
    if name == "tiny/boxes":
        return tiny(name)
    return Inspector(Network(name, alive(TINY[name]()), Preprocessing(64, 64), CLASSES))


@pytest.fixture(autouse=True)
def at_once(page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is the one that opens first, and gates differ from picture to picture."""
    monkeypatch.setattr(frame, "PAGES", (batch, explore))
    monkeypatch.setattr(state, "load", living)


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def files(count: int, seed: int = 1) -> list[tuple[str, bytes, str]]:
    """So many different pictures as an upload."""
    return [(f"{place}.png", png(pixels), "image/png") for place, pixels in enumerate(coloured(count, 40, seed))]


def packed(*entries: tuple[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def bring(app: AppTest, *uploads: tuple[str, bytes, str]) -> AppTest:
    return next(each for each in app.file_uploader if each.accept_multiple_files).set_value(list(uploads)).run()


def tiles(app: AppTest) -> list[str]:
    """What the tiles' buttons say."""
    return [button.label.replace("\\", "") for button in app.button if str(button.key).startswith("open_")]


def rows(app: AppTest) -> np.ndarray:
    """The marks of the figure: place of the picture and channel."""
    (spec,) = [spec for title, spec in figures(app).items() if title.endswith("pictures × channels")]
    touch = next(trace for trace in spec["data"] if trace["type"] == "scatter")
    return np.array([told[:2] for told in touch["customdata"]])


def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """Every question to the engine from now on."""
    questions: list[tuple[str, object]] = []
    real = Engine.ask

    def ask(self: Engine, network: str, picture: np.ndarray, *rest: object, **options: object) -> object:
        questions.append((network, picture.shape))
        return real(self, network, picture, *rest, **options)

    monkeypatch.setattr(Engine, "ask", ask)
    return questions


# ---- the page


def test_the_page_is_in_the_menu_and_says_what_it_is_for() -> None:
    assert batch in PAGES
    app = opened()
    assert not app.exception and not app.error
    assert "Many pictures at once" in [each.value for each in app.subheader]
    assert not figures(app) and not tiles(app)


def test_the_samples_fill_the_sheet_and_the_figure() -> None:
    app = opened()
    app.button(key="take_samples").click().run()
    assert not app.exception and not app.error
    titles = [sample.title for sample in state.samples()]
    assert tiles(app) == [f"Open {title} in Explore" for title in titles]
    marks = rows(app)
    assert set(marks[:, 0]) == set(range(len(titles)))
    assert len(marks) == len(titles) * len(set(marks[:, 1]))


@pytest.mark.parametrize(("network", "word"), [("tiny/se", "weight"), ("tiny/sk", "share of 5x5")])
def test_another_block_or_scale_runs_no_network(network: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = bring(opened(network=network), *files(3))
    questions = asked(monkeypatch)
    names = app.selectbox(key="block").options
    seen = []
    for name in names[-2:]:  # the first of tiny networks answer to no picture
        app.selectbox(key="block").set_value(name).run()
        seen.append(next(iter(figures(app))))
        assert word in said(app).replace("\\", "")
    assert [title.split(":")[0] for title in seen] == names[-2:]
    assert not questions and not app.exception


def test_another_network_is_asked_about_every_picture_once(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = files(3)
    app = bring(opened(), *uploads, ("again.png", uploads[0][1], "image/png"))
    questions = asked(monkeypatch)
    app.selectbox(key="network").set_value("tiny/sk").run()
    assert not app.exception
    assert [network for network, shape in questions if shape == (40, 40, 3)] == ["tiny/sk"] * 3
    assert len(tiles(app)) == 4 and set(rows(app)[:, 0]) == {0, 1, 2, 3}


def test_a_network_without_gates_predicts_all_the_same() -> None:
    app = bring(opened(network="tiny/plain"), *files(2))
    assert not app.exception and len(tiles(app)) == 2
    assert "no channel gates" in "".join(each.value for each in app.info).replace("\\", "")
    assert not figures(app)


def test_a_detector_counts_what_it_found() -> None:
    app = bring(opened(network="tiny/boxes"), *files(2))
    assert not app.exception and len(tiles(app)) == 2
    assert "things, " in said(app).replace("\\", "") or "nothing found" in said(app)


def test_one_picture_is_a_batch_too() -> None:
    app = bring(opened(), *files(1))
    assert not app.exception and len(tiles(app)) == 1
    assert set(rows(app)[:, 0]) == {0} and "add others" in said(app)


def test_a_bad_picture_is_listed_and_the_others_are_shown() -> None:
    hostile = "<img src=x onerror=alert(1)>**b**.png"
    app = bring(opened(), ("bad.png", b"hello", "image/png"), (hostile, b"", "image/png"), *files(2))
    assert not app.exception and not app.error
    assert len(tiles(app)) == 2
    told = [each.value for each in app.caption]
    assert any(plain("bad.png: The file is not a picture") in line for line in told)
    assert any(plain(f"{hostile}: The file is empty") in line for line in told)


def test_a_zip_and_a_picture_come_together() -> None:
    archive = packed(("day/a.png", files(1, 7)[0][1]), ("__MACOSX/._a.png", b"x"), ("__MACOSX/._b.png", b"x"), ("../up.png", b"x"))
    app = bring(opened(), ("trip.zip", archive, "application/zip"), *files(1))
    assert tiles(app) == ["Open a.png in Explore", "Open 0.png in Explore"]
    told = said(app)
    assert plain(f"._a.png, ._b.png: {REFUSALS['junk']}") in told and plain(f"up.png: {REFUSALS['outside']}") in told


def test_only_bad_files_leave_the_way_to_others_open() -> None:
    app = bring(opened(), ("trip.zip", b"PK\x03\x04", "application/zip"))
    assert not app.exception and not tiles(app)
    assert plain(f"trip.zip: {REFUSALS['damaged-archive']}") in said(app)
    assert len(tiles(bring(app, *files(1)))) == 1
    assert "trip" not in said(app)


def test_a_tile_opens_explore_and_the_sample_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    app = bring(opened(network="tiny/sk"), *files(2))
    app.button(key="open_1").click().run()
    (link,) = app.get("page_link")
    assert link.proto.page == "explore" and link.proto.label == f"Open {plain('1.png')} in Explore"
    monkeypatch.setattr(frame, "PAGES", (explore,))  # the bench follows no link
    app.run()
    assert not app.exception and not app.error
    assert plain("1.png, as the network saw it") in said(app)
    assert app.selectbox(key="network").value == "tiny/sk"
    assert plain("1.png") + ", from the batch" in said(app)
    sample = str(app.selectbox(key="picture").value)
    back = app.button(key="take_back")
    assert back.label == f"Back to {plain(sample)}"
    back.click().run()
    assert plain(f"{sample}, as the network saw it") in said(app) and "from the batch" not in said(app)


def test_a_sample_chosen_after_the_batch_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    app = bring(opened(), *files(1))
    app.button(key="open_0").click().run()
    monkeypatch.setattr(frame, "PAGES", (explore,))
    second = app.selectbox(key="picture").options[1]
    app.selectbox(key="picture").set_value(second).run()
    assert plain(f"{second}, as the network saw it") in said(app) and "from the batch" not in said(app)


def test_the_visitors_own_photograph_comes_back() -> None:
    app = opened()
    app.file_uploader(key="upload").set_value(("mine.png", files(1, 9)[0][1], "image/png")).run()
    bring(app, *files(1))
    app.button(key="open_0").click().run()
    back = app.button(key="take_back")
    assert back.label == f"Back to {plain('mine.png')}"
    back.click().run()
    assert "take_back" not in {button.key for button in app.button} and app.session_state["source"] == "upload"


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 3, "x"], (1, 3)), ([0, None], (0, None)), ({"0": 1, "1": 2}, (1, 2)), ([2, 0], None), ([-1], None), ([], None)],
)
def test_a_click_on_a_row_is_checked(values: object, expected: tuple[int, int | None] | None) -> None:
    chosen: list[tuple[int, int | None]] = []
    event = {"selection": {"points": [{"customdata": values}]}}
    chart._hand_over(event, lambda told: chart._choose_picture(told, 2, lambda *place: chosen.append(place)))
    assert chosen == ([] if expected is None else [expected])


def test_the_table_says_the_numbers() -> None:
    app = bring(opened(block="SE_3_1"), *files(3))
    app.toggle(key="batch_table").set_value(True).run()
    frame_ = app.dataframe[0].value
    assert list(frame_["picture"]) == ["0.png", "1.png", "2.png"]
    own = living("tiny/se").inspect(files(3)[1][1])
    record = next(each for each in own.gates if each.site.name == "SE_3_1")
    np.testing.assert_allclose(frame_.iloc[1, 2:].to_numpy(dtype=float), record.weights[0, 0], atol=1e-4)


def test_a_stopped_batch_shows_what_there_is_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    with monkeypatch.context() as stopped:
        stopped.setattr(session, "is_batch_stopped", lambda: True)
        bring(app, *files(2))
        assert "2 pictures of 2 not seen yet" in said(app) and not tiles(app)
    app.button(key="go_on").click().run()
    assert len(tiles(app)) == 2


def test_a_full_queue_is_told_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    app = bring(opened(), *files(2))

    def refuse(*_: object, **__: object) -> None:
        raise Busy(256)

    with monkeypatch.context() as full:
        full.setattr(Engine, "ask", refuse)
        app.selectbox(key="network").set_value("tiny/sk").run()
        assert "256" in app.error[0].value and not app.exception
    app.run()
    assert not app.error and len(tiles(app)) == 2


# ---- gathering


def jpeg(side: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def gathered(*given: tuple[str, bytes]) -> Gathering:
    return gather(given, pictures.read, lambda _: None)


def test_a_batch_holds_so_many_and_says_that_more_came() -> None:
    content = files(1)[0][1]
    archive = packed(*((f"{n}.png", content) for n in range(MOST + 5)))
    found = gathered(("a.png", content), ("many.zip", archive), ("z.png", content))
    assert len(found.pictures) == MOST and found.pictures[-1].title == f"{MOST - 2}.png"
    ((name, sentence),) = found.left_out
    assert name == f"{MOST - 1}.png" and str(MOST) in sentence


def test_small_files_are_kept_to_the_byte_and_large_ones_as_their_pixels() -> None:
    small, large = jpeg(200), jpeg(1300)
    assert len(small) < EXACT < len(large)
    found = gathered(("small.jpg", small), ("dir/large.jpg", large)).pictures
    assert [each.title for each in found] == ["small.jpg", "large.jpg"]
    assert found[0].data == small
    again = pictures.read(found[1].data).pixels
    assert again.shape == (1300, 1300, 3)
    assert np.abs(again.astype(int) - pictures.read(large).pixels).mean() < 4


def test_every_name_is_told_and_names_are_no_paths() -> None:
    told: list[str] = []
    content = files(1)[0][1]
    found = gather([("..\\..\\a.png", content), ("x/y/b.png", content), ("", content)], pictures.read, told.append)
    assert told == [each.title for each in found.pictures] == ["a.png", "b.png", "unnamed"]


# ---- asking


class Queue:
    """A stand-in for the engine: tickets settle when their turn is waited for."""

    def __init__(self, *, room: int = 256, outcomes: Callable[[int], object] = lambda n: n) -> None:
        self.room, self.outcomes = room, outcomes
        self.open: list[int] = []
        self.most = self.count = 0
        self.cancelled: list[int] = []

    def ask(self, _: np.ndarray) -> Queue.Ticket:
        if len(self.open) >= self.room:
            raise Busy(len(self.open))
        self.open.append(self.count)
        self.count += 1
        self.most = max(self.most, len(self.open))
        return self.Ticket(self, self.count - 1)

    class Ticket:
        def __init__(self, queue: Queue, number: int) -> None:
            self.queue, self.number = queue, number

        def result(self, check: Callable[[], None]) -> object:
            try:
                check()
            except BaseException:
                self.cancel()
                raise
            self.queue.open.remove(self.number)
            outcome = self.queue.outcomes(self.number)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        def cancel(self) -> None:
            self.queue.open.remove(self.number)
            self.queue.cancelled.append(self.number)


def many(count: int) -> Iterator[tuple[str, np.ndarray]]:
    return ((f"p{n}", np.zeros((2, 2, 3), np.uint8)) for n in range(count))


@pytest.mark.parametrize("count", [0, 1, IN_FLIGHT, 64])
def test_answers_come_in_order_and_a_few_at_a_time(count: int) -> None:
    queue = Queue()
    assert list(answers(many(count), queue.ask, lambda: None)) == [(f"p{n}", n) for n in range(count)]
    assert queue.most == min(count, IN_FLIGHT) <= 16 and not queue.open and not queue.cancelled


def test_who_stops_leaves_nothing_in_the_queue() -> None:
    queue = Queue()
    with closing(answers(many(64), queue.ask, lambda: None)) as settled:
        assert next(settled) == ("p0", 0)
    assert not queue.open and queue.count == IN_FLIGHT and len(queue.cancelled) == IN_FLIGHT - 1


def test_a_visitor_who_leaves_cancels_what_waits() -> None:
    class Left(BaseException):
        pass

    def leave() -> None:
        raise Left

    queue = Queue()
    with pytest.raises(Left):
        list(answers(many(64), queue.ask, leave))
    assert not queue.open and len(queue.cancelled) == queue.count == IN_FLIGHT


def test_a_full_queue_is_waited_for_with_what_is_in_it() -> None:
    queue = Queue(room=3)
    assert [place for _, place in answers(many(20), queue.ask, lambda: None)] == list(range(20))
    assert queue.most == 3
    with pytest.raises(Busy):
        list(answers(many(2), Queue(room=0).ask, lambda: None))


def test_a_picture_that_does_not_fit_into_memory_is_an_answer_and_a_bug_is_not() -> None:
    full = OutOfMemory("The device's memory is full.")
    queue = Queue(outcomes=lambda n: full if n == 1 else n)
    assert list(answers(many(3), queue.ask, lambda: None)) == [("p0", 0), ("p1", full), ("p2", 2)]
    broken = Queue(outcomes=lambda n: RuntimeError("size mismatch"))
    with pytest.raises(RuntimeError, match="size mismatch"):
        list(answers(many(12), broken.ask, lambda: None))
    assert not broken.open


def test_answers_are_kept_without_their_maps() -> None:
    one, other, third = (Brought(f"{n}.png", bytes([n])) for n in range(3))
    known = Answers("tiny/se")
    made = CASES["se"]
    known.take(one.digest, made)
    known.take(other.digest, OutOfMemory("The device's memory is full."))
    assert known.missing([one, other, third, third]) == [third]
    whole, answered = known.batch([one, other, third, one])
    assert answered == (one, one) and whole.titles == ("0.png", "0.png") and whole.sites == made.sites
    assert known.failed == {other.digest: "The device's memory is full."}
    for depth, record in enumerate(made.gates):
        assert np.array_equal(whole.pictures[0].weights[depth], record.weights[0])
        assert not np.shares_memory(whole.pictures[0].weights[depth], record.weights)


def test_the_page_of_samples_names_files_that_exist() -> None:
    assert all(Path(sample.file).is_file() for sample in state.samples())
