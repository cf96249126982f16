"""Imports point one way: every import of every file, also those inside functions, read off the source.

    records <- nets <- capture <- inspector <- engine, scan, monitor  \\
    records <- analysis <- figures <- report                           >- app, cli
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sevis"


@dataclass(frozen=True)
class Import:
    """One imported module, and the function that imports it ("" at the top of the file)."""

    file: str
    module: str
    function: str

    def is_in(self, *names: str) -> bool:
        """Whether it is one of those modules, or inside one."""
        return any(self.module == name or self.module.startswith(f"{name}.") for name in names)


def imports_of(path: Path) -> Iterator[Import]:
    """Every import of a file."""
    file = path.relative_to(PACKAGE).as_posix()
    package = ["sevis", *path.relative_to(PACKAGE).parts[:-1]]

    def walk(node: ast.AST, function: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            inside = function
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = function or child.name
            if isinstance(child, ast.Import):
                yield from (Import(file, alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = (
                    ".".join([*package[: len(package) - child.level + 1], *([child.module] if child.module else [])])
                    if child.level
                    else child.module
                )
                for alias in child.names:
                    whole = f"{base}.{alias.name}"
                    yield Import(file, whole if is_module(whole) else str(base), inside)
            yield from walk(child, inside)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), "")


def is_module(name: str) -> bool:
    """Whether a dotted name is one of sevis's files or folders."""
    place = PACKAGE.parent.joinpath(*name.split("."))
    return name.startswith("sevis.") and (place.is_dir() or place.with_suffix(".py").is_file())


IMPORTS = [found for path in sorted(PACKAGE.rglob("*.py")) for found in imports_of(path)]
OUTER = (
    "sevis.app",
    "sevis.cli",
    "sevis.cli_app",
    "sevis.cli_compare",
    "sevis.cli_doctor",
    "sevis.cli_errors",
    "sevis.cli_inspect",
    "sevis.cli_models",
    "sevis.cli_options",
    "sevis.cli_profile",
    "sevis.cli_query",
    "sevis.cli_report",
    "sevis.cli_scan",
    "sevis.__main__",
)
MEASURING = ("sevis.card", "sevis.measures", "sevis.sizes", "sevis.summary")
MEASURERS = ("card.py", "measures.py", "sizes.py", "summary.py")
LEFT = ("sevis.nets", "sevis.capture", "sevis.inspector", "sevis.loading", "sevis.provenance", *MEASURING)
SERVING = (
    "sevis.engine",
    "sevis.attempts",
    "sevis.tickets",
    "sevis.networks_in_memory",
    "sevis.scan",
    "sevis.scanner",
    "sevis.local_scan",
    "sevis.ray_scan",
    "sevis.turns",
    "sevis.ledger",
    "sevis.ablations",
    "sevis.sweeps",
    "sevis.monitor",
    "sevis.lightning",
    "sevis.run_network",
    "sevis.gallery",
    "sevis.rearranged",
)
SHOWING = ("sevis.figures", "sevis.notebook", "sevis.report", "sevis.report_page", "sevis.report_parts", "sevis.sentences", "sevis.words")
ANALYSIS = ("sevis.analysis", "sevis.runs", "sevis.tables", "sevis.queries")

# (whose files, what they may not import)
FORBIDDEN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "nets look at nothing": (
        ("nets/",),
        ("sevis.capture", "sevis.inspector", *MEASURING, *ANALYSIS, *SERVING, *SHOWING, *OUTER),
    ),
    "capture knows no inspector": (("capture/",), ("sevis.inspector", "sevis.card", *ANALYSIS, *SERVING, *SHOWING, *OUTER)),
    "the inspector serves nobody": (("inspector.py", "loading.py"), (*ANALYSIS, *SERVING, *SHOWING, *OUTER)),
    "the card is no inspection": (
        ("card.py", "measures.py"),
        ("sevis.inspector", "sevis.runs", "sevis.scan", "sevis.engine", *SHOWING, *OUTER),
    ),
    "a summary is one pass": (("summary.py",), ("sevis.inspector", "sevis.card", *ANALYSIS, *SERVING, *SHOWING, *OUTER)),
    "the menu is known before torch": (
        ("menu.py",),
        ("sevis.capture", "sevis.inspector", *MEASURING, *SHOWING, *OUTER, "torch"),
    ),
    "the engine calls what it is given": (
        ("engine.py", "attempts.py", "tickets.py", "turns.py", "networks_in_memory.py"),
        (*LEFT, *ANALYSIS, *SHOWING, *OUTER, "torch", "streamlit"),
    ),
    "an excitation and a zoom are numbers": (
        ("excitation.py", "zooming.py"),
        (*LEFT, *ANALYSIS, *SERVING, *SHOWING, *OUTER, "torch", "plotly", "streamlit"),
    ),
    "edits are words": (("edits.py",), (*LEFT, *ANALYSIS, *SERVING, *SHOWING, *OUTER, "torch")),
    "a run is opened without its network": (
        ("runs.py", "tables.py", "profiles.py", "queries.py"),
        (*LEFT, *SERVING, *SHOWING, *OUTER, "torch", "plotly", "streamlit"),
    ),
    "data sets know no network": (
        ("datasets.py", "sources.py", "shards.py", "labels.py", "torchvision_sets.py", "hub_sets.py"),
        (*LEFT, *ANALYSIS, *SERVING, *SHOWING, *OUTER, "torch"),
    ),
    "a batch is records": (("batch.py",), (*LEFT, *ANALYSIS, *SERVING, *SHOWING, *OUTER, "torch", "plotly", "streamlit")),
    "pictures know no network": (
        ("pictures.py", "picture_", "tiff_directory.py", "zips.py"),
        (*LEFT, *ANALYSIS, *SERVING, *SHOWING, *OUTER, "torch"),
    ),
    "analysis is NumPy": (("analysis/",), (*LEFT, *SERVING, *SHOWING, *OUTER, "torch", "plotly", "streamlit")),
    "figures are functions of records": (("figures/",), (*LEFT, *SERVING, "sevis.report", *OUTER, "torch", "streamlit")),
    "sentences are functions of records": (
        ("sentences/", "words.py"),
        (*LEFT, *SERVING, "sevis.figures", "sevis.report", *OUTER, "torch", "plotly", "streamlit"),
    ),
    "a report is records and figures": (
        ("report.py", "report_page.py", "report_parts.py", "notebook.py"),
        (*LEFT, *SERVING, *OUTER, "torch", "streamlit"),
    ),
    "a kept inspection is opened with NumPy alone": (
        ("stored.py",),
        (*LEFT, *SERVING, *ANALYSIS, *SHOWING, *OUTER, "torch", "plotly", "PIL", "streamlit"),
    ),
    "the app asks the inspector and the engine alone": (("app/",), ("sevis.nets", "sevis.capture", "sevis.card", "sevis.cli", "torch")),
}


def files(*starts: str) -> list[Import]:
    return [found for found in IMPORTS if found.file.startswith(starts)]


def offences(found: list[Import]) -> list[str]:
    return [f"{i.file} imports {i.module}" + (f" in {i.function}()" if i.function else "") for i in found]


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_imports_point_one_way(rule: str) -> None:
    whose, what = FORBIDDEN[rule]
    assert offences([found for found in files(*whose) if found.is_in(*what)]) == []


def test_the_rules_are_about_files_that_exist() -> None:
    for whose, _ in FORBIDDEN.values():
        assert all(files(start) or (PACKAGE / start).exists() for start in whose)


def test_records_import_numpy_and_the_standard_library_alone() -> None:
    tops = {found.module.split(".")[0] for found in files("records.py")}
    assert tops - set(sys.stdlib_module_names) == {"numpy"}


def test_the_facade_loads_nothing() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {node.module for node in top if isinstance(node, ast.ImportFrom)} <= {"__future__", "importlib", "typing"}
    assert not [node for node in top if isinstance(node, ast.Import)]


@pytest.mark.parametrize(
    ("third", "homes"),
    [
        ("streamlit", ("app/",)),
        ("plotly", ("figures/", "app/", "report.py")),
        ("captum", ("capture/cams.py",)),
        (
            "torch",
            (
                "nets/",
                "capture/",
                "inspector.py",
                "loading.py",
                "card.py",
                "measures.py",
                "summary.py",
                "sizes.py",
                "cli.py",
                "scan.py",
                "provenance.py",
                "scanner.py",
                "ablations.py",
                "sweeps.py",
                "monitor.py",
                "lightning.py",
                "outcomes.py",
                "host.py",
            ),
        ),
        ("safetensors", ("nets/", "card.py")),
        ("typer", ("cli.py", "cli_")),
        ("timm", ("nets/", "sizes.py")),
        ("huggingface_hub", ("nets/",)),
        ("ray", ("ray_scan.py",)),
        ("datasets", ("hub_sets.py",)),
        ("duckdb", ("queries.py",)),
        ("lightning", ("lightning.py",)),
    ],
)
def test_a_third_party_has_its_rooms(third: str, homes: tuple[str, ...]) -> None:
    assert offences([found for found in IMPORTS if found.is_in(third) and not found.file.startswith(homes)]) == []


@pytest.mark.parametrize("third", ["torchvision", "timm", "captum", "ray", "pyarrow", "datasets"])
def test_what_may_be_missing_is_imported_where_it_is_used(third: str) -> None:
    assert offences([found for found in IMPORTS if found.is_in(third) and not found.function]) == []


# Training needs the networks themselves: the one command that goes past the inspector, and only while it runs.
RECIPES = "sevis.nets.recipes"  # numbers alone: reading them loads no torch


def test_the_command_line_reaches_the_networks_only_to_train() -> None:
    past = [found for found in files("cli.py", "__main__.py") if found.is_in("sevis.nets", "sevis.capture", "torch")]
    assert {(found.function, found.module) for found in past} <= {("", RECIPES), ("train", "torch")}


def test_no_import_goes_round_in_a_circle() -> None:
    """Between files, at import time; a package's own __init__ may gather its files."""
    edges: dict[str, set[str]] = {}
    for found in IMPORTS:
        if found.is_in("sevis") and not found.function and found.file != "__init__.py":
            edges.setdefault("sevis." + found.file.removesuffix(".py").removesuffix("/__init__").replace("/", "."), set()).add(found.module)
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in done:
            for target in sorted(edges.get(module, ())):
                visit(target, (*trail, module))
            done.add(module)

    for module in sorted(edges):
        visit(module, ())
    assert len(done) > 20


def test_the_readme_links_to_what_exists() -> None:
    root = Path(__file__).resolve().parents[1]
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", (root / "README.md").read_text(encoding="utf-8"))
    assert links and all((root / link).exists() for link in links)
