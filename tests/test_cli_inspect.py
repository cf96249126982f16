"""`sevis inspect` and `sevis compare`: their numbers are those of the records, computed here once more; what cannot be done is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import sevis.loading
from sevis.analysis.compare import compare
from sevis.cli import app
from sevis.inspector import Inspector
from sevis.records import Inspection
from sevis.sentences import differing, standouts
from tests.compared import varied
from tests.made_up import CASES as WITH_GATES
from tests.made_up import inspection
from tests.tiny_networks import network, pictures, se_net, selective_net, short

CASES = {**WITH_GATES, "no gates": inspection([])}
NETWORKS = {
    "se": lambda: network(short(se_net()), name="se"),
    "other/se": lambda: network(short(se_net(seed=1)), name="other/se"),
    "sk": lambda: network(short(selective_net()), name="sk"),
}


@pytest.fixture(scope="module")
def inspectors() -> dict[str, Inspector]:
    return {name: Inspector(make()) for name, make in NETWORKS.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of odd sizes, one with letters in its name that rich would read, and a file that is no picture."""
    root = tmp_path_factory.mktemp("pictures")
    for name, made in zip(("cat [red]", "dog"), pictures(2, 45), strict=True):
        Image.fromarray(made[:33]).save(root / f"{name}.png")
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return root


@pytest.fixture
def cat(folder: Path) -> Path:
    return folder / "cat [red].png"


@pytest.fixture
def dog(folder: Path) -> Path:
    return folder / "dog.png"


@pytest.fixture(autouse=True)
def loading(inspectors: dict[str, Inspector], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sevis.loading, "load", lambda name, device="auto", **_: inspectors[name])


class Known:
    """An inspector that has its answers ready, in turn."""

    classes = ("cat",)

    def __init__(self, *answers: Inspection) -> None:
        self._answers = list(answers)

    def inspect(self, *_: object, **__: object) -> Inspection:
        return self._answers.pop(0)


def run(*arguments: object, width: int = 80) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": str(width)})


def told(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def words(result: Result) -> str:
    assert result.exit_code == 0 and all(len(line) <= 80 and "…" not in line for line in result.output.splitlines()), result.output
    return " ".join(result.output.split())


# ---- inspect


@pytest.mark.parametrize("name", CASES)
def test_every_sort_of_inspection_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = CASES[name]
    monkeypatch.setattr(sevis.loading, "load", lambda *_, **__: Known(made))
    said = words(run("inspect", "x.jpg", "--count", 1))
    assert all(" ".join(sentence.split()) in said for sentence in (*standouts(made), *made.warnings))
    assert all(each.label in said for each in (*made.predictions, made.target)) and all(site.name in said for site in made.sites)
    assert ("Moved:" in said) == bool(made.averages and made.gates)


@pytest.mark.parametrize("name", CASES)
def test_its_numbers_are_those_of_the_records(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = CASES[name]
    monkeypatch.setattr(sevis.loading, "load", lambda *_, **__: Known(made))
    (found,) = told("inspect", "x.jpg", "--by", "influence", "--count", 2)
    assert [each["label"] for each in found["predictions"]] == [each.label for each in made.predictions]
    assert len(found["gates"]) == len(made.gates) and found["standouts"] == list(standouts(made))
    for depth, gate in enumerate(found["gates"]):
        weights, added = made.gates[depth].weights[0, -1], made.influence[depth][0].sum(0)
        best = sorted(range(len(added)), key=lambda c: -abs(added[c]))[:2]
        assert [each["channel"] for each in gate["strongest"]] == best
        assert [gate["mean"], gate["least"], gate["most"]] == pytest.approx([weights.mean(), weights.min(), weights.max()])
        assert [each["weight"] for each in gate["strongest"]] == pytest.approx(weights[best])
        moved = made.averages and np.abs(made.averages[depth].deviation(made.gates[depth].weights)[0, -1]).mean()
        assert gate["moved"] == (pytest.approx(moved) if made.averages else None)


def test_pictures_a_target_and_edits_reach_the_network(cat: Path, dog: Path, inspectors: dict[str, Inspector]) -> None:
    asked = ("--model", "se", "--target", "bee", "--edit", "stage 3:set=1", "--edit", "SE_2_1[0,1]:factor=0.5")
    found = told("inspect", cat, dog, *asked)
    for each, path in zip(found, (cat, dog), strict=True):
        whole = inspectors["se"].inspect(path, "bee", edits=("stage 3:set=1", "SE_2_1[0,1]:factor=0.5"))
        assert (each["picture"], each["target"]["label"], each["score"]) == (str(path), "bee", pytest.approx(whole.score))
        assert each["edits"] == list(whole.edits) and each["gates"][1]["mean"] == 1
    assert told("inspect", cat, "--model", "se", "--target", "1")[0]["target"] == found[0]["target"] | {
        "probability": pytest.approx(0, abs=1)
    }
    said = words(run("inspect", cat, *asked))
    assert "What if: stage 3: set to 1" in said and "cat [red].png" in said


@pytest.mark.parametrize("name", ["dog", "dog.png"])
def test_an_edit_takes_the_weights_of_another_picture_of_the_command(name: str, cat: Path, dog: Path) -> None:
    taken = told("inspect", cat, dog, "--model", "se", "--edit", f"all:picture={name}")[0]
    lent = told("inspect", dog, "--model", "se")[0]
    own = told("inspect", cat, "--model", "se")[0]
    assert taken["gates"][-1]["most"] == pytest.approx(lent["gates"][-1]["most"]) != pytest.approx(own["gates"][-1]["most"], abs=1e-3)


def test_a_picture_that_cannot_be_read_is_told_and_the_others_are_done(folder: Path, cat: Path, dog: Path) -> None:
    result = run("inspect", cat, folder / "broken.png", folder / "none.png", dog, "--model", "se", "--json")
    assert result.exit_code == 2 and [each["picture"] for each in json.loads(result.stdout)] == [str(cat), str(dog)]
    first, second = result.stderr.splitlines()
    assert "broken.png: The PNG picture is damaged" in first and "none.png" in second


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--target", "unicorn"), "no class 'unicorn'"),
        (("--target", "99"), "no class 99"),
        (("--edit", "nonsense"), "'nonsense' is no edit"),
        (("--edit", "SE_9_9:set=0"), "changes nothing in this network"),
        (("--edit", "all:picture=emu"), "not at hand"),
        (("--by", "deviation"), "no averages"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_means_nothing_is_one_sentence(arguments: tuple[str, ...], sentence: str, cat: Path) -> None:
    result = run("inspect", cat, "--model", "se", *arguments)
    assert result.exit_code == 2 and sentence in result.stderr and not result.stdout


# ---- compare


@pytest.mark.parametrize("name", CASES)
def test_every_sort_of_comparison_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, other = CASES[name], varied(CASES[name])
    wanted = compare(made, other, ("a", "b"))
    monkeypatch.setattr(sevis.loading, "load", lambda *_, **__: Known(made, other))
    said = words(run("compare", "a.jpg", "b.jpg"))
    assert all(" ".join(sentence.split()) in said for sentence in differing(wanted)) and all(block in said for block in wanted.blocks)
    monkeypatch.setattr(sevis.loading, "load", lambda *_, **__: Known(made, other))
    found = told("compare", "a.jpg", "b.jpg")
    assert found["sentences"] == list(differing(wanted)) and [side["name"] for side in found["sides"]] == ["a", "b"]
    for pair, each in zip(found["pairs"], wanted.pairs, strict=True):
        rows = [side.gates[depth].weights[0, -1] for side, depth in zip(wanted.sides, (each.first, each.second), strict=True)]
        assert pair["means"] == pytest.approx([row.mean() for row in rows])
        assert pair["distance"] == pytest.approx(np.abs(rows[0] - rows[1]).mean()) and pair["rank"] == each.rank


def test_two_pictures_two_networks_or_an_edit(cat: Path, dog: Path) -> None:
    pictures_ = told("compare", cat, dog, "--model", "se", "--target", "bee")
    assert [side["name"] for side in pictures_["sides"]] == ["cat [red]", "dog"]
    assert {side["target"]["label"] for side in pictures_["sides"]} == {"bee"}
    networks = told("compare", cat, "--model", "se", "--model", "other/se")
    assert [(side["name"], side["network"]) for side in networks["sides"]] == [("se", "se"), ("se (2)", "other/se")]
    assert networks["one_to_one"] and not told("compare", cat, "--model", "se", "--model", "sk")["one_to_one"]
    edited = told("compare", cat, "--model", "se", "--edit", "SE_3_1:set=0")
    assert [side["edits"] for side in edited["sides"]] == [[], ["SE_3_1:set=0"]] and edited["pairs"][1]["means"][1] == 0


@pytest.mark.parametrize(
    ("count", "arguments"),
    [(1, ()), (3, ()), (2, ("--model", "se", "--model", "sk")), (2, ("--model", "se", "--edit", "all:set=1"))],
    ids=["one picture", "three", "both", "an edit beside"],
)
def test_more_or_less_than_one_difference_is_refused(count: int, arguments: tuple[str, ...], cat: Path) -> None:
    result = run("compare", *[cat] * count, *arguments)
    assert result.exit_code == 2 and "--model twice" in result.stderr and f"{count} picture" in result.stderr
