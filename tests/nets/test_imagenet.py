"""Names of classes: ImageNet's, and a visitor's."""

from __future__ import annotations

import pytest
from torchvision.models._meta import _IMAGENET_CATEGORIES

from sevis.nets.imagenet import class_names, told_apart, valid_names
from sevis.nets.network import CheckpointError

TOLD_APART = {134, 517, 638, 639, 264, 474}  # cranes, maillots, cardigans


def test_the_thousand_names_are_imagenets_in_its_order() -> None:
    names = class_names(1000)
    assert len({name.lower() for name in names}) == 1000 == len(names)
    differ = {index for index, (ours, theirs) in enumerate(zip(names, _IMAGENET_CATEGORIES, strict=True)) if ours != theirs}
    assert differ == TOLD_APART
    assert all(names[index].split(" (")[0].lower() == _IMAGENET_CATEGORIES[index].split()[0].lower() for index in TOLD_APART)
    assert (names[1], names[254], names[404], names[972]) == ("goldfish", "pug", "airliner", "cliff")  # the paper's classes


def test_other_numbers_are_counted() -> None:
    assert class_names(3) == ("class 0", "class 1", "class 2")
    assert class_names(10_500)[-1] == "class 10499"


def test_equal_names_are_told_apart_by_their_place() -> None:
    assert told_apart(["a", "b", "a", "a", "c"]) == ("a", "b", "a (2)", "a (3)", "c")


def test_a_visitors_names_are_stripped() -> None:
    assert valid_names([" ant", "bee\n"], 2) == ("ant", "bee")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], "gives 2 logits, but 1 class names were given; name each class once"),
        (["a", "b", "c"], "gives 2 logits, but 3 class names"),
        (["a", "a "], "'a' is empty, there twice, or longer than 100"),
        (["a", " "], "'' is empty, there twice"),
        (["a", "b" * 101], "is empty, there twice, or longer than 100 characters"),
    ],
)
def test_names_that_do_not_name_each_class_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        valid_names(names, 2)
