"""`profile` from the command line: pages and tables from a run, a sweep that stays in it, and what cannot be drawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from sevis.cli_profile import profile
from sevis.inspector import Inspector
from sevis.runs import open_run
from sevis.scan import scan
from tests.made_up_runs import written
from tests.photo_folders import class_folders
from tests.test_profiles import BY_CLASS, BY_SCALE
from tests.tiny_networks import network, selective_net, short

app = typer.Typer()
app.command()(profile)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("runs") / "run")


def run(*arguments: object, width: int = 160) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": str(width)})


def test_every_figure_is_a_page_that_needs_no_other_host_and_a_table(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--classes", "cat, dog", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"plotly.min.js"} | {f"{name}.{kind}" for name in BY_CLASS for kind in ("html", "csv")}
    for name in BY_CLASS:
        page = (tmp_path / "out" / f"{name}.html").read_text(encoding="utf-8")
        assert 'src="plotly.min.js"' in page and not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert (tmp_path / "out" / "class_profile.csv").read_text(encoding="utf-8").count("\ncat,") == 0
    assert {line.split(",")[3] for line in (tmp_path / "out" / "class_profile.csv").read_text().splitlines()[1:]} == {"cat", "dog"}
    rows = [line.split() for line in result.output.splitlines() if re.match(r"S[EK]_\d_\d +\d", line)]
    assert (
        len(rows) == 5 and all(len(row) == 5 for row in rows) and f"3 figures in {tmp_path / 'out'}" in "".join(result.output.splitlines())
    )


def test_the_run_is_where_they_go_by_default_and_a_narrow_terminal_cuts_nothing(folder: Path) -> None:
    result = run(folder, width=60)
    assert result.exit_code == 0 and (folder / "profile" / "separation.csv").is_file()
    assert all(len(line) <= 60 and "…" not in line for line in result.output.splitlines())


def test_a_sweep_stays_in_the_run_and_is_drawn_again_without_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inspector = Inspector(network(short(selective_net()), 16, "tiny"))
    photos = class_folders(tmp_path / "photos", 6)
    made = scan(inspector, photos, tmp_path / "run")
    monkeypatch.setattr("sevis.run_network.load", lambda name, device, arch=None: {"tiny": inspector}[name])
    result = run(made.folder, "--sweep", "--limit", "4", width=200)
    assert result.exit_code == 0, result.output
    assert "B5_size" in result.output and {f"{name}.csv" for name in BY_SCALE} <= {
        path.name for path in (made.folder / "profile").iterdir()
    }
    monkeypatch.setattr("sevis.run_network.load", lambda *_, **__: pytest.fail("the network is not needed"))
    again = run(made.folder, width=200)
    assert again.output.splitlines()[-5:] == result.output.splitlines()[-5:] and open_run(made.folder).read == 6
    other = Inspector(network(short(selective_net(seed=1)), 16, "tiny"))
    monkeypatch.setattr("sevis.run_network.load", lambda *_, **__: other)
    refused = run(made.folder, "--pictures", photos)
    assert refused.exit_code == 2 and "other weights" in refused.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [(("--classes", "yak"), "no picture of class 'yak'"), (("--pictures", "nowhere"), "nothing at 'nowhere'")],
)
def test_what_cannot_be_drawn_ends_with_2_and_a_sentence(folder: Path, options: tuple[str, ...], sentence: str) -> None:
    result = run(folder, *options)
    assert result.exit_code == 2 and sentence in result.output and "Traceback" not in result.output


def test_a_run_without_classes_and_sweep_and_no_run_at_all(tmp_path: Path) -> None:
    bare = run(written(tmp_path / "run", labelled=False))
    nothing = run(tmp_path / "none")
    assert (bare.exit_code, nothing.exit_code) == (2, 2)
    assert "nothing to draw" in bare.output and "There is no run" in nothing.output
