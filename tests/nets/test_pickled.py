"""A pickle is gone through before it is read: what training scripts save passes, whatever costs more than its length does not."""

from __future__ import annotations

import io
import pickle
from argparse import Namespace
from collections import Counter, OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from sevis.nets.archives import unpickled
from sevis.nets.pickled import gone_through
from sevis.nets.pickled_calls import WORK, Dict, Refused, Tuple, Work


def trained() -> dict[str, object]:
    """What a training script saves: the weights and all that it goes on with."""
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5, 5])
    return {
        "model": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "seed": torch.get_rng_state(),
    }


def with_attribute() -> nn.Parameter:
    weight = nn.Parameter(torch.ones(2))
    weight.no_decay = True
    return weight


BESIDE: dict[str, object] = {
    "a training run": trained(),
    "a parameter": nn.Parameter(torch.ones(2)),
    "a parameter with an attribute": with_attribute(),
    "numbers": (1, -1, 1 << 40, -(1 << 63), 0.5, 1 + 2j, True, None),
    "text and bytes": ["text", "τ", b"bytes" * 100],
    "containers": [{1, 2}, {"a": {3: [(4, (5,))]}}, Counter("abba"), OrderedDict(a=1), []],
    "kinds of number": [torch.float16, torch.bfloat16, torch.int64],
    "a shape and a device": [torch.Size([1, 2]), torch.device("cuda", 0), torch.device("cpu")],
    "arguments": Namespace(lr=0.1, betas=(0.9, 0.999), names=["a"], inner=Namespace(a=1)),
    "tensors of all kinds": [torch.ones(2, dtype=kind) for kind in (torch.float64, torch.float16, torch.bfloat16, torch.uint8, torch.bool)],
    "parts of one tensor": list(torch.arange(6.0).reshape(2, 3)),
    "nothing of a tensor": torch.empty(0, 3),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("case", BESIDE)
def test_what_lies_beside_weights_passes(case: str, zipped: bool, tmp_path: Path) -> None:
    held = {"state_dict": OrderedDict(weight=torch.ones(2)), "beside": BESIDE[case]}
    torch.save(held, tmp_path / "net.pt", _use_new_zipfile_serialization=zipped)
    found = unpickled(tmp_path / "net.pt")
    assert torch.equal(found["state_dict"]["weight"], torch.ones(2)) and str(found["beside"]) == str(BESIDE[case])


def test_a_dict_that_python_2_wrote_passes() -> None:
    """It called OrderedDict with its pairs, and sets by the name of its own module."""
    pairs = b"ccollections\nOrderedDict\n](](X\x01\x00\x00\x00aK\x01ee\x85R."
    held = gone_through(io.BytesIO(b"\x80\x02" + pairs), Work(100))
    assert isinstance(held, Dict) and held.count == 1
    assert isinstance(gone_through(io.BytesIO(b"\x80\x02c__builtin__\nset\n](K\x01K\x02e\x85R."), Work(100)), Dict)


def test_large_states_take_part_of_the_work(tmp_path: Path) -> None:
    """1,000 tensors alone take little of it; with averages and an optimizer's two tensors for each they pass, too."""
    state = {f"layers.{n}.weight": torch.zeros(1, 1, 1, 1) for n in range(1_000)}
    moments = {n: {key: values.clone() for key, values in zip("ab", state.values(), strict=False)} for n in range(1_000)}
    averages = {f"module.{key}": torch.zeros(1) for key in state}
    assert 3 * spent(state, tmp_path) < WORK
    assert spent({"model": state, "model_ema": averages, "optimizer": {"state": moments}}, tmp_path) < WORK


def spent(held: object, folder: Path) -> int:
    """Units of work that it takes to read what torch.save writes."""
    torch.save(held, folder / "net.pt")
    assert isinstance(unpickled(folder / "net.pt"), dict)
    work = Work((folder / "net.pt").stat().st_size)
    gone_through(io.BytesIO(torch._C.PyTorchFileReader(str(folder / "net.pt")).get_record("data.pkl")), work)
    return WORK - work.left


def test_the_stream_is_left_where_the_pickle_ends() -> None:
    row = io.BytesIO(pickle.dumps((1, "a"), 2) + pickle.dumps([2], 2))
    first, second = (gone_through(row, Work(100)) for _ in range(2))
    assert isinstance(first, Tuple) and list(first.items) == [1, "a"] and second == [2]


def test_depth_is_counted_through_the_memo() -> None:
    """A tuple that is fetched again is as deep as it was."""
    deeper = b"".join(b"q%ch%c\x86" % (n, n) for n in range(7))
    gone_through(io.BytesIO(b"\x80\x02)" + deeper + b"."), Work(100))
    with pytest.raises(Refused, match="more than 8 deep"):
        gone_through(io.BytesIO(b"\x80\x02)" + deeper + b"\x85\x85."), Work(100))


@pytest.mark.parametrize("program", ["", "h\0.", "u.", "R.", "\x86.", "e."])
def test_a_damaged_pickle_is_an_error(program: str) -> None:
    with pytest.raises((EOFError, KeyError, IndexError, ValueError)):
        gone_through(io.BytesIO(b"\x80\x02" + program.encode("latin1")), Work(100))


def test_instructions_that_torch_does_not_know_are_refused() -> None:
    with pytest.raises(Refused, match="the instruction FRAME"):
        gone_through(io.BytesIO(pickle.dumps([1] * 5, 4)), Work(100))
