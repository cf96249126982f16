"""Whatever is handed over becomes the right pixels or one sentence that says why not; every file is made by hand."""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from sevis import pictures, tiff_directory
from sevis.pictures import Picture, PictureError

RNG = np.random.default_rng(7)
COLOURS = RNG.integers(0, 256, (24, 40, 3), dtype=np.uint8)
BLOCKS = np.kron(RNG.integers(0, 256, (3, 5, 3)), np.ones((16, 16, 1))).astype(np.uint8)  # smooth enough for JPEG
RAMP = np.linspace(0, 65535, 32 * 64).round().astype(np.uint16).reshape(32, 64)
DEEP = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1)


# ---- how the files are made


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """The file that Pillow writes."""
    file = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, rows: Sequence[bytes] = (), *, depth: int = 8, kind: int = 2, extra: bytes = b"") -> bytes:
    """A PNG from its header's numbers and its rows."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def deep_png(values: np.ndarray, kind: int, extra: bytes = b"") -> bytes:
    """A 16-bit PNG: kind 0 is grey, 2 colours, 4 grey with alpha, 6 colours with alpha."""
    height, width = values.shape[:2]
    return png(width, height, [row.astype(">u2").tobytes() for row in values], depth=16, kind=kind, extra=extra)


def tiff(values: np.ndarray, bits: int, *, sample: int = 1, zero_is_white: bool = False, planes: bool = False, order: str = "<") -> bytes:
    """An uncompressed TIFF, grey or in colours; sample 1 is unsigned, 2 signed, 3 floating point, and 12 bits are packed."""
    height, width = values.shape[:2]
    colours = 1 if values.ndim == 2 else values.shape[2]
    layers = [values[..., n] for n in range(colours)] if planes else [values]
    strips = [packed_12(layer) if bits == 12 else layer.astype(values.dtype.newbyteorder(order)).tobytes() for layer in layers]
    room = 400  # the header and the tags' values; the strips lie behind it
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [bits] * colours),
        259: ("H", [1]),
        262: ("H", [2 if colours == 3 else int(not zero_is_white)]),
        273: ("I", [room + sum(map(len, strips[:n])) for n in range(len(strips))]),
        277: ("H", [colours]),
        278: ("I", [height]),
        279: ("I", [len(strip) for strip in strips]),
        284: ("H", [1 + planes]),
        339: ("H", [sample] * colours),
    }
    directory = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, len(tags))
    longer, start = b"", len(directory) + 12 * len(tags) + 4
    for tag, (code, numbers) in tags.items():
        packed = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
        place = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(order + "I", start + len(longer))
        longer += packed if len(packed) > 4 else b""
        directory += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[code], len(numbers)) + place
    return (directory + bytes(4) + longer).ljust(room, b"\0") + b"".join(strips)


def packed_12(values: np.ndarray) -> bytes:
    """Two values of 12 bits in every three bytes."""
    first, second = values.reshape(-1, 2).T
    return np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1).astype(np.uint8).tobytes()


def webp_header(width: int, height: int) -> bytes:
    """An animated WebP that claims this canvas for a frame of 16 x 16."""
    still = encoded(np.zeros((16, 16, 3), np.uint8), "WEBP", lossless=True)[12:]

    def three(number: int) -> bytes:
        return struct.pack("<I", number)[:3]

    frame = bytes(6) + three(15) * 2 + bytes(4) + still
    parts = [(b"VP8X", b"\2\0\0\0" + three(width - 1) + three(height - 1)), (b"ANIM", bytes(6)), (b"ANMF", frame)]
    body = b"WEBP" + b"".join(name + struct.pack("<I", len(content)) + content for name, content in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_header(width: int, height: int, frame: tuple[int, int]) -> bytes:
    """A GIF that claims this screen and this first frame."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return screen + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\2\2\x4c\1\0;"


def bmp_header(width: int, height: int) -> bytes:
    """A BMP without pixels."""
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def resized_jpeg(width: int, height: int) -> bytes:
    """A small JPEG whose header claims another size."""
    content = encoded(BLOCKS, "JPEG")
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">HH", height, width) + content[place + 4 :]


def frames(count: int) -> list[Image.Image]:
    """That many grey pictures, each of another value."""
    return [Image.new("L", (20, 20), 10 * n + 5) for n in range(count)]


def animated(kind: str, count: int, **options: object) -> bytes:
    """An animation of frames(count)."""
    first, *rest = frames(count)
    return encoded(first, kind, save_all=True, append_images=rest, **options)


def text_bomb(name: bytes) -> bytes:
    """A PNG whose compressed text or profile has 70 MB."""
    body = b"k\0\0" + zlib.compress(bytes(70_000_000), 9)
    return png(16, 16, [bytes(48)] * 16, extra=chunk(name, body))


def exif(orientation: int) -> Image.Exif:
    """Metadata with that orientation."""
    metadata = Image.Exif()
    metadata[0x0112] = orientation
    return metadata


def without_adobe(content: bytes) -> bytes:
    """A JPEG without the segment that says "inverted by Adobe"."""
    place = content.index(b"\xff\xee")
    return content[:place] + content[place + 2 + struct.unpack(">H", content[place + 2 : place + 4])[0] :]


def broken(content: bytes, place: int) -> bytes:
    """The file with one byte turned."""
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


# ---- what is refused

PNG, JPEG, GIF, WEBP, TIFF, BMP = (encoded(BLOCKS, kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"))
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no bytes": (lambda: b"", "empty"),
    "one byte": (lambda: b"\xff", "not-an-image"),
    "text": (lambda: b"hello, world\n" * 9, "not-an-image"),
    "web page": (lambda: b"<!DOCTYPE html><html><body>404</body></html>", "not-an-image"),
    "noise": (lambda: np.random.default_rng(3).bytes(5000), "not-an-image"),
    "zip": (lambda: b"PK\3\4" + bytes(100), "not-an-image"),
    "more than 20 MB": (lambda: PNG + bytes(20_000_000), "too-many-bytes"),
    "SVG": (lambda: SVG, "unsupported-format"),
    "SVG after a comment": (lambda: b"<!-- drawn -->\n" * 20 + SVG, "unsupported-format"),
    "HEIC": (lambda: b"\0\0\0\x18ftypheic" + bytes(64), "unsupported-format"),
    "HEIF": (lambda: b"\0\0\0\x18ftypmif1" + bytes(64), "unsupported-format"),
    "AVIF": (lambda: encoded(BLOCKS, "AVIF"), "unsupported-format"),
    "JPEG 2000": (lambda: encoded(BLOCKS, "JPEG2000"), "unsupported-format"),
    "JPEG XL": (lambda: b"\xff\x0a" + bytes(64), "unsupported-format"),
    "BigTIFF": (lambda: encoded(BLOCKS, "TIFF", big_tiff=True), "unsupported-format"),
    "EPS": (lambda: encoded(BLOCKS, "EPS"), "unsupported-format"),
    "EPS of Windows": (lambda: b"\xc5\xd0\xd3\xc6" + bytes(64), "unsupported-format"),
    "PDF": (lambda: encoded(BLOCKS, "PDF"), "unsupported-format"),
    "Photoshop": (lambda: b"8BPS\0\1" + bytes(64), "unsupported-format"),
    "icon": (lambda: encoded(BLOCKS, "ICO"), "unsupported-format"),
    "1 x 1": (lambda: encoded(np.zeros((1, 1, 3), np.uint8)), "too-small"),
    "7 x 400": (lambda: encoded(np.zeros((400, 7, 3), np.uint8)), "too-small"),
    "20,000 x 1": (lambda: encoded(np.zeros((1, 20_000, 3), np.uint8)), "too-small"),
    "no width": (lambda: png(0, 16), "damaged"),
    "no height in a JPEG": (lambda: resized_jpeg(80, 0), "damaged"),
    "161 x 8": (lambda: encoded(np.zeros((8, 161, 3), np.uint8)), "too-narrow"),
    "20,000 x 20": (lambda: png(20_000, 20), "too-narrow"),
    "5001 x 5000": (lambda: png(5001, 5000), "too-many-pixels"),
    "9000 x 9000 PNG": (lambda: png(9000, 9000), "too-many-pixels"),
    "10,000 x 10,000 PNG, where Pillow warns": (lambda: png(10_000, 10_000), "too-many-pixels"),
    "20,000 x 20,000 PNG, where Pillow raises": (lambda: png(20_000, 20_000), "too-many-pixels"),
    "2,000,000,000 x 2,000,000,000 PNG": (lambda: png(2_000_000_000, 2_000_000_000), "too-many-pixels"),
    "65,000 x 65,000 JPEG": (lambda: resized_jpeg(65_000, 65_000), "too-many-pixels"),
    "13,000 x 13,000 WebP": (lambda: webp_header(13_000, 13_000), "too-many-pixels"),
    "16,383 x 16,383 WebP": (lambda: webp_header(16_383, 16_383), "too-many-pixels"),
    "60,000 x 60,000 GIF": (lambda: gif_header(60_000, 60_000, (1, 1)), "too-many-pixels"),
    "small GIF with a frame of 10,000 x 10,000": (lambda: gif_header(20, 20, (10_000, 10_000)), "too-many-pixels"),
    "small GIF with a frame of 60,000 x 60,000": (lambda: gif_header(20, 20, (60_000, 60_000)), "too-many-pixels"),
    "30,000 x 30,000 BMP": (lambda: bmp_header(30_000, 30_000), "too-many-pixels"),
    "BMP upside down": (lambda: bmp_header(30_000, -30_000), "too-many-pixels"),
    "half a PNG": (lambda: PNG[: len(PNG) // 2], "damaged"),
    "half a JPEG": (lambda: JPEG[: len(JPEG) // 2], "damaged"),
    "half a GIF": (lambda: GIF[: len(GIF) // 2], "damaged"),
    "half a WebP": (lambda: WEBP[: len(WEBP) // 2], "damaged"),
    "half a TIFF": (lambda: TIFF[: len(TIFF) // 2], "damaged"),
    "half a BMP": (lambda: BMP[: len(BMP) // 2], "damaged"),
    "PNG signature alone": (lambda: PNG[:8], "damaged"),
    "JPEG signature alone": (lambda: JPEG[:3], "damaged"),
    "PNG without pixels": (lambda: png(16, 16), "damaged"),
    "wrong checksum of the header": (lambda: broken(PNG, 30), "damaged"),
    "one wrong byte among the packed pixels": (lambda: broken(PNG, len(PNG) // 2), "damaged"),
    "bomb in a PNG's text": (lambda: text_bomb(b"zTXt"), "damaged"),
    "bomb in a PNG's profile": (lambda: text_bomb(b"iCCP"), "damaged"),
    "TIFF of many overlapping tags": (
        lambda: b"II*\0" + struct.pack("<IH", 8, 9000) + b"".join(struct.pack("<HHII", n, 1, 90_000, 8) for n in range(9000)) + bytes(4),
        "damaged",
    ),
    "TIFF directory in a circle": (lambda: b"II*\0" + struct.pack("<IHI", 8, 0, 8), "damaged"),
    "TIFF of one tag twice": (lambda: tiff(DEEP, 16).replace(struct.pack("<HH", 284, 3), struct.pack("<HH", 277, 3)), "damaged"),
    "TIFF of far more tags than any": (lambda: encoded(BLOCKS, "TIFF", tiffinfo=dict.fromkeys(range(40_000, 41_000), 1)), "damaged"),
    "TIFF of seven samples": (lambda: tiff(np.zeros((9, 9, 7), np.uint8), 8), "damaged"),
    "separate planes of 16 bits": (lambda: tiff(DEEP, 16, planes=True), "unsupported-mode"),
    "not a number": (lambda: tiff(np.full((9, 9), np.nan, np.float32), 32, sample=3), "not-finite"),
    "infinite": (lambda: tiff(np.full((9, 9), -np.inf, np.float32), 32, sample=3), "not-finite"),
}


def refusal(source: object) -> PictureError:
    """The error that reading it gives, with a sentence fit for a visitor."""
    with pytest.raises(PictureError) as caught:
        pictures.read(source)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert sentence.endswith(".") and len(sentence) < 200 and "\n" not in sentence and "{" not in sentence
    assert caught.value.reason in pictures.REFUSALS
    return caught.value


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_sentence(case: str) -> None:
    make, reason = REFUSED[case]
    content = make()
    start = time.thread_time()
    error = refusal(content)
    assert error.reason == reason
    assert time.thread_time() - start < 0.3


def test_sentences_name_the_value_and_the_limit() -> None:
    assert "9000 x 9000" in str(refusal(png(9000, 9000))) and "25 million" in str(refusal(png(9000, 9000)))
    assert "20000 x 1 " in str(refusal(REFUSED["20,000 x 1"][0]())) and "at least 8" in str(refusal(REFUSED["1 x 1"][0]()))
    assert "20 times" in str(refusal(REFUSED["161 x 8"][0]())) and "20 MB" in str(refusal(REFUSED["more than 20 MB"][0]()))
    assert "HEIC" in str(refusal(REFUSED["HEIC"][0]())) and "JPEG or PNG" in str(refusal(REFUSED["HEIC"][0]()))
    assert "81 of" in str(refusal(REFUSED["infinite"][0]()))


@pytest.mark.parametrize("kind", ["file", "folder", "nothing", "strange name", "secret"])
def test_paths(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cat 1.png"
    path.write_bytes(PNG)
    if kind == "file":
        assert all(np.array_equal(pictures.read(name).pixels, BLOCKS) for name in (path, str(path)))
    if kind == "folder":
        assert refusal(tmp_path).reason == "not-a-file"
    if kind == "nothing":
        assert refusal(tmp_path / "dog.png").reason == "missing-file"
    if kind == "strange name":
        assert refusal("a\0b").reason == "missing-file"
    if kind == "secret":

        def forbidden(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", forbidden)
        assert refusal(path).reason == "unreadable-file"


ARRAYS = {
    "grey": np.zeros((20, 20), np.uint8),
    "channels first": np.zeros((3, 20, 20), np.uint8),
    "four channels": np.zeros((20, 20, 4), np.uint8),
    "float": np.zeros((20, 20, 3), np.float32),
    "int64": np.zeros((20, 20, 3), np.int64),
    "batch": np.zeros((1, 20, 20, 3), np.uint8),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_another_kind_are_refused(name: str) -> None:
    error = refusal(ARRAYS[name])
    assert error.reason == "wrong-array"
    assert str(ARRAYS[name].shape) in str(error) and str(ARRAYS[name].dtype) in str(error)


def test_arrays_are_taken_as_a_copy_under_the_same_limits() -> None:
    given = COLOURS.copy()[::-1, ::-1]
    picture = pictures.read(given)
    assert np.array_equal(picture.pixels, given) and picture.notes == ()
    assert not np.shares_memory(picture.pixels, given) and picture.pixels.flags.c_contiguous
    assert refusal(np.zeros((7, 7, 3), np.uint8)).reason == "too-small"
    assert refusal(np.broadcast_to(np.uint8(0), (6000, 6000, 3))).reason == "too-many-pixels"


@pytest.mark.parametrize("source", [None, 3, ["a.png"], bytearray(PNG), io.BytesIO(PNG)])
def test_other_types_are_refused(source: object) -> None:
    error = refusal(source)
    assert error.reason == "wrong-type" and type(source).__name__ in str(error)


def test_an_unloaded_broken_pil_image_is_refused() -> None:
    assert refusal(Image.open(io.BytesIO(PNG[: len(PNG) // 2]))).reason == "damaged"


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(refusal(b"")))
    assert type(error) is PictureError and error.reason == "empty" and str(error) == pictures.REFUSALS["empty"]


# ---- what is converted, against NumPy


def grey(values: np.ndarray) -> np.ndarray:
    """The same values in three channels."""
    return np.repeat(values[..., None], 3, axis=2)


def over_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colours laid over white, in real numbers."""
    weight = alpha[..., None] / 255
    return colours * weight + 255 * (1 - weight)


ALPHA = RNG.integers(0, 256, COLOURS.shape[:2], dtype=np.uint8)
RGBA = np.dstack([COLOURS, ALPHA])
GREY = COLOURS[..., 0]
BLOCKS_GREY = BLOCKS[..., 0]
SEEN_ALPHA = over_white(COLOURS, ALPHA)
SEEN_GREY_ALPHA = over_white(grey(GREY), ALPHA)
SEEN_RAMP = grey(RAMP / 257)
SIGNED = (RAMP.astype(np.int32) - 32768) * 1000
SEEN_SIGNED = grey((SIGNED - SIGNED.min()) / float(np.ptp(SIGNED)) * 255)
INK = np.broadcast_to(np.array([0, 200, 100, 30], np.uint8), (24, 24, 4))  # cyan, magenta, yellow, black
SEEN_INK = (255.0 - INK[..., :3]) * (255 - 30) / 255
INDEX = np.arange(24 * 40).reshape(24, 40) % 4
FOUR = np.array([[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]])
WITHOUT_RED, WITHOUT_BLUE, FAINT_GREEN = FOUR.copy(), FOUR.copy(), FOUR.copy()
WITHOUT_RED[1] = WITHOUT_BLUE[3] = 255
FAINT_GREEN[2] = 204, 255, 204


def palette(kind: str = "PNG", **options: object) -> bytes:
    """A picture of four palette colours."""
    image = Image.frombytes("P", (40, 24), INDEX.astype(np.uint8).tobytes())
    image.putpalette(FOUR.astype(np.uint8).tobytes())
    return encoded(image, kind, **options)


def lab() -> Image.Image:
    """BLOCKS in CIE L*a*b*."""
    profiles = [ImageCms.createProfile(space) for space in ("sRGB", "LAB")]
    return ImageCms.profileToProfile(Image.fromarray(BLOCKS), *profiles, outputMode="LAB")


def second_frame() -> Image.Image:
    """A PIL image that stands at its second frame."""
    image = Image.open(io.BytesIO(animated("GIF", 3)))
    image.seek(1)
    return image


def pil(content: np.ndarray, mode: str) -> Image.Image:
    """A PIL image converted to that mode."""
    return Image.fromarray(content).convert(mode)


WHITE = "Transparent parts were laid over white."
DEEP_NOTE = "16-bit colours were reduced to 8 bits."
RESCALED = "16-bit values were rescaled from 0..65535."
SEVERAL, TWENTY = (f"The file holds {count} frames; only the first is shown." for count in ("several", 20))


def own(low: str, high: str) -> str:
    """The note on a range."""
    return f"Grey values were rescaled from {low}..{high}."


def other(mode: str) -> str:
    """The note on a colour space."""
    return f"{mode} colours were converted to red, green and blue."


Case = tuple[Callable[[], bytes | Image.Image], np.ndarray, float, tuple[str, ...]]

# name: what makes it, what it should look like, how many levels it may be off, its notes
CONVERTED: dict[str, Case] = {
    "PNG": (lambda: encoded(COLOURS), COLOURS, 0, ()),
    "BMP": (lambda: encoded(COLOURS, "BMP"), COLOURS, 0, ()),
    "TIFF": (lambda: encoded(COLOURS, "TIFF"), COLOURS, 0, ()),
    "packed TIFF": (lambda: encoded(COLOURS, "TIFF", compression="tiff_lzw"), COLOURS, 0, ()),
    "TIFF in planes": (lambda: tiff(COLOURS, 8, planes=True), COLOURS, 0, ()),
    "WebP": (lambda: encoded(COLOURS, "WEBP", lossless=True), COLOURS, 0, ()),
    "JPEG": (lambda: encoded(BLOCKS, "JPEG", quality=98, subsampling=0), BLOCKS, 4, ()),
    "progressive JPEG": (lambda: encoded(BLOCKS, "JPEG", quality=98, subsampling=0, progressive=True), BLOCKS, 4, ()),
    "grey JPEG": (lambda: encoded(BLOCKS_GREY, "JPEG", quality=98), grey(BLOCKS_GREY), 4, ()),
    "grey": (lambda: encoded(GREY), grey(GREY), 0, ()),
    "1 bit": (lambda: encoded(Image.fromarray(GREY > 127)), grey(GREY > 127) * 255, 0, ()),
    "1 bit, 0 transparent": (lambda: encoded(Image.fromarray(GREY > 127), transparency=0), np.full((24, 40, 3), 255), 0, (WHITE,)),
    "alpha": (lambda: encoded(RGBA), SEEN_ALPHA, 1, (WHITE,)),
    "alpha in a WebP": (lambda: encoded(RGBA, "WEBP", lossless=True, exact=True), SEEN_ALPHA, 1, (WHITE,)),
    "alpha in a TIFF": (lambda: encoded(RGBA, "TIFF"), SEEN_ALPHA, 1, (WHITE,)),
    "alpha and grey": (lambda: encoded(np.dstack([GREY, ALPHA])), SEEN_GREY_ALPHA, 1, (WHITE,)),
    "alpha, opaque": (lambda: encoded(np.dstack([COLOURS, np.full_like(ALPHA, 255)])), COLOURS, 0, ()),
    "one colour transparent": (
        lambda: encoded(BLOCKS, transparency=tuple(BLOCKS[0, 0].tolist())),
        np.where((BLOCKS[0, 0] == BLOCKS).all(axis=2, keepdims=True), 255, BLOCKS),
        0,
        (WHITE,),
    ),
    "palette": (palette, FOUR[INDEX], 0, ()),
    "palette, red transparent": (lambda: palette(transparency=1), WITHOUT_RED[INDEX], 0, (WHITE,)),
    "palette, green faint": (lambda: palette(transparency=bytes([255, 255, 51])), FAINT_GREEN[INDEX], 1, (WHITE,)),
    "GIF, blue transparent": (lambda: palette("GIF", transparency=3), WITHOUT_BLUE[INDEX], 0, (WHITE,)),
    "16-bit PNG": (lambda: deep_png(RAMP, 0), SEEN_RAMP, 0.5, (RESCALED,)),
    "16-bit PNG, 0 transparent": (
        lambda: deep_png(RAMP, 0, chunk(b"tRNS", b"\0\0")),
        np.where(grey(RAMP) == 0, 255, SEEN_RAMP),
        0.5,
        (RESCALED, WHITE),
    ),
    "16-bit colours": (lambda: deep_png(DEEP, 2), DEEP / 257, 1, (DEEP_NOTE,)),
    "16-bit colours, one transparent": (
        lambda: deep_png(DEEP, 2, chunk(b"tRNS", DEEP[0, 0].astype(">u2").tobytes())),
        np.where((DEEP[0, 0] >> 8 == DEEP >> 8).all(axis=2, keepdims=True), 255, DEEP / 257),
        1,
        (DEEP_NOTE, WHITE),
    ),
    "16-bit grey and alpha": (lambda: deep_png(DEEP[..., :2], 4), over_white(SEEN_RAMP, RAMP[::-1] / 257), 2, (DEEP_NOTE, WHITE)),
    "16-bit colours in a TIFF": (lambda: tiff(DEEP, 16), DEEP / 257, 1, (DEEP_NOTE,)),
    "16-bit TIFF": (lambda: tiff(RAMP, 16), SEEN_RAMP, 0.5, (RESCALED,)),
    "16-bit TIFF, packed": (lambda: encoded(RAMP, "TIFF", compression="tiff_deflate"), SEEN_RAMP, 0.5, (RESCALED,)),
    "16-bit TIFF, big end first": (lambda: tiff(RAMP, 16, order=">"), SEEN_RAMP, 0.5, (RESCALED,)),
    "16-bit TIFF, 0 is white": (lambda: tiff(RAMP, 16, zero_is_white=True), 255 - SEEN_RAMP, 0.5, (RESCALED,)),
    "12-bit TIFF": (lambda: tiff(RAMP >> 4, 12), grey((RAMP >> 4) / 4095 * 255), 0.5, ("12-bit values were rescaled from 0..4095.",)),
    "8-bit TIFF, 0 is white": (lambda: tiff(GREY, 8, zero_is_white=True), grey(255 - GREY), 0, ()),
    "integers": (lambda: tiff(SIGNED, 32, sample=2), SEEN_SIGNED, 0.5, (own("-3.2768e+07", "3.2767e+07"),)),
    "integers within 0..255": (lambda: tiff(GREY.astype(np.int32) // 2, 32, sample=2), grey(GREY // 2), 0, (own("0", "255"),)),
    "integers, unsigned": (lambda: tiff(RAMP.astype(np.uint32) * 65537, 32), SEEN_RAMP, 0.5, (own("0", "4.29497e+09"),)),
    "integers, signed 16 bits": (
        lambda: tiff((SIGNED // 1000).astype(np.int16), 16, sample=2),
        SEEN_SIGNED,
        0.5,
        (own("-32768", "32767"),),
    ),
    "floats within 0..1": (lambda: tiff((RAMP / 131070).astype(np.float32), 32, sample=3), SEEN_RAMP / 2, 0.5, (own("0", "1"),)),
    "floats beyond": (lambda: tiff((RAMP / 256 - 50).astype(np.float32), 32, sample=3), SEEN_RAMP, 0.5, (own("-50", "205.996"),)),
    "floats, 0 is white": (
        lambda: tiff((RAMP / 65535).astype(np.float32), 32, sample=3, zero_is_white=True),
        255 - SEEN_RAMP,
        0.5,
        (own("0", "1"),),
    ),
    "floats of one value": (lambda: tiff(np.full((9, 9), 700, np.float32), 32, sample=3), np.zeros((9, 9, 3)), 0, (own("700", "700"),)),
    "CMYK TIFF": (lambda: encoded(Image.fromarray(INK, "CMYK"), "TIFF"), SEEN_INK, 1, (other("CMYK"),)),
    "CMYK JPEG, inverted by Adobe": (lambda: encoded(Image.fromarray(INK, "CMYK"), "JPEG", quality=98), SEEN_INK, 3, (other("CMYK"),)),
    "CMYK JPEG, inverted but not by Adobe": (
        lambda: without_adobe(encoded(Image.fromarray(INK, "CMYK"), "JPEG", quality=98)),
        SEEN_INK,
        3,
        (other("CMYK"),),
    ),
    "LAB TIFF": (lambda: encoded(lab(), "TIFF"), BLOCKS, 6, (other("LAB"),)),
    "PIL, YCbCr": (lambda: pil(BLOCKS, "YCbCr"), BLOCKS, 3, (other("YCbCr"),)),
    "PIL, HSV": (lambda: pil(BLOCKS, "HSV"), BLOCKS, 6, (other("HSV"),)),
    "PIL, RGBX": (lambda: pil(COLOURS, "RGBX"), COLOURS, 0, ()),
    "PIL, RGBa": (lambda: pil(RGBA, "RGBa"), SEEN_ALPHA, 1.5, (WHITE,)),
    "PIL, La": (lambda: pil(np.dstack([GREY, ALPHA]), "La"), SEEN_GREY_ALPHA, 1.5, (WHITE,)),
    "PIL, PA": (lambda: Image.open(io.BytesIO(palette(transparency=1))).convert("PA"), WITHOUT_RED[INDEX], 0, (WHITE,)),
    "PIL, I;16B": (lambda: Image.frombytes("I;16B", (64, 32), RAMP.astype(">u2").tobytes()), SEEN_RAMP, 0.5, (RESCALED,)),
    "PIL, second frame": (second_frame, np.full((20, 20, 3), 15), 0, ()),
    "3 frames in a GIF": (lambda: animated("GIF", 3), np.full((20, 20, 3), 5), 0, (SEVERAL,)),
    "3 frames in a TIFF": (lambda: animated("TIFF", 3), np.full((20, 20, 3), 5), 0, (SEVERAL,)),
    "20 frames in a PNG": (lambda: animated("PNG", 20), np.full((20, 20, 3), 5), 0, (TWENTY,)),
    "20 frames in a WebP": (lambda: animated("WEBP", 20, lossless=True), np.full((20, 20, 3), 5), 0, (TWENTY,)),
    "smallest": (lambda: encoded(COLOURS[:8, :8]), COLOURS[:8, :8], 0, ()),
    "narrowest": (lambda: encoded(np.tile(COLOURS[:8], (1, 4, 1))), np.tile(COLOURS[:8], (1, 4, 1)), 0, ()),
}


@pytest.mark.parametrize("case", CONVERTED)
def test_converted_rightly(case: str) -> None:
    make, expected, tolerance, notes = CONVERTED[case]
    picture = pictures.read(make())
    assert picture.pixels.dtype == np.uint8 and picture.pixels.shape == expected.shape
    assert picture.pixels.flags.c_contiguous and picture.pixels.flags.writeable  # as torch.from_numpy wants it
    assert np.abs(picture.pixels - expected.astype(np.float64)).max() <= tolerance + 1e-3
    assert picture.notes == notes


def test_every_kind_of_pixels_is_converted() -> None:
    made = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "La", "CMYK", "HSV", "LAB", "YCbCr", "I", "F"}
    assert set(pictures.CONVERSIONS) == made | {"I;16", "I;16B", "I;16L", "I;16N"}


# ---- orientation

TURNED = {  # how an upright picture lies in a file of that orientation: the EXIF standard's table of where row 0 and column 0 are
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: upright.transpose(1, 0, 2)[::-1],
    7: lambda upright: upright.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda upright: upright.transpose(1, 0, 2)[:, ::-1],
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", TURNED)
def test_turned_upright(kind: str, orientation: int) -> None:
    lying = np.ascontiguousarray(TURNED[orientation](BLOCKS))
    options: dict[str, object] = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    picture = pictures.read(encoded(lying, kind, exif=exif(orientation), **options))
    assert picture.pixels.shape == BLOCKS.shape
    assert np.abs(picture.pixels.astype(int) - BLOCKS).max() <= (4 if kind == "JPEG" else 0)
    assert picture.notes == (("The picture was turned upright, as its EXIF tag says.",) if orientation > 1 else ())


@pytest.mark.parametrize("orientation", [0, 9, 60_000])
def test_an_unknown_orientation_turns_nothing(orientation: int) -> None:
    assert np.array_equal(pictures.read(encoded(COLOURS, exif=exif(orientation))).pixels, COLOURS)


def test_unreadable_metadata_turn_nothing() -> None:
    content = png(40, 24, [row.tobytes() for row in COLOURS], extra=chunk(b"eXIf", b"II*\0\xff\xff\0\0"))
    assert np.array_equal(pictures.read(content).pixels, COLOURS)


@pytest.mark.parametrize("start", [b"", b"Exif\0\0", b"Exif\0\0Exif\0\0"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_orientation_in_exif_is_read_alone(start: bytes, order: str) -> None:
    header = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, 2)
    lines = struct.pack(order + "HHII", 256, 4, 1, 9) + struct.pack(order + "HHIHH", 274, 3, 1, 6, 0)
    block = start + header + lines + bytes(4)
    assert tiff_directory.orientation(block) == 6
    assert {tiff_directory.orientation(block[:size]) for size in range(len(block))} == {None}
    for other in ((274, 3, 2, 8), (274, 5, 1, 8), (275, 3, 1, 8)):
        assert tiff_directory.orientation(block.replace(lines[12:], struct.pack(order + "HHII", *other))) is None


# ---- large pictures


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_photo_is_averaged_down(orientation: int) -> None:
    blocks = np.kron(RNG.integers(0, 256, (16, 24, 3)), np.ones((128, 128, 1))).astype(np.uint8)
    picture = pictures.read(encoded(blocks, "JPEG", quality=95, subsampling=0, exif=exif(orientation)))
    expected = np.rot90(blocks[::2, ::2], -1) if orientation == 6 else blocks[::2, ::2]
    assert picture.pixels.shape == expected.shape
    assert np.abs(picture.pixels.astype(int) - expected).max() <= 8
    assert picture.notes[0] == "The picture has 3072 x 2048 pixels and was averaged down to 1536 x 1024."


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_averaging_is_the_mean_of_whole_blocks(mode: str) -> None:
    large = RNG.integers(0, 256, (3100, 3200, len(mode)), dtype=np.uint8)
    picture = pictures.read(large_image := Image.fromarray(large))
    seen = large.astype(np.float32) if mode == "RGB" else over_white(large[..., :3], large[..., 3])
    expected = seen[:3099, :3198].reshape(1033, 3, 1066, 3, 3).mean(axis=(1, 3))
    assert large_image.size == (3200, 3100) and picture.pixels.shape == (1034, 1067, 3)
    assert np.abs(picture.pixels[:1033, :1066] - expected).max() <= (0.6 if mode == "RGB" else 3)


def test_a_picture_just_below_is_kept_as_it_is() -> None:
    content = RNG.integers(0, 256, (2047, 2100, 3), dtype=np.uint8)
    picture = pictures.read(encoded(content, "BMP"))
    assert np.array_equal(picture.pixels, content) and picture.notes == ()


# ---- hostile input, memory, threads

# A GIF whose frame is larger than its screen is measured by Pillow while it opens the file: there alone its warning is heard.
HEARD = "small GIF with a frame of 10,000 x 10,000"
BOMBS = [case for case, (_, reason) in REFUSED.items() if reason == "too-many-pixels"]


def test_bombs_cost_little_memory() -> None:
    """The peak of a fresh process, since neither tracemalloc nor this process's peak sees what Pillow takes now."""
    code = """
import pickle, resource, sys
from sevis import pictures
contents = pickle.load(sys.stdin.buffer)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for content in contents:
    try:
        pictures.read(content)
    except pictures.PictureError as error:
        assert error.reason == "too-many-pixels"
    else:
        raise SystemExit("was read")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    contents = pickle.dumps([REFUSED[case][0]() for case in BOMBS if case != HEARD])
    done = subprocess.run([sys.executable, "-c", code], input=contents, capture_output=True, check=False, cwd=Path(__file__).parents[1])
    assert (done.returncode, done.stderr) == (0, b"")  # under Python's usual filters: no warning was printed either
    assert int(done.stdout) < 10_000  # KiB


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_take_little_python_memory(case: str) -> None:
    content = REFUSED[case][0]()
    tracemalloc.start()
    refusal(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The file cut short or with up to 20 bits turned."""
    if rng.random() < 0.3:
        return content[: int(rng.integers(len(content)))]
    damaged = np.frombuffer(content, np.uint8).copy()
    reach = int(rng.choice([40, 200, len(damaged)]))  # most of what a decoder decides by lies at the beginning
    places = rng.integers(min(reach, len(damaged)), size=int(rng.integers(1, 21)))
    np.bitwise_xor.at(damaged, places, (1 << rng.integers(8, size=len(places))).astype(np.uint8))
    return damaged.tobytes()


MUTANTS = ("alpha", "3 frames in a GIF", "20 frames in a PNG", "20 frames in a WebP", "packed TIFF", "12-bit TIFF", "palette", "BMP")


def test_1000_mutations_give_a_picture_or_one_sentence() -> None:
    rng = np.random.default_rng(2024)
    sources = [CONVERTED[case][0]() for case in MUTANTS] + [encoded(BLOCKS, "JPEG", exif=exif(6)), encoded(BLOCKS, "TIFF", exif=exif(6))]
    outcomes: dict[str, int] = {}
    start = time.process_time()
    for n in range(1000):
        try:
            picture = pictures.read(mutated(sources[n % len(sources)], rng))
        except PictureError as error:
            outcomes[error.reason] = outcomes.get(error.reason, 0) + 1
        else:
            assert picture.pixels.dtype == np.uint8 and picture.pixels.ndim == 3 and picture.pixels.shape[2] == 3
            assert picture.pixels.shape[0] * picture.pixels.shape[1] <= pictures.MAX_PIXELS
            outcomes["read"] = outcomes.get("read", 0) + 1
    assert time.process_time() - start < 20
    assert sum(outcomes.values()) == 1000 and outcomes["read"] > 50 and outcomes["damaged"] > 200
    assert set(outcomes) <= {"read"} | set(pictures.REFUSALS)


def outcome(content: bytes | Image.Image) -> tuple[bytes, tuple[str, ...]] | str:
    """What reading gives, in a form that can be compared."""
    try:
        picture = pictures.read(content)
    except PictureError as error:
        return str(error)
    return picture.pixels.tobytes(), picture.notes


def test_8_threads_read_the_same() -> None:
    cases = [case for case in CONVERTED if not case.startswith("PIL")]
    contents = [CONVERTED[case][0]() for case in cases] + [REFUSED[case][0]() for case in BOMBS]
    alone = [outcome(content) for content in contents]
    limit = Image.MAX_IMAGE_PIXELS
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: [outcome(content) for content in contents], range(8)))
    assert all(result == alone for result in together)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_a_given_pil_image_is_left_as_it_was() -> None:
    image = Image.open(io.BytesIO(encoded(BLOCKS, "JPEG", exif=exif(6))))
    pictures.read(image)
    assert (image.size, image.mode, image.getexif()[0x0112]) == ((80, 48), "RGB", 6)


def test_a_picture_is_frozen() -> None:
    picture = pictures.read(PNG)
    assert isinstance(picture, Picture)
    with pytest.raises(AttributeError):
        picture.notes = ("changed",)  # type: ignore[misc]


# ---- the samples

SAMPLES = Path(__file__).parents[1] / "assets" / "samples"
LISTED = json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("sample", LISTED, ids=lambda sample: sample["file"])
def test_samples_are_read_as_they_are_and_credited(sample: dict[str, str]) -> None:
    path = SAMPLES / sample["file"]
    picture = pictures.read(path)
    assert picture.notes == () and 400 < max(picture.pixels.shape) <= 640
    assert path.stat().st_size < 120_000
    row = next(line for line in (SAMPLES / "CREDITS.md").read_text(encoding="utf-8").splitlines() if line.startswith(f"| {path.name} |"))
    assert sample["title"] in row and all(part in row for part in sample["credit"].split(", "))


def test_every_sample_is_listed() -> None:
    assert {sample["file"] for sample in LISTED} == {path.name for path in SAMPLES.glob("*.jpg")}
    known = {"cassette player", "cat", "chain saw", "church", "dog", "French horn"}
    known |= {"garbage truck", "gas pump", "golf ball", "panda", "parachute", "tench"}
    assert {sample["class"] for sample in LISTED} <= known | {None}
