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

from sevis.picture_colours import BITS, CONVERSIONS, PLANES, SIDE_KEPT, smaller, tiff_tag
from sevis.picture_files import JpegFile, PngFile, TiffFile, WebPFile
from sevis.picture_rations import MAX_HEADER, Rationed, is_overfull
from sevis.picture_refusals import MAX_ASPECT, MAX_BYTES, MAX_PIXELS, MIN_SIDE, REFUSALS, PictureError, refusal
from sevis.tiff_directory import ORIENTATION

__all__ = ["MAX_ASPECT", "MAX_BYTES", "MAX_PIXELS", "MIN_SIDE", "REFUSALS", "Picture", "PictureError", "read"]


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
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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
    raise refusal("wrong-type", kind=type(source).__name__)


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
        raise refusal("too-many-pixels", size="far too many") from error
    except Exception as error:
        raise refusal("damaged", name=name) from error


def _load(path: Path) -> bytes:
    """The file's bytes, one more than MAX_BYTES at most."""
    try:
        if not path.is_file():
            raise refusal("not-a-file" if path.exists() else "missing-file", path=str(path))
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise refusal("unreadable-file", path=str(path), why=error.strerror) from error


def _check_size(size: tuple[int, int]) -> None:
    """Raise PictureError unless pictures of this size are read."""
    short, long = sorted(size)
    limits = (("too-small", short < MIN_SIDE), ("too-many-pixels", short * long > MAX_PIXELS), ("too-narrow", long > MAX_ASPECT * short))
    for reason, broken in limits:
        if broken:
            raise refusal(reason, size=f"{size[0]} x {size[1]}")


def _from_array(pixels: np.ndarray) -> Picture:
    """A picture with its own copy of the array."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise refusal("wrong-array", shape=pixels.shape, dtype=pixels.dtype)
    _check_size((pixels.shape[1], pixels.shape[0]))
    return Picture(np.array(pixels, order="C"))


def _from_bytes(content: bytes) -> Picture:
    """The picture in a file's bytes."""
    if not content:
        raise refusal("empty")
    if len(content) > MAX_BYTES:
        raise refusal("too-many-bytes")
    for name, signature, opener in FORMATS:
        if re.match(signature, content, re.DOTALL):
            with _decoding(name):
                file = Rationed(content, inf if opener is TiffFile else MAX_HEADER)  # a TIFF tells beforehand what its header has
                image = opener(file)
                _check_size(image.size)
                if image.format in ("JPEG", "MPO") and is_overfull(content, file.tell()):
                    raise refusal("damaged", name=name)
                file.header = inf
                # a PNG's checksums: decoding skips them, and a wrong bit would change pixels silently
                opener(Rationed(content, inf)).verify()
                return _from_header(image)
    for name, signature in OTHER_FORMATS:
        if re.match(signature, content, re.DOTALL):
            raise refusal("unsupported-format", name=name)
    raise refusal("not-an-image")


def _from_header(image: ImageFile.ImageFile) -> Picture:
    """The picture of a file of which only the header was read, with notes on what only the header tells."""
    size = image.size
    notes = (*_frame_notes(image), *_depth_notes(image))
    image.draft(None, (SIDE_KEPT, SIDE_KEPT))  # JPEG only: decodes 1/2, 1/4 or 1/8 of the size, as smaller would, sooner and in less memory
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
    if tiff_tag(image, PLANES, 1) == 2 and tiff_tag(image, BITS, 8) > 8 and any(codec == "raw" for codec, _ in layouts):
        raise refusal("unsupported-mode", mode="separate planes of 16 bits")  # Pillow 13 takes each byte for a pixel, and says nothing
    if not any(re.search(r"\b(RGB|LA|CMYK)\w*;16", layout) for _, layout in layouts):
        return ()
    if isinstance(colour := image.info.get("transparency"), tuple):
        image.info["transparency"] = tuple(value >> 8 for value in colour)  # Pillow compares it with the 8-bit pixels
    return ("16-bit colours were reduced to 8 bits.",)


def _from_image(image: Image.Image, size: tuple[int, int], notes: tuple[str, ...] = ()) -> Picture:
    """The picture of an image that had this size before any draft."""
    _check_size(size)
    if image.mode not in CONVERSIONS:
        raise refusal("unsupported-mode", mode=image.mode)
    turned = _orientation(image) in UPRIGHT
    image.load()
    turn = UPRIGHT.get(_orientation(image))  # asked again: Pillow turns a TIFF upright itself while loading it
    rgb, remarks = CONVERSIONS[image.mode](image)
    rgb = smaller(rgb)
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
