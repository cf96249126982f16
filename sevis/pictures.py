"""What a person hands over, as an honest RGB picture or as one sentence that says why not.

    picture = pictures.read(upload.getvalue())
    picture.pixels  # (H, W, 3) uint8
    picture.notes   # ("Transparent parts were laid over white.",)

Nothing process-wide is touched (Pillow's limits, warning filters), so many threads may read at once. Nothing here knows of networks.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile

from sevis.picture_files import JpegFile, PngFile, TiffFile, WebPFile
from sevis.tiff_directory import ORIENTATION

__all__ = ["MAX_ASPECT", "MAX_BYTES", "MAX_PIXELS", "MIN_SIDE", "REFUSALS", "Picture", "PictureError", "read"]

MAX_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
MAX_ASPECT = 20
MIN_SIDE = 8
MAX_READS = 40_000  # of Pillow in a row: it looks at each part of a file in Python, and 20 MB hold a million empty ones
PER_READ = 120  # bytes that make good for one; a GIF's parts have 255, and two are needed for each
MAX_HEADER = 8_000_000  # bytes before the pixels: EXIF is pieced together anew with every piece
MAX_SCANS = 30  # of a JPEG: each goes over all pixels, and an empty one takes 12 bytes; usual are 10
MAX_MARKERS = 5_000  # of a JPEG, behind its header
SIDE_KEPT = (
    1024  # a shorter side of twice this or more is averaged down: no network looks at more, and 25 million pixels are 100 MB in Pillow
)

REFUSALS = {
    "wrong-type": "A picture can be read from bytes, a path, a PIL image or an array, not from {kind}.",
    "wrong-array": "The array has shape {shape} and type {dtype}; hand over (height, width, 3) of uint8, red first.",
    "missing-file": "There is no file {path!r}; check the name.",
    "not-a-file": "{path!r} is not a file but a folder or a device; choose one picture.",
    "unreadable-file": "The file {path!r} cannot be opened ({why}); check who may read it.",
    "empty": "The file is empty (0 bytes); choose a JPEG, PNG, WebP, BMP, GIF or TIFF picture.",
    "too-many-bytes": f"The file is larger than {MAX_BYTES // 1_000_000} MB; save it smaller or as JPEG, and try again.",
    "not-an-image": "The file is not a picture of a kind that is read here; choose a JPEG, PNG, WebP, BMP, GIF or TIFF picture.",
    "unsupported-format": "The file is {name}, which is not read here; save it as JPEG or PNG, and try again.",
    "unsupported-mode": "The picture's pixels are stored as {mode}, which is not read here; save it as PNG, and try again.",
    "too-many-pixels": f"The picture has {{size}} pixels, and at most {MAX_PIXELS // 1_000_000} million are read; make it smaller.",
    "too-small": f"The picture has {{size}} pixels, and each side needs at least {MIN_SIDE}; choose a larger one.",
    "too-narrow": f"The picture has {{size}} pixels, and one side may be at most {MAX_ASPECT} times the other; crop it, and try again.",
    "damaged": "The {name} picture is damaged, cut short or overfull; save it again with another program, or choose another one.",
    "not-finite": "{count} of the picture's values are infinite or not a number (NaN); replace them, and try again.",
}

# Pillow's own classes and not Image.open: that one warns of a large header, process-wide, before its size can be looked at here.
FORMATS: tuple[tuple[str, bytes, Callable[[io.BytesIO], ImageFile.ImageFile]], ...] = (
    ("JPEG", rb"\xff\xd8\xff", JpegFile),
    ("PNG", rb"\x89PNG\r\n\x1a\n", PngFile),
    ("WebP", rb"RIFF....WEBP", WebPFile),
    ("BMP", rb"BM", BmpImageFile),
    ("GIF", rb"GIF8[79]a", GifImageFile),
    ("TIFF", rb"II\*\0|MM\0\*", TiffFile),
)
OTHER_FORMATS = (
    ("a HEIC photo", rb"....ftyp(hei|hev|mif1|msf1)"),
    ("an AVIF picture", rb"....ftypavi"),
    ("a JPEG 2000 picture", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    ("a JPEG XL picture", rb"\0\0\0\x0cJXL |\xff\x0a"),
    ("a BigTIFF picture", rb"II\+\0|MM\0\+"),
    ("a PDF document", rb"%PDF"),
    ("a PostScript (EPS) drawing", rb"%!PS|\xc5\xd0\xd3\xc6"),
    ("a Photoshop document", rb"8BPS"),
    ("an icon file", rb"\0\0[\1\2]\0"),
    ("an SVG drawing", rb".{,1000}<svg[\s>]"),
)
BITS, SAMPLE_FORMAT, PHOTOMETRIC, PLANES = 258, 339, 262, 284  # tags of TIFF
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
MARKER, SCAN, END = re.compile(rb"\xff([^\0\xd0-\xd7\xff])"), b"\xda", b"\xd9"  # of JPEG; the others belong to the pixels
Converted = tuple[Image.Image, tuple[str, ...]]  # an image and the notes on how it came about


class PictureError(ValueError):
    """Why something is not taken as a picture: str() is a sentence for the visitor, `reason` one of REFUSALS' codes."""

    # Both stay in args, so that the error survives the way out of a worker process.
    @property
    def reason(self) -> str:
        return str(self.args[1])

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class Picture:
    """A picture as everything downstream wants it.

    Attributes:
        pixels: red, green and blue, upright and opaque, (H, W, 3) uint8.
        notes: what was done to the picture that its owner should know, one sentence each.
    """

    pixels: np.ndarray
    notes: tuple[str, ...] = ()


def read(source: bytes | str | Path | Image.Image | np.ndarray) -> Picture:
    """The picture in a file's bytes, a file, a PIL image (its current frame) or an array; raises PictureError."""
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        with _decoding(source.format or "given"):
            return _from_image(source, source.size)
    if isinstance(source, str | Path):
        return _from_bytes(_load(Path(source)))
    if isinstance(source, bytes):
        return _from_bytes(source)
    raise _refusal("wrong-type", kind=type(source).__name__)


def _refusal(reason: str, **values: object) -> PictureError:
    """The error with that code and its sentence."""
    return PictureError(REFUSALS[reason].format(**values), reason)


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises into a PictureError.

    Damaged files make it raise OSError, ValueError, SyntaxError, EOFError, KeyError, struct.error, MemoryError and more, hence Exception.
    """
    try:
        yield
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refusal("too-many-pixels", size="far too many") from error
    except Exception as error:
        raise _refusal("damaged", name=name) from error


def _load(path: Path) -> bytes:
    """The file's bytes, one more than MAX_BYTES at most."""
    try:
        if not path.is_file():
            raise _refusal("not-a-file" if path.exists() else "missing-file", path=str(path))
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refusal("unreadable-file", path=str(path), why=error.strerror) from error


def _check_size(size: tuple[int, int]) -> None:
    """Raise PictureError unless pictures of this size are read."""
    short, long = sorted(size)
    limits = (("too-small", short < MIN_SIDE), ("too-many-pixels", short * long > MAX_PIXELS), ("too-narrow", long > MAX_ASPECT * short))
    for reason, broken in limits:
        if broken:
            raise _refusal(reason, size=f"{size[0]} x {size[1]}")


def _from_array(pixels: np.ndarray) -> Picture:
    """A picture with its own copy of the array."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise _refusal("wrong-array", shape=pixels.shape, dtype=pixels.dtype)
    _check_size((pixels.shape[1], pixels.shape[0]))
    return Picture(np.array(pixels, order="C"))


def _from_bytes(content: bytes) -> Picture:
    """The picture in a file's bytes."""
    if not content:
        raise _refusal("empty")
    if len(content) > MAX_BYTES:
        raise _refusal("too-many-bytes")
    for name, signature, opener in FORMATS:
        if re.match(signature, content, re.DOTALL):
            with _decoding(name):
                file = _Rationed(content, inf if opener is TiffFile else MAX_HEADER)  # a TIFF tells beforehand what its header has
                image = opener(file)
                _check_size(image.size)
                if image.format in ("JPEG", "MPO") and _is_overfull(content, file.tell()):
                    raise _refusal("damaged", name=name)
                file.header = inf
                # a PNG's checksums: decoding skips them, and a wrong bit would change pixels silently
                opener(_Rationed(content, inf)).verify()
                return _from_header(image)
    for name, signature in OTHER_FORMATS:
        if re.match(signature, content, re.DOTALL):
            raise _refusal("unsupported-format", name=name)
    raise _refusal("not-an-image")


class _Rationed(io.BytesIO):
    """A file's bytes, of which only so much is read that it takes a tenth of a second; then `read` raises OSError.

    Args:
        content: the file.
        header: how many of its bytes may be read piece by piece; more once the header is done with.
    """

    def __init__(self, content: bytes, header: float = MAX_HEADER) -> None:
        super().__init__(content)
        self.header, self.reads = header, float(MAX_READS)

    def read(self, size: int | None = -1, /) -> bytes:
        self.header -= max(size or 0, 0)
        if self.reads < 0 or self.header < 0:
            raise OSError("too many parts, or too much before the pixels")
        found = super().read(size)
        self.reads = min(self.reads - 1 + len(found) / PER_READ, MAX_READS)
        return found


def _is_overfull(content: bytes, place: int) -> bool:
    """Whether a JPEG has more scans or markers behind its header, which ends at `place`, than any honest one."""
    scans = 1
    for _ in range(MAX_MARKERS):
        found = MARKER.search(content, place)
        if found is None or found[1] == END:
            return False
        scans += found[1] == SCAN
        if scans > MAX_SCANS:
            return True
        place = found.end() + int.from_bytes(content[found.end() : found.end() + 2])
    return True


def _from_header(image: ImageFile.ImageFile) -> Picture:
    """The picture of a file of which only the header was read, with notes on what only the header tells."""
    size = image.size
    notes = (*_frame_notes(image), *_depth_notes(image))
    image.draft(
        None, (SIDE_KEPT, SIDE_KEPT)
    )  # JPEG only: decodes 1/2, 1/4 or 1/8 of the size, as _smaller would, sooner and in less memory
    return _from_image(image, size, notes)


def _frame_notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """That only the first frame is shown, where there are more."""
    if not getattr(image, "is_animated", False):
        return ()
    # A GIF's or TIFF's frames can only be counted by walking over all of them, and a hostile file has millions.
    count = getattr(image, "n_frames", 0) if image.format in ("PNG", "WEBP") else "several"
    return (f"The file holds {count} frames; only the first is shown.",)


def _depth_notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """That 16-bit colours lose their low byte, as Pillow decodes them: v >> 8 is less than one level away from v / 257."""
    layouts = [(tile.codec_name, str(tile.args)) for tile in image.tile]
    if _tiff_tag(image, PLANES, 1) == 2 and _tiff_tag(image, BITS, 8) > 8 and any(codec == "raw" for codec, _ in layouts):
        raise _refusal("unsupported-mode", mode="separate planes of 16 bits")  # Pillow 13 takes each byte for a pixel, and says nothing
    if not any(re.search(r"\b(RGB|LA|CMYK)\w*;16", layout) for _, layout in layouts):
        return ()
    if isinstance(colour := image.info.get("transparency"), tuple):
        image.info["transparency"] = tuple(value >> 8 for value in colour)  # Pillow compares it with the 8-bit pixels
    return ("16-bit colours were reduced to 8 bits.",)


def _from_image(image: Image.Image, size: tuple[int, int], notes: tuple[str, ...] = ()) -> Picture:
    """The picture of an image that had this size before any draft."""
    _check_size(size)
    if image.mode not in CONVERSIONS:
        raise _refusal("unsupported-mode", mode=image.mode)
    turned = _orientation(image) in UPRIGHT
    image.load()
    turn = UPRIGHT.get(_orientation(image))  # asked again: Pillow turns a TIFF upright itself while loading it
    rgb, remarks = CONVERSIONS[image.mode](image)
    rgb = _smaller(rgb)
    if max(rgb.size) < max(size):
        remarks = (*remarks, f"The picture has {size[0]} x {size[1]} pixels and was averaged down to {rgb.width} x {rgb.height}.")
    if turned:
        remarks = (*remarks, "The picture was turned upright, as its EXIF tag says.")
    return Picture(np.array(rgb if turn is None else rgb.transpose(turn)), notes + remarks)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, or 1 (upright) where none can be read: damaged metadata don't spoil a picture."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1


def _smaller(image: Image.Image) -> Image.Image:
    """The image averaged down by the largest whole factor that leaves both sides SIDE_KEPT; itself if that is 1."""
    factor = min(image.size) // SIDE_KEPT
    return image.reduce(factor) if factor > 1 else image


def _colours(image: Image.Image) -> Converted:
    """Red, green and blue, laid over white where they are not opaque."""
    if not image.has_transparency_data:
        return (image if image.mode == "RGB" else image.convert("RGB")), ()  # convert() would copy 100 MB
    rgba = _smaller(image if image.mode == "RGBA" else image.convert("RGBA"))
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba.convert("RGB"), ()
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB"), ("Transparent parts were laid over white.",)


def _other_colours(image: Image.Image) -> Converted:
    """Red, green and blue from another colour space; a profile in the file is not applied."""
    return image.convert("RGB"), (f"{image.mode} colours were converted to red, green and blue.",)


def _sixteen_bits(image: Image.Image) -> Converted:
    """Grey from 0..65535, or from 0..4095 in a TIFF that says so; Pillow's own conversion clips at 255."""
    bits = _tiff_tag(image, BITS, 16)
    values, top = np.asarray(image), 2**bits - 1
    grey, note = _grey(image, values, (0, top)), f"{bits}-bit values were rescaled from 0..{top}."
    if "transparency" not in image.info:
        return grey, (note,)
    grey.paste("white", mask=Image.fromarray(values == image.info["transparency"]))
    return grey, (note, "Transparent parts were laid over white.")


def _integers(image: Image.Image) -> Converted:
    """Grey from 0..255 where all values lie there, otherwise from the picture's own range."""
    values = np.asarray(image)
    if _tiff_tag(image, BITS, 0) == 32 and _tiff_tag(image, SAMPLE_FORMAT, 1) == 1:
        values = values.view(np.uint32)  # Pillow has no unsigned 32-bit mode and takes the upper half for negative numbers
    return _own_range(image, values, 255)


def _floats(image: Image.Image) -> Converted:
    """Grey from 0..1 where all values lie there, otherwise from the picture's own range."""
    values = np.asarray(image)
    if strange := int(values.size - np.isfinite(values).sum()):
        raise _refusal("not-finite", count=strange)
    return _own_range(image, values, 1)


def _own_range(image: Image.Image, values: np.ndarray, usual: int) -> Converted:
    """Grey from 0..usual where all values lie there, otherwise from the smallest to the largest."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= usual:
        low, high = 0, usual
    return _grey(image, values, (low, high)), (f"Grey values were rescaled from {low:g}..{high:g}.",)


def _grey(image: Image.Image, values: np.ndarray, span: tuple[float, float]) -> Image.Image:
    """The values as grey, span becoming 0..255; a picture of one single value is black."""
    low, high = span
    factor = 255 / (high - low) if high > low else 0.0
    grey = np.empty(values.shape, np.uint8)
    for rows, out in zip(np.array_split(values, 64), np.array_split(grey, 64), strict=True):  # in strips, for doubles need 8 bytes each
        out[:] = np.rint((rows.astype(np.float64) - low) * factor)
    # In a TIFF whose 0 is white Pillow turns 8-bit values about, but not deeper ones.
    return Image.fromarray(255 - grey if _tiff_tag(image, PHOTOMETRIC, 1) == 0 else grey).convert("RGB")


def _tiff_tag(image: Image.Image, tag: int, default: int) -> int:
    """The first number in a TIFF file's tag, or the default where there is none."""
    value = getattr(image, "tag_v2", {}).get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


CONVERSIONS: dict[str, Callable[[Image.Image], Converted]] = {
    **dict.fromkeys(("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa"), _colours),
    **dict.fromkeys(("CMYK", "HSV", "LAB", "YCbCr"), _other_colours),
    **dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N"), _sixteen_bits),
    "La": lambda image: _colours(image.convert("LA")),  # the one way from here that Pillow knows
    "I": _integers,
    "F": _floats,
}
