"""Why something is not taken as a picture: the limits, and a sentence for each reason."""

from __future__ import annotations

__all__ = ["MAX_ASPECT", "MAX_BYTES", "MAX_PIXELS", "MIN_SIDE", "REFUSALS", "PictureError", "refusal"]

MAX_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
MAX_ASPECT = 20
MIN_SIDE = 8

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


class PictureError(ValueError):
    """Why something is not taken as a picture: str() is a sentence for the visitor, `reason` one of REFUSALS' codes."""

    # Both stay in args, so that the error survives the way out of a worker process.
    @property
    def reason(self) -> str:
        return str(self.args[1])

    def __str__(self) -> str:
        return str(self.args[0])


def refusal(reason: str, **values: object) -> PictureError:
    """The error with that code and its sentence."""
    return PictureError(REFUSALS[reason].format(**values), reason)
