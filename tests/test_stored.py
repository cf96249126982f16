"""An inspection as a file: it comes back equal in every field, without torch, and what is no inspection gets one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sevis
from sevis.records import GateAverage, Inspection, Prediction, Provenance
from sevis.stored import FORMAT, MANIFEST, InspectionError, open_inspection, read_manifest, to_bytes
from tests.made_up import CASES

PROVENANCE = Provenance("ab" * 32, "Preprocessing(height=40, width=56)", (("sevis", "0.1.0"), ("torch", "2.11")))


def same(first: Any, second: Any, where: str = "inspection") -> None:
    """Fail unless both are of one type and equal in every part, arrays in type and to the bit."""
    assert type(first) is type(second), where
    if isinstance(first, np.ndarray):
        assert first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes(), where
    elif is_dataclass(first):
        for part in fields(first):
            same(getattr(first, part.name), getattr(second, part.name), f"{where}.{part.name}")
    elif isinstance(first, tuple):
        assert len(first) == len(second), where
        for place, pair in enumerate(zip(first, second, strict=True)):
            same(*pair, f"{where}.{place}")
    else:
        assert first == second, where


def rich(made: Inspection) -> Inspection:
    """The inspection with everything that may be missing."""
    old = made.averages[0]
    quantiles, by_class = (np.random.default_rng(n).random((n, *old.mean.shape)).astype(np.float16) for n in (21, 6))
    averages = (GateAverage(old.path, old.mean, old.spread, 20, quantiles, by_class), *made.averages[1:])
    gates = (replace(made.gates[0], hidden=np.ones((1, 3), np.float32)), *made.gates[1:])
    return replace(
        made, averages=averages, gates=gates, provenance=PROVENANCE, edits=("all:set=1",), warnings=("Größe: 1 < 2",), seconds=0.1 + 0.2
    )


BARE = replace(CASES["se"], gates=(), influence=(), cams=(), last_cam=None, averages=(), target=Prediction(0, "猫 </script>", 1.0))
FILES = CASES | {
    "rich": rich(CASES["se"]),
    "bare": BARE,
    "no maps": replace(CASES["sk"], gates=tuple(replace(g, maps=None) for g in CASES["sk"].gates)),
}


@pytest.mark.parametrize("case", FILES)
def test_it_comes_back_equal_in_every_field(case: str, tmp_path: Path) -> None:
    path = FILES[case].save(tmp_path / "a name without an ending")
    assert path == tmp_path / "a name without an ending" and [each.name for each in tmp_path.iterdir()] == [path.name]
    same(open_inspection(path), FILES[case])


def test_the_manifest_says_how_it_came_about(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with path.open("wb") as file:
        file.write(to_bytes(FILES["rich"]))
    manifest, told = read_manifest(path), read_manifest(path)["inspection"]
    assert (manifest["format"], manifest["sevis"]) == (FORMAT, sevis.__version__) and manifest["saved"].endswith("+00:00")
    assert told["provenance"]["weights_sha256"] == "ab" * 32 and told["target"]["label"] == "cat"
    assert [gate["site"]["path"] for gate in told["gates"]] == [site.path for site in FILES["rich"].sites]
    with np.load(path, allow_pickle=False) as plain:  # as anybody reads it
        np.testing.assert_array_equal(plain[told["gates"][2]["weights"]], FILES["rich"].gates[2].weights)


def test_opening_loads_no_torch_and_no_plotly(tmp_path: Path) -> None:
    CASES["sk"].save(tmp_path / "x.npz")
    code = "import sys, sevis; print(len(sevis.open_inspection(sys.argv[1]).gates), {'torch', 'plotly', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.npz")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3 set()"


def changed(data: dict[str, Any], tmp_path: Path, **arrays: np.ndarray) -> Path:
    """A file with another manifest, or with other arrays."""
    CASES["se"].save(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as held:
        kept = {name: held[name] for name in held.files}
    manifest = json.loads(str(kept.pop(MANIFEST))) | data
    np.savez(tmp_path / "x.npz", **{MANIFEST: np.array(json.dumps(manifest))}, **(kept | arrays))
    return tmp_path / "x.npz"


def test_another_format_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InspectionError, match=r"is of format 2, and this version of sevis reads 1; update sevis"):
        open_inspection(changed({"format": FORMAT + 1}, tmp_path))


@pytest.mark.parametrize(
    ("data", "arrays"),
    [
        ({"kind": "a sweep"}, {}),
        ({"inspection": {}}, {}),
        ({"inspection": []}, {}),
        ({"inspection": {"model": 7}}, {}),
        ({}, {"gates.0.weights": np.zeros((1, 1, 3))}),
        ({}, {"image": np.array([{}], dtype=object)}),
    ],
    ids=["another kind", "nothing", "a list", "a number for a name", "a wrong shape", "a pickle"],
)
def test_what_does_not_fit_is_one_sentence(data: dict[str, Any], arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(InspectionError, match=r"x\.npz' is no inspection, or a damaged one \(.+\); save it again") as caught:
        open_inspection(changed(data, tmp_path, **arrays))
    assert "\n" not in str(caught.value)


def test_foreign_files_are_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    for name, content in {"empty": b"", "text": b"hello", "pickle": b"\x80\x04K\x01.", "zip": b"PK\x03\x04 and no more"}.items():
        (tmp_path / name).write_bytes(content)
    for path in tmp_path.iterdir():
        with pytest.raises(InspectionError, match="is no inspection"):
            open_inspection(path)
    with pytest.raises(InspectionError, match="There is no file"):
        read_manifest(tmp_path / "none.npz")
    with pytest.raises(InspectionError, match="is no inspection"):
        open_inspection(tmp_path)


def test_damage_is_noticed_or_harmless(tmp_path: Path) -> None:
    whole, random = to_bytes(CASES["one block"]), np.random.default_rng(0)
    refused = 0
    for place in random.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(random.integers(8))
        (tmp_path / "x.npz").write_bytes(damaged)
        try:
            same(open_inspection(tmp_path / "x.npz"), CASES["one block"])
        except InspectionError:
            refused += 1
    assert refused > 30
