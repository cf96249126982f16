"""Data sets of Hugging Face, by name as in hf/cifar10:test or from a folder that save_to_disk made; needs the extra sevis[datasets].

Their pictures stay as the bytes they are stored in until one is asked for, and no code of a data set is ever run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sevis.sources import LABEL_COLUMNS, SPLITS, Entry, Source, SourceError, labelled

__all__ = ["is_saved", "open_hub", "open_saved"]

SAVED = ("state.json", "dataset_dict.json")  # one of these lies in every folder of save_to_disk


def is_saved(where: Path) -> bool:
    """Whether a folder was made by `save_to_disk`."""
    return where.is_dir() and any((where / name).is_file() for name in SAVED)


def open_saved(where: Path, split: str | None) -> Source:
    """The pictures of a folder that `save_to_disk` made; errors as those of `open_hub`."""
    try:
        loaded = _package(str(where)).load_from_disk(str(where))
    except (OSError, ValueError) as error:
        raise SourceError(f"The saved data set {str(where)!r} cannot be opened ({_line(error)}); save it again.") from error
    dataset, taken = _of_split(loaded, split, str(where))
    return _source("saved data set", where, dataset, taken)


def open_hub(name: str, split: str | None, root: Path | None, *, download: bool) -> Source:
    """The pictures of a data set of the Hugging Face hub.

    Args:
        name: NAME or ORGANISATION/NAME, with @CONFIGURATION behind it where there are several.
        split: as the data set calls it; None takes the first of SPLITS that it has.
        root: the folder of fetched data sets; None is the package's own.
        download: whether it may be fetched into that folder; without it nothing asks for the network.

    Raises:
        SourceError: the package, the data set or the split is not there, or it has no pictures.
    """
    package = _package(f"hf/{name}")
    path, _, configuration = name.partition("@")
    place = root and root.expanduser().absolute()
    try:
        with _network(package, allowed=download):
            loaded = package.load_dataset(path, configuration or None, split=split, cache_dir=place and str(place))
    except Exception as error:  # of the hub, of its cache, of half a dozen libraries
        way = (
            "check its name, as in hf/NAME@CONFIGURATION:SPLIT" if download else "fetch it by --download (download=True), or check its name"
        )
        raise SourceError(f"hf/{name} cannot be opened ({_line(error)}); {way}.") from error
    dataset, taken = (loaded, split) if split else _of_split(loaded, None, f"hf/{name}")
    return replace(_source("Hugging Face data set", Path("hf", name), dataset, taken), root=place)


def _package(asked: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise SourceError(f"{asked} needs the package datasets; install it with: pip install 'sevis[datasets]'.") from error
    return datasets


@contextmanager
def _network(package: Any, *, allowed: bool) -> Iterator[None]:
    """Whether the package may use the network, and afterwards what it was: an argument for that reaches only a part of it."""
    before = package.config.HF_HUB_OFFLINE
    package.config.HF_HUB_OFFLINE = before or not allowed
    try:
        yield
    finally:
        package.config.HF_HUB_OFFLINE = before


def _of_split(loaded: Any, split: str | None, asked: str) -> tuple[Any, str]:
    """One data set out of several splits, and its name; "" where there is one alone."""
    if not isinstance(loaded, dict):
        if split is not None:
            raise SourceError(f"{asked!r} has no splits, so {split!r} cannot be taken; leave it out.")
        return loaded, ""
    here = sorted(loaded, key=lambda name: (SPLITS.index(name) if name in SPLITS else len(SPLITS), name))
    if split is not None and split not in loaded:
        raise SourceError(f"{asked!r} has no split {split!r}; choose from {', '.join(here)}.")
    taken = split or here[0]
    return loaded[taken], taken


def _source(kind: str, where: Path, dataset: Any, split: str) -> Source:
    """The pictures of the first column that holds pictures."""
    image = _package(str(where)).Image
    columns = [name for name, feature in dataset.features.items() if isinstance(feature, image)]
    if not columns:
        raise SourceError(f"{str(where)!r} has no column of pictures, only {', '.join(dataset.features)}; cast one to datasets.Image.")
    labels = _labels(dataset)
    stored = dataset.with_format(None).select_columns(columns[:1]).cast_column(columns[0], image(decode=False))
    entries = [Entry(f"{where.name}{split and f':{split}'}/{n}", labels[n] if labels else None, -1) for n in range(len(dataset))]
    return replace(labelled(kind, where, entries), split=split, content=partial(_stored, stored, columns[0]))


def _labels(dataset: Any) -> list[str | None] | None:
    """The class of every picture without decoding one; None where no column says."""
    classes = [name for name, feature in dataset.features.items() if hasattr(feature, "int2str")]
    column = next((name for name in (*classes, *LABEL_COLUMNS) if name in dataset.features), None)
    if column is None:
        return None
    names = getattr(dataset.features[column], "names", None)
    values = dataset.with_format(None).select_columns([column])[:][column]
    return [_label(value, names) for value in values]


def _label(value: Any, names: list[str] | None) -> str | None:
    if not isinstance(value, int | str) or value == "" or value == -1:  # -1: a split whose classes are kept secret
        return None
    return names[value] if names and isinstance(value, int) else str(value)


def _stored(dataset: Any, column: str, number: int) -> bytes | Path:
    """A picture as it is stored: its file's bytes, or where the file is."""
    held = dataset[number][column]
    return Path(held["path"]) if held["bytes"] is None else bytes(held["bytes"])


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
