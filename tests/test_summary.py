"""The table of a network's layers: what is counted, and which row holds which gate."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from torch import nn

import sevis
from sevis.summary import COLUMNS, summarise
from tests.footprint import of_module, of_process
from tests.tiny_networks import Plain, batch, se_net, selective_net, short


def rows(module: nn.Module, side: int = 32, depth: int | None = None) -> tuple[list[list[str]], str]:
    """The cells of the table, and the line below it."""
    table = summarise(module, (3, side, side), sevis.find_gates(module, batch(2, side)), depth=depth)
    assert [column.header for column in table.columns] == list(COLUMNS)
    return list(zip(*(column.cells for column in table.columns), strict=True)), str(table.caption)


NETWORKS = {"SE": lambda: short(se_net()), "SK": lambda: short(selective_net()), "plain": lambda: Plain(32, pooled=True)}


@pytest.mark.parametrize("depth", [None, 0, 1, 2, 99])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_rows_add_up_to_the_network(name: str, depth: int | None) -> None:
    module = NETWORKS[name]()
    table, caption = rows(module, depth=depth)
    total = sum(p.numel() for p in module.parameters())
    assert sum(int(row[2].replace(",", "")) for row in table if row[2] != "--") == total
    assert caption.startswith(f"{total:,} parameters, ")


@pytest.mark.parametrize("depth", [None, 0, 1, 2, 99])
def test_every_gate_has_a_row(depth: int | None) -> None:
    module = short(se_net())
    table, caption = rows(module, depth=depth)
    gates = [gate for row in table for gate in row[4].split(", ") if gate]
    assert gates == [f"SE_{stage}_1: sigmoid on {8 * 2 ** (stage - 2)} channels" for stage in (2, 3, 4, 5)]
    assert caption.endswith(", 4 gates")


def test_a_gate_stands_beside_its_module() -> None:
    table, _ = rows(short(se_net()))
    (row,) = (row for row in table if row[4].startswith("SE_3_1"))
    assert row[0].strip() == "SqueezeExcitation (se)" and row[1] == "1 x 16 x 16 x 16"
    assert row[2] == str(2 * 16 * 4)


def test_a_selection_names_its_branches() -> None:
    table, _ = rows(short(selective_net()))
    assert "SK_2_1: softmax on 16 channels of 3x3 and 5x5" in {row[4] for row in table}


def test_a_linear_layer_is_one_multiply_add_a_weight() -> None:
    table, caption = rows(Plain(32, pooled=True))
    convolution = (3 * 9 + 1) * 6 * 16 * 16
    assert [(row[0].strip(), row[1], row[3]) for row in table][1:] == [
        ("Conv2d (conv)", "1 x 6 x 16 x 16", f"{convolution:,}"),
        ("Linear (linear)", "1 x 5", "35"),
    ]
    assert f"{(convolution + 35) / 1e6:.1f} M multiply-adds a picture" in caption


def test_it_is_printed() -> None:
    console = Console(file=io.StringIO(), width=120)
    module = short(se_net())
    console.print(summarise(module, (3, 32, 32), sevis.find_gates(module, batch(2, 32))))
    assert isinstance(console.file, io.StringIO) and "SE_5_1: sigmoid on 64 channels" in console.file.getvalue()


def test_the_network_stays_as_it_was() -> None:
    module = short(se_net()).train()
    module.layer2.eval()  # as one freezes the norms of a part
    before = of_module(module), of_process()
    summarise(module, (3, 32, 32), ())
    assert (of_module(module), of_process()) == before
