"""A checkpoint file gives its tensors out of whatever a training script put them in; everything else is refused in one sentence."""

from __future__ import annotations

import argparse
import json
import pickle
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn

from sevis.nets.checkpoints import ENTRY_LIMIT, HEADER_LIMIT, SUFFIXES, is_checkpoint, read, read_safetensors
from sevis.nets.network import CheckpointError

STATE = {"conv.weight": torch.arange(8.0).reshape(2, 4), "bn.num_batches_tracked": torch.tensor(3)}
OTHER = {"conv.weight": torch.zeros(2, 4)}


def same(found: dict[str, Tensor], expected: dict[str, Tensor] = STATE) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        path.write_bytes(save(STATE))
    else:
        torch.save(STATE, path)
    assert is_checkpoint(path.name) and is_checkpoint(path.name.upper())
    assert same(read(path))


def test_other_names_are_no_checkpoints() -> None:
    assert not any(map(is_checkpoint, ("photos12/se_resnet18", "timm/resnet18", "net.py:build", "net.onnx", "net.pt2")))


def test_a_file_of_the_format_before_2020_is_read(tmp_path: Path) -> None:
    torch.save(STATE, tmp_path / "net.pth", _use_new_zipfile_serialization=False)
    assert same(read(tmp_path / "net.pth"))


CONTAINERS: dict[str, object] = {
    "state_dict": {"state_dict": STATE, "epoch": 3},
    "model": {"model": OrderedDict(STATE), "optimizer": {"lr": 0.1}},
    "model_state_dict": {"model_state_dict": STATE},
    "averaged before last": {"state_dict": OTHER, "state_dict_ema": STATE},
    "ema before model": {"model": OTHER, "ema": STATE},
    "model_ema before model": {"model": OTHER, "model_ema": STATE},
    "a module's weights": {"state_dict": {**STATE, "conv.weight": nn.Parameter(STATE["conv.weight"])}},
    "one in the other": {"model": {"state_dict": STATE}},
    "no averages": {"ema": {}, "model": STATE},
    "ema decay beside": {"ema": 0.999, "state_dict": STATE},
    "numbers between the tensors": {**STATE, "epoch": 3, "name": "net"},
    "timm's arguments beside": {"arch": "resnet18", "args": argparse.Namespace(lr=0.1, model="resnet18"), "state_dict": STATE},
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_containers_are_undone(case: str, tmp_path: Path) -> None:
    torch.save(CONTAINERS[case], tmp_path / "net.pt")
    found = read(tmp_path / "net.pt")
    assert same({key: values.detach() for key, values in found.items()})


# ---- what is refused


class Exploding:
    """What a pickle runs when it is read."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return pytest.fail, ("a pickle was run",)


def entries(count: int) -> bytes:
    """A safetensors file of empty tensors."""
    header = json.dumps({f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(count)}).encode()
    return len(header).to_bytes(8, "little") + header


def circle() -> dict[str, object]:
    held: dict[str, object] = {}
    held["model"] = held
    return held


BAD_PICKLES: dict[str, tuple[object, str]] = {
    "a program": (Exploding(), "holds more than tensors"),
    "a module": ({"model": nn.Linear(2, 2)}, "holds more than tensors (torch.nn.modules.linear.Linear)"),
    "a NumPy number beside": ({"state_dict": STATE, "best": np.float64(1.0)}, "holds more than tensors (numpy"),
    "a list": ([1, 2], "holds a list without tensors"),
    "one tensor": (torch.zeros(3), "holds a Tensor without tensors"),
    "no tensor": ({"epoch": 3}, "holds a dict without tensors"),
    "nothing": ({}, "holds a dict without tensors"),
    "itself": (circle(), "holds a dict without tensors"),
}
BAD_BYTES: dict[str, tuple[str, bytes, str]] = {
    "an empty pickle": ("net.pt", b"", "cannot be read (EOFError"),
    "noise as a pickle": ("net.pt", b"\x93\x07noise" * 9, "cannot be read"),
    "a zip of something else": ("net.pt", b"PK\x05\x06" + bytes(18), "cannot be read"),
    "a pickle that is called safetensors": ("net.safetensors", pickle.dumps(Exploding()), "is not a safetensors file"),
    "an empty file": ("net.safetensors", b"", "is not a safetensors file"),
    "cut short": ("net.safetensors", save(STATE)[:-1], "is not a safetensors file"),
    "cut in the header": ("net.safetensors", save(STATE)[:20], "is not a safetensors file, or it was cut short"),
    "a header of a terabyte": ("net.safetensors", (1 << 40).to_bytes(8, "little") + b"{}", "its header would have 1,099,511,627,776 bytes"),
    "nested lists": ("net.safetensors", (100_000).to_bytes(8, "little") + b"[" * 100_000, "is not a safetensors file"),
    "a number for a header": ("net.safetensors", (1).to_bytes(8, "little") + b"1", "is not a safetensors file"),
    "a list for a header": ("net.safetensors", (2).to_bytes(8, "little") + b"[]", "is not a safetensors file"),
    "too many tensors": ("net.safetensors", entries(ENTRY_LIMIT + 1), f"has {ENTRY_LIMIT + 1:,} tensors, expected at most {ENTRY_LIMIT:,}"),
}


def refusal(path: Path, limit: int | None = None) -> str:
    with pytest.raises(CheckpointError) as refused:
        read(path, limit)
    sentence = str(refused.value)
    assert sentence.startswith("The checkpoint net.") and sentence.endswith(".") and "\n" not in sentence and len(sentence) < 400
    return sentence


@pytest.mark.parametrize("case", BAD_PICKLES)
def test_a_pickle_that_is_no_state_dict_is_refused_with_the_way_out(case: str, tmp_path: Path) -> None:
    held, said = BAD_PICKLES[case]
    torch.save(held, tmp_path / "net.pt")
    sentence = refusal(tmp_path / "net.pt")
    assert said in sentence and "safetensors.torch.save_file(model.state_dict()" in sentence


@pytest.mark.parametrize("case", BAD_BYTES)
def test_a_damaged_file_is_refused(case: str, tmp_path: Path) -> None:
    name, content, said = BAD_BYTES[case]
    (tmp_path / name).write_bytes(content)
    assert said in refusal(tmp_path / name)
    if name == "net.safetensors":
        with pytest.raises(CheckpointError, match=r"^The checkpoint upload "):
            read_safetensors(content, name="upload")


@pytest.mark.filterwarnings("ignore")  # torch has taken leave of TorchScript, and says so
def test_scripted_code_is_refused(tmp_path: Path) -> None:
    torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "net.pt")
    assert "cannot be read" in refusal(tmp_path / "net.pt")


def test_a_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Half a million empty entries would take 16 s."""
    content = (HEADER_LIMIT + 1).to_bytes(8, "little") + b" " * (HEADER_LIMIT + 1)
    started = time.process_time()
    with pytest.raises(CheckpointError, match="its header would have"):
        read_safetensors(content)
    assert time.process_time() - started < 0.5


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(save(STATE))
    size = path.stat().st_size
    assert same(read(path, limit=size)) and same(read_safetensors(path.read_bytes(), limit=size))
    assert "expected at most 0.0 MB" in refusal(path, size - 1)
    with pytest.raises(CheckpointError, match="expected at most"):
        read_safetensors(path.read_bytes(), limit=size - 1)


def test_a_missing_file_names_its_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=rf"^There is no checkpoint net\.pt in the folder {tmp_path}; check the path\.$"):
        read(tmp_path / "net.pt")
