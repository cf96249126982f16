"""A checkpoint file's tensors by name; nothing in the file is ever run.

Safetensors files hold tensors and nothing else. A .pt file is a pickle, a program that is run to be read: it is read with
`weights_only=True` alone, which refuses every pickle that asks for more than tensors.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from sevis.nets.network import CheckpointError, described

__all__ = ["SUFFIXES", "is_checkpoint", "read", "read_safetensors"]

PICKLES = (".pt", ".pth", ".pth.tar", ".ckpt", ".bin")
SUFFIXES = (".safetensors", *PICKLES)
HEADER_LIMIT = 8 << 20  # bytes: a header of 33 MB, all of empty tensors, takes 16 s to read
ENTRY_LIMIT = 10_000  # tensors; SENet-154 has 1,400
DEEPEST = 4  # containers in containers
# Where training scripts keep a state; the averaged weights first, which are the ones that are meant for use.
CONTAINERS = ("state_dict_ema", "model_ema", "ema_state_dict", "ema", "state_dict", "model_state_dict", "model", "net")
SAVE = "where it was made, run safetensors.torch.save_file(model.state_dict(), 'weights.safetensors') and load that file"


def is_checkpoint(name: str) -> bool:
    """Whether the name is a checkpoint file's."""
    return name.lower().endswith(SUFFIXES)


def read(path: Path, limit: int | None = None) -> dict[str, Tensor]:
    """The tensors of a file that ends in one of SUFFIXES, out of the containers that training scripts put them in.

    Where a file has averaged weights (EMA) beside the last ones, the averaged are taken.

    Args:
        limit: the most bytes that the file may have.

    Raises:
        CheckpointError: there is no such file, it is too large or damaged, or it holds more than tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path.name} in the folder {path.parent.resolve()}; check the path.")
    _check_size(path.stat().st_size, limit, path.name)
    if path.suffix.lower() != ".safetensors":
        return _tensors(_unpickled(path), path.name)
    with path.open("rb") as file:
        _check_header(file, path.name)
    return _parsed(path, path.name)


def read_safetensors(data: bytes, limit: int | None = None, name: str = "weights.safetensors") -> dict[str, Tensor]:
    """The tensors of a safetensors file that is in memory; arguments and errors as those of `read`."""
    _check_size(len(data), limit, name)
    _check_header(BytesIO(data), name)
    return _parsed(data, name)


def _check_size(size: int, limit: int | None, name: str) -> None:
    if limit is not None and size > limit:
        raise CheckpointError(
            f"The checkpoint {name} has {size / 1e6:,.1f} MB, expected at most {limit / 1e6:,.1f} MB; save its weights as float16."
        )


def _check_header(file: BinaryIO, name: str) -> None:
    """Refuse a header that would take long to read, by the 8 bytes that tell its length, and by its number of entries."""
    length = int.from_bytes(file.read(8), "little")
    if length > HEADER_LIMIT:
        raise CheckpointError(f"The checkpoint {name} is not a safetensors file (its header would have {length:,} bytes); {SAVE}.")
    try:
        entries = dict(json.loads(file.read(length)))
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"The checkpoint {name} is not a safetensors file, or it was cut short; {SAVE}.") from error
    if len(entries) > ENTRY_LIMIT:
        raise CheckpointError(f"The checkpoint {name} has {len(entries):,} tensors, expected at most {ENTRY_LIMIT:,}.")


def _parsed(source: Path | bytes, name: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load, load_file

    try:
        return load(source) if isinstance(source, bytes) else load_file(source)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:  # a damaged header, or a kind of number that torch lacks
        raise CheckpointError(f"The checkpoint {name} is not a safetensors file ({described(error)}); {SAVE}.") from error


def _check_archive(path: Path) -> None:
    """Refuse a zip that unpacks to more than it has: torch packs nothing, and 1 MB could become all of the memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except Exception as error:  # a damaged archive makes zipfile raise much besides BadZipFile
        raise CheckpointError(f"The checkpoint {path.name} cannot be read ({described(error)}); {SAVE}.") from error
    if unpacked > path.stat().st_size:
        raise CheckpointError(f"The checkpoint {path.name} cannot be read (it would unpack to {unpacked / 1e6:,.1f} MB); {SAVE}.")


def _unpickled(path: Path) -> Any:
    if is_zip := zipfile.is_zipfile(path):
        _check_archive(path)
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # timm's training script saves its arguments beside the weights
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except Exception as error:  # a damaged pickle can end in any error there is
        unsafe = _asked_for(path)
        if unsafe:
            reason = f"holds more than tensors ({unsafe}), and reading that could run a program"
            raise CheckpointError(f"The checkpoint {path.name} {reason}; {SAVE}.") from error
        raise CheckpointError(f"The checkpoint {path.name} cannot be read ({described(error)}); {SAVE}.") from error


def _asked_for(path: Path) -> str:
    """What a pickle would import, the first three."""
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # damaged, TorchScript, or of the format before 2020
        return ""
    return ", ".join(sorted(names)[:3]) + ", ..." * (len(names) > 3)


def _tensors(held: object, name: str) -> dict[str, Tensor]:
    for _ in range(DEEPEST):
        held = _inner(held)
    tensors = {str(key): value for key, value in held.items() if isinstance(value, Tensor)} if isinstance(held, Mapping) else {}
    if not tensors:
        raise CheckpointError(f"The checkpoint {name} holds a {type(held).__name__} without tensors, expected a state dict; {SAVE}.")
    return tensors


def _inner(held: object) -> object:
    """What the first of CONTAINERS holds, or all where there is none."""
    inner = (held.get(key) for key in CONTAINERS) if isinstance(held, Mapping) else ()
    return next((each for each in inner if isinstance(each, Mapping) and each), held)
