"""Find the fault as a game: which network is next, what was guessed, and the score. Nothing here draws."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sevis.gallery import Patient

__all__ = ["Game", "Guess"]


@dataclass(frozen=True)
class Guess:
    """What a visitor took a network to have.

    Attributes:
        fault: of GALLERY; "" for none: the network is healthy.
        block: its name; "" for every block. Of a healthy network it does not matter.
    """

    fault: str
    block: str = ""

    def finds_fault(self, patient: Patient) -> bool:
        """Whether it is that fault, wherever it was taken to be."""
        return self.fault == patient.fault

    def finds_block(self, patient: Patient) -> bool:
        """Whether it is that block, or one thinks rightly that there is none."""
        return self.fault == patient.fault == "" or (bool(self.fault and patient.fault) and self.block == patient.block)

    def is_right(self, patient: Patient) -> bool:
        """Whether both are."""
        return self.finds_fault(patient) and self.finds_block(patient)


@dataclass(frozen=True)
class Game:
    """One visitor's game.

    Attributes:
        order: the patients, shuffled.
        place: of the one that is looked at.
        guess: on it; None as long as none was made.
        right, judged: how many were found, of how many guesses.
    """

    order: tuple[Patient, ...]
    place: int = 0
    guess: Guess | None = None
    right: int = 0
    judged: int = 0

    @classmethod
    def begin(cls, patients: Iterable[Patient]) -> Game:
        """A game with those patients, in an order of its own."""
        order = list(patients)
        random.shuffle(order)
        return cls(tuple(order))

    @property
    def patient(self) -> Patient:
        """The network that is looked at."""
        return self.order[self.place]

    def judge(self, guess: Guess) -> Game:
        """The game after a guess; the first on a network counts, and no other."""
        if self.guess is not None:
            return self
        return replace(self, guess=guess, right=self.right + guess.is_right(self.patient), judged=self.judged + 1)

    def following(self) -> Game:
        """The game with the next network; after the last comes the first again, in a new order."""
        if self.place + 1 < len(self.order):
            return replace(self, place=self.place + 1, guess=None)
        return replace(Game.begin(self.order), right=self.right, judged=self.judged)
