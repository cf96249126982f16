"""The doctor's thresholds: one TOML file, of which a user's own overrides single values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["OURS", "Thresholds", "load_thresholds"]

OURS = Path(__file__).with_name("thresholds.toml")
Thresholds = Mapping[str, float]  # "M1.constant": 0.01


def load_thresholds(path: str | Path | None = None) -> Thresholds:
    """The thresholds by "table.key": ours, with what a user's file says in their place.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no TOML, names a threshold that does not exist, or gives one that is no number.
    """
    ours = _read(OURS)
    if path is None:
        return ours
    own = _read(Path(path))
    for name, value in own.items():
        if name not in ours:
            raise ValueError(f"{path}: there is no threshold {name!r}; choose from {', '.join(ours)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{path}: {name} is {value!r}, expected a number")
    return {**ours, **own}


def _read(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML ({error}); expected tables like [M1] with lines like constant = 0.01") from error
    return {f"{table}.{key}": value for table, values in tables.items() for key, value in _keys(path, table, values)}


def _keys(path: Path, table: str, values: Any) -> list[tuple[str, Any]]:
    if not isinstance(values, dict):
        raise ValueError(f"{path}: {table} = {values!r} stands outside a table; expected [M1] and below it constant = 0.01")
    return list(values.items())
