"""Questions to the rows of a run, by name and with bound parameters; nobody's SQL but the one that stands here is run.

    run.query("channels", gate="SE_3_1").to_pandas()
    run.query("most", gate="SE_3_1", channel=7, count=20)

DuckDB reads the Parquet files of the run, also of one that goes on, in memory of its own: nothing is written or fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from glob import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from sevis.records import GateSite
from sevis.runs import Run, RunError, tables_of
from sevis.tables import COLUMNS, GATES

if TYPE_CHECKING:
    import duckdb

__all__ = ["DEFAULTS", "QUERIES", "Query", "ask"]

DEFAULTS = {"gate": None, "channel": None, "branch": "", "count": 10, "below": 0.1}  # None: it has to be said
# An extension of DuckDB's would be fetched from the network; all that is used here is built in.
ALONE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


@dataclass(frozen=True)
class Query:
    """One question.

    Attributes:
        says: what its rows are, in a sentence.
        asks: of DEFAULTS, those that it takes.
        sql: {gate} stands for the gate's column of the table `gates`; every other value is bound to its $name.
    """

    says: str
    asks: tuple[str, ...]
    sql: str


def _extreme(word: str, order: str) -> Query:
    return Query(
        f"The pictures that open a channel {word}.",
        ("gate", "channel", "branch", "count"),
        f"""SELECT path, label, predicted, weight
            FROM (SELECT picture, {{gate}}[$place] AS weight FROM gates) JOIN pictures USING (picture)
            WHERE isfinite(weight) ORDER BY weight {order}, picture LIMIT $count""",
    )


QUERIES = {
    "channels": Query(
        "Every channel of a gate: the mean, standard deviation, least and greatest of its weight over the pictures.",
        ("gate",),
        """SELECT $branches[(place // $channels) + 1] AS branch, place % $channels AS channel, count(*) AS pictures,
                  avg(weight) AS mean, stddev_pop(weight) AS std, min(weight) AS least, max(weight) AS greatest
           FROM (SELECT unnest({gate}) AS weight, generate_subscripts({gate}, 1) - 1 AS place FROM gates)
           WHERE isfinite(weight) GROUP BY place ORDER BY place""",
    ),
    "most": _extreme("most", "DESC"),
    "least": _extreme("least", "ASC"),
    "classes": Query(
        "A channel's weight by class: its mean and standard deviation, the greatest mean first.",
        ("gate", "channel", "branch"),
        """SELECT label, count(*) AS pictures, avg(weight) AS mean, stddev_pop(weight) AS std
           FROM (SELECT picture, {gate}[$place] AS weight FROM gates) JOIN pictures USING (picture)
           WHERE isfinite(weight) GROUP BY label ORDER BY mean DESC, label""",
    ),
    "closed": Query(
        "The share of a gate's weights that are below a value, by class.",
        ("gate", "below"),
        """SELECT label, count(DISTINCT picture) AS pictures, avg((weight < $below)::DOUBLE) AS closed
           FROM (SELECT picture, unnest({gate}) AS weight FROM gates) JOIN pictures USING (picture)
           WHERE isfinite(weight) GROUP BY label ORDER BY closed DESC, label""",
    ),
    "unreadable": Query(
        "Why pictures could not be read, how many for each reason, and one of them.",
        (),
        """SELECT why, count(*) AS pictures, min(path) AS example
           FROM pictures WHERE NOT read GROUP BY why ORDER BY pictures DESC, why""",
    ),
    "accuracy": Query(
        "How often the network is right, by class, the worst first; of classes that it knows.",
        (),
        """SELECT label, count(*) AS pictures, avg(coalesce(predicted = $names[target + 1], false)::DOUBLE) AS top1
           FROM pictures WHERE read AND target >= 0 GROUP BY label ORDER BY top1, label""",
    ),
    "mistakes": Query(
        "What pictures of one class are most often taken for.",
        ("count",),
        """SELECT label, predicted, count(*) AS pictures, max(probability) AS surest
           FROM pictures WHERE read AND target >= 0 AND predicted <> $names[target + 1]
           GROUP BY label, predicted ORDER BY pictures DESC, label, predicted LIMIT $count""",
    ),
}


def ask(run: Run, name: str, **parameters: Any) -> Any:
    """The answer to one of QUERIES as an Arrow table.

    Args:
        parameters: of DEFAULTS, those that the query asks for: `gate` by name, `channel` by number from 0, `branch` by name (the
            first where it is left out), `count` of rows, `below` which weight.

    Raises:
        ValueError: there is no such query, gate, channel or branch, or the query takes no such parameter.
        RunError: the run holds no gates of single pictures, or its files were replaced meanwhile.
    """
    import duckdb

    given = _complete(name, parameters)
    try:
        with duckdb.connect(config={**ALONE}) as database:
            return _answered(database, run, QUERIES[name], given)
    except duckdb.IOException as error:
        raise RunError(f"The files of {run.folder} were replaced by a scan that goes on; ask again.") from error


def _answered(database: duckdb.DuckDBPyConnection, run: Run, query: Query, given: dict[str, Any]) -> Any:
    values, sql = {"names": list(run.meta["network_classes"]), **given}, query.sql
    database.register("pictures", _pictures(run))
    if "gate" in query.asks:
        site = _site(run, given["gate"])
        values |= {"branches": list(site.branches), "channels": site.channels, "place": _place(site, given)}
        sql = sql.replace("{gate}", '"' + site.name.replace('"', '""') + '"')
        files = [escape(str(path)) for path in tables_of(run.folder, GATES, run.done)]  # what DuckDB opens is a pattern
        database.read_parquet(files).filter(f"picture < {run.done}").create_view("gates")
    return database.sql(sql, params={key: value for key, value in values.items() if f"${key}" in sql}).to_arrow_table()


def _complete(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """All that the query asks for."""
    if name not in QUERIES:
        raise ValueError(f"unknown query {name!r}; choose from {', '.join(QUERIES)}")
    asks = QUERIES[name].asks
    if extra := [key for key in parameters if key not in asks]:
        raise ValueError(f"the query {name} takes no {extra[0]}; it takes {', '.join(asks) or 'nothing'}")
    given = {key: DEFAULTS[key] for key in asks} | parameters
    if missing := [key for key, value in given.items() if value is None]:
        raise ValueError(f"the query {name} needs a {missing[0]}")
    return given


def _site(run: Run, gate: str) -> GateSite:
    sites = {each.site.name: each.site for each in run.statistics}
    if not run.meta["gates"]:
        raise RunError(f"{run.folder} holds no weights of single pictures; scan again with gates (--gates).")
    if gate not in sites:
        raise ValueError(f"{run.folder} has no gate {gate!r}; choose from {', '.join(sites) or 'none: no picture was read'}")
    return sites[gate]


def _place(site: GateSite, given: dict[str, Any]) -> int:
    """Of a channel in the row of a picture, counted from 1 as DuckDB does."""
    branch: str = given.get("branch") or site.branches[0]
    channel: int = given.get("channel", 0)
    if branch not in site.branches:
        raise ValueError(f"{site.name} has no branch {branch!r}; choose from {', '.join(site.branches)}")
    if not 0 <= channel < site.channels:
        raise ValueError(f"{site.name} has no channel {channel}; choose from 0 to {site.channels - 1}")
    return site.branches.index(branch) * site.channels + channel + 1


def _pictures(run: Run) -> Any:
    """The rows of all pictures with their numbers, which the table of gates refers to."""
    import pyarrow  # type: ignore[import-untyped]

    columns = {name: pyarrow.array(run.pictures[name], pyarrow.type_for_alias(kind), from_pandas=True) for name, kind in COLUMNS.items()}
    return pyarrow.table({"picture": np.arange(run.done)} | columns)
