"""What is needed to run sevis elsewhere: the wheel carries the page and its files, the image's context what the wheel is built from."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from setuptools import find_packages
from streamlit import config

from sevis import places

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = PROJECT["tool"]["setuptools"]["package-data"]["sevis.shipped"]


def shipped() -> set[str]:
    """What belongs into the wheel besides Python: paths in the root."""
    found = {path.relative_to(ROOT).as_posix() for form in SHIPPED for path in ROOT.glob(form) if path.is_file()}
    assert {"app.py", ".streamlit/config.toml", "assets/networks.json", "pretrained/photos12/se_resnet18.safetensors"} <= found
    return found


def test_every_package_is_in_the_wheel() -> None:
    """pyproject.toml lists them, because find_packages cannot add sevis.shipped."""
    assert PROJECT["tool"]["setuptools"]["packages"] == sorted([*find_packages(str(ROOT), include=["sevis*"]), "sevis.shipped"])


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel was unpacked to; of the checkpoints it has the names alone, which is a hundred times as fast."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "requirements.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "sevis", source / "sevis", ignore=shutil.ignore_patterns("__pycache__"))
    for name in shipped():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"" if name.endswith(".safetensors") else (ROOT / name).read_bytes())
    script = f"from setuptools.build_meta import build_wheel; build_wheel({str(made)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=source, check=True, capture_output=True)
    shutil.unpack_archive(next(made.glob("*.whl")), made / "site", "zip")
    return made / "site"


def test_the_wheel_has_every_file_that_is_no_python(installed: Path) -> None:
    held = installed / "sevis" / "shipped"
    assert {path.relative_to(held).as_posix() for path in held.rglob("*") if path.is_file()} == shipped()
    own = {path.relative_to(ROOT / "sevis").as_posix() for path in (ROOT / "sevis").rglob("*.*") if "__pycache__" not in path.parts}
    assert {path.relative_to(installed / "sevis").as_posix() for path in (installed / "sevis").rglob("*.*")} >= own
    assert {path.name for path in installed.iterdir()} == {"sevis", f"sevis-{PROJECT['project']['version']}.dist-info"}


def test_an_installed_sevis_finds_its_files_from_anywhere(installed: Path, tmp_path: Path) -> None:
    script = (
        "import sevis, sevis.places, sevis.cli; print(sevis.__file__, sevis.places.SCRIPT);"
        "sevis.cli.app(['models', '--json'], standalone_mode=False)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(installed)}, capture_output=True, text=True
    )
    first, _, menu = ran.stdout.partition("\n")
    assert first == f"{installed / 'sevis' / '__init__.py'} {installed / 'sevis' / 'shipped' / 'app.py'}", ran.stderr
    assert {"photos12/se_resnet18", "photos12/yolov5_se"} <= {each["name"] for each in json.loads(menu)}


def test_a_checkout_finds_its_files_in_its_root() -> None:
    assert (places.ASSETS, places.PRETRAINED, places.LEARN) == (ROOT / "assets", ROOT / "pretrained", ROOT / "docs" / "learn")
    assert places.SCRIPT == ROOT / "app.py" and places.SCRIPT.is_file()


def test_every_setting_of_the_page_is_one_that_streamlit_knows_and_says_why() -> None:
    text = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    known = config.get_config_options()

    def names(settings: dict[str, object], section: str) -> list[str]:
        found = []
        for key, value in settings.items():
            found += names(value, f"{section}{key}.") if isinstance(value, dict) else [f"{section}{key}"]
        return found

    said = names(tomllib.loads(text), "")
    assert said and set(said) <= set(known)
    assert [line for line in text.splitlines() if "=" in line and " # " not in line] == []


def test_the_image_is_built_from_what_the_wheel_needs() -> None:
    """Docker's last matching pattern decides; ours are whole folders and files."""
    rules = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    needed = shipped() | {"pyproject.toml", "requirements.txt", "README.md", "LICENSE", "sevis/cli.py"}
    assert {name for name in needed if not any(name == each or name.startswith(f"{each}/") for each in kept)} == set()
    assert all((ROOT / each).exists() for each in kept)


def test_the_image_has_both_variants_and_installs_the_pair_from_one_place() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert {"cpu", "cuda", "base"} == set(re.findall(r"^FROM \S+ AS (\w+)$", text, re.MULTILINE))
    (pattern,) = re.findall(r"grep -E '([^']+)'", text)
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [re.split("[>=]", line)[0] for line in lines if re.search(pattern, line)] == ["torch", "torchvision"]


def test_every_page_of_the_documentation_is_in_its_menu() -> None:
    def pages(part: object) -> list[str]:
        if isinstance(part, str):
            return [part]
        return [page for each in (part.values() if isinstance(part, dict) else part) for page in pages(each)]  # type: ignore[attr-defined]

    menu = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert sorted(menu) == sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
