"""Hostile picture files, the largest honest ones, and mutants of honest ones; run as a module it tells what each costs to read."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from sevis import pictures
from tests.attack import ALL, picture_tags
from tests.attack.costs import tell
from tests.test_pictures import BLOCKS, animated, chunk, deep_png, encoded, exif, png, tiff

FULL = 19_900_000  # bytes: just below what is looked at
SIDE = 5000  # of the largest picture
SMALL_JPEG, SMALL_PNG = encoded(BLOCKS, "JPEG"), encoded(BLOCKS)
SCREEN = b"GIF89a" + struct.pack("<HHBBB", 20, 20, 0x80, 0, 0) + bytes(6)
GIF_FRAME = b"," + struct.pack("<HHHHB", 0, 0, 20, 20, 0) + b"\2"
ROWS = [bytes(48)] * 16


def filled(part: bytes) -> bytes:
    """As many of a part as go into one file."""
    return part * (FULL // len(part) - 100)


def behind_start(part: bytes) -> bytes:
    """A JPEG with that behind its first marker."""
    return SMALL_JPEG[:2] + part + SMALL_JPEG[2:]


def scans(side: int, count: int, before: bytes = b"") -> bytes:
    """A JPEG whose last scan is there so many times."""
    content = encoded(Image.new("RGB", (side, side), "white"), "JPEG", progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + before + last * count + content[-2:]


def many_parts() -> bytes:
    """A PNG whose pixels come after a million empty parts."""
    start, end = png(16, 16, ROWS).split(chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in ROWS))))
    return start + filled(chunk(b"IDAT", b"")) + end


def zipped() -> bytes:
    """An archive that is a picture too."""
    archive = io.BytesIO(SMALL_PNG)
    archive.seek(0, io.SEEK_END)
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("../../evil.py", bytes(40_000_000))
    return archive.getvalue()


def strips(count: int) -> bytes:
    """A TIFF that says it has so many strips."""
    content = bytearray(encoded(BLOCKS, "TIFF"))
    place = content.index(struct.pack("<HH", 273, 4))
    struct.pack_into("<I", content, place + 4, count)
    return bytes(content)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "PNG: empty unknown parts": lambda: png(16, 16, ROWS, extra=filled(chunk(b"abCd", b""))),
    "PNG: small texts": lambda: png(16, 16, ROWS, extra=filled(chunk(b"tEXt", b"k\0v"))),
    "PNG: packed texts": lambda: png(16, 16, ROWS, extra=filled(chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(60_000), 9)))),
    "PNG: a profile that unpacks to 500 MB": lambda: png(16, 16, ROWS, extra=chunk(b"iCCP", b"k\0\0" + half_a_gigabyte())),
    "PNG: metadata of 18 MB": lambda: png(16, 16, ROWS, extra=chunk(b"eXIf", b"II*\0" + bytes(18_000_000))),
    "PNG: empty parts of pixels": many_parts,
    "PNG: more rows than it says": lambda: png(16, 16, [bytes(48)] * 500_000),
    "PNG: an archive behind it": zipped,
    "JPEG: 1,000 scans of 25 million pixels": lambda: scans(SIDE, 1000),
    "JPEG: scans behind an end within a remark": lambda: scans(SIDE, 1000, b"\xff\xfe\0\4\xff\xd9"),
    "JPEG: empty remarks": lambda: behind_start(filled(b"\xff\xfe\0\2")),
    "JPEG: remarks behind the pixels": lambda: SMALL_JPEG[:-2] + filled(b"\xff\xfe\0\2") + b"\xff\xd9",
    "JPEG: stuffing": lambda: behind_start(filled(b"\xff")),
    "JPEG: zeros between markers": lambda: behind_start(filled(b"\xff\0")),
    "JPEG: 330 pieces of EXIF": lambda: behind_start(filled(b"\xff\xe1" + struct.pack(">H", 60_002) + b"Exif\0\0" + bytes(59_994))),
    "JPEG: 330 pieces of a profile": lambda: behind_start(
        filled(b"\xff\xe2" + struct.pack(">H", 60_002) + b"ICC_PROFILE\0" + bytes(59_988))
    ),
    "GIF: remarks": lambda: SCREEN + filled(b"!\xfe\1a\0") + GIF_FRAME + b"\2\x4c\1\0;",
    "GIF: a remark in a million parts": lambda: SCREEN + b"!\xfe" + filled(b"\1a") + b"\0" + GIF_FRAME + b"\2\x4c\1\0;",
    "GIF: pixels in a million parts": lambda: SCREEN + GIF_FRAME + filled(b"\1\x4c") + b"\0;",
    "GIF: a million frames": lambda: SCREEN + filled(GIF_FRAME + b"\2\x4c\1\0") + b";",
    "TIFF: a million directories": lambda: b"II*\0\x08\0\0\0" + b"".join(struct.pack("<HI", 0, 14 + 6 * n) for n in range(1_000_000)),
    "TIFF: four billion strips": lambda: strips(0xFFFFFFFF),
    "TIFF: a million strips": lambda: strips(1_000_000),
    "WebP: metadata of 18 MB": lambda: encoded(BLOCKS, "WEBP", exif=b"Exif\0\0II*\0" + bytes(18_000_000)),
    **picture_tags.HOSTILE,
}


def half_a_gigabyte() -> bytes:
    """Zeros, packed."""
    packer = zlib.compressobj()
    start, again = (packer.compress(bytes(5_000_000)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return start + again * 99


def large() -> np.ndarray:
    """25 million pixels with something to see in them."""
    seen = np.random.default_rng(0).integers(0, 256, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
    return np.kron(seen, np.ones((8, 8, 1), np.uint8))


MORE: dict[str, Callable[[], bytes]] = {
    "progressive JPEG": lambda: encoded(large(), "JPEG", progressive=True),
    "GIF": lambda: encoded(Image.fromarray(large()[..., 0]), "GIF"),
    "floating-point TIFF": lambda: encoded(Image.fromarray(np.zeros((SIDE, SIDE), np.float32)), "TIFF", compression="tiff_deflate"),
}
LARGE: dict[str, Callable[[], bytes]] = {
    "16-bit PNG with transparency": lambda: png(SIDE, SIDE, [bytes(8 * SIDE)] * SIDE, depth=16, kind=6),
    "WebP": lambda: encoded(Image.new("RGB", (SIDE, SIDE), "teal"), "WEBP", method=0),
    **(MORE if ALL else {}),
}

HONEST: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded(BLOCKS, "JPEG", exif=exif(6)),
    "progressive JPEG": lambda: encoded(BLOCKS, "JPEG", progressive=True, icc_profile=bytes(3000)),
    "CMYK JPEG": lambda: encoded(Image.fromarray(BLOCKS).convert("CMYK"), "JPEG"),
    "PNG": lambda: SMALL_PNG,
    "16-bit PNG": lambda: deep_png(np.arange(1500, dtype=np.uint16).reshape(30, 50), 0),
    "animated PNG": lambda: animated("PNG", 5),
    "palette": lambda: encoded(Image.fromarray(BLOCKS).quantize(16), "PNG", transparency=1),
    "WebP": lambda: encoded(BLOCKS, "WEBP", exif=exif(3)),
    "animated WebP": lambda: animated("WEBP", 5, lossless=True),
    "GIF": lambda: animated("GIF", 5),
    "BMP": lambda: encoded(BLOCKS, "BMP"),
    "TIFF": lambda: encoded(BLOCKS, "TIFF", compression="tiff_lzw"),
    "floating-point TIFF": lambda: tiff(np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30), 32, sample=3),
    **picture_tags.TURNED,
}
NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutants(count: int) -> Iterator[bytes]:
    """Honest files after one to four changes, the same ones each time."""
    rng, sources = np.random.default_rng(42), [make() for make in HONEST.values()]
    for n in range(count):
        content = bytearray(sources[n % len(sources)])
        for _ in range(rng.integers(1, 5)):
            MUTATIONS[rng.integers(len(MUTATIONS))](content, rng, sources)
        yield bytes(content)


def _turn(content: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    for place in rng.integers(len(content) or 1, size=rng.integers(1, 9)):
        content[place : place + 1] = bytes([rng.integers(256)])


def _number(content: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    """An extreme number in the header, in either order of bytes."""
    number, order = NUMBERS[rng.integers(len(NUMBERS))], ("<I", ">I")[rng.integers(2)]
    place = int(rng.integers(max(min(len(content), 120), 1)))
    content[place : place + 4] = struct.pack(order, number)


def _cut(content: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    del content[int(rng.integers(len(content) + 1)) :]


def _lose(content: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    place = int(rng.integers(len(content) + 1))
    del content[place : place + int(rng.integers(1, 60))]


def _double(content: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    place, size = int(rng.integers(len(content) + 1)), int(rng.integers(1, 400))
    content[place:place] = content[place : place + size] * int(rng.integers(1, 50))


def _junk(content: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    place = int(rng.integers(len(content) + 1))
    content[place:place] = rng.bytes(int(rng.integers(1, 300)))


def _cross(content: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    other = others[rng.integers(len(others))]
    place = int(rng.integers(len(content) + 1))
    content[place:] = other[int(rng.integers(len(other))) :]


def _append(content: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    content += b"PK\3\4" + others[rng.integers(len(others))]


MUTANTS = 650
MUTATIONS = (_turn, _number, _cut, _lose, _double, _junk, _cross, _append)


def outcome(content: object) -> str:
    """What the upload's own entry makes of a file: "read", a refusal's code, or the name of an error that nobody should see."""
    assert isinstance(content, bytes)
    try:
        picture = pictures.read(content)
    except pictures.PictureError as error:
        return error.reason if str(error).endswith(".") and "\n" not in str(error) else f"not one sentence: {error}"
    except Exception as error:
        return repr(error)
    return "read" if picture.pixels.dtype == np.uint8 and picture.pixels.ndim == 3 else f"{picture.pixels.dtype}"


if __name__ == "__main__":
    made = {f"hostile {name}": make for name, make in HOSTILE.items()} | {f"large {name}": make for name, make in LARGE.items()}
    tell(made | {f"mutant {n}": lambda content=content: content for n, content in enumerate(mutants(MUTANTS))}, outcome)
