"""What is made of records for the page, figures above all: the same of the same records is made once, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from io import BytesIO
from pickle import Pickler
from typing import Any, TypeVar

import plotly.graph_objects as go
import streamlit as st

from sevis.analysis.profile import Row
from sevis.app import state
from sevis.figures import numbers
from sevis.figures.written import written
from sevis.records import Inspection

__all__ = ["Drawn", "drawn", "kept", "made"]

Made = TypeVar("Made")


class Drawn(go.Figure):  # type: ignore[misc]  # plotly has no types
    """A figure that is written once: Streamlit asks for its dictionary at every look, which takes plotly as long as the rest of the page.

    It is shared between visitors, so nobody gets at what it holds.

    Attributes:
        alt: its title, for who hears the page.
    """

    def __init__(self, figure: go.Figure) -> None:
        super().__init__(layout={"template": {}}, _validate=False)  # empty, and without Streamlit's own template
        self._drawn, self._written = figure, written(figure)
        self._alt = str(figure.layout.title.text or "figure").split("<br>")[0]

    @property
    def alt(self) -> str:
        return self._alt

    def to_dict(self) -> dict[str, Any]:
        """What plotly writes; the traces' own dictionaries are copied, because plotly takes marks off them."""
        kept: dict[str, Any] = self._written
        return kept | {"data": [dict(trace) for trace in kept["data"]]}

    def numbers(self) -> tuple[Row, ...]:
        """What it draws, as rows of a table."""
        return numbers(self._drawn)


def drawn(draw: Callable[..., go.Figure], *of: Any, **options: Any) -> Drawn:
    """A figure of records in the colours of the visitor's page."""
    asked = partial(draw, *of, **options, theme=state.theme())
    shown: Drawn = kept(_name(asked), lambda: Drawn(asked()))
    return shown


def made(make: Callable[..., Made], *of: Any) -> Made:
    """Whatever else is made of records and never changes, as text and bytes."""
    asked = partial(make, *of)
    answer: Made = kept(_name(asked), asked)
    return answer


@st.cache_resource(show_spinner=False, max_entries=512, ttl=3600)
def kept(name: str, _make: Callable[[], Any]) -> Any:
    """What goes under a name, made where nothing does."""
    return _make()


def _name(asked: partial[Any]) -> str:
    """Says what is made of what, and how; whatever differs in anything has another name."""
    written = BytesIO()
    _Naming(written).dump((asked.func, asked.args, asked.keywords))
    return blake2b(written.getbuffer(), digest_size=16).hexdigest()


class _Naming(Pickler):
    """Writes an inspection as its digest: its megabytes are read once."""

    def persistent_id(self, held: Any) -> str | None:
        return held.digest if isinstance(held, Inspection) else None
