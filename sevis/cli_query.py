"""`sevis query`: questions to the rows of a run, from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sevis.cli_errors import told
from sevis.cli_options import AsJson, print_json

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["query"]


@told()
def query(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as `sevis scan` makes it; also of one that goes on.")],
    name: Annotated[str | None, typer.Argument(help="The question; without one, all that there are.")] = None,
    gate: Annotated[str | None, typer.Option(help="As in SE_3_1.")] = None,
    channel: Annotated[int | None, typer.Option(help="Number of a channel, from 0.")] = None,
    branch: Annotated[str | None, typer.Option(help="As in 5x5; by default the first.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="How many rows; by default 10.")] = None,
    below: Annotated[float | None, typer.Option(help="What counts as closed; by default 0.1.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="As CSV, with every digit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the rows of a scan: which pictures open a channel most, what could not be read, how a gate answers to classes.

    Gates are asked of runs that were scanned with --gates. Exit code 0: answered, 2: it could not be.

    Example: sevis query RUN most --gate SE_3_1 --channel 7
    """
    from sevis.runs import open_run

    given = {"gate": gate, "channel": channel, "branch": branch, "count": count, "below": below}
    opened = open_run(run)
    if name is None:
        return print_json(_questions()) if as_json else _print(_table_of_questions())
    answer = opened.query(name, **{key: value for key, value in given.items() if value is not None})
    if as_json:
        return print_json(answer.to_pylist())
    return _write_csv(answer) if csv else _print(_table(answer))


def _print(table: Table) -> None:
    from rich.console import Console

    Console().print(table)


def _questions() -> list[dict[str, Any]]:
    """All queries, with what they take: an option that has a default need not be given."""
    from sevis.queries import DEFAULTS, QUERIES

    return [{"query": name, "takes": {key: DEFAULTS[key] for key in each.asks}, "answers": each.says} for name, each in QUERIES.items()]


def _table_of_questions() -> Table:
    from rich import box
    from rich.table import Table

    table = Table("query", "takes", "answers", box=box.SIMPLE_HEAD)
    for each in _questions():
        takes = " ".join(f"--{key}" if usual is None else f"[--{key}]" for key, usual in each["takes"].items())
        table.add_row(each["query"], takes, each["answers"])
    return table


def _table(answer: Any) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for field in answer.schema:
        table.add_column(field.name, justify="left" if str(field.type) == "string" else "right", overflow="fold")
    for row in answer.to_pylist():
        table.add_row(*(Text(_shown(value)) for value in row.values()))
    return table


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _write_csv(answer: Any) -> None:
    from pyarrow import csv  # type: ignore[import-untyped]

    sys.stdout.flush()
    csv.write_csv(answer, sys.stdout.buffer)
