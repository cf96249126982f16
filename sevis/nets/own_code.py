"""A network that the user's own function builds: "net.py:function" or "package.module:function".

This runs the user's code. It is for the command line and for Python; nothing that a visitor of the page types comes here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from torch import nn

from sevis.nets.network import Blueprint, CheckpointError, Network
from sevis.nets.preprocessing import Preprocessing

__all__ = ["blueprint", "is_code", "made"]

NAME = re.compile(r"(?P<home>.+\.py|[A-Za-z_][\w.]*):(?P<function>[A-Za-z_]\w*)")
USUAL = Preprocessing(224, 256)


def is_code(name: str) -> bool:
    """Whether the name is that of a function."""
    return NAME.fullmatch(name) is not None


def made(name: str, arguments: Mapping[str, Any]) -> Network:
    """The network that a function gives: a module, or all that `sevis.wrap` takes (module, transform, class names).

    A module alone sees pictures of 224 pixels, normalised as for ImageNet.

    Raises:
        CheckpointError: there is no such file, module or function, or it gives something else.
    """
    result = _function(name)(**arguments)
    parts = result if isinstance(result, tuple) else (result, USUAL, ())
    if len(parts) != 3 or not isinstance(parts[0], nn.Module) or not callable(parts[1]):
        raise CheckpointError(
            f"{name} gives {type(result).__name__}, expected a torch.nn.Module, or a tuple of it, its transform and its class names."
        )
    module, transform, names = parts
    return Network(name, module.eval(), transform, tuple(names))


def blueprint(name: str, arguments: Mapping[str, Any]) -> Blueprint:
    """The same network, for a checkpoint to fill; errors as those of `made`."""
    network = made(name, arguments)
    return Blueprint(name, lambda _: network.module, lambda _: network.preprocessing, network.classes)


def _function(name: str) -> Callable[..., Any]:
    parts = NAME.fullmatch(name)
    if parts is None:
        raise CheckpointError(f"{name!r} does not name a function; expected net.py:function or package.module:function.")
    home, function = parts["home"], parts["function"]
    found = getattr(_from_file(Path(home)) if home.endswith(".py") else _from_package(home), function, None)
    if not callable(found):
        raise CheckpointError(f"{home} has no function {function!r}; check the name behind the colon.")
    return found  # type: ignore[no-any-return]


def _from_file(path: Path) -> Any:
    specification = spec_from_file_location(f"sevis_own_{path.stem}", path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise CheckpointError(f"There is no file {path}; check the path.")
    module = module_from_spec(specification)
    sys.modules[module.__name__] = module  # dataclasses and pickles look their classes up there
    with _importable(path.parent):
        specification.loader.exec_module(module)
    return module


def _from_package(name: str) -> Any:
    with _importable(Path.cwd()):
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            raise CheckpointError(f"There is no module {error.name!r} here; run from the folder that holds it, or install it.") from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """The folder's own files can be imported until the block ends."""
    place = str(folder.resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
