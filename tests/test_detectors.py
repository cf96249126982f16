"""A detector through the inspector: its boxes are its predictions, and one of them is explained."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sevis.inspector import Inspector
from sevis.nets.detection import box_score, detections
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.yolov5_se import YOLOv5
from tests.tiny_networks import CLASSES, detector, pictures

SIDE = 64


def inspector(module: YOLOv5) -> Inspector:
    return Inspector(Network("boxes", module, Preprocessing(SIDE, SIDE), CLASSES, task="detection"))


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return pictures(1, SIDE, 4)[0]


@pytest.fixture(scope="module")
def output(picture: np.ndarray) -> torch.Tensor:
    from PIL import Image

    with torch.no_grad():
        made: torch.Tensor = detector()(Preprocessing(SIDE, SIDE)(Image.fromarray(picture))[None])
    return made


def test_predictions_are_the_boxes_that_are_found(picture: np.ndarray, output: torch.Tensor) -> None:
    made = inspector(detector()).inspect(picture)
    (found,) = detections(output, most=12)
    assert len(made.predictions) == len(found) > 3
    assert [each.index for each in made.predictions] == found.labels.tolist()
    assert [each.label for each in made.predictions] == [CLASSES[label] for label in found.labels]
    np.testing.assert_allclose([each.box for each in made.predictions], found.boxes, atol=1e-3)
    np.testing.assert_allclose([each.probability for each in made.predictions], found.scores, atol=1e-5)
    assert made.target == made.predictions[0] and not made.warnings
    assert [site.path for site in made.sites] == ["layers.9"] and made.last_cam is None


@pytest.mark.parametrize("place", [0, 1, 3])
def test_the_box_that_is_asked_for_is_explained(place: int, picture: np.ndarray, output: torch.Tensor) -> None:
    made = inspector(detector()).inspect(picture, place)
    (found,) = detections(output, most=12)
    assert made.target == made.predictions[place]
    assert made.score == pytest.approx(float(box_score(output, 0, int(found.rows[place]), int(found.labels[place]))), abs=1e-3)


def test_boxes_have_their_own_explanations(picture: np.ndarray) -> None:
    asked = inspector(detector())
    one, other = (asked.inspect(picture, place).influence[0] for place in (0, 2))
    assert np.abs(one).max() > 0 and np.abs(one - other).max() > 1e-6


def test_influence_is_the_slope_of_the_boxs_score(picture: np.ndarray, output: torch.Tensor) -> None:
    """The gate is the network's only one: its weight a little larger, and the score moves as the influence says."""
    from PIL import Image

    from sevis.capture import capture

    made = inspector(detector()).inspect(picture)
    (found,) = detections(output, most=12)
    module, channel, step = detector(), int(np.abs(made.influence[0][0, 0]).argmax()), 1e-2

    def score(factor: float) -> float:
        scaled = torch.ones(made.sites[0].channels)
        scaled[channel] = factor
        tensor = Preprocessing(SIDE, SIDE)(Image.fromarray(picture))[None]
        with torch.no_grad(), capture(module, edit=lambda gate: gate * scaled.view(gate.shape[1:])):
            return float(box_score(module(tensor), 0, int(found.rows[0]), int(found.labels[0])))

    slope = (score(1 + step) - score(1 - step)) / (2 * step)
    assert made.influence[0][0, 0, channel] == pytest.approx(slope, rel=0.02)


def test_a_class_means_its_surest_box(picture: np.ndarray) -> None:
    made = inspector(detector()).inspect(picture)
    for label in {each.label for each in made.predictions}:
        first = next(each for each in made.predictions if each.label == label)
        assert inspector(detector()).inspect(picture, label).target == first


@pytest.mark.parametrize(("target", "said"), [(None, "sure of no box"), (CLASSES[1], f"finds no {CLASSES[1]}"), (40, "sure of no box")])
def test_a_guess_is_called_one(target: int | str | None, said: str, picture: np.ndarray) -> None:
    made = inspector(detector(bias=-20.0)).inspect(picture, target)
    assert made.predictions == () and made.target.box is not None and made.target.probability < 0.01
    assert len(made.warnings) == 1 and said in made.warnings[0]
    assert target != CLASSES[1] or made.target.label == CLASSES[1]


def test_a_box_that_is_not_there_gives_the_surest(picture: np.ndarray) -> None:
    made = inspector(detector()).inspect(picture, 40)
    assert made.target == made.predictions[0]
    assert made.warnings == (f"There are only {len(made.predictions)} boxes in this picture: the surest is explained.",)


@pytest.mark.parametrize("target", [-1, "unicorn"])
def test_a_target_that_cannot_be_is_refused(target: int | str, picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="has no class"):
        inspector(detector()).inspect(picture, target)


def test_each_picture_of_a_batch_has_its_own_boxes() -> None:
    asked, shown = inspector(detector()), pictures(3, SIDE, 9)
    together, alone = asked.inspect_batch(shown, [None, 1, None]), [asked.inspect(shown[n], (None, 1, None)[n]) for n in range(3)]
    for one, other in zip(together, alone, strict=True):
        assert [each.label for each in one.predictions] == [each.label for each in other.predictions]
        assert one.score == pytest.approx(other.score, abs=1e-3)
        np.testing.assert_allclose(one.influence[0], other.influence[0], atol=1e-4)


def test_class_names_must_fit() -> None:
    with pytest.raises(ValueError, match=f"gives {len(CLASSES)} logits, but 2 class names"):
        Inspector(Network("boxes", detector(), Preprocessing(SIDE, SIDE), ("a", "b"), task="detection"))
