"""From a picture to the tensor that a network was trained on, and back to what it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

__all__ = ["Preprocessing", "seen"]

Transform = Callable[[Image.Image], Tensor]


@dataclass(frozen=True)
class Preprocessing:
    """Resize the shorter side, cut out the centre, normalise; calling it gives (3, side, side) float32.

    Attributes:
        side: of the square that the network sees, in pixels.
        resize: the shorter side before the cut; the same as side keeps all that a square can.
        mean, std: of each colour, for values in [0, 1].
        interpolation: "bicubic" or "bilinear".
    """

    side: int
    resize: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    interpolation: str = "bicubic"

    def __call__(self, picture: Image.Image) -> Tensor:
        scaled = np.asarray(self.crop(picture), dtype=np.float32) / 255  # (side, side, 3)
        normal = (scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return torch.from_numpy(np.ascontiguousarray(normal.transpose(2, 0, 1)))

    def crop(self, picture: Image.Image) -> Image.Image:
        """The square that the network sees."""
        scale = self.resize / min(picture.size)
        width, height = (max(round(n * scale), self.side) for n in picture.size)
        resized = picture.resize((width, height), Image.Resampling[self.interpolation.upper()])
        left, top = (width - self.side) // 2, (height - self.side) // 2
        return resized.crop((left, top, left + self.side, top + self.side))

    @classmethod
    def from_card(cls, entry: dict[str, Any]) -> Preprocessing:
        """The preprocessing that a model card names."""
        return cls(**{**entry, "mean": tuple(entry["mean"]), "std": tuple(entry["std"])})

    def to_card(self) -> dict[str, Any]:
        """What a model card says of it."""
        return asdict(self)


def normalisation(transform: Any) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """The mean and std of a transform, of its last part that has them; None where it has none."""
    parts = [transform, *getattr(transform, "transforms", ())]
    found = [(part.mean, part.std) for part in parts if hasattr(part, "mean") and hasattr(part, "std")]
    return (tuple(map(float, found[-1][0])), tuple(map(float, found[-1][1]))) if found else None


def seen(tensor: Tensor, transform: Any) -> np.ndarray:
    """The picture that a network saw, (H, W, 3) uint8: the tensor (3, H, W) with its normalisation undone.

    Where the transform does not tell its mean and std, the tensor's own range is stretched.
    """
    values = tensor.detach().float().cpu().numpy().transpose(1, 2, 0)
    known = normalisation(transform)
    if known is not None:
        values = values * np.array(known[1], np.float32) + np.array(known[0], np.float32)
    elif values.min() < 0 or values.max() > 1:
        values = (values - values.min()) / max(float(np.ptp(values)), 1e-6)
    pixels: np.ndarray = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    return pixels
