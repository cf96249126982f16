"""Pillow's readers of picture files, but with metadata that cost nothing: of EXIF only the orientation is read, and not by Pillow.

Pillow unpacks every number of every tag it looks at into a Python object, and warns of each that is odd; a hostile file has millions. These
classes answer `getexif`, which all of Pillow asks for EXIF, with the orientation alone.
"""

from __future__ import annotations

import io
import re

from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from sevis import tiff_directory

__all__ = ["JpegFile", "PngFile", "TiffFile", "WebPFile"]

HEX_EXIF = "Raw profile type exif"  # a text that older programs write into a PNG, three lines and then EXIF in hexadecimal numbers
IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


class _Upright(ImageFile.ImageFile):
    """A file whose EXIF has the orientation and nothing else; made once, since Pillow takes it out after turning a picture."""

    _upright: Image.Exif | None = None

    def getexif(self) -> Image.Exif:
        if self._upright is None:
            self._upright = Image.Exif()
            if found := self._stored_orientation() or self._orientation_in_xmp():
                self._upright[tiff_directory.ORIENTATION] = found
        return self._upright

    def _stored_orientation(self) -> int | None:
        """What the file's EXIF says."""
        return tiff_directory.orientation(self.info.get("exif", b""))

    def _orientation_in_xmp(self) -> int | None:
        """What the file's XMP says, which counts where EXIF says nothing."""
        xmp = self.info.get("xmp", b"")
        found = IN_XMP.search(xmp) if isinstance(xmp, bytes) else None
        return int(found[1]) if found else None


class JpegFile(_Upright, JpegImageFile):
    """A JPEG."""


class WebPFile(_Upright, WebPImageFile):
    """A WebP."""


class PngFile(_Upright, PngImageFile):
    """A PNG, whose EXIF may lie behind the pixels, or in a text."""

    def _stored_orientation(self) -> int | None:
        if "exif" not in self.info:
            self.load()
        if "exif" not in self.info and HEX_EXIF in self.info:
            return tiff_directory.orientation(bytes.fromhex("".join(str(self.info[HEX_EXIF]).split("\n")[3:])))
        return super()._stored_orientation()


class TiffFile(_Upright, TiffImageFile):
    """A TIFF in memory that asks for no more than an honest one."""

    def _open(self) -> None:
        assert isinstance(self.fp, io.BytesIO)
        tiff_directory.check(self.fp.getvalue())
        super()._open()

    def _stored_orientation(self) -> int | None:
        found = self.tag_v2.get(tiff_directory.ORIENTATION)  # as Pillow, which has swapped the sides by it
        return next((number for number in range(1, 9) if number == found), None)
