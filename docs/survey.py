"""Writes survey.md: every classifier of torchvision and every network of timm under 60 million parameters, with random weights.

    python -m docs.survey [NAME ...]

Without names it surveys all and goes on where an interrupted run stopped; with names it prints their rows alone.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import timm
import torch
import torchvision

from tests import survey
from tests.survey import ADDITIVE, ALIKE, Row

ROOT = Path(__file__).parents[1]
LARGEST = 60_000_000


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # random networks fall into denormal numbers, ten times slower on a CPU
    warnings.simplefilter("ignore")
    if names:
        for name in names:
            print(survey.row_of(name))
        return
    rows = list(surveyed(all_names()))
    (ROOT / "docs" / "survey.md").write_text(page(rows), encoding="utf-8")
    wrong = [row.name for row in rows if row.missed or row.invented]
    print(f"{len(rows)} networks; gates missed or invented in {len(wrong)}: {', '.join(wrong) or 'none'}")
    sys.exit(bool(wrong))


def all_names() -> list[str]:
    """Every classifier of torchvision, then every network of timm."""
    theirs = torchvision.models.list_models(module=torchvision.models)
    return [*(f"torchvision/{name}" for name in theirs), *(f"timm/{name}" for name in timm.list_models())]


def surveyed(names: Iterable[str]) -> Iterator[Row]:
    """One row a name; those that an earlier run of the same code left are read back."""
    kept = Path(tempfile.gettempdir()) / f"sevis-survey-{fingerprint()}.jsonl"
    known = {row.name: row for row in map(read, kept.read_text().splitlines())} if kept.exists() else {}
    with kept.open("a") as file:
        for number, name in enumerate(names, 1):
            if name not in known:
                torch.manual_seed(0)
                known[name] = row_of(name)
                file.write(json.dumps(asdict(known[name])) + "\n")
                file.flush()
                gc.collect()
                print(f"\r{number:5d}  {name:60s}", end="", flush=True)
            yield known[name]
    print()


def read(line: str) -> Row:
    return Row(**{name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(line).items()})


def row_of(name: str) -> Row:
    """The network's row; one of timm's that is too large is not built."""
    if name.startswith("timm/"):
        parameters = survey.parameters_of(name)
        if parameters >= LARGEST:
            return Row(name, parameters, error="too large")
    return survey.row_of(name)


def fingerprint() -> str:
    """What the rows depend on."""
    finding = ("gates", "lineage", "operations", "proofs", "sites", "tracer")
    sources = [*(ROOT / "sevis" / "capture" / f"{name}.py" for name in finding), ROOT / "tests" / "survey.py"]
    parts = [torch.__version__, torchvision.__version__, timm.__version__, *(path.read_text(encoding="utf-8") for path in sources)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def page(rows: list[Row]) -> str:
    """The survey as Markdown."""
    seen = [row for row in rows if not row.error]
    large = [row for row in rows if row.error == "too large"]
    failed = [row for row in rows if row.error and row.error != "too large"]
    shown = [row for row in seen if row.found or row.counted]
    others = [row for row in seen if not row.found and not row.counted]
    return "\n".join(
        [
            "# Survey: the gates of every network of timm and torchvision",
            "",
            f"Made by `make survey` with torch {torch.__version__.split('+')[0]}, torchvision {torchvision.__version__.split('+')[0]}"
            f" and timm {timm.__version__}: every classifier of torchvision, and every network of timm with less than"
            f" {LARGEST // 1_000_000} million parameters, with random weights and two pictures of noise.",
            "",
            "*Found* is what `sevis.find_gates` returns; it follows the data and knows no class. *By class* counts the modules of the"
            " classes listed at the end; it knows no data flow. They are compared path by path.",
            "",
            *totals(seen, shown, others, large, failed),
            "## Networks with gates",
            "",
            "| network | parameters (M) | side | found | by class | missed | invented | activation | said of its sites |",
            "|---|---:|---:|---:|---:|---|---|---|---|",
            *map(line, shown),
            "",
            "## Networks without gates: none found, none by class",
            "",
            *(f"- {name}: {', '.join(names)}" for name, names in by_library(others)),
            "",
            "## What resembles a gate and is none",
            "",
            "| class | why it is none | in |",
            "|---|---|---|",
            *resembling(seen),
            "",
            "## Not surveyed",
            "",
            f"- {LARGEST // 1_000_000} million parameters or more ({len(large)}): {', '.join(row.name for row in large) or 'none'}",
            *(f"- {row.name}: {row.error}" for row in failed),
            "",
            "## Classes that count as gates",
            "",
            *(f"- `{name}`" for name in survey.GATES),
            "",
        ]
    )


def totals(seen: list[Row], shown: list[Row], others: list[Row], large: list[Row], failed: list[Row]) -> list[str]:
    """The survey in numbers."""
    return [
        f"- {len(seen)} networks ran; {len(large)} are too large and {len(failed)} do not build or run (listed at the end).",
        f"- {len(shown)} of them have gates: {sum(row.found for row in shown)} found, {sum(row.counted for row in shown)} by class;"
        f" {sum(len(row.missed) for row in seen)} missed, {sum(len(row.invented) for row in seen)} invented.",
        f"- {len(others)} have none, and none was found in them.",
        "",
    ]


def line(row: Row) -> str:
    """One network as a row of the table."""
    paths = [", ".join(paths[:3]) + " ..." * (len(paths) > 3) or "-" for paths in (row.missed, row.invented)]
    cells = [
        row.name,
        f"{row.parameters / 1e6:.1f}",
        row.side,
        row.found,
        row.counted,
        *paths,
        ", ".join(row.activations),
        " ".join(row.warnings),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def by_library(rows: list[Row]) -> Iterator[tuple[str, list[str]]]:
    for library in ("torchvision", "timm"):
        yield library, [row.name.partition("/")[2] for row in rows if row.name.startswith(f"{library}/")]


def resembling(rows: list[Row]) -> Iterator[str]:
    """One line a class of ALIKE that some network has."""
    reasons = {"GlobalContext, additive": ADDITIVE} | {name.rpartition(".")[2]: why for name, why in ALIKE.items()}
    for name, why in reasons.items():
        having = [row.name.partition("/")[2] for row in rows if name in (row.alike or {})]
        if having:
            others = f" and {len(having) - 8} more" if len(having) > 8 else ""
            yield f"| {name} | {why} | {', '.join(having[:8])}{others} |"


if __name__ == "__main__":
    main(sys.argv[1:])
