"""Every query answers what NumPy finds in the rows, of a finished run and of one that goes on, and refuses in one sentence."""

from __future__ import annotations

import csv
import io
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from sevis.cli_query import query
from sevis.ledger import Ledger, write_meta
from sevis.queries import QUERIES
from sevis.runs import Run, RunError, open_run
from tests.test_runs import SITES, meta, records, written

Rows = list[tuple[Any, ...]]
SE, SK = SITES[0].name, SITES[1].name
MANY = (9, 1, 6)  # pictures of three batches, the first of each unreadable


@pytest.fixture(scope="module", params=["finished", "going on"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = written(tmp_path_factory.mktemp("run") / "run [*]", MANY[:2])
    ledger = Ledger(folder, SITES, meta())
    read = records(5, 2)
    rows = [{"path": f"{n}.jpg", "label": "ant", "target": 0, "read": n > 0, "why": None if n else "It is empty."} for n in range(6)]
    ledger.add([row | {"predicted": "cat" if n else None, "probability": 0.9} for n, row in enumerate(rows)], (), read)
    ledger.commit()
    if request.param == "finished":
        ledger.close()
    opened = open_run(folder)
    assert opened.done == sum(MANY) and bool(list((folder / "parts").iterdir())) == (request.param == "going on")
    return opened


def weights(run: Run, gate: str) -> np.ndarray:
    return run.weights(gate).astype(float)  # (N, M, C)


def column(run: Run, name: str) -> np.ndarray:
    """Of the pictures that were read."""
    return run.pictures[name][run.pictures["read"]]


def channels(run: Run) -> Rows:
    values = weights(run, SK)
    return [
        (branch, c, len(values), *(f(values[:, m, c]) for f in (np.mean, np.std, np.min, np.max)))
        for m, branch in enumerate(SITES[1].branches)
        for c in range(SITES[1].channels)
    ]


def extreme(sign: int) -> Callable[[Run], Rows]:
    def rows(run: Run) -> Rows:
        values = weights(run, SK)[:, 1, 0]
        best = np.argsort(sign * values, kind="stable")[:4]
        return [(column(run, "path")[n], column(run, "label")[n], column(run, "predicted")[n], values[n]) for n in best]

    return rows


def by_label(run: Run) -> dict[str | None, np.ndarray]:
    labels = column(run, "label")
    return {name: np.array([label == name for label in labels]) for name in dict.fromkeys(labels)}


def classes(run: Run) -> Rows:
    values = weights(run, SE)[:, 0, 2]
    return sorted(
        ((name, mine.sum(), values[mine].mean(), values[mine].std()) for name, mine in by_label(run).items()), key=lambda r: -r[2]
    )


def closed(run: Run) -> Rows:
    values = weights(run, SE)
    return sorted(((name, mine.sum(), (values[mine] < 0.4).mean()) for name, mine in by_label(run).items()), key=lambda r: -r[2])


def unreadable(run: Run) -> Rows:
    bad = ~run.pictures["read"]
    paths, whys = run.pictures["path"][bad], run.pictures["why"][bad]
    return [(why, n, min(paths[whys == why])) for why, n in sorted(Counter(whys).items(), key=lambda pair: (-pair[1], pair[0]))]


def known(run: Run) -> list[tuple[str, bool]]:
    rows = zip(column(run, "label"), column(run, "target"), column(run, "predicted"), strict=True)
    return [(label, run.meta["network_classes"][target] == predicted) for label, target, predicted in rows if target >= 0]


def accuracy(run: Run) -> Rows:
    right = [ok for _, ok in known(run)]
    return [("ant", len(right), np.mean(right))]


def mistakes(run: Run) -> Rows:
    return [("ant", "cat", sum(not ok for _, ok in known(run)), 0.9)]


EXPECTED: dict[str, tuple[dict[str, Any], Callable[[Run], Rows]]] = {
    "channels": ({"gate": SK}, channels),
    "most": ({"gate": SK, "channel": 0, "branch": "5x5", "count": 4}, extreme(-1)),
    "least": ({"gate": SK, "channel": 0, "branch": "5x5", "count": 4}, extreme(1)),
    "classes": ({"gate": SE, "channel": 2}, classes),
    "closed": ({"gate": SE, "below": 0.4}, closed),
    "unreadable": ({}, unreadable),
    "accuracy": ({}, accuracy),
    "mistakes": ({"count": 3}, mistakes),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_answers_what_numpy_finds(name: str, run: Run) -> None:
    parameters, expected = EXPECTED[name]
    answer, rows = run.query(name, **parameters), expected(run)
    assert answer.num_rows == len(rows) > 0
    for values, name in zip(zip(*rows, strict=True), answer.column_names, strict=True):
        found = answer.column(name).to_pylist()
        if isinstance(found[0], float):
            np.testing.assert_allclose(found, values, rtol=1e-6, err_msg=name)
        else:
            assert found == list(values), name


def test_every_sentence_of_a_query_says_what_its_rows_are() -> None:
    assert all(
        each.says.endswith(".") and set(each.asks) >= {key for key in ("count", "below") if f"${key}" in each.sql}
        for each in QUERIES.values()
    )


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no query": ("drop", {}, "unknown query 'drop'; choose from channels"),
    "no gate named": ("channels", {}, "needs a gate"),
    "no channel named": ("most", {"gate": SE}, "needs a channel"),
    "no such gate": ("channels", {"gate": 'SE" FROM x'}, "has no gate 'SE\" FROM x'; choose from"),
    "no such channel": ("most", {"gate": SE, "channel": 3}, "has no channel 3; choose from 0 to 2"),
    "a channel below none": ("most", {"gate": SE, "channel": -1}, "has no channel -1"),
    "no such branch": ("most", {"gate": SK, "channel": 0, "branch": "7x7"}, "has no branch '7x7'; choose from 3x3, 5x5"),
    "too much": ("unreadable", {"gate": SE}, "takes no gate; it takes nothing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_asked_is_one_sentence(case: str, run: Run) -> None:
    name, parameters, sentence = REFUSED[case]
    with pytest.raises(ValueError) as caught:
        run.query(name, **parameters)
    assert sentence in str(caught.value)


def test_a_run_without_gates_answers_what_it_can(tmp_path: Path) -> None:
    write_meta(tmp_path, meta(gates=False))
    ledger = Ledger(tmp_path, (), meta(gates=False))
    ledger.add([{"path": "a", "label": None, "target": -1, "read": False, "why": "No.", "predicted": None, "probability": None}], (), ())
    ledger.close()
    run = open_run(tmp_path)
    assert run.query("unreadable").to_pylist() == [{"why": "No.", "pictures": 1, "example": "a"}]
    assert run.query("accuracy").num_rows == 0
    with pytest.raises(RunError, match=r"scan again with gates \(--gates\)"):
        run.query("channels", gate=SE)


def test_files_that_go_meanwhile_are_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(written(tmp_path / "run"))
    monkeypatch.setattr("sevis.queries.tables_of", lambda *arguments: [tmp_path / "gone.parquet"])
    with pytest.raises(RunError, match="ask again"):
        run.query("channels", gate=SE)


def test_nothing_is_written_or_fetched(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    before = sorted((path, path.stat().st_mtime_ns) for path in run.folder.rglob("*"))
    run.query("channels", gate=SE)
    assert sorted((path, path.stat().st_mtime_ns) for path in run.folder.rglob("*")) == before


# --- the command line

app = typer.Typer()
app.command()(query)


def command(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def test_the_command_answers_in_a_table_and_in_csv(run: Run) -> None:
    code, told = command(run.folder, "most", "--gate", SK, "--channel", 0, "--branch", "5x5", "--count", 2)
    assert code == 0 and "weight" in told and extreme(-1)(run)[0][0] in told
    code, told = command(run.folder, "channels", "--gate", SE, "--csv")
    rows = list(csv.DictReader(io.StringIO(told)))
    np.testing.assert_allclose([float(row["mean"]) for row in rows], weights(run, SE).mean(axis=(0, 1)), rtol=1e-9)


def test_the_command_lists_its_queries_and_refuses(run: Run, tmp_path: Path) -> None:
    code, told = command(run.folder)
    assert code == 0 and all(name in told for name in QUERIES)
    code, told = command(run.folder, "channels", "--gate", "SE_9_9")
    assert code == 2 and "has no gate 'SE_9_9'" in told and "Traceback" not in told
    code, told = command(tmp_path, "channels")
    assert code == 2 and "There is no run in" in told
