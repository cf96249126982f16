"""A checkpoint file's tensors by name; nothing in the file is ever run.

Safetensors files hold tensors and nothing else. A .pt file is a pickle, a program that is run to be read: `sevis.nets.archives` refuses
every one that asks for more than tensors.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from torch import Tensor

from sevis.nets.archives import unpickled
from sevis.nets.network import CheckpointError, described
from sevis.nets.pickled_calls import Refused

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
    except (
        SafetensorError,
        KeyError,
        ValueError,
        RuntimeError,
        TypeError,
        OverflowError,
    ) as error:  # a damaged header, or what torch lacks
        raise CheckpointError(f"The checkpoint {name} is not a safetensors file ({described(error)}); {SAVE}.") from error


def _unpickled(path: Path) -> object:
    try:
        return unpickled(path)
    except Refused as error:
        raise CheckpointError(f"The checkpoint {path.name} {error}; {SAVE}.") from error


def _tensors(held: object, name: str) -> dict[str, Tensor]:
    """The tensors of a state dict by name, without the attributes that the file gave them: one of them could be called like a method."""
    for _ in range(DEEPEST):
        held = _inner(held)
    items = dict.items(held) if isinstance(held, dict) else ()
    tensors = {str(key): Tensor.detach(value) for key, value in items if isinstance(value, Tensor)}
    if not tensors:
        raise CheckpointError(f"The checkpoint {name} holds a {type(held).__name__} without tensors, expected a state dict; {SAVE}.")
    return tensors


def _inner(held: object) -> object:
    """What the first of CONTAINERS holds, or all where there is none; an OrderedDict of a file may have a `get` of the file's."""
    inner = (dict.get(held, key) for key in CONTAINERS) if isinstance(held, dict) else ()
    return next((each for each in inner if isinstance(each, dict) and each), held)
