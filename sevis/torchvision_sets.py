"""Data sets of torchvision by name, as in torchvision/CIFAR10 or torchvision/ImageNet:val; pictures are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from sevis.sources import SPLITS, Entry, Source, SourceError, labelled

__all__ = ["open_torchvision"]

ROOT = Path("data")
TRAINED = ("test", "train")  # the splits of those that take train=True or train=False
LABELS = ("targets", "labels", "_labels", "y", "_samples")  # where they keep the numbers of their classes


def open_torchvision(name: str, split: str | None, root: Path | None, *, download: bool) -> Source:
    """The pictures of one of torchvision's data sets.

    Args:
        name: of a class of torchvision.datasets, as in CIFAR10.
        split: as that class calls it; None takes the first of SPLITS that it has.
        root: the folder it lies in, as torchvision lays it out; None is ROOT.
        download: whether it may be fetched into that folder where it is missing.

    Raises:
        SourceError: there is no such data set or split, or it is not there.
    """
    place = (root or ROOT).expanduser().absolute()
    dataset, taken = _opened(name, split, place, download=download)
    labels = _labels(dataset)
    entries = [Entry(f"{name}{taken and f':{taken}'}/{n}", labels[n] if labels else None, -1) for n in range(len(dataset))]
    source = labelled("torchvision data set", Path("torchvision", name), entries)
    return replace(source, split=taken, root=place, content=partial(_picture, dataset))


def _picture(dataset: Any, number: int) -> Any:
    item = dataset[number]
    return item[0] if isinstance(item, tuple) else item


def _opened(name: str, split: str | None, place: Path, *, download: bool) -> tuple[Any, str]:
    """The data set and the split that was taken."""
    build = _class(name)
    takes = signature(build).parameters
    if download and "download" not in takes:
        raise SourceError(f"torchvision cannot fetch {name}; lay it into {place} yourself, and leave --download out.")
    given: dict[str, Any] = {key: value for key, value in (("root", place), ("download", download)) if key in takes}
    refusal: Exception | None = None
    for taken, options in _splits(name, split, "split" in takes, "train" in takes):
        try:
            return build(**given, **options), taken
        except ValueError as error:  # no such split, mostly: another may be there
            refusal = refusal or error
        except Exception as error:
            refusal = error
            break
    raise SourceError(_sentence(name, place, refusal)) from refusal


def _class(name: str) -> Any:
    try:
        from torchvision import datasets
    except ImportError as error:
        raise SourceError(f"torchvision/{name} needs torchvision ({error}); install it beside torch.") from error
    if name not in datasets.__all__:
        raise SourceError(f"torchvision has no data set {name!r}; expected a class of torchvision.datasets, as CIFAR10 or ImageNet.")
    return getattr(datasets, name)


def _splits(name: str, split: str | None, has_split: bool, has_train: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """The splits to try, in order, each with how its class is asked for it."""
    if has_split:
        yield from ((each, {"split": each}) for each in ((split,) if split else SPLITS))
    elif split is not None and not (has_train and split in TRAINED):
        choice = f"choose from {', '.join(TRAINED)}" if has_train else "leave it out"
        raise SourceError(f"torchvision/{name} has no split {split!r}; {choice}.")
    elif has_train:
        yield split or TRAINED[0], {"train": split == "train"}
    else:
        yield "", {}


def _sentence(name: str, place: Path, error: Exception | None) -> str:
    why = " ".join(str(error).split()).rstrip(".")
    way = f"name its folder by --root (root=...; now {place}), its split as in torchvision/{name}:SPLIT, or fetch it by --download"
    return f"torchvision/{name} cannot be opened ({why}); {way} (download=True)."


def _labels(dataset: Any) -> list[str | None] | None:
    """The class of every picture without decoding one: its name, or its number where classes have none; None where nobody says."""
    held = next((getattr(dataset, name) for name in LABELS if getattr(dataset, name, None) is not None), None)
    if held is None:
        return None
    numbers = [each[1] for each in held] if isinstance(held, list) and held and isinstance(held[0], tuple) else held
    values = np.asarray(numbers)
    if values.shape != (len(dataset),) or values.dtype.kind not in "iu":
        return None
    names = {n: _name(each) for n, each in enumerate(getattr(dataset, "classes", ()))}
    return [names.get(n, str(n)) if n >= 0 else None for n in values.tolist()]


def _name(given: Any) -> str:
    """A class's name; ImageNet gives every class a tuple of synonyms."""
    return ", ".join(map(str, given)) if isinstance(given, tuple) else str(given)
