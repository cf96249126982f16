"""A network's layers as a table: their output shapes, parameters and multiply-adds, and the gate that each of them holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sevis.records import GateSite

if TYPE_CHECKING:
    from rich.table import Table
    from torch import nn
    from torchinfo.layer_info import LayerInfo

__all__ = ["summarise"]

COLUMNS = ("layer", "output", "parameters", "multiply-adds", "gate")


def summarise(module: nn.Module, input_shape: Sequence[int], sites: Sequence[GateSite], *, depth: int | None = None) -> Table:
    """A row a layer, in the order in which a pass meets them, and the totals below; torchinfo counts.

    Args:
        module: any network with parameters; it is run once, and hooked while it runs.
        input_shape: of one picture, (3, H, W).
        sites: the network's gates, as `sevis.find_gates` gives them.
        depth: how many levels of modules inside modules are shown; None goes as deep as the deepest gate. The lowest
            level's rows hold what is inside them.
    """
    import torchinfo
    from rich.table import Table

    from sevis.capture.tracer import as_evaluated

    picture = next(module.parameters()).new_zeros((1, *input_shape))
    with as_evaluated(module):  # torchinfo alone would put every part into the mode of the whole
        found = torchinfo.summary(module, input_data=picture, device=picture.device, verbose=0)
    deepest = max((site.path.count(".") + 1 for site in sites if site.path), default=3) if depth is None else depth
    table = Table(caption=_totals(found.total_params, found.total_mult_adds, len(sites)), caption_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("layer", "gate") else "right")
    for layer in found.summary_list:
        if layer.depth <= deepest:
            table.add_row(*_cells(layer, layer.depth == deepest, sites))
    return table


def _totals(parameters: int, multiply_adds: int, gates: int) -> str:
    return f"{parameters:,} parameters, {multiply_adds / 1e6:,.1f} M multiply-adds a picture, {gates} gates"


def _cells(layer: LayerInfo, whole: bool, sites: Sequence[GateSite]) -> tuple[str, ...]:
    """One layer's row: its own parameters, or where its parts are not shown (whole), theirs too."""
    path = ".".join(reversed([step.var_name for step in _up(layer)]))
    parameters = layer.num_params if whole or layer.is_leaf_layer else layer.leftover_params()
    return (
        f"{'  ' * layer.depth}{layer.class_name}{f' ({layer.var_name})' * bool(layer.depth)}",
        " x ".join(map(str, layer.output_size)),
        f"{parameters:,}" if parameters and not layer.is_recursive else "--",
        layer.macs_to_str(whole),
        ", ".join(_gate(site) for site in sites if site.path == path or (whole and _is_inside(site.path, path))),
    )


def _up(layer: LayerInfo) -> Iterator[LayerInfo]:
    """The layer and what it is in, but for the network itself."""
    step: LayerInfo | None = layer
    while step is not None and step.depth:
        yield step
        step = step.parent_info


def _is_inside(path: str, other: str) -> bool:
    return not other or path.startswith(f"{other}.")


def _gate(site: GateSite) -> str:
    branches = "" if site.kind == "channel" else f" of {' and '.join(site.branches)}"
    return f"{site.name}: {site.activation} on {site.channels} channels{branches}"
