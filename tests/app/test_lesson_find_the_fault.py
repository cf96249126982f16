"""Find the fault: the game by itself, its words, and its page with networks of the gallery."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sevis.app import frame, game, state
from sevis.app.faults import FAULTS, NONE
from sevis.app.game import Game, Guess
from sevis.app.lessons import find_the_fault
from sevis.app.looking import VIEWS
from sevis.figures import spread_by_block
from sevis.gallery import PATIENTS, Patient
from sevis.loading import load
from sevis.nets.gallery import GALLERY
from sevis.sentences import spread_by_block_sentence
from tests.app.test_explore import figures, opened, page, said
from tests.made_up import CASES
from tests.made_up_gates import statistics_of

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship

BY_FAULT = {each.fault: each for each in PATIENTS}
HEALTHY = BY_FAULT[""]
ORDER = (BY_FAULT["bottleneck of no units"], BY_FAULT["saturated closed"])


# ---- words


def test_every_fault_has_its_words_and_none_are_ambiguous() -> None:
    assert set(FAULTS) == set(GALLERY) == set(BY_FAULT) - {""}
    for kind, prefix in (("channel", "SE"), ("branch", "SK")):
        named = {name: words.called for name, words in FAULTS.items() if words.kind == kind}
        assert len(set(named.values())) == len(named) and NONE.called not in named.values()
        assert all(GALLERY[name].block[:2] in ("", prefix) for name in named)


@pytest.mark.parametrize("fault", FAULTS)
def test_words_are_sentences_and_a_hint_does_not_tell(fault: str) -> None:
    words = FAULTS[fault]
    assert words.does.endswith(".") and words.hint.endswith((".", "?"))
    assert words.called.partition(":")[0].lower() not in words.hint.lower()
    assert GALLERY[fault].block not in words.hint or not GALLERY[fault].block
    assert len(words.called) <= 54  # what the closed choice has room for


# ---- the game


JUDGED: dict[str, tuple[Guess, Patient, bool]] = {
    "fault and block": (Guess("low rank", "SE_4_2"), BY_FAULT["low rank"], True),
    "the wrong block": (Guess("low rank", "SE_4_1"), BY_FAULT["low rank"], False),
    "the wrong fault": (Guess("stuck at 0.5", "SE_4_2"), BY_FAULT["low rank"], False),
    "every block": (Guess("untrained"), BY_FAULT["untrained"], True),
    "one of every block": (Guess("untrained", "SE_2_1"), BY_FAULT["untrained"], False),
    "health": (Guess(""), HEALTHY, True),
    "health, and a block all the same": (Guess("", "SE_2_1"), HEALTHY, True),
    "a fault where there is none": (Guess("untrained"), HEALTHY, False),
    "health where there is none": (Guess(""), BY_FAULT["untrained"], False),
}


@pytest.mark.parametrize("case", JUDGED)
def test_a_fault_is_found_with_its_block(case: str) -> None:
    guess, patient, right = JUDGED[case]
    played = Game((patient,)).judge(guess)
    assert guess.is_right(patient) == right and (played.right, played.judged) == (int(right), 1)
    assert played.judge(Guess(patient.fault, patient.block)) == played  # the first guess counts


def test_a_game_goes_through_all_networks_and_begins_anew() -> None:
    played, met = Game.begin(PATIENTS), []
    for _ in PATIENTS:
        met.append(played.patient)
        played = played.judge(Guess("")).following()
    assert set(met) == set(PATIENTS) and played.judged == len(PATIENTS)
    assert played.right == sum(not each.fault for each in PATIENTS) > 1
    assert played.place == 0 and set(played.order) == set(PATIENTS) and played.guess is None


# ---- the page


@pytest.fixture(autouse=True)
def alone(page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "PAGES", (find_the_fault,))
    monkeypatch.setattr(frame, "LESSONS", ())


@pytest.fixture
def begun(alone: None, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """A game with two networks, in that order."""
    monkeypatch.setattr(state, "load", load)
    monkeypatch.setattr(state, "available", lambda: (ORDER[0].made_from,))
    monkeypatch.setattr(find_the_fault, "PATIENTS", ORDER)
    monkeypatch.setattr(game.random, "shuffle", lambda order: order.sort(key=ORDER.index))
    app = opened()
    assert not app.exception and not app.error
    return app


def judge(app: AppTest, fault: str, block: str) -> None:
    place = app.session_state["game"].judged
    app.selectbox(key=f"game_fault_{place}").set_value(fault).run()
    app.selectbox(key=f"game_block_{place}").set_value(block).run()
    app.button(key="game_judge").click().run()
    assert not app.exception and not app.error


def test_a_network_is_looked_at_judged_and_told(begun: AppTest) -> None:
    app = begun
    before = said(app) + "".join(figures(app))
    assert "Weights of every block" in before and "Empty bottleneck" not in before and "faulty" not in before
    for view in list(VIEWS)[1:]:
        app.segmented_control(key="game_view").set_value(view).run()
        assert not app.exception and not app.error
    (table,) = app.dataframe
    assert list(table.value["block"]) == ["SE_2_1", "SE_2_2", "SE_3_1", "SE_3_2", "SE_4_1", "SE_4_2"]
    app.toggle(key="game_hint_0").set_value(True).run()
    assert "Count the units of the bottleneck" in said(app)
    judge(app, "bottleneck of no units", find_the_fault.EVERY)
    assert "That is right." in app.success[0].value and "Found: **1 of 1**" in said(app)
    assert "12 // 16 is 0" in said(app).replace("\\", "") and "no units" in said(app)
    app.button(key="game_next").click().run()
    assert "Network 2 of 2" in said(app)
    judge(app, "saturated closed", "SE_4_1")
    assert "The fault is right, but not in SE_4_1" in app.warning[0].value.replace("\\", "") and "Found: **1 of 2**" in said(app)
    assert "measured 1, threshold 0.50" in said(app).replace("\\", "")


def test_without_the_shipped_networks_there_is_no_game() -> None:
    app = opened()
    assert not app.exception and not figures(app)
    assert any("not on this server" in each.value for each in app.info)


def test_the_bars_are_the_mean_spreads_of_the_blocks() -> None:
    made = statistics_of(CASES["se"])
    (bars,) = spread_by_block(made).data
    np.testing.assert_allclose(bars.y, [each.overall.spread.mean() for each in made])
    most = made[int(np.argmax(bars.y))].site.name
    assert spread_by_block_sentence(made).startswith(f"The weights of {most} (")
