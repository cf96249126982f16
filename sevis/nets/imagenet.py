"""Names for the logits of networks that bring none of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from sevis.nets.network import CheckpointError
from sevis.places import ASSETS

__all__ = ["class_names", "told_apart", "valid_names"]

NAMES = ASSETS / "imagenet_classes.txt"
LONGEST = 100  # characters of a name


@cache
def class_names(count: int) -> tuple[str, ...]:
    """Names of that many logits: ImageNet's where it has as many classes, else "class 0", "class 1" and so on.

    The 1,000 names ship with sevis; those of ImageNet-12k, 21k and 22k are timm's, where timm is there.
    """
    if count == 1000:
        return tuple(NAMES.read_text(encoding="utf-8").splitlines())
    return _larger_imagenet(count) or tuple(f"class {index}" for index in range(count))


def _larger_imagenet(count: int) -> tuple[str, ...]:
    if count < 10_000:
        return ()
    try:
        from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset
    except ImportError:
        return ()
    subset = infer_imagenet_subset({"num_classes": count})
    return told_apart([*ImageNetInfo(subset).label_descriptions()]) if subset else ()


def told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """The names, with the place of each that was there before: a class is chosen by its name."""
    taken: set[str] = set()
    unique = []
    for place, name in enumerate(names):
        unique.append(f"{name} ({place})" if name in taken else name)
        taken.add(unique[-1])
    return tuple(unique)


def valid_names(names: Sequence[str], count: int) -> tuple[str, ...]:
    """A visitor's class names, stripped.

    Raises:
        CheckpointError: there are not `count`, or one is empty, overlong or there twice.
    """
    stripped = tuple(str(name).strip() for name in names)
    if len(stripped) != count:
        raise CheckpointError(f"The network gives {count} logits, but {len(stripped)} class names were given; name each class once.")
    times = Counter(stripped)
    bad = next((name for name in stripped if not 0 < len(name) <= LONGEST or times[name] > 1), None)
    if bad is not None:
        raise CheckpointError(
            f"The class name {bad[:LONGEST]!r} is empty, there twice, or longer than {LONGEST} characters; give each class its own."
        )
    return stripped
