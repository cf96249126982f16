"""Every change of the table, against what it says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from sevis.augmentations import AUGMENTATIONS, changed, told


def picture(height: int, width: int) -> np.ndarray:
    """A seeded picture with gradients, so that no two places look alike; nobody can write to it."""
    rows, columns = np.mgrid[0:height, 0:width]
    grain = np.random.default_rng(1).integers(0, 60, (height, width))
    made = np.stack([rows * 150 // height + grain, columns * 150 // width + grain, 90 + 0 * rows], axis=-1).astype(np.uint8)
    made.flags.writeable = False
    return made


SIZES = [(40, 40), (37, 61), (9, 150), (8, 8), (700, 500)]


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_amount_gives_a_picture(name: str, size: tuple[int, int]) -> None:
    entry, given = AUGMENTATIONS[name], picture(*size)
    for amount in {entry.least, entry.step, entry.most}:
        made = changed(given, {name: amount})
        assert made.dtype == np.uint8 and made.ndim == 3 and made.shape[2] == 3 and min(made.shape[:2]) >= min(8, *size)
        np.testing.assert_array_equal(made, changed(given, {name: amount}))
        assert (made is given) == (amount == 0)
        if amount == entry.most and (name, size) != ("crop", (8, 8)):
            assert made.shape != given.shape or (made != given).any()


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_slider_can_reach_nothing_and_its_ends(name: str) -> None:
    entry = AUGMENTATIONS[name]
    assert entry.least <= 0 < entry.most
    assert (entry.most - entry.least) % entry.step == 0 and entry.least % entry.step == 0


def test_nothing_is_the_picture_itself() -> None:
    given = picture(20, 30)
    assert changed(given, {}) is given
    assert changed(given, dict.fromkeys(AUGMENTATIONS, 0)) is given
    assert told(dict.fromkeys(AUGMENTATIONS, 0)) == ()


def test_flip_is_its_own_inverse() -> None:
    given = picture(20, 31)
    once = changed(given, {"flip": 1})
    np.testing.assert_array_equal(once[:, 0], given[:, -1])
    np.testing.assert_array_equal(changed(once, {"flip": 1}), given)


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_quarter_turns_of_a_square_move_pixels_only(degrees: int, turns: int) -> None:
    given = picture(40, 40)
    np.testing.assert_array_equal(changed(given, {"rotate": degrees}), np.rot90(given, turns))


def test_free_corners_get_the_mean_colour() -> None:
    given = picture(60, 60)
    corner = changed(given, {"rotate": 45})[0, 0]
    np.testing.assert_allclose(corner, given.reshape(-1, 3).mean(axis=0), atol=1)


@pytest.mark.parametrize("scale", [1, 4])
def test_blur_is_a_share_of_the_shorter_side(scale: int) -> None:
    """An edge keeps a spread of 5 % of the side at any size."""
    side = 100 * scale
    given = np.zeros((side, 2 * side, 3), np.uint8)
    given[:, side:] = 200
    profile = changed(given, {"blur": 5})[side // 2, :, 0].astype(float)
    steps = np.diff(profile) / 200
    places = np.arange(len(steps)) - (side - 1)
    assert (steps * places**2).sum() ** 0.5 == pytest.approx(0.05 * side, rel=0.1)


@pytest.mark.parametrize(("percent", "factor"), [(-50, 0.5), (50, 1.5), (100, 2.0)])
def test_brightness_multiplies(percent: int, factor: float) -> None:
    given = picture(20, 20)
    np.testing.assert_allclose(changed(given, {"brightness": percent}), np.clip(given * factor, 0, 255), atol=1)


def test_crop_keeps_the_middle() -> None:
    given = picture(100, 60)
    np.testing.assert_array_equal(changed(given, {"crop": 50}), given[25:75, 15:45])
    assert changed(picture(10, 100), {"crop": 80}).shape == (8, 20, 3)


@pytest.mark.parametrize("size", [(224, 224), (900, 1200)])
def test_noise_survives_being_brought_to_a_networks_size(size: tuple[int, int]) -> None:
    given = np.full((*size, 3), 128, np.uint8)
    made = changed(given, {"noise": 20}).astype(float)
    assert made.mean() == pytest.approx(128, abs=0.5) and made.std() == pytest.approx(20, rel=0.03)
    grain = max(min(size) // 224, 1)
    block = made[: size[0] // grain * grain, : size[1] // grain * grain, 0].reshape(size[0] // grain, grain, -1, grain)
    assert block.mean(axis=(1, 3)).std() == pytest.approx(20, rel=0.03)


def test_changes_come_in_the_order_of_the_table() -> None:
    given = picture(40, 40)
    one, other = changed(given, {"noise": 20, "flip": 1}), changed(given, {"flip": 1, "noise": 20})
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, changed(changed(given, {"flip": 1}), {"noise": 20}))
    assert told({"blur": 2, "flip": 1, "rotate": 15, "noise": 0}) == ("mirrored", "turned by +15°", "blurred by 2%")


@pytest.mark.parametrize(
    ("amounts", "word"), [({"sharpen": 1}, "choose from"), ({"blur": 11}, "0 to 10"), ({"rotate": -999}, "-180 to 180")]
)
def test_what_cannot_be_done_is_said(amounts: dict[str, float], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        changed(picture(10, 10), amounts)
