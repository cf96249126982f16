"""A network's layers: their output shapes, parameters and multiply-adds, and the gate that each of them holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sevis.records import GateSite

if TYPE_CHECKING:
    from rich.table import Table
    from torch import nn
    from torchinfo.layer_info import LayerInfo

__all__ = ["Layer", "Summary", "summarise", "summary_of"]

COLUMNS = ("layer", "output", "parameters", "multiply-adds", "gate")


@dataclass(frozen=True)
class Layer:
    """One row: a module, in the order in which a pass meets it.

    Attributes:
        path: dotted path of the module; "" is the network itself.
        kind: its class.
        output: shape of what it gave for one picture.
        parameters: its own, or where its parts are not shown, theirs too; None where there are none, or where they were counted before.
        multiply_adds: for one picture; None where there are none.
        gates: that it holds.
    """

    path: str
    kind: str
    output: tuple[int, ...]
    parameters: int | None
    multiply_adds: int | None
    gates: tuple[GateSite, ...]


@dataclass(frozen=True)
class Summary:
    """All rows, and what the whole network adds up to."""

    layers: tuple[Layer, ...]
    parameters: int
    multiply_adds: int
    gates: int


def summary_of(module: nn.Module, input_shape: Sequence[int], sites: Sequence[GateSite], *, depth: int | None = None) -> Summary:
    """A row a layer, in the order in which a pass meets them, and the totals; torchinfo counts.

    Args:
        module: any network with parameters; it is run once, and hooked while it runs.
        input_shape: of one picture, (3, H, W).
        sites: the network's gates, as `sevis.find_gates` gives them.
        depth: how many levels of modules inside modules are shown; None goes as deep as the deepest gate. The lowest
            level's rows hold what is inside them.
    """
    import torchinfo

    from sevis.capture.tracer import as_evaluated

    picture = next(module.parameters()).new_zeros((1, *input_shape))
    with as_evaluated(module):  # torchinfo alone would put every part into the mode of the whole
        found = torchinfo.summary(module, input_data=picture, device=picture.device, verbose=0)
    deepest = max((site.path.count(".") + 1 for site in sites if site.path), default=3) if depth is None else depth
    layers = tuple(_layer(layer, layer.depth == deepest, sites) for layer in found.summary_list if layer.depth <= deepest)
    return Summary(layers, found.total_params, found.total_mult_adds, len(sites))


def summarise(module: nn.Module, input_shape: Sequence[int], sites: Sequence[GateSite], *, depth: int | None = None) -> Table:
    """The summary as a table with the totals below it; arguments as those of `summary_of`."""
    from rich.table import Table

    whole = summary_of(module, input_shape, sites, depth=depth)
    table = Table(caption=_totals(whole), caption_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("layer", "gate") else "right")
    for layer in whole.layers:
        table.add_row(*_cells(layer))
    return table


def _totals(whole: Summary) -> str:
    return f"{whole.parameters:,} parameters, {whole.multiply_adds / 1e6:,.1f} M multiply-adds a picture, {whole.gates} gates"


def _layer(layer: LayerInfo, whole: bool, sites: Sequence[GateSite]) -> Layer:
    """One layer; whole: its parts are not shown."""
    path = ".".join(reversed([step.var_name for step in _up(layer)]))
    parameters = layer.num_params if whole or layer.is_leaf_layer else layer.leftover_params()
    counted = [layer] if layer.is_leaf_layer else [part for part in layer.children if part.is_leaf_layer] if whole else []
    return Layer(
        path,
        layer.class_name,
        tuple(layer.output_size),
        None if layer.is_recursive else parameters or None,
        sum(part.macs for part in counted) or None,
        tuple(site for site in sites if site.path == path or (whole and _is_inside(site.path, path))),
    )


def _up(layer: LayerInfo) -> Iterator[LayerInfo]:
    """The layer and what it is in, but for the network itself."""
    step: LayerInfo | None = layer
    while step is not None and step.depth:
        yield step
        step = step.parent_info


def _is_inside(path: str, other: str) -> bool:
    return not other or path.startswith(f"{other}.")


def _cells(layer: Layer) -> tuple[str, ...]:
    steps = layer.path.split(".") if layer.path else []
    name = f"{'  ' * len(steps)}{layer.kind}{f' ({steps[-1]})' if steps else ''}"
    shape, counts = " x ".join(map(str, layer.output)), (layer.parameters, layer.multiply_adds)
    return (name, shape, *("--" if count is None else f"{count:,}" for count in counts), ", ".join(map(_gate, layer.gates)))


def _gate(site: GateSite) -> str:
    branches = "" if site.kind == "channel" else f" of {' and '.join(site.branches)}"
    return f"{site.name}: {site.activation} on {site.channels} channels{branches}"
