"""An inspection as one file and back, without torch.

    inspection.save("cat.npz")
    inspection = sevis.open_inspection("cat.npz")
    manifest = sevis.stored.read_manifest("cat.npz")  # {"kind": ..., "format": 1, "sevis": ..., "saved": ..., "inspection": {...}}

The file is an .npz: each array under the name of its field, as in "gates.3.weights", and in "manifest" everything else as JSON: the
network, its weights' sha256, the preprocessing, versions, the target, the sites. Nothing in it is ever run.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints
from zipfile import BadZipFile

import numpy as np

from sevis import __version__
from sevis.records import Inspection

__all__ = ["FORMAT", "InspectionError", "open_inspection", "read_manifest", "save_inspection", "to_bytes"]

FORMAT = 1
KIND = "sevis inspection"
MANIFEST = "manifest"
# what NumPy, zipfile and json raise over a damaged or foreign file
BROKEN = (KeyError, TypeError, ValueError, EOFError, OSError, BadZipFile, zlib.error, NotImplementedError, RecursionError, MemoryError)


class InspectionError(ValueError):
    """Why a file is no inspection: one sentence."""


def save_inspection(inspection: Inspection, path: str | Path) -> Path:
    """Write the inspection to a file of exactly that name; one that is there already is replaced as a whole."""
    target = Path(path)
    aside = target.with_name(f"{target.name}.aside")
    aside.write_bytes(to_bytes(inspection))
    return aside.replace(target)


def to_bytes(inspection: Inspection) -> bytes:
    """The file's content."""
    arrays: dict[str, np.ndarray] = {}
    told = _packed(inspection, "", arrays)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = {"kind": KIND, "format": FORMAT, "sevis": __version__, "saved": now, "inspection": told}
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **{MANIFEST: np.array(json.dumps(manifest, indent=1))}, **arrays)
    return file.getvalue()


def _packed(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """The value as JSON has it; an array goes to the others, and leaves its name."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return name
    if is_dataclass(value):
        return {part.name: _packed(getattr(value, part.name), f"{name}.{part.name}".lstrip("."), arrays) for part in fields(value)}
    if isinstance(value, tuple):
        return [_packed(each, f"{name}.{place}", arrays) for place, each in enumerate(value)]
    return value


def open_inspection(path: str | Path) -> Inspection:
    """The inspection that a file keeps, equal to the one that was saved in every field.

    Raises:
        InspectionError: there is no such file, or it is damaged, or something else, or of a later version.
    """
    try:
        arrays = _arrays(Path(path))
        inspection: Inspection = _unpacked(Inspection, _manifest(path, arrays)["inspection"], arrays)
    except InspectionError:
        raise
    except BROKEN as error:
        raise _refusal(path, error) from error
    return inspection


def read_manifest(path: str | Path) -> dict[str, Any]:
    """What a file says of itself, all but its arrays; raises InspectionError as `open_inspection` does."""
    try:
        return _manifest(path, _arrays(Path(path)))
    except InspectionError:
        raise
    except BROKEN as error:
        raise _refusal(path, error) from error


def _refusal(path: str | Path, error: BaseException) -> InspectionError:
    if isinstance(error, FileNotFoundError):
        return InspectionError(f"There is no file {str(path)!r}; expected one that inspection.save(path) has written.")
    why = str(error).strip().splitlines() or [type(error).__name__]
    return InspectionError(f"{str(path)!r} is no inspection, or a damaged one ({why[0][:120]}); save it again with inspection.save(path).")


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
        if isinstance(held, np.ndarray):  # a .npy
            raise ValueError("a single array")
        return {name: held[name] for name in held.files}


def _manifest(path: str | Path, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(str(arrays[MANIFEST]))
    if manifest["kind"] != KIND:
        raise ValueError(f"its manifest says {str(manifest['kind'])!r}, expected {KIND!r}")
    if manifest["format"] != FORMAT:
        raise InspectionError(
            f"{str(path)!r} is of format {manifest['format']!r}, and this version of sevis reads {FORMAT}; update sevis, or save it again."
        )
    return manifest


def _unpacked(kind: Any, told: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value of that type that `_packed` has told."""
    if get_origin(kind) is UnionType:  # X | None
        return None if told is None else _unpacked(get_args(kind)[0], told, arrays)
    if kind is np.ndarray:
        return arrays[told]
    if is_dataclass(kind):
        hints, record = get_type_hints(kind), _checked(dict, told)
        return kind(**{name: _unpacked(hints[name], value, arrays) for name, value in record.items() if name in hints})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return tuple(_unpacked(get_args(kind)[0], each, arrays) for each in _checked(list, told))
    return _checked(kind, told)


def _checked(kind: Any, told: Any) -> Any:
    """A name or a number, if it is one of the expected type."""
    fits = told in get_args(kind) if get_origin(kind) is Literal else isinstance(told, (int, float) if kind is float else kind)
    if not fits:
        raise TypeError(f"{told!r} where {getattr(kind, '__name__', kind)} is expected")
    return told
