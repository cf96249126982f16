"""`python -m sevis doctor`: a healthy run, a faulty one, and what cannot be examined."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from sevis.analysis.thresholds import load_thresholds
from sevis.cli import app
from sevis.inspector import Inspector
from sevis.places import ASSETS
from sevis.runs import Run
from sevis.scan import scan
from tests.faulty_networks import GALLERY, HEALTHY, healthy, photographs

BLOCK, SAMPLES = "SE_4_1", ASSETS / "samples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photographs as class folders; each sample is a class."""
    root = tmp_path_factory.mktemp("photographs")
    for n, (picture, label) in enumerate(zip(*photographs(), strict=True)):
        (root / f"sample {label}").mkdir(exist_ok=True)
        Image.fromarray(picture).save(root / f"sample {label}" / f"{n}.png")
    return root


@pytest.fixture(scope="module")
def runs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    out = tmp_path_factory.mktemp("runs")
    networks = {"healthy": healthy(HEALTHY[0]), "faulty": GALLERY["saturated open"].build()}
    return {name: scan(Inspector(network), folder, out / name) for name, network in networks.items()}


def run(*arguments: object, width: int = 160) -> Result:
    return CliRunner().invoke(app, ["doctor", *map(str, arguments)], env={"COLUMNS": str(width)})


def test_a_healthy_run_ends_with_0_and_says_what_statistics_alone_leave_open(runs: dict[str, Run]) -> None:
    result = run(runs["healthy"].folder)
    rows = {line.split()[0]: line for line in result.output.splitlines() if line.startswith("SE_")}
    assert result.exit_code == 0 and len(rows) == 8
    assert all("dynamic" in row and "spread alone" in row for row in rows.values())
    assert "none of 8 gates need attention" in result.output and "--pictures" in result.output


def test_a_faulty_run_ends_with_1_and_says_where_why_and_what_to_do(runs: dict[str, Run]) -> None:
    result = run(runs["faulty"].folder)
    assert result.exit_code == 1 and "1 of 8 gates needs attention" in result.output
    row = next(line for line in result.output.splitlines() if line.startswith(BLOCK))
    assert row.split()[1:6] == ["saturated", "M3", "open", "1", "0.9"]
    assert "lower the learning rate" in " ".join(result.output.split())


def test_a_network_whose_gates_all_collapsed_is_not_taken_for_untrained(tmp_path: Path) -> None:
    """Its answers say that it has learned, where the pictures lie in folders of its classes."""
    samples = json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8"))
    names = [each["class"] or "something else" for each in sorted(samples, key=lambda each: each["file"])]
    for n, (picture, label) in enumerate(zip(*photographs(), strict=True)):
        (tmp_path / "photographs" / names[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "photographs" / names[label] / f"{n}.png")
    made = scan(Inspector(healthy("photos12/se_resnet18_collapsed")), tmp_path / "photographs", tmp_path / "run")
    assert made.has_learned(load_thresholds())
    result = run(made.folder)
    rows = [line for line in result.output.splitlines() if line.startswith("SE_") and "(" not in line]
    assert result.exit_code == 1 and len(rows) == 8 and all("static" in row and "M4 half" in row for row in rows)


def test_it_is_json_on_demand(runs: dict[str, Run]) -> None:
    result = run(runs["faulty"].folder, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1 and not told["healthy"] and told["pictures"] == len(photographs()[0])
    ill = [gate for gate in told["gates"] if gate["alarm"]]
    assert [(gate["name"], gate["verdict"], gate["findings"][0]["rule"]) for gate in ill] == [(BLOCK, "saturated", "M3 open")]
    assert ill[0]["metrics"]["M3"] == 1 and ill[0]["ablations"] == {}


def test_a_narrow_terminal_cuts_no_verdict(runs: dict[str, Run]) -> None:
    result = run(runs["faulty"].folder, width=80)
    assert all(len(line) <= 80 and "…" not in line for line in result.output.splitlines())


def test_thresholds_of_ones_own_decide(runs: dict[str, Run], tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[pictures]\nleast = 1000\n", encoding="utf-8")
    result = run(runs["faulty"].folder, "--thresholds", own)
    assert result.exit_code == 0 and result.output.count("inconclusive") == 8
    own.write_text("[pictures]\nmost = 3\n", encoding="utf-8")
    assert run(runs["faulty"].folder, "--thresholds", own).exit_code == 2


def test_pictures_tell_what_every_gate_is_worth_and_the_run_keeps_it(tmp_path: Path, folder: Path) -> None:
    """With a network that can be loaded again by its name, at its own size; on as few pictures as do."""
    made = scan(HEALTHY[0], folder, tmp_path / "run", limit=30)
    result = run(made.folder, "--ablate", "--limit", "2")
    assert result.exit_code == 0 and "ablations on 2" in result.output and "A1 dynamic" in result.output, result.output
    assert (made.folder / "ablations.json").is_file()
    again = run(made.folder, "--json")
    told = json.loads(again.stdout)
    assert again.exit_code == 0 and all(set(gate["ablations"]) == {"open", "mean", "images", "channels"} for gate in told["gates"])
    assert run(made.folder, "--ablate", "--limit", "2", "--model", HEALTHY[1]).exit_code == 2


@pytest.mark.parametrize(("name", "sentence"), [("nothing", "There is no run"), ("healthy", "nothing at")])
def test_what_cannot_be_examined_ends_with_2_and_a_sentence(name: str, sentence: str, runs: dict[str, Run], tmp_path: Path) -> None:
    where = runs[name].folder if name in runs else tmp_path / name
    result = run(where, *(["--pictures", tmp_path / "none"] if name in runs else []))
    assert result.exit_code == 2 and sentence in result.output and "Traceback" not in result.output
