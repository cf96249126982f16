"""Find the fault: networks of the doctor's gallery, one after another, to be looked at, judged and understood."""

from __future__ import annotations

import streamlit as st

from sevis.app import session, state
from sevis.app.evidence import evidence
from sevis.app.faults import FAULTS, NONE, Words
from sevis.app.game import Game, Guess
from sevis.app.lesson import lesson
from sevis.app.looking import VIEWS
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.gallery import PATIENTS, Patient
from sevis.records import GateSite
from sevis.sentences import doctor_sentence

TITLE = "Find the fault"
ICON = ":material/troubleshoot:"

EVERY = "every block"


def render(choice: Choice) -> None:
    """The page: a game."""
    st.subheader("Find the fault", anchor=False)
    lesson("find_the_fault", {"game": lambda: _begin(choice)})


def _begin(choice: Choice) -> None:
    """The game with the networks that can be made here, or why there is none."""
    here = state.networks()
    patients = tuple(each for each in PATIENTS if each.made_from in here)
    if patients:
        _game(choice, patients)
    else:
        st.info(
            "The networks of this game are made from those that ship with sevis, which are not on this server.", icon=":material/school:"
        )


@st.fragment
def _game(choice: Choice, patients: tuple[Patient, ...]) -> None:
    """One round: what there is to see, then the guess or, in its place, the verdict with its evidence."""
    game = session.game(lambda: Game.begin(patients))
    try:
        with st.container(border=True):
            _score(game)
            sites = _look(choice, game.patient.name)
            if game.guess is None:
                _guess(game, sites)
            else:
                _tell(game.guess, game.patient)
        if game.guess is not None:
            _show(game.patient)
    except state.EXPECTED as error:
        st.error(plain(str(error)))


def _score(game: Game) -> None:
    """Which network this is, and how many were found."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.markdown(f"##### Network {game.place + 1} of {len(game.order)}")
    if game.judged:
        right.markdown(f"Found: **{game.right} of {game.judged}**", text_alignment="right")


def _look(choice: Choice, name: str) -> tuple[GateSite, ...]:
    """One view at a time, also when one knows the answer; gives the network's gates."""
    view = st.segmented_control("Look at", list(VIEWS), default=next(iter(VIEWS)), required=True, key="game_view")
    with st.spinner("Showing the pictures to this network; the first time that takes a few seconds ..."):
        statistics = state.statistics(name)
        VIEWS[view or next(iter(VIEWS))](choice, name)
    return tuple(each.site for each in statistics)


# ---- the guess


def _guess(game: Game, sites: tuple[GateSite, ...]) -> None:
    """Which fault in which block; and a hint for who asks."""
    faults, blocks = _offered(sites), [EVERY, *(site.name for site in sites)]
    left, middle, right = st.columns([5, 2, 2], vertical_alignment="bottom")
    fault = left.selectbox(
        "What is wrong with it?",
        list(faults),
        index=None,
        placeholder="choose a fault, or none",
        format_func=lambda each: faults[each].called,
        key=f"game_fault_{game.judged}",
    )
    block = middle.selectbox("Where?", blocks, index=None, placeholder="choose", key=f"game_block_{game.judged}", disabled=not fault)
    guess = None if fault is None or (fault and block is None) else Guess(fault, "" if block in (EVERY, None) else block)
    right.button("Judge", type="primary", key="game_judge", disabled=guess is None, on_click=_judge, args=(guess,), width="stretch")
    if st.toggle("Give me a hint", key=f"game_hint_{game.judged}"):
        say(_words(game.patient.fault).hint)


def _offered(sites: tuple[GateSite, ...]) -> dict[str, Words]:
    """What may be wrong with gates of that kind; "" for nothing."""
    return {"": NONE, **{name: words for name, words in FAULTS.items() if words.kind == sites[0].kind}}


def _judge(guess: Guess) -> None:
    session.play(session.game(lambda: Game.begin(PATIENTS)).judge(guess))


def _next() -> None:
    session.play(session.game(lambda: Game.begin(PATIENTS)).following())


# ---- the verdict


def _tell(guess: Guess, patient: Patient) -> None:
    """Whether the guess was right, what it is, and what that does."""
    if guess.is_right(patient):
        st.success("That is right.", icon=":material/check_circle:")
    else:
        st.warning(plain(_nearly(guess, patient)), icon=":material/search:")
    words = _words(patient.fault)
    where = f", in {patient.block or EVERY}" if patient.fault else ""
    st.markdown(f"**{plain(words.called)}{plain(where)}.** {plain(words.does)}")
    st.button("Next network", type="primary", icon=":material/arrow_forward:", key="game_next", on_click=_next)


def _nearly(guess: Guess, patient: Patient) -> str:
    """What was right in a guess that was not."""
    if guess.finds_fault(patient):
        return f"The fault is right, but not in {guess.block or EVERY}."
    said = f"“{_words(guess.fault).called.partition(':')[0]}”"
    if guess.finds_block(patient):
        return f"The block is right, but the fault is another one than {said}."
    return f"Not quite: you said {said} in {guess.block or EVERY}." if guess.fault else f"Not quite: you said {said}."


def _words(fault: str) -> Words:
    return FAULTS.get(fault, NONE)


def _show(patient: Patient) -> None:
    """The doctor's verdict, and its evidence in the first block that has an alarm, or in the first of all."""
    with st.spinner("The doctor ablates every gate; the first time that takes a few seconds ..."):
        case = state.case(patient.name)
    depth = next((depth for depth, each in enumerate(case.diagnoses) if each.alarms), 0)
    st.markdown("##### What the doctor says")
    say(doctor_sentence(case.diagnoses, case.statistics[0].pictures, case.ablated))
    evidence(case.statistics[depth], case.diagnoses[depth], case.ablated[depth])
