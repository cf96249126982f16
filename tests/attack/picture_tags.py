"""TIFF directories and EXIF blocks made by hand, and picture files that hold them: hostile ones and honest ones."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import ImageCms

from tests.test_pictures import BLOCKS, chunk, encoded, exif, png

Tag = tuple[int, int, bytes]  # its type, how many numbers, and these
BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED = 1, 2, 3, 4, 5, 6, 7
ORIENTATION, X_RESOLUTION, SAMPLE_FORMAT = 274, 282, 339
TO_THE_RIGHT: Tag = (SHORT, 1, b"\6\0")  # how orientation 6 is stored
ROWS = [row.tobytes() for row in BLOCKS]


def number(value: int) -> Tag:
    """One whole number."""
    return LONG, 1, struct.pack("<I", value)


def directory(tags: dict[int, Tag], *, behind: bytes = b"", following: int = 0) -> bytes:
    """A TIFF of one directory, with some bytes behind the tags' numbers; a tag's number "-1" is where these lie."""
    start = 8 + 2 + 12 * len(tags) + 4
    place = start + sum(len(value) for _, _, value in tags.values() if len(value) > 4)
    lines, longer = b"", b""
    for tag, (kind, count, value) in sorted(tags.items()):
        if value == b"-1":
            value = struct.pack("<I", place)
        inside = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", start + len(longer))
        longer += value if len(value) > 4 else b""
        lines += struct.pack("<HHI", tag, kind, count) + inside
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + lines + struct.pack("<I", following) + longer + behind


def picture(tags: dict[int, Tag], pixels: bytes = BLOCKS.tobytes(), **options: int) -> bytes:
    """A TIFF of BLOCKS' size in one strip, unpacked, with more tags, or other ones."""
    height, width = BLOCKS.shape[:2]
    numbers = {256: width, 257: height, 259: 1, 262: 2, 277: 3, 278: height, 279: len(pixels)}
    usual = {tag: number(value) for tag, value in numbers.items()}
    bits = SHORT, 3, struct.pack("<HHH", 8, 8, 8)
    return directory({**usual, 258: bits, 273: (LONG, 1, b"-1"), **tags}, behind=pixels, **options)


def tiles(side: tuple[int, int], tile: tuple[int, int], packed: bytes, packing: int = 8) -> bytes:
    """A grey TIFF whose every tile is the same one, packed by zlib or (1) not."""
    count = -(-side[0] // tile[0]) * -(-side[1] // tile[1])
    numbers = {256: side[0], 257: side[1], 258: 8, 259: packing, 262: 1, 277: 1, 322: tile[0], 323: tile[1]}
    tags = {tag: number(value) for tag, value in numbers.items()}
    start = 8 + 2 + 12 * 10 + 4 + (8 * count if count > 1 else 0)
    places = LONG, count, struct.pack("<I", start) * count
    return directory({**tags, 324: places, 325: (LONG, count, struct.pack("<I", len(packed)) * count)}, behind=packed)


def zeros(count: int) -> bytes:
    """At least so many zeros, packed, a megabyte at a time."""
    packer = zlib.compressobj(9)
    start, again = (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return start + again * (count >> 20)


def many(kind: int, count: int) -> Tag:
    """So many numbers of a type, each of them 1."""
    one = {SBYTE: b"\1", BYTE: b"\1", SHORT: b"\1\0", LONG: b"\1\0\0\0", RATIONAL: b"\1\0\0\0\1\0\0\0"}[kind]
    return kind, count, one * count


def in_jpeg(block: bytes, before: bytes = b"") -> bytes:
    """A JPEG without a density, whose EXIF is in as many pieces as it needs."""
    content, pieces = encoded(BLOCKS, "JPEG", quality=98, subsampling=0), [block[n : n + 60_000] for n in range(0, len(block), 60_000)]
    start = 2 + 2 + int.from_bytes(content[4:6])
    parts = [b"\xff\xe1" + struct.pack(">H", len(piece) + 8) + b"Exif\0\0" + piece for piece in pieces]
    return content[:2] + before + b"".join(parts) + content[start:]


def in_png(block: bytes) -> bytes:
    """A PNG with that EXIF."""
    return png(BLOCKS.shape[1], BLOCKS.shape[0], ROWS, extra=chunk(b"eXIf", block))


def in_webp(block: bytes) -> bytes:
    """A WebP with that EXIF."""
    return encoded(BLOCKS, "WEBP", lossless=True, exif=block)


def resolution(count: int) -> dict[int, Tag]:
    """A unit and that many resolutions, which Pillow reads of a JPEG."""
    return {296: (SHORT, 1, b"\2\0"), X_RESOLUTION: many(RATIONAL, count)}


def again_and_again() -> bytes:
    """A packed TIFF whose unknown tags are all the same 4 MB."""
    whole = encoded(BLOCKS, "TIFF", compression="tiff_deflate")
    place = struct.unpack("<I", whole[4:8])[0]
    count = struct.unpack_from("<H", whole, place)[0]
    lines = whole[place + 2 : place + 2 + 12 * count]
    more = b"".join(struct.pack("<HHII", 40_000 + n, UNDEFINED, 3_900_000, 8) for n in range(900))
    start = whole[:4] + struct.pack("<I", len(whole)) + whole[8:]
    return start + struct.pack("<H", count + 900) + lines + more + bytes(3_900_000)


def packed_chain() -> bytes:
    """A packed TIFF with a million directories behind its own."""
    content = bytearray(encoded(BLOCKS, "TIFF", compression="tiff_deflate"))
    place = struct.unpack("<I", content[4:8])[0]
    place += 2 + 12 * struct.unpack_from("<H", content, place)[0]
    struct.pack_into("<I", content, place, len(content))
    start = len(content)
    return bytes(content) + b"".join(struct.pack("<HI", 0, start + 6 * (n + 1)) for n in range(1_000_000))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "TIFF: a tile of 44,000 x 44,000": lambda: tiles((16, 16), (44_000, 44_000), zeros(44_000**2)),
    "TIFF: a tile of 20,000 x 20,000": lambda: tiles((16, 16), (20_000, 20_000), zeros(20_000**2)),
    "TIFF: the same large tile 320 times": lambda: tiles((16, 320), (4_000_000, 1), zeros(4_000_000)),
    "TIFF: the largest tile for a small picture": lambda: tiles((16, 16), (2048, 2048), zeros(2048**2)),
    "TIFF: 83,000 tiles of 4 x 3": lambda: tiles((1000, 1000), (4, 3), bytes(12), packing=1),
    "TIFF: 985,000 resolutions": lambda: picture(resolution(985_000)),
    "TIFF: 3.9 million orientations": lambda: picture({ORIENTATION: many(SBYTE, 3_900_000)}),
    "TIFF: 7.9 million formats of samples": lambda: picture({SAMPLE_FORMAT: many(SBYTE, 7_900_000)}),
    "TIFF: a profile of 985,000 fractions": lambda: picture({34675: many(RATIONAL, 985_000)}),
    "TIFF: XMP of 985,000 fractions": lambda: picture({700: many(RATIONAL, 985_000)}),
    "TIFF: 900,000 strips that are there": lambda: picture({273: many(LONG, 900_000), 278: number(1)}),
    "TIFF: the same 4 MB in 900 tags": again_and_again,
    "TIFF: 65,000 tags": lambda: picture({n: number(n) for n in range(400, 65_400)}),
    "TIFF: 19 MB of XMP": lambda: picture({700: many(BYTE, 19_000_000)}),
    "TIFF: packed, a million directories": packed_chain,
    "WebP: 2.4 million fractions as an orientation": lambda: in_webp(directory({ORIENTATION: many(RATIONAL, 2_400_000)})),
    "WebP: 19.5 million orientations": lambda: in_webp(directory({ORIENTATION: many(SBYTE, 19_500_000)})),
    "PNG: 970,000 fractions as an orientation": lambda: in_png(directory({ORIENTATION: many(RATIONAL, 970_000)})),
    "PNG: 60,000 fractions in a text": lambda: png(
        16, 16, [bytes(48)] * 16, extra=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(in_text(many(RATIONAL, 60_000))))
    ),
    "JPEG: 450,000 resolutions in pieces": lambda: in_jpeg(directory(resolution(450_000))),
}


def in_text(orientation: Tag) -> bytes:
    """EXIF as older programs write it into a PNG."""
    block = directory({ORIENTATION: orientation})
    return f"\nexif\n{len(block)}\n{block.hex()}".encode()


def profile() -> bytes:
    """A colour profile of 400 kB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + bytes(400_000)


def photo_exif(orientation: int) -> bytes:
    """EXIF as a camera writes it: directories within, a maker's note of 40 kB, a place, and a thumbnail behind."""
    metadata = exif(orientation)
    metadata[0x010F], metadata[0x011A], metadata[0x0128] = "Maker", 72.0, 2
    metadata.get_ifd(0x8769).update({0x9003: "2024:01:02 03:04:05", 0x927C: bytes(40_000), 0x829A: 0.01})
    metadata.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 0.0)})
    return metadata.tobytes() + encoded(BLOCKS, "JPEG")


def tiled(orientation: int) -> bytes:
    """A packed TIFF in tiles of 32 x 32, the last of which reach beyond the picture, that is to be turned."""
    height, width = BLOCKS.shape[:2]
    wide, high = -(-width // 32), -(-height // 32)
    padded = np.zeros((high * 32, wide * 32, 3), np.uint8)
    padded[:height, :width] = BLOCKS
    pieces = [zlib.compress(padded[32 * y : 32 * y + 32, 32 * x : 32 * x + 32].tobytes()) for y in range(high) for x in range(wide)]
    numbers = {256: width, 257: height, 259: 8, 262: 2, ORIENTATION: orientation, 277: 3, 322: 32, 323: 32}
    start = 8 + 2 + 12 * 11 + 4 + 6 + 8 * len(pieces)
    places = np.cumsum([start, *map(len, pieces)])[:-1]
    tags: dict[int, Tag] = {tag: number(value) for tag, value in numbers.items()} | {258: (SHORT, 3, struct.pack("<HHH", 8, 8, 8))}
    tags[324] = LONG, len(pieces), places.astype("<u4").tobytes()
    tags[325] = LONG, len(pieces), np.array([len(piece) for piece in pieces], "<u4").tobytes()
    return directory(tags, behind=b"".join(pieces))


def png_exif_last() -> bytes:
    """A PNG whose EXIF lies behind its pixels."""
    content = png(BLOCKS.shape[1], BLOCKS.shape[0], ROWS)
    return content[:-12] + chunk(b"eXIf", exif(6).tobytes()[6:]) + content[-12:]


def big_ended(kind: str) -> bytes:
    """EXIF with the big end first."""
    metadata = exif(6)
    metadata.endian = ">"
    return encoded(BLOCKS, kind, exif=metadata.tobytes(), **({"quality": 98, "subsampling": 0} if kind == "JPEG" else {"lossless": True}))


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'

TURNED: dict[str, Callable[[], bytes]] = {  # honest ones: BLOCKS after a quarter of a turn
    "JPEG of a camera": lambda: in_jpeg(photo_exif(6)[6:]),
    "JPEG, big end first": lambda: big_ended("JPEG"),
    "JPEG with a large profile": lambda: encoded(BLOCKS, "JPEG", quality=98, subsampling=0, exif=exif(6), icc_profile=profile()),
    "JPEG with XMP": lambda: encoded(BLOCKS, "JPEG", quality=98, subsampling=0, xmp=XMP),
    "JPEG with EXIF of 200 kB": lambda: in_jpeg(directory({ORIENTATION: TO_THE_RIGHT, 0x927C: (UNDEFINED, 200_000, bytes(200_000))})),
    "PNG of a camera": lambda: encoded(BLOCKS, exif=photo_exif(6)),
    "PNG, EXIF behind the pixels": png_exif_last,
    "PNG, EXIF in a text": lambda: png(
        BLOCKS.shape[1],
        BLOCKS.shape[0],
        ROWS,
        extra=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(in_text(TO_THE_RIGHT))),
    ),
    "WebP of a camera": lambda: encoded(BLOCKS, "WEBP", lossless=True, exif=photo_exif(6), xmp=b"<x/>" * 10_000, icc_profile=profile()),
    "WebP, big end first": lambda: big_ended("WEBP"),
    "TIFF with everything": lambda: encoded(
        BLOCKS, "TIFF", icc_profile=profile(), dpi=(300, 300), compression="tiff_lzw", tiffinfo={700: b"<x/>" * 50_000, ORIENTATION: 6}
    ),
    "TIFF with the layers of its program": lambda: picture({ORIENTATION: TO_THE_RIGHT, 37724: many(BYTE, 10_000_000)}),
    "TIFF in tiles": lambda: tiled(6),
    "TIFF with an orientation as a fraction": lambda: picture({ORIENTATION: (RATIONAL, 1, struct.pack("<II", 6, 1))}),
}
