"""Changes to a picture that leave what it shows as it is, each with one amount; 0 changes nothing.

    changed(picture, {"rotate": 15, "blur": 2})

Sizes are shares of the picture's shorter side, because every network brings pictures to its own size: two pixels of blur on a
large photograph would be gone before the first layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

__all__ = ["AUGMENTATIONS", "Augmentation", "changed", "told"]

GRAIN = 224  # grains of noise along the shorter side: about one to a pixel of what a network sees
SMALLEST = 8  # pixels a side that a crop leaves


@dataclass(frozen=True)
class Augmentation:
    """One way to change a picture.

    Attributes:
        title: what its slider is called.
        change: the picture (H, W, 3) uint8 and the amount in, a picture (h, w, 3) uint8 out.
        least: the lowest amount.
        most: the highest amount.
        step: between two amounts of the slider.
        unit: of the amount, as it is written behind it.
        told: what was done, with the amount in its place.
    """

    title: str
    change: Callable[[np.ndarray, float], np.ndarray]
    least: int
    most: int
    step: int
    unit: str
    told: str


def changed(picture: np.ndarray, amounts: Mapping[str, float]) -> np.ndarray:
    """The picture (H, W, 3) uint8 after the changes by those amounts, in the order of the table.

    Raises:
        ValueError: a name is not in the table, or an amount lies outside its range.
    """
    for name, amount in amounts.items():
        if name not in AUGMENTATIONS:
            raise ValueError(f"unknown change {name!r}; choose from {tuple(AUGMENTATIONS)}")
        entry = AUGMENTATIONS[name]
        if not entry.least <= amount <= entry.most:
            raise ValueError(f"{name} is {amount}; expected {entry.least} to {entry.most}")
    for name, entry in AUGMENTATIONS.items():
        if amounts.get(name):
            picture = entry.change(picture, amounts[name])
    return picture


def told(amounts: Mapping[str, float]) -> tuple[str, ...]:
    """What those amounts do, in words, as in ("turned by 15°", "blurred by 2%"); empty where nothing is changed."""
    return tuple(
        entry.told.format(f"{amounts[name]:+g}" if entry.least < 0 else f"{amounts[name]:g}")
        for name, entry in AUGMENTATIONS.items()
        if amounts.get(name)
    )


def flip(picture: np.ndarray, amount: float) -> np.ndarray:
    """The picture in a mirror: left and right change places."""
    return np.ascontiguousarray(picture[:, ::-1])


def rotate(picture: np.ndarray, degrees: float) -> np.ndarray:
    """The picture turned counterclockwise about its middle; the corners that come free get its mean colour."""
    mean = tuple(int(value) for value in picture.mean(axis=(0, 1)).round())
    return np.array(Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=mean))


def blur(picture: np.ndarray, percent: float) -> np.ndarray:
    """The picture under a Gaussian whose standard deviation is that share of the shorter side."""
    return np.array(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(percent / 100 * min(picture.shape[:2]))))


def brightness(picture: np.ndarray, percent: float) -> np.ndarray:
    """Every value so much higher or lower than it was; -100 is black."""
    return np.array(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(1 + percent / 100))


def crop(picture: np.ndarray, percent: float) -> np.ndarray:
    """The picture's middle, after so much of its height and of its width was cut away."""
    edges = [_middle(side, percent / 100) for side in picture.shape[:2]]
    return np.ascontiguousarray(picture[edges[0], edges[1]])


def _middle(side: int, away: float) -> slice:
    kept = min(max(round(side * (1 - away)), SMALLEST), side)
    return slice((side - kept) // 2, (side - kept) // 2 + kept)


def noise(picture: np.ndarray, levels: float) -> np.ndarray:
    """The picture under Gaussian noise of that standard deviation, in levels of 255; the same for pictures of one size."""
    height, width = picture.shape[:2]
    grain = max(min(height, width) // GRAIN, 1)
    coarse = np.random.default_rng(0).normal(0, levels, (-(-height // grain), -(-width // grain), 3)).astype(np.float32)
    fine = coarse.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    return np.clip(picture + fine, 0, 255).round().astype(np.uint8)


AUGMENTATIONS: dict[str, Augmentation] = {
    "flip": Augmentation("Mirror", flip, 0, 1, 1, "", "mirrored"),
    "rotate": Augmentation("Turn", rotate, -180, 180, 5, "°", "turned by {}°"),
    "crop": Augmentation("Crop", crop, 0, 80, 5, "%", "cropped by {}%"),
    "brightness": Augmentation("Brightness", brightness, -90, 100, 10, "%", "brightness {}%"),
    "blur": Augmentation("Blur", blur, 0, 10, 1, "%", "blurred by {}%"),
    "noise": Augmentation("Noise", noise, 0, 100, 5, " levels", "noise of {} levels"),
}
