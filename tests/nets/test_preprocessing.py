"""The crop's geometry, the normalisation and its undoing."""

from __future__ import annotations

import json

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torchvision.transforms import v2

from sevis.nets.preprocessing import Preprocessing, normalisation, seen

RANDOM = np.random.default_rng(0)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8))


def compass(width: int, height: int) -> Image.Image:
    """Red tells the column, green the row, both from 0 to 240 whatever the size."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 240, width)[None]
    pixels[..., 1] = np.linspace(0, 240, height)[:, None]
    return Image.fromarray(pixels)


# (width, height, side, resize): what of the picture is seen, as (left, top, right, bottom) shares
GEOMETRY = {
    "square, whole": (48, 48, 24, 24, (0, 0, 1, 1)),
    "square, inner three quarters": (48, 48, 24, 32, (1 / 8, 1 / 8, 7 / 8, 7 / 8)),
    "tall": (40, 120, 24, 24, (0, 1 / 3, 1, 2 / 3)),
    "wide": (160, 40, 24, 24, (3 / 8, 0, 5 / 8, 1)),
    "tall, inner": (40, 120, 24, 30, (0.1, 0.5 - 2 / 15, 0.9, 0.5 + 2 / 15)),
    "small": (10, 10, 24, 24, (0, 0, 1, 1)),
    "small and wide": (20, 10, 24, 24, (1 / 4, 0, 3 / 4, 1)),
    "odd": (41, 67, 24, 24, (0, 13 / 67, 1, 54 / 67)),
}


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("case", GEOMETRY)
def test_the_crop_is_the_middle_of_the_picture(case: str, interpolation: str) -> None:
    width, height, side, resize, (left, top, right, bottom) = GEOMETRY[case]
    crop = np.asarray(Preprocessing(side, resize, interpolation=interpolation).crop(compass(width, height))).astype(float)
    assert crop.shape == (side, side, 3)
    step = 240 * max((right - left), (bottom - top)) / side  # one pixel of the crop
    for axis, (first, last) in enumerate(((left, right), (top, bottom))):
        line = crop[side // 2, :, 0] if axis == 0 else crop[:, side // 2, 1]
        middles = 240 * (first + (last - first) * (np.arange(side) + 0.5) / side)
        assert np.abs(line - middles).max() <= 1.5 * step + 3


@pytest.mark.parametrize(("width", "height", "left", "top"), [(24, 24, 0, 0), (24, 50, 0, 13), (61, 24, 18, 0)])
def test_without_resizing_the_crop_is_exact(width: int, height: int, left: int, top: int) -> None:
    picture = noise(width, height)
    crop = Preprocessing(24, 24).crop(picture)
    assert np.array_equal(np.asarray(crop), np.asarray(picture)[top : top + 24, left : left + 24])


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_resizing_is_pillows_own(interpolation: str) -> None:
    picture = noise(60, 90)
    resized = np.asarray(picture.resize((40, 60), Image.Resampling[interpolation.upper()]))
    crop = Preprocessing(32, 40, interpolation=interpolation).crop(picture)
    assert np.array_equal(np.asarray(crop), resized[14:46, 4:36])


def test_a_resize_below_the_side_still_fills_it() -> None:
    assert Preprocessing(24, 10).crop(noise(50, 50)).size == (24, 24)


def test_the_tensor_is_the_normalised_crop() -> None:
    preprocessing = Preprocessing(24, 30, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    picture = noise(64, 48)
    tensor = preprocessing(picture)
    crop = np.asarray(preprocessing.crop(picture)).astype(np.float64)
    expected = np.stack([(crop[..., c] / 255 - mean) / std for c, (mean, std) in enumerate(((0.1, 0.5), (0.2, 0.6), (0.3, 0.7)))])
    assert tensor.dtype == torch.float32 and tensor.is_contiguous() and tensor.shape == (3, 24, 24)
    np.testing.assert_allclose(tensor.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("norm", [IMAGENET, ((0.5,) * 3, (0.5,) * 3), ((0.0,) * 3, (1.0,) * 3), ((0.1, 0.2, 0.9), (0.01, 0.6, 2.0))])
def test_normalisation_is_undone_exactly_for_every_value(norm: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = np.stack([every, every.T, every[::-1]], axis=2)
    preprocessing = Preprocessing(16, 16, *norm)
    found = seen(preprocessing(Image.fromarray(picture)), preprocessing)
    assert found.dtype == np.uint8 and np.array_equal(found, picture)


def test_seen_undoes_torchvisions_transforms() -> None:
    picture = noise(40, 40)
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.CenterCrop(24),
            v2.RandomHorizontalFlip(0),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(*map(list, IMAGENET)),
        ]
    )
    assert np.array_equal(seen(transform(picture), transform), np.asarray(picture)[8:32, 8:32])


def test_seen_undoes_timms_transforms() -> None:
    picture = noise(24, 24)
    transform = timm.data.create_transform(24, is_training=False, mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.3), crop_pct=1.0)
    assert np.array_equal(seen(transform(picture), transform), np.asarray(picture))


def test_the_last_normalisation_counts() -> None:
    twice = v2.Compose([v2.Normalize([0.1] * 3, [0.2] * 3), v2.Normalize([0.5] * 3, [0.25] * 3)])
    assert normalisation(twice) == ((0.5,) * 3, (0.25,) * 3)
    assert normalisation(lambda picture: picture) is None


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (torch.tensor([0.0, 0.5, 1.0]), [0, 128, 255]),  # already between 0 and 1
        (torch.tensor([-1.0, 0.0, 3.0]), [0, 64, 255]),  # stretched
        (torch.tensor([7.0, 7.0, 7.0]), [0, 0, 0]),  # nothing to stretch
    ],
)
def test_a_transform_that_tells_nothing(tensor: torch.Tensor, expected: list[int]) -> None:
    found = seen(tensor.expand(3, 1, 3), lambda picture: picture)
    assert found.tolist() == [[[value] * 3 for value in expected]]


def test_values_beyond_the_range_are_clipped() -> None:
    preprocessing = Preprocessing(1, 1)
    assert seen(torch.full((3, 1, 1), 100.0), preprocessing).tolist() == [[[255, 255, 255]]]
    assert seen(torch.full((3, 1, 1), -100.0), preprocessing).tolist() == [[[0, 0, 0]]]


def test_a_card_gives_it_back() -> None:
    preprocessing = Preprocessing(96, 128, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "bilinear")
    assert Preprocessing.from_card(json.loads(json.dumps(preprocessing.to_card()))) == preprocessing
