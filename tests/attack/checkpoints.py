"""Checkpoint files that mean harm; run as a module with a folder it tells what each costs to refuse."""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from sevis.nets.checkpoints import read
from sevis.nets.fitting import fitted
from sevis.nets.network import CheckpointError
from sevis.nets.sources import blueprint
from tests.attack.costs import tell
from tests.attack.programs import PROGRAMS, in_a_row, zipped
from tests.nets.test_fitting import BLUEPRINT, COUNTER
from tests.nets.test_fitting import state as made_state

state = cache(made_state)
REGNET = blueprint("torchvision/regnet_y_400mf")
MARKER = "a-program-was-run"  # the file that every hostile pickle would leave behind, in the folder where it is read
RUNNERS = {  # what pickles call, and with what
    "os.system": ("posix", "system", f"touch {MARKER}"),
    "eval": ("builtins", "eval", f"open('{MARKER}', 'w')"),
    "exec": ("builtins", "exec", f"open('{MARKER}', 'w')"),
    "open": ("builtins", "open", MARKER, "w"),
    "subprocess": ("subprocess", "getoutput", f"touch {MARKER}"),
    "runpy": ("runpy", "_run_code", f"open('{MARKER}', 'w')", {}),
    "torch.load without care": ("torch.serialization", "load", MARKER),
    "torch.hub": ("torch.hub", "load_state_dict_from_url", "http://127.0.0.1:9/net.pt"),
}


class Calling:
    """An object whose pickle calls a function when it is read; the function is never called here."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.function, self.arguments = getattr(__import__(module, fromlist=[name]), name), arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.function, self.arguments


def pickled(held: object, *, zipped: bool = True) -> bytes:
    """As torch.save writes it: a zip, or the format before 2020."""
    file = io.BytesIO()
    torch.save(held, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def archive(members: Mapping[str, bytes]) -> bytes:
    """A zip of packed members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


def of_parts(count: int) -> bytes:
    """What torch.save writes, with the directory's first entry so many times more."""
    plain = pickled({"linear.bias": torch.zeros(5)})
    with zipfile.ZipFile(io.BytesIO(plain)) as packed:
        start = packed.start_dir
    entry = plain[start : start + 46 + sum(struct.unpack("<3H", plain[start + 28 : start + 34]))]  # its name, more, and a comment
    directory = entry * count
    return plain[:start] + directory + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), start, 0)


def scripted() -> bytes:
    """A network as a TorchScript program."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), file)
    return file.getvalue()


def exported() -> bytes:
    """What lies in a .pt2, with a pickle in it that runs a program."""
    program = pickle.dumps(Calling(*RUNNERS["os.system"]))
    names = ("archive_format", "models/model.json", "data/weights/model.pt", "data.pkl", "version")
    return archive({f"net/{name}": content for name, content in zip(names, (b"pt2", b"{}", program, program, b"3\n"), strict=True)})


def changed(**tensors: Tensor) -> bytes:
    """The state of a network with some tensors changed, as a pickle."""
    return pickled(state() | {key.replace("__", "."): values for key, values in tensors.items()})


def sparse(inside: bool) -> Tensor:
    """A sparse classifier, whose one value may lie outside of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = torch.tensor([[0], [0 if inside else 10**9]])
        return torch.sparse_coo_tensor(place, torch.ones(1), (5, 64), check_invariants=False)


def entries(count: int) -> bytes:
    """A safetensors file of empty tensors."""
    header = ("{" + ",".join(f'"t{n}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for n in range(count)) + "}").encode()
    return struct.pack("<Q", len(header)) + header


def claiming(shape: list[int], size: int, values: bytes = bytes(64)) -> bytes:
    """A safetensors file of few values that says it has others."""
    header = json.dumps({"linear.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + values


def repeated_keys() -> bytes:
    """A header just below the limit that says one name 140,000 times."""
    header = b"{" + b",".join([b'"t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'] * 140_000) + b"}"
    return struct.pack("<Q", len(header)) + header


STRIDED = torch.zeros(1).expand(10**12)
# a name of the file, its bytes, and what its refusal says
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    **{f"calls {name}": ("net.pt", lambda call=call: pickled(Calling(*call)), "holds more than tensors") for name, call in RUNNERS.items()},
    "calls beside weights": ("net.pth", lambda: pickled(state() | {"x": Calling(*RUNNERS["eval"])}), "holds more than tensors"),
    "calls before 2020": (
        "net.pth",
        lambda: pickled(Calling(*RUNNERS["os.system"]), zipped=False),
        "holds more than tensors (posix.system)",
    ),
    "calls in a bare pickle": ("net.bin", lambda: pickle.dumps(Calling(*RUNNERS["os.system"]), 2), "cannot be read"),
    "calls in the oldest pickle": ("net.ckpt", lambda: b"cposix\nsystem\n(S'touch " + MARKER.encode() + b"'\ntR.", "cannot be read"),
    "a network": ("net.pt", lambda: pickled(nn.Linear(2, 2)), "holds more than tensors (torch.nn.modules.linear.Linear)"),
    "TorchScript": ("net.pt", scripted, "cannot be read"),
    "an exported program": ("net.pt2", exported, "cannot be read"),
    "an exported program called .pt": ("net.pt", exported, "cannot be read"),
    "a trillion values, repeated": ("net.pt", lambda: changed(linear__bias=STRIDED), "does not fit a net"),
    "a trillion rows, repeated": (
        "net.pt",
        lambda: changed(linear__bias=STRIDED, linear__weight=STRIDED[:, None].expand(-1, 64)),
        "linear.weight has 4 bytes, expected 256,000,000,000,000",
    ),
    "few values, repeated": ("net.pt", lambda: changed(linear__weight=torch.zeros(1).expand(5, 64)), "has 4 bytes, expected 1,280"),
    "without memory": ("net.pt", lambda: changed(linear__weight=torch.empty(5, 64, device="meta")), "not an ordinary tensor"),
    "sparse": ("net.pt", lambda: changed(linear__weight=sparse(True)), "holds tensors that are sparse"),
    "sparse, a value outside": ("net.pt", lambda: changed(linear__weight=sparse(False)), "holds tensors that are sparse"),
    "not a number": ("net.pt", lambda: changed(linear__bias=torch.full((5,), torch.nan)), "values that are not finite"),
    "not a number in half": ("net.pt", lambda: changed(linear__bias=torch.full((5,), torch.nan).half()), "values that are not finite"),
    "another shape": ("net.pt", lambda: changed(linear__weight=torch.zeros(5, 63)), "is (5, 63), expected (5, 64)"),
    "another network": ("net.pt", lambda: pickled({"fc.weight": torch.zeros(3)}), "tensors missing"),
    "a fraction that counts": ("net.pt", lambda: changed(**{COUNTER: torch.tensor(0.5)}), "holds torch.float32"),
    "names of a megabyte": ("net.pt", lambda: pickled({f"{n}" * 1_000_000: torch.zeros(1) for n in range(9)}), "unexpected"),
    "a zip of 100 MB": (
        "net.pt",
        lambda: archive({"net/data.pkl": bytes(100_000_000), "net/version": b"3\n"}),
        "it would unpack to 100.0 MB",
    ),
    "a zip of 400,000 parts": ("net.pt", lambda: of_parts(400_000), "its zip has more than 20,000 parts"),
    "500,000 entries": ("net.safetensors", lambda: entries(500_000), "its header would have"),
    "a name 140,000 times": ("net.safetensors", repeated_keys, "does not fit a net"),
    "a shape beyond the file": ("net.safetensors", lambda: claiming([10**12], 4 * 10**12), "is not a safetensors file"),
    "a shape that is not its bytes": ("net.safetensors", lambda: claiming([10**12], 64), "is not a safetensors file"),
    "a shape that overflows": ("net.safetensors", lambda: claiming([2**40, 2**40], 64), "is not a safetensors file"),
    "a shape of more than 64 bits": ("net.safetensors", lambda: claiming([0, 2**63], 0, b""), "is not a safetensors file (TypeError"),
    "infinite in safetensors": ("net.safetensors", lambda: save(state() | {"linear.bias": torch.full((5,), torch.inf)}), "are not finite"),
}


HOSTILE |= {f"a pickle: {case}": ("net.pt", lambda make=make: zipped(make()), said) for case, (make, said) in PROGRAMS.items()}
HOSTILE |= {
    f"a pickle before 2020: {case}": ("net.pt", lambda make=make: in_a_row(make()), said) for case, (make, said) in PROGRAMS.items()
}
OF_REGNET = "torchvision regnet"  # a network that is not built without memory, in whose cases a file is put into it
HOSTILE |= {
    f"{OF_REGNET}, {case}": (name, make, "missing")
    for case, (name, make) in {
        "a bias alone": ("net.safetensors", lambda: save({"fc.bias": torch.zeros(400_000).half()})),
        "a bias of a million": ("net.safetensors", lambda: save({"fc.bias": torch.zeros(1_000_000).half()})),
        "rows that are repeated": (
            "net.pt",
            lambda: pickled({"fc.bias": torch.zeros(400_000), "fc.weight": torch.zeros(1).expand(400_000, 440)}),
        ),
        "bytes that wrap around": (
            "net.pt",
            lambda: pickled({"fc.bias": torch.zeros(1).expand(2**53), "fc.weight": torch.zeros(1).expand(2**53, 440)}),
        ),
    }.items()
}


def refusal(path: object) -> str:
    """What is said of a file that is read and put into a network, as a visitor's or the command line's would be."""
    assert isinstance(path, Path)
    try:
        fitted(REGNET if path.parent.name.startswith("regnet") else BLUEPRINT, read(path), path.name)
    except CheckpointError as error:
        return str(error)
    except BaseException as error:
        return f"!{error!r}"
    return "it was taken"


def written(folder: Path, case: str) -> Path:
    """The case's file, in a folder of its own."""
    name, make, _ = HOSTILE[case]
    path = folder / f"{'regnet' if case.startswith(OF_REGNET) else 'net'}{list(HOSTILE).index(case)}" / name
    path.parent.mkdir()
    path.write_bytes(make())
    return path


if __name__ == "__main__":
    import torchvision.models  # noqa: F401  # so that no case pays for it

    here = Path(sys.argv[1])
    tell({case: lambda case=case: written(here, case) for case in HOSTILE}, refusal)
