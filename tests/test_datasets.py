"""Sources of pictures: what lies there decides what they are, how they are labelled, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sevis import pictures
from sevis.datasets import Source, SourceError, open_source
from sevis.labels import matched
from sevis.pictures import PictureError
from tests.photo_folders import broken, jpegs, tar_of, write

ONE, TWO, THREE, FOUR = jpegs(4)
Layout = Callable[[Path], Path]


def folder(files: dict[str, bytes]) -> Layout:
    return lambda root: write(root / "photos", files)


def tar(files: dict[str, bytes]) -> Layout:
    return lambda root: tar_of(root / "photos.tar", files)


def table(name: str, text: str, encoding: str = "utf-8") -> Layout:
    return lambda root: write(root, {name: text.encode(encoding), "a/1.jpg": ONE, "2.jpg": TWO}) / name


JUNK = {"cat/notes.txt": b"no picture", ".DS_Store": b"", "cat/._2.jpg": b"", "__MACOSX/x/3.jpg": b""}
CLASSES = {"cat/2.jpg": TWO, "ant/1.jpg": ONE, **JUNK}
OF_TWO: list[tuple[str, str | None]] = [("ant/1.jpg", "ant"), ("cat/2.jpg", "cat")]
SPLIT = {"train/ant/9.jpg": THREE, "val/ant/1.jpg": ONE, "val/cat/2.jpg": TWO}
FLAT = {"2.jpg": TWO, "1.JPEG": ONE, "read.me": b""}

LAYOUTS: dict[str, tuple[Layout, str, str, list[tuple[str, str | None]]]] = {
    "class folders": (folder(CLASSES), "folder of class folders", "", OF_TWO),
    "class folders with folders in them": (
        folder({"ant/a/1.jpg": ONE, "cat/b/c/2.jpg": TWO}),
        "folder of class folders",
        "",
        [("ant/a/1.jpg", "ant"), ("cat/b/c/2.jpg", "cat")],
    ),
    "one class folder": (
        folder({"cat/1.jpg": ONE, "cat/2.jpg": TWO}),
        "folder of class folders",
        "",
        [("cat/1.jpg", "cat"), ("cat/2.jpg", "cat")],
    ),
    "splits": (folder(SPLIT), "folder of class folders", "val", [("val/ant/1.jpg", "ant"), ("val/cat/2.jpg", "cat")]),
    "flat folder": (folder(FLAT), "flat folder", "", [("1.JPEG", None), ("2.jpg", None)]),
    "half flat folder": (folder({"1.jpg": ONE, "cat/2.jpg": TWO}), "flat folder", "", [("1.jpg", None), ("cat/2.jpg", None)]),
    "splits without classes": (folder({"test/1.jpg": ONE, "train/2.jpg": TWO}), "flat folder", "test", [("test/1.jpg", None)]),
    "tar of class folders": (tar(CLASSES), "tar of class folders", "", OF_TWO),
    "tar in a folder": (
        tar({f"photos12/{name}": content for name, content in SPLIT.items()}),
        "tar of class folders",
        "val",
        [("photos12/val/ant/1.jpg", "ant"), ("photos12/val/cat/2.jpg", "cat")],
    ),
    "tar with dots": (
        tar({"./ant/1.jpg": ONE, "./cat/2.jpg": TWO}),
        "tar of class folders",
        "",
        [("ant/1.jpg", "ant"), ("cat/2.jpg", "cat")],
    ),
    "flat tar": (tar(FLAT), "flat tar", "", [("1.JPEG", None), ("2.jpg", None)]),
    "shard with numbers": (
        tar({"000.jpg": ONE, "000.cls": b"4\n", "001.jpg": TWO, "001.cls": b"0"}),
        "WebDataset shard",
        "",
        [("000.jpg", "4"), ("001.jpg", "0")],
    ),
    "shard with JSON": (
        tar({"x/0.seg.jpg": ONE, "x/0.json": json.dumps({"label": "bee"}).encode(), "x/1.jpg": TWO, "x/1.json": b"{damaged"}),
        "WebDataset shard",
        "",
        [("x/0.seg.jpg", "bee"), ("x/1.jpg", None)],
    ),
    "table with a header": (
        table("t.csv", "id,Label,Path\n7,cat,2.jpg\n8,ant,a/1.jpg\n"),
        "table",
        "",
        [("2.jpg", "cat"), ("a/1.jpg", "ant")],
    ),
    "table without a header": (table("t.csv", "2.jpg,cat\n\na/1.jpg,\n"), "table", "", [("2.jpg", "cat"), ("a/1.jpg", None)]),
    "table of Excel": (table("t.csv", "path;label\n2.jpg;cat\n", "utf-8-sig"), "table", "", [("2.jpg", "cat")]),
    "table of paths": (table("t.csv", "image\n2.jpg\na/1.jpg\n"), "table", "", [("2.jpg", None), ("a/1.jpg", None)]),
    "table with tabs": (table("t.tsv", "2.jpg\tcat, or dog\n"), "table", "", [("2.jpg", "cat, or dog")]),
}
PIXELS = {"1": pictures.read(ONE).pixels, "2": pictures.read(TWO).pixels}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_lies_there_decides(layout: str, tmp_path: Path) -> None:
    make, kind, split, expected = LAYOUTS[layout]
    source = open_source(make(tmp_path))
    assert (source.kind, source.split) == (kind, split)
    assert [(entry.path, entry.label) for entry in source.entries] == expected
    assert source.labels == tuple(sorted({label for _, label in expected if label is not None}))
    assert source.numbered == (layout == "shard with numbers")
    for entry in source.entries:
        if layout.startswith("shard"):
            expected_pixels = pictures.read((ONE, TWO)[source.entries.index(entry)]).pixels
        else:
            expected_pixels = PIXELS[Path(entry.path).stem]
        assert np.array_equal(source.picture(entry).pixels, expected_pixels)


def test_a_table_s_paths_may_be_absolute(tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere", {"1.jpg": ONE}) / "1.jpg"
    source = open_source(write(tmp_path / "here", {"t.csv": f"{elsewhere},cat\n".encode()}) / "t.csv")
    assert np.array_equal(source.picture(source.entries[0]).pixels, PIXELS["1"])


def test_a_split_is_taken_by_name(tmp_path: Path) -> None:
    source = open_source(folder(SPLIT)(tmp_path), "train")
    assert (source.split, [entry.path for entry in source.entries]) == ("train", ["train/ant/9.jpg"])


def nothing(root: Path) -> Path:
    return root / "nothing"


REFUSED: dict[str, tuple[Layout, str | None, str]] = {
    "nothing there": (nothing, None, "There is nothing at"),
    "no picture": (folder({"a.txt": b"a"}), None, "There is no picture in"),
    "an empty table": (table("t.csv", ""), None, "There is no picture in"),
    "an unknown split": (folder(SPLIT), "test", "has no split 'test'; choose from val, train"),
    "a split of none": (folder(CLASSES), "val", "has no splits, so 'val' cannot be taken"),
    "a split of a table": (table("t.csv", "2.jpg,cat"), "val", "A table has no splits"),
    "another kind": (lambda root: write(root, {"photos.rar": b"Rar!"}) / "photos.rar", None, "is no folder, .csv, .tsv or plain .tar"),
    "no tar": (lambda root: write(root, {"photos.tar": b"x" * 2000}) / "photos.tar", None, "not a plain tar, or it was cut short"),
    "a packed tar": (lambda root: tar_of(root / "photos.tar", {"1.jpg": ONE}, "w:gz"), None, "not a plain tar, or it was cut short"),
    "a table of noise": (lambda root: write(root, {"t.csv": b"\xff\xfe\x00,\x80\n"}) / "t.csv", None, "save it as CSV in UTF-8"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_source_is_refused(name: str, tmp_path: Path) -> None:
    make, split, sentence = REFUSED[name]
    with pytest.raises(SourceError, match=sentence) as caught:
        open_source(make(tmp_path), split)
    assert str(caught.value).count("\n") == 0 and str(caught.value).endswith(".")


def test_a_tar_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    whole = tar_of(tmp_path / "photos.tar", {"1.jpg": ONE, "2.jpg": TWO})
    whole.write_bytes(whole.read_bytes()[:1200])
    with pytest.raises(SourceError, match="cut short"):
        open_source(whole)


def test_unreadable_pictures_are_listed_and_say_why(tmp_path: Path) -> None:
    files = {"a.jpg": broken(), "b.png": b"", "c.heic": b"\0\0\0\x18ftypheic", "d.jpg": ONE}
    for source in (open_source(write(tmp_path / "f", files)), open_source(tar_of(tmp_path / "t.tar", files))):
        whys = []
        for entry in source.entries[:3]:
            with pytest.raises(PictureError) as caught:
                source.picture(entry)
            whys.append(caught.value.reason)
        assert whys == ["damaged", "empty", "unsupported-format"]
        assert np.array_equal(source.picture(source.entries[3]).pixels, PIXELS["1"])


def test_links_are_followed_once(tmp_path: Path) -> None:
    root = write(tmp_path / "photos", {"ant/1.jpg": ONE})
    write(tmp_path / "elsewhere", {"2.jpg": TWO})
    (root / "cat").symlink_to(tmp_path / "elsewhere")
    (root / "cat" / "back").symlink_to(root)
    assert [(e.path, e.label) for e in open_source(root).entries] == [("ant/1.jpg", "ant"), ("cat/2.jpg", "cat")]


def test_a_name_of_any_bytes_has_a_proper_one(tmp_path: Path) -> None:
    root = write(tmp_path / "photos", {"1.jpg": ONE})
    try:
        (root / "1.jpg").rename(root / os.fsdecode(b"caf\xe9.jpg"))
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    source = open_source(root)
    assert source.entries[0].shown == "caf\\xe9.jpg" and len(source.fingerprint) == 64
    assert np.array_equal(source.picture(source.entries[0]).pixels, PIXELS["1"])


def test_a_fingerprint_tells_sources_apart_and_not_places(tmp_path: Path) -> None:
    def of(files: dict[str, bytes], place: str) -> str:
        return open_source(write(tmp_path / place, files)).fingerprint

    first = of({"ant/1.jpg": ONE, "cat/2.jpg": TWO}, "a")
    assert first == of({"cat/2.jpg": TWO, "ant/1.jpg": ONE}, "b")
    others = ({"ant/1.jpg": ONE}, {"ant/1.jpg": ONE, "dog/2.jpg": TWO}, {"ant/1.jpg": ONE, "cat/2.jpg": TWO + b"\0"})
    assert len({first, *(of(files, f"c{n}") for n, files in enumerate(others))}) == 4


def test_a_source_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Source("flat folder", Path(), "", ()).kind = "tar"  # type: ignore[misc]


NAMES = ("tench, Tinca tinca", "golf ball", "crane", "crane", "Church", "church")


@pytest.mark.parametrize(
    ("labels", "numbered", "expected"),
    [
        (("golf ball", "Golf_Ball", "golf-ball"), False, (1, 1, 1)),
        (("tench", "tench, Tinca tinca", "TENCH"), False, (0, 0, 0)),
        (("crane", "unicorn"), False, (-1, -1)),  # two classes are called crane
        (("Church", "church", "CHURCH"), False, (4, 5, -1)),
        (("3", "6", "0"), True, (3, -1, 0)),
        (("3",), False, (-1,)),
        ((), False, ()),
    ],
)
def test_labels_are_matched_where_they_agree(labels: tuple[str, ...], numbered: bool, expected: tuple[int, ...]) -> None:
    assert matched(labels, NAMES, numbered=numbered) == expected
