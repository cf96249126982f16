"""Labelled photographs: a folder and a tar of it give the same."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sevis.nets.photographs import load_photographs
from tests.tiny_checkpoints import photograph_files
from tests.tiny_networks import pictures


def tar_of(folder: Path, path: Path, *, backwards: bool = False) -> Path:
    """A tar of the folder, its files in any order."""
    with tarfile.open(path, "w") as archive:
        for file in sorted((file for file in folder.rglob("*") if file.is_file()), reverse=backwards):
            archive.add(file, str(Path("data") / file.relative_to(folder)))
    return path


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_tar_gives_what_its_folder_gives(backwards: bool, split: str, tmp_path: Path) -> None:
    folder = photograph_files(tmp_path / "folder", 5, classes=("cat", "ant", "bee"))
    one = load_photographs(folder, split, 16)
    other = load_photographs(str(tar_of(folder, tmp_path / "data.tar", backwards=backwards)), split, 16)
    assert one.classes == other.classes == ("ant", "bee", "cat")
    assert np.array_equal(one.labels, other.labels) and np.array_equal(one.pixels, other.pixels)
    assert one.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5 and len(one) == 15


def test_pixels_are_the_photographs_own(tmp_path: Path) -> None:
    folder = photograph_files(tmp_path, 3, side=16)
    found = load_photographs(folder, "val", 16)
    assert found.pixels.shape == (6, 3, 16, 16) and found.pixels.dtype == np.uint8 and found.labels.dtype == np.int64
    for label in (0, 1):
        for n, picture in enumerate(pictures(3, 16, seed=20 + label)):
            assert np.array_equal(found.pixels[3 * label + n].transpose(1, 2, 0), picture)


def test_a_photograph_is_cut_to_its_middle_square(tmp_path: Path) -> None:
    home = tmp_path / "train" / "ant"
    home.mkdir(parents=True)
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 200
    Image.fromarray(pixels).save(home / "wide.png")
    Image.fromarray(pixels[..., 0]).save(home / "grey.png")
    found = load_photographs(tmp_path, "train", 20)
    assert (found.pixels == 200).all() and found.pixels.shape == (2, 3, 20, 20)


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    folder = photograph_files(tmp_path, 2)
    (folder / "train" / "ant" / "notes.txt").write_text("no picture")
    (folder / "train" / "loose.png").write_bytes(b"in no class")
    (folder / "readme.md").write_text("nor here")
    assert len(load_photographs(folder, "train", 16)) == 4


@pytest.mark.parametrize("case", ["no such split", "no such folder", "no such tar", "empty tar"])
def test_what_is_missing_is_named(case: str, tmp_path: Path) -> None:
    folder = photograph_files(tmp_path / "folder", 1)
    (tmp_path / "nothing").mkdir()
    source = {
        "no such split": folder,
        "no such folder": tmp_path / "absent",
        "no such tar": tmp_path / "absent.tar",
        "empty tar": tar_of(tmp_path / "nothing", tmp_path / "empty.tar"),
    }[case]
    with pytest.raises(FileNotFoundError, match=source.name):
        load_photographs(source, "test", 16)
