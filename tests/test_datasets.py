"""Sources of pictures: what lies there decides what they are, how they are labelled, and what is refused."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

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


# --- data sets by name


def mnist(root: Path, split: str, labels: list[int]) -> np.ndarray:
    """The files that torchvision reads an MNIST from, and their pixels (N, 28, 28)."""
    pixels = np.random.default_rng(len(labels)).integers(0, 256, (len(labels), 28, 28), np.uint8)
    files = {"images-idx3": (b"\0\0\x08\x03", pixels.shape, pixels), "labels-idx1": (b"\0\0\x08\x01", (len(labels),), np.uint8(labels))}
    prefix = {"train": "train", "test": "t10k"}[split]
    for name, (magic, shape, values) in files.items():
        header = magic + b"".join(n.to_bytes(4, "big") for n in shape)
        write(root, {f"MNIST/raw/{prefix}-{name}-ubyte": header + values.tobytes()})
    return pixels


def test_torchvision_by_name(tmp_path: Path) -> None:
    mnist(tmp_path, "train", [1, 0, 1])
    pixels = mnist(tmp_path, "test", [7, 3])
    source = open_source("torchvision/MNIST", root=tmp_path)
    assert (source.kind, str(source.where), source.split, source.root) == ("torchvision data set", "torchvision/MNIST", "test", tmp_path)
    assert [(e.path, e.label) for e in source.entries] == [("MNIST:test/0", "7 - seven"), ("MNIST:test/1", "3 - three")]
    for entry, expected in zip(source.entries, pixels, strict=True):
        assert np.array_equal(source.picture(entry).pixels, np.stack([expected] * 3, axis=2))
    trained = open_source("torchvision/MNIST:train", root=tmp_path)
    assert len(trained.entries) == 3 and trained.fingerprint != source.fingerprint
    assert open_source(source.where, source.split, root=source.root).fingerprint == source.fingerprint


def test_torchvision_pictures_without_a_root_or_labels() -> None:
    source = open_source("torchvision/FakeData")
    assert len(source.entries) == 1000 and source.labels == () and source.picture(source.entries[3]).pixels.shape == (224, 224, 3)


def test_torchvision_s_unreadable_pictures_say_why(tmp_path: Path) -> None:
    write(tmp_path, {"ant/1.jpg": ONE, "bee/2.jpg": broken(), "bee/3.jpg": b""})
    source = open_source("torchvision/ImageFolder", root=tmp_path)
    assert source.labels == ("ant", "bee") and np.array_equal(source.picture(source.entries[0]).pixels, PIXELS["1"])
    for entry in source.entries[1:]:
        with pytest.raises(PictureError, match=r"^torchvision/ImageFolder cannot give it \(\w+: .*\)\.$"):
            source.picture(entry)


def saved(root: Path) -> Path:
    """A data set of Hugging Face on disk: two splits, one picture damaged, one that is missing, one without a class."""
    hugging = pytest.importorskip("datasets", reason="the extra sevis[datasets] is not installed")

    def split(files: list[bytes | None], classes: list[int]) -> object:
        features = hugging.Features(
            {"id": hugging.Value("string"), "img": hugging.Image(), "fine": hugging.ClassLabel(names=["ant", "bee"])}
        )
        held = [None if file is None else {"bytes": file, "path": None} for file in files]
        return hugging.Dataset.from_dict({"id": ["x"] * len(files), "img": held, "fine": classes}, features=features)

    hugging.disable_progress_bars()
    both = hugging.DatasetDict({"train": split([THREE], [0]), "validation": split([ONE, TWO, broken(), None], [1, 0, -1, 0])})
    both.save_to_disk(str(root / "saved"))
    return root / "saved"


def test_a_saved_data_set_of_hugging_face(tmp_path: Path) -> None:
    where = saved(tmp_path)
    source = open_source(where)
    assert (source.kind, source.split, source.labels, source.numbered) == ("saved data set", "validation", ("ant", "bee"), False)
    assert [(e.path, e.label) for e in source.entries] == [(f"saved:validation/{n}", c) for n, c in enumerate(("bee", "ant", None, "ant"))]
    assert [source.picture(e).pixels.tolist() for e in source.entries[:2]] == [PIXELS["1"].tolist(), PIXELS["2"].tolist()]
    for entry, why in zip(source.entries[2:], ("The JPEG picture is damaged", "cannot give it"), strict=True):
        with pytest.raises(PictureError, match=why):
            source.picture(entry)
    assert len(open_source(where, "train").entries) == 1
    with pytest.raises(SourceError, match="has no split 'test'; choose from validation, train"):
        open_source(where, "test")


class Hub:
    """The package datasets as far as a name is opened, with a hub that is out of reach."""

    class Image:
        def __init__(self, decode: bool = True) -> None: ...

    class config:
        HF_HUB_OFFLINE = False

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def load_dataset(self, path: str, name: str | None, *, split: str | None, cache_dir: str | None) -> Hub:
        self.asked.append((path, name, split, cache_dir, self.config.HF_HUB_OFFLINE))
        if self.config.HF_HUB_OFFLINE:
            raise ConnectionError("out of\nreach")
        return self

    features: ClassVar = {"image": Image(), "label": None}

    def __len__(self) -> int:
        return 2

    def with_format(self, kind: None) -> Hub:
        return self

    def select_columns(self, columns: list[str]) -> Hub:
        return self

    def cast_column(self, column: str, feature: Image) -> Hub:
        return self

    def __getitem__(self, place: int | slice) -> dict[str, Any]:
        return {"label": [4, 2]} if isinstance(place, slice) else {"image": {"bytes": (ONE, TWO)[place], "path": None}}


def test_hugging_face_by_name_asks_for_the_network_only_if_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    monkeypatch.setitem(sys.modules, "datasets", hub)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match=r"hf/org/set@small cannot be opened \(out of reach\); fetch it by --download"):
        open_source("hf/org/set@small:test")
    source = open_source("hf/org/set@small:test", root=tmp_path, download=True)
    assert hub.asked == [("org/set", "small", "test", None, True), ("org/set", "small", "test", str(tmp_path), False)]
    assert not Hub.config.HF_HUB_OFFLINE
    assert (str(source.where), source.split, source.labels, source.numbered) == ("hf/org/set@small", "test", ("2", "4"), True)
    assert np.array_equal(source.picture(source.entries[1]).pixels, PIXELS["2"])


NO_NAMES: dict[str, tuple[str, dict[str, Any], str]] = {
    "no such prefix": (
        "kaggle/cats",
        {},
        "expected a folder of pictures, a .csv of paths and labels, a .tar, or torchvision/NAME or hf/NAME.",
    ),
    "no such class": ("torchvision/CIFAR11", {}, "torchvision has no data set 'CIFAR11'"),
    "no data set at all": ("torchvision/transforms", {}, "torchvision has no data set 'transforms'"),
    "not there": ("torchvision/CIFAR10", {}, "cannot be opened (Dataset not found or corrupted"),
    "no such split of two": ("torchvision/MNIST:val", {}, "has no split 'val'; choose from test, train"),
    "no such split": ("torchvision/SVHN:validate", {}, "validate"),
    "no splits": ("torchvision/EuroSAT:val", {}, "has no split 'val'; leave it out"),
    "no way to fetch": ("torchvision/ImageNet", {"download": True}, "fetch"),
    "two splits": ("torchvision/MNIST:train", {"split": "test"}, "name it once"),
    "no pictures": ("torchvision/Kinetics", {}, "cannot be opened"),
    "no package": ("hf/cifar10", {}, "pip install 'sevis[datasets]'"),
}


@pytest.mark.parametrize("case", NO_NAMES)
def test_a_name_that_opens_nothing_is_a_sentence(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, options, sentence = NO_NAMES[case]
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SourceError) as caught:
        open_source(name, root=tmp_path, **options)
    assert sentence in str(caught.value) and str(caught.value).count("\n") == 0 and str(caught.value).endswith(".")


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
