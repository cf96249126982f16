"""Archives good and hostile: every member is its bytes or one sentence, and the rest is read all the same."""

from __future__ import annotations

import re
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sevis import zips
from sevis.zips import MAX_ENTRIES, MAX_RATIO, REFUSALS, Member, is_zip, members


def png(seed: int = 0) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def packed(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def reason(member: Member) -> str:
    """The code of a member's refusal; "" where it was read."""
    assert bool(member.refusal) != bool(member.content)
    return next((code for code, sentence in REFUSALS.items() if sentence == member.refusal), "")


def reasons(content: bytes) -> list[str]:
    return [reason(member) for member in members(content)]


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def patched(content: bytes, offset: int, form: str, value: int) -> bytes:
    """The archive with a field of its first entry changed, in both of its headers; the offset counts from the flags."""
    changed = bytearray(content)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into(form, changed, content.index(signature) + flags + offset, value)
    return bytes(changed)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pictures_come_out_as_they_went_in(method: int) -> None:
    content = packed(("a.png", png(1)), ("trip/day 1/ä.png", png(2)), ("a.png.png", png(3)), method=method)
    assert is_zip(content)
    assert list(members(content)) == [Member("a.png", png(1)), Member("trip/day 1/ä.png", png(2)), Member("a.png.png", png(3))]


HOSTILE = [
    ("__MACOSX/._a.png", "junk"),
    ("trip/.DS_Store", "junk"),
    ("Thumbs.db", "junk"),
    ("../up.png", "outside"),
    ("a/../../up.png", "outside"),
    ("..\\up.png", "outside"),
    ("/etc/passwd.png", "outside"),
    ("\\\\server\\share.png", "outside"),
    ("C:\\windows.png", "outside"),
    ("trip/", "folder"),
    (link("linked.png"), "link"),
]


@pytest.mark.parametrize(("name", "code"), HOSTILE, ids=[str(getattr(name, "filename", name)) for name, _ in HOSTILE])
def test_a_name_is_refused_and_the_next_member_read(name: str | zipfile.ZipInfo, code: str) -> None:
    assert reasons(packed((name, b"/etc/passwd"), ("good.png", png()))) == [code, ""]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack_are_refused(method: int) -> None:
    assert reasons(packed(("a.png", png()), method=method)) == ["method"]


def test_an_encrypted_member_is_refused() -> None:
    content = packed(("a.png", png()), ("b.png", png()))
    assert reasons(patched(content, 0, "<H", 1)) == ["encrypted", ""]


def test_an_archive_in_the_archive_is_not_opened() -> None:
    assert reasons(packed(("inner.zip", packed(("a.png", png()))), ("photo.png", packed(("a.png", png()))), ("good.png", png()))) == [
        "nested",
        "nested",
        "",
    ]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = packed(("bomb.png", bytes(19_000_000)), ("huge.png", bytes(21_000_000)), ("good.png", png()))
    assert len(bomb) < 100_000
    tracemalloc.start()
    assert reasons(bomb) == ["ratio", "too-many-bytes", ""]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_header_that_lies_about_the_size_gains_nothing() -> None:
    """The declared size bounds what is unpacked; the checksum then says that something is wrong."""
    content = packed(("bomb.png", bytes(5_000_000)), ("good.png", png()))
    found = list(members(patched(content, 16, "<I", 100)))
    assert [reason(each) for each in found] == ["damaged", ""]


def test_members_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MAX_TOTAL", 2 * len(png()) + 10)
    content = packed(*((f"{n}.png", png()) for n in range(3)), ("small.png", b"x" * 9))
    assert reasons(content) == ["", "", "total", ""]


def test_what_is_refused_once_it_is_unpacked_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives in the archive and damaged members cost as much as pictures."""
    inner = b"PK\x03\x04" + bytes(range(256)) * 4
    monkeypatch.setattr(zips, "MAX_TOTAL", 2 * len(inner) + 10)
    nested = packed(*((f"{n}.png", inner) for n in range(3)), ("small.png", b"x" * 9))
    assert reasons(nested) == ["nested", "nested", "total", ""]
    assert reasons(patched(nested, 8, "<I", 0)) == ["damaged", "nested", "total", ""]  # the first has another checksum


def shared(count: int, apart: int = 0) -> bytes:
    """Entries that are as many doors to one member: each header in the directory leads to its place, or so many bytes before the last's."""
    whole = packed(*((f"{n:04}.png", b"") for n in range(count - 1)), ("last.png", bytes(100_000)), method=zipfile.ZIP_STORED)
    changed, place, last = bytearray(whole), 0, whole.rindex(b"PK\x03\x04")
    for n in range(count):
        place = whole.index(b"PK\x01\x02", place + 1)
        struct.pack_into("<III", changed, place + 16, zlib.crc32(bytes(100_000)), 100_000, 100_000)
        struct.pack_into("<I", changed, place + 42, last - apart * (count - 1 - n))
    return bytes(changed)


@pytest.mark.parametrize("apart", [0, 38])
def test_members_that_share_bytes_are_unpacked_once(apart: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python itself refuses them from 3.11.8 on, after it has looked at each."""
    content = shared(60, apart)
    opened: list[str] = []
    plain = zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, entry, *rest: opened.append(entry.filename) or plain(self, entry, *rest))
    assert reasons(content) == ["overlap"] * 59 + [""]
    assert opened == ["last.png"]


def test_a_size_that_is_too_small_unpacks_no_more_than_it_says() -> None:
    """Also where the checksum is that of the beginning."""
    content = patched(packed(("long.png", bytes(5_000_000))), 16, "<I", 100)
    tracemalloc.start()
    assert reasons(patched(content, 8, "<I", zlib.crc32(bytes(100)))) == [""]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_plain_photograph_is_within_the_ratio() -> None:
    blank = packed(("blank.bmp", bytes(600)))
    assert reasons(blank) == [""]
    assert len(blank) > 600 / MAX_RATIO


def test_thousands_of_entries_cost_nothing() -> None:
    many = packed(*((f"{n}.png", b"x") for n in range(MAX_ENTRIES + 1)), method=zipfile.ZIP_STORED)
    started = time.process_time()
    assert list(members(many)) == [Member("", refusal=REFUSALS["too-many-entries"])]
    assert time.process_time() - started < 0.1


def test_a_member_is_unpacked_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed(("a.png", png(1)), ("b.png", png(2)))
    opened: list[str] = []
    plain = zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, entry, *rest: opened.append(entry.filename) or plain(self, entry, *rest))
    found = members(content)
    assert next(found).name == "a.png" and opened == ["a.png"]


NO_ARCHIVES = {"nothing": b"", "a signature": b"PK\x03\x04", "text": b"no zip at all", "PNG": png(), "cut": packed(("a.png", png()))[:-30]}


@pytest.mark.parametrize("content", NO_ARCHIVES.values(), ids=NO_ARCHIVES)  # a zip holds the time, which may not be part of a name
def test_what_is_no_archive_is_told(content: bytes) -> None:
    assert list(members(content)) == [Member("", refusal=REFUSALS["damaged-archive"])]


def test_no_damage_makes_it_raise() -> None:
    """Bits turned over and ends cut off: whatever comes, it is members and sentences."""
    random = np.random.default_rng(4)
    whole = packed(("a.png", png(1)), ("dir/", b""), ("ä.png", png(2)))
    seen: set[str] = set()
    for _ in range(300):
        content = bytearray(whole)
        for place in random.integers(0, len(whole), random.integers(1, 6)):
            content[place] ^= 1 << random.integers(0, 8)
        seen.update(reasons(bytes(content[: random.integers(len(whole) // 2, len(whole) + 1)] if random.random() < 0.2 else content)))
    assert {"damaged", "damaged-archive", "", "folder"} <= seen


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    list(members(packed(("../a.png", png()), ("b/c.png", png()))))
    assert list(tmp_path.iterdir()) == [] and not (tmp_path.parent / "a.png").exists()


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_is_one_sentence_with_a_way_out(code: str) -> None:
    assert re.fullmatch(r"[A-Z][^.]*\.", REFUSALS[code])
