"""The networks that are kept in memory: a byte budget, least recently used out first, what is in use never out.

Nothing here locks, loads or waits: the engine owns the one instance and touches it only under its own lock.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar, final

__all__ = ["NetworksInMemory", "NoRoom"]

Network = TypeVar("Network")


class NoRoom(RuntimeError):
    """A network does not fit in the byte budget, alone or beside those in use."""


@dataclass
class _Kept(Generic[Network]):
    """One network, its size when it came, and how many hold it now."""

    network: Network
    nbytes: int
    users: int = 0


@final
class NetworksInMemory(Generic[Network]):
    """Networks by name whose bytes never sum to more than the budget."""

    def __init__(self, budget: int) -> None:
        if budget < 1:
            raise ValueError(f"budget is {budget} bytes; expected at least the bytes of one network's weights")
        self._budget = budget
        self._kept: OrderedDict[str, _Kept[Network]] = OrderedDict()  # least recently used first

    def __contains__(self, name: str) -> bool:
        return name in self._kept

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the networks, least recently used first."""
        return tuple(self._kept)

    @property
    def nbytes(self) -> int:
        """The bytes that all of them take."""
        return sum(kept.nbytes for kept in self._kept.values())

    def keep(self, name: str, network: Network, nbytes: int) -> None:
        """Take a network in, and let the least recently used go until it fits; NoRoom, and nothing goes, where it cannot."""
        self._check_room(name, nbytes)
        for unused in self._unused():
            if self.nbytes + nbytes <= self._budget:
                break
            del self._kept[unused]
        self._kept[name] = _Kept(network, nbytes)

    def lend(self, name: str) -> Network:
        """The network, which stays until it is given back as often as it was lent."""
        self._kept.move_to_end(name)
        kept = self._kept[name]
        kept.users += 1
        return kept.network

    def take_back(self, name: str) -> None:
        """End one loan."""
        self._kept[name].users -= 1

    def drop_unused(self) -> int:
        """Let every network go that nobody holds; how many went."""
        unused = self._unused()
        for name in unused:
            del self._kept[name]
        return len(unused)

    def _unused(self) -> list[str]:
        return [name for name, kept in self._kept.items() if not kept.users]

    def _check_room(self, name: str, nbytes: int) -> None:
        if nbytes > self._budget:
            way_out = "choose a smaller network, or start the engine with a larger budget"
            raise NoRoom(f"network {name!r} takes {_size(nbytes)}, more than the whole budget of {_size(self._budget)}; {way_out}")
        in_use = sum(kept.nbytes for kept in self._kept.values() if kept.users)
        if in_use + nbytes > self._budget:
            problem = f"networks in use take {_size(in_use)} of the budget of {_size(self._budget)}"
            raise NoRoom(f"network {name!r} takes {_size(nbytes)}, but {problem}; try again when they are given back")


def _size(nbytes: int) -> str:
    """The bytes as a reader likes them: "1,234.5 MB", or "300 bytes" where there are few."""
    return f"{nbytes / 1e6:,.1f} MB" if nbytes >= 100_000 else f"{nbytes:,} bytes"
