"""`python -m sevis models`: the menu as a table and as JSON, at once and without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sevis.menu
from sevis import sizes
from sevis.cli import app
from sevis.menu import menu
from tests.local_hub import caches

ROOT = Path(__file__).parents[1]


def run(*arguments: str, width: int = 80) -> str:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": str(width)})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_menu_is_a_table_of_eighty_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caches(monkeypatch, tmp_path)
    header, *rows = run("models").splitlines()
    assert header.split() == ["network", "gates", "params", "GMACs", "licence", "here"]
    told = {row.split()[0]: " ".join(row.split()[1:]) for row in rows}
    assert {entry.name for entry in menu() if " " not in entry.name and not entry.name.startswith("untrained/timm/")} <= told.keys()
    assert told["photos12/se_resnet18"] == "8 SE 2.8M 0.25 apache-2.0 yes"
    assert told["timm/legacy_senet154.in1k"] == "50 SE 115.1M 20.69 apache-2.0 no"
    assert told["timm/skresnet18.ra_in1k"] == "8 SK split 12.0M 1.81 apache-2.0 no"
    assert told["torchvision/efficientnet_b0"] == "16 SE 5.3M 0.39 not stated no"
    assert told["timm/resnet50.tv_in1k"] == "none 25.6M 4.09 bsd-3-clause no"
    assert all(len(row) <= 80 and "…" not in row for row in (header, *rows))


def test_the_menu_is_json_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caches(monkeypatch, tmp_path)
    told = json.loads(run("models", "--json"))
    assert [{key: value for key, value in each.items() if key != "downloaded"} for each in told] == [asdict(entry) for entry in menu()]
    assert [each["name"] for each in told if each["downloaded"]] == [entry.name for entry in menu() if not entry.url + entry.repository]


def test_the_menu_is_measured_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in measures, and another file is written."""
    first = menu()[0]
    monkeypatch.setattr(sizes, "NAMES", ("a", "b"))
    monkeypatch.setattr(sizes, "measure", lambda name: replace(first, name=name))
    monkeypatch.setattr(sevis.menu.write_menu, "__defaults__", (tmp_path / "menu.json",))
    run("models", "--measure")
    assert menu(tmp_path / "menu.json") == (replace(first, name="a"), replace(first, name="b"))


AT_ONCE = """
import sys, time
from sevis.cli import app
app(["models"], standalone_mode=False)
print(time.process_time(), *{"torch", "timm", "numpy"} & set(sys.modules), file=sys.stderr)
"""


def test_the_menu_is_there_at_once_and_without_torch() -> None:
    """Within 1.5 s of the process's own time, which a busy machine does not stretch as it does the clock's."""
    found = subprocess.run([sys.executable, "-c", AT_ONCE], cwd=ROOT, capture_output=True, text=True)
    seconds, *loaded = found.stderr.split()
    assert float(seconds) < 1.5 and not loaded


def test_the_module_is_the_command() -> None:
    found = subprocess.run([sys.executable, "-m", "sevis", "models", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0 and "--json" in found.stdout


# ---- summary


def test_a_summary_has_a_gate_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caches(monkeypatch, tmp_path)
    for name, gate, count in (
        ("photos12/se_resnet18", "SE_2_1: sigmoid on 32 channels", 8),
        ("photos12/sk_net26", "SK_2_1: softmax on", 8),
    ):
        told = run("summary", name, width=200)
        assert gate in told and f"{count} gates" in told


def test_a_network_that_cannot_be_had_is_told_without_a_traceback() -> None:
    result = CliRunner().invoke(app, ["summary", "photos12/none"], env={"COLUMNS": "200"})
    assert result.exit_code == 2 and "photos12/none" in result.output and "Traceback" not in result.output
