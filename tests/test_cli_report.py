"""`report` from the command line: the page, the data beside it, a scan's doctor in it, and what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

import sevis
from sevis.cli_report import report
from sevis.inspector import Inspector
from sevis.provenance import weights_sha256
from sevis.scan import scan
from tests.photo_folders import class_folders
from tests.test_notebook import Tags
from tests.test_report import titles
from tests.test_stored import same
from tests.tiny_networks import network, pictures, se_net, selective_net, short

app = typer.Typer()
app.command()(report)


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    return Inspector(network(short(se_net()), 32, "tiny"))


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, inspector: Inspector) -> None:
    monkeypatch.setattr("sevis.loading.load", lambda name, device, arch=None: {"tiny": inspector}[name])
    monkeypatch.setattr("sevis.report.get_plotlyjs", lambda: "/* plotly.js */")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two pictures of odd sizes, whose names differ by their folders alone."""
    folder, made = tmp_path_factory.mktemp("photos"), []
    for place, pixels in enumerate(pictures(2, 45)):
        (folder / str(place)).mkdir()
        made.append(folder / str(place) / "a & b.png")
        Image.fromarray(pixels[: 40 - place]).save(made[-1])
    return made


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "160"})


def test_a_page_with_edits_and_blocks_and_the_data_beside_it(photos: list[Path], tmp_path: Path, inspector: Inspector) -> None:
    out, data, first = tmp_path / "new" / "out.html", tmp_path / "data", inspector.sites[0].name
    result = run(
        *photos, "--model", "tiny", "-o", out, "--block", first, "--edit", "all:picture=a & b.png", "--target", "dog", "--data", data
    )
    assert result.exit_code == 0, result.output
    page = out.read_text(encoding="utf-8")
    assert f"{out}: {len(page.encode()) / 1e6:.1f} MB" in result.output and f"{data}: 8 files" in result.output
    seen, drawn = Tags(page), titles(page)
    assert "2 pictures" in seen.text and seen.text.count("Edit: all: taken from a & b.png.") == 2
    assert weights_sha256(inspector.module) in seen.text and "Preprocessing(" in seen.text
    assert sum(title.startswith(f"{first}: squeeze") for title in drawn) == 2 and any("for dog" in title for title in drawn)
    assert {path.name for path in data.iterdir()} == {
        f"{place}-a & b.{kind}" for place in (1, 2) for kind in ("npz", "channels.csv", "predictions.csv", "cams.csv")
    }
    kept, fresh = sevis.open_inspection(data / "2-a & b.npz"), inspector.inspect(photos[1], "dog")
    assert kept.provenance == inspector.provenance
    for made, again in zip(kept.gates, fresh.gates, strict=True):
        same(made, again)
    rows = list(csv.DictReader((data / "2-a & b.channels.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == sum(site.channels for site in inspector.sites)
    assert float(rows[3]["weight"]) == pytest.approx(float(fresh.gates[0].weights[0, 0, 3]), rel=1e-5)


def test_the_doctor_of_a_scan_of_this_network(photos: list[Path], tmp_path: Path, inspector: Inspector) -> None:
    pictures_of = class_folders(tmp_path / "photos", 6)
    made = scan(inspector, pictures_of, tmp_path / "my run")
    result = run(photos[0], "--model", "tiny", "-o", tmp_path / "out.html", "--run", made.folder)
    assert result.exit_code == 0, result.output
    text = Tags((tmp_path / "out.html").read_text(encoding="utf-8")).text
    assert "On the run my run." in text and "inconclusive" in text and all(site.name in text for site in inspector.sites)
    other = scan(Inspector(network(short(selective_net()), 32, "other")), pictures_of, tmp_path / "other")
    refused = run(photos[0], "--model", "tiny", "-o", tmp_path / "no.html", "--run", other.folder)
    assert refused.exit_code == 2 and "a scan of other with other weights than tiny has here" in refused.output
    assert not (tmp_path / "no.html").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--edit", "SE_9_9:set=1"), "it has no 'SE_9_9'"),
        (("--block", "SE_9_9"), "has no block 'SE_9_9'; choose from SE_2_1"),
        (("--target", "yak"), "has no class 'yak'; choose from ant, bee"),
        (("--run", "nowhere"), "There is no run in nowhere"),
        (("missing.png",), "There is no file 'missing.png'"),
    ],
)
def test_what_cannot_be_reported_ends_with_2_and_a_sentence(
    options: tuple[str, ...], said: str, photos: list[Path], tmp_path: Path
) -> None:
    result = run(photos[0], *options, "--model", "tiny", "-o", tmp_path / "out.html")
    assert result.exit_code == 2 and said in result.output and "Traceback" not in result.output
    assert not (tmp_path / "out.html").exists()
