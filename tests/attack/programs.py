"""Pickles that call nothing evil and yet cost hours or gigabytes, written instruction by instruction; torch's own reader runs each."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable

import torch

HEAD = pickle.PROTO + b"\x02"
EMPTY = pickle.EMPTY_DICT
ORDERED = pickle.GLOBAL + b"collections\nOrderedDict\n" + pickle.EMPTY_TUPLE + pickle.REDUCE
DATA = "net/data/0", struct.pack("<f", 1.0)


def text(value: str) -> bytes:
    """Instructions that put text on the stack."""
    encoded = value.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(encoded)) + encoded


def number(value: int) -> bytes:
    """Instructions that put a whole number on the stack."""
    if 0 <= value < 1 << 31:
        return pickle.BININT + struct.pack("<i", value)
    encoded = pickle.encode_long(value)
    return pickle.LONG1 + bytes([len(encoded)]) + encoded


def named(module: str, name: str) -> bytes:
    """Instructions that import."""
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def call(module: str, name: str, *arguments: bytes) -> bytes:
    """Instructions that call a function."""
    return named(module, name) + pickle.MARK + b"".join(arguments) + pickle.TUPLE + pickle.REDUCE


def kept(place: int) -> bytes:
    """Instructions that remember what is on top."""
    return pickle.LONG_BINPUT + struct.pack("<I", place)


def again(place: int) -> bytes:
    """Instructions that fetch it."""
    return pickle.LONG_BINGET + struct.pack("<I", place)


def listed(items: bytes) -> bytes:
    """Instructions that make a list."""
    return pickle.EMPTY_LIST + pickle.MARK + items + pickle.APPENDS


def holding(value: bytes, key: bytes = text("x")) -> bytes:
    """A pickle of a dict with one value."""
    return HEAD + EMPTY + key + value + pickle.SETITEM + pickle.STOP


def storage(values: int = 1) -> bytes:
    """Instructions that ask for the file's one storage."""
    parts = (text("storage"), named("torch", "FloatStorage"), text("0"), text("cpu"), number(values))
    return pickle.MARK + b"".join(parts) + pickle.TUPLE + pickle.BINPERSID


def tensor(*shape: int, values: int = 1) -> bytes:
    """Instructions that make a tensor of that shape whose values are one that is repeated."""
    sides = pickle.MARK + b"".join(map(number, shape)) + pickle.TUPLE
    strides = pickle.MARK + number(0) * len(shape) + pickle.TUPLE
    return call("torch._utils", "_rebuild_tensor_v2", storage(values), number(0), sides, strides, pickle.NEWFALSE, ORDERED)


def nested(depth: int, width: int = 2) -> bytes:
    """Instructions that make tuples of the same tuple, so that there are width to the power of depth in all."""
    levels = (kept(place) + again(place) * (width - 1) + pickle.TUPLE for place in range(depth))
    return pickle.MARK * depth + pickle.EMPTY_TUPLE + b"".join(levels)


def lists(depth: int) -> bytes:
    """Instructions that make lists of the same list twice, so that there are 2 to the power of depth in all."""
    levels = (kept(place) + again(place) + pickle.APPENDS for place in range(depth))
    return (pickle.EMPTY_LIST + pickle.MARK) * depth + pickle.EMPTY_LIST + b"".join(levels)


def many_uses(module: str, name: str, arguments: bytes, times: int) -> bytes:
    """A pickle that calls one function with the same arguments many times."""
    prepared = named(module, name) + kept(0) + pickle.MARK + arguments + pickle.TUPLE + kept(1)
    both = pickle.MARK + prepared + (again(0) + again(1) + pickle.REDUCE) * times + pickle.TUPLE
    return holding(both)


def colliding() -> bytes:
    """A dict of 20,000 whole numbers of one hash."""
    keys = b"".join(number(n * ((1 << 61) - 1)) + pickle.NONE for n in range(1, 20_000))
    return holding(EMPTY + pickle.MARK + keys + pickle.SETITEMS)


ARGUMENTS = storage() + number(0) + number(1) + pickle.TUPLE1 + number(1) + pickle.TUPLE1 + pickle.NEWFALSE + ORDERED
GET = text("get") + named("torch", "device") + pickle.SETITEM
STATE = (tensor(1), pickle.NEWTRUE, EMPTY, EMPTY + text("untyped_storage") + named("builtins", "set") + pickle.SETITEM)
NAMED = b"".join(text(f"{n}" * 6) + pickle.NONE for n in range(147_000))
ATOMS = b"".join(number(n) for n in range(20_000))
CALLS_WHAT, NO_KEY = "with what no state dict needs", "a key that is neither text nor a number"
BEYOND, MUCH, MORE = "more values than it has bytes", "more work than a state dict", "holds more than tensors"
# a pickle, and what its refusal says
PROGRAMS: dict[str, tuple[Callable[[], bytes], str]] = {
    "bytes by their number": (lambda: holding(call("builtins", "bytearray", number(1_500_000_000))), f"{MORE} (builtins.bytearray)"),
    "bytes by Python 2": (lambda: holding(call("__builtin__", "bytearray", number(1_500_000_000))), f"{MORE} (builtins.bytearray)"),
    "a tuple of tuples for a key": (lambda: holding(pickle.NONE, nested(29)), "tuples in tuples more than 8 deep"),
    "a wide tuple for a key": (lambda: holding(pickle.NONE, nested(7, 60)), NO_KEY),
    "a wide tuple in a set": (lambda: holding(call("builtins", "set", listed(nested(7, 60)))), CALLS_WHAT),
    "a wide tuple for a storage": (lambda: holding(storage().replace(text("0"), nested(6, 60))), "something other than its own values"),
    "numbers of one hash": (colliding, "a whole number of more than 64 bits"),
    "punycode": (lambda: holding(call("_codecs", "encode", text("ab\u0100" * 6000), text("punycode"))), CALLS_WHAT),
    "a tensor of 4 GB": (lambda: holding(call("torch", "FloatTensor", number(1_000_000_000))), f"{MORE} (torch.FloatTensor)"),
    "a parameter that is made anew": (
        lambda: holding(named("torch.nn.parameter", "Parameter") + pickle.MARK + tensor(10**9) + pickle.TUPLE + pickle.NEWOBJ),
        "makes an object that no state dict needs",
    ),
    "a set of a tensor's values": (lambda: holding(call("builtins", "set", tensor(10**9))), CALLS_WHAT),
    "a dict of a tensor's rows": (lambda: holding(call("collections", "OrderedDict", tensor(10**9, 2))), CALLS_WHAT),
    "a count of a tensor's values": (lambda: holding(call("collections", "Counter", tensor(10**9))), CALLS_WHAT),
    "attributes of a tensor's rows": (
        lambda: holding(ORDERED + tensor(10**9, 2) + pickle.BUILD),
        "by something other than a dict",
    ),
    "a tensor's values as arguments": (
        lambda: holding(named("torch", "Size") + tensor(10**9) + pickle.REDUCE),
        "calls what no state dict needs",
    ),
    "a tensor on another device": (
        lambda: holding(call("torch._utils", "_rebuild_device_tensor_from_cpu_tensor", tensor(10**9))),
        f"{MORE} (torch._utils._rebuild_device_tensor_from_cpu_tensor)",
    ),
    "values beyond the file": (lambda: holding(tensor(10**9, values=10**9)), BEYOND),
    "a set made 10,000 times": (lambda: many_uses("builtins", "set", listed(ATOMS), 10_000), MUCH),
    "a text encoded 10,000 times": (lambda: many_uses("_codecs", "encode", text("x" * 1_000_000) + text("latin1"), 10_000), MUCH),
    "a state that is a list": (
        lambda: holding(call("torch._utils", "_rebuild_parameter_with_state", tensor(1), pickle.NEWTRUE, EMPTY, pickle.EMPTY_LIST)),
        CALLS_WHAT,
    ),
    "a million instructions": (lambda: holding(listed(pickle.NONE * 1_000_000)), MUCH),
    "100,000 tensors of one value": (lambda: many_uses("torch._utils", "_rebuild_tensor_v2", ARGUMENTS, 100_000), MUCH),
    "an attribute called like a method": (lambda: HEAD + ORDERED + EMPTY + GET + pickle.BUILD + pickle.STOP, "without tensors"),
    "a tensor's attribute called like a method": (
        lambda: holding(call("torch._utils", "_rebuild_parameter_with_state", *STATE)),
        "unexpected",
    ),
    "lists in lists for a shape": (
        lambda: holding(call("torch._utils", "_rebuild_tensor", storage(), number(0), lists(60), lists(60))),
        "cannot be read (TypeError",
    ),
    "lists in lists for a state": (lambda: holding(lists(60)), "without tensors"),
    "as many tensors as may be": (lambda: many_uses("torch._utils", "_rebuild_tensor_v2", ARGUMENTS, 19_000), "without tensors"),
    "as many names as may be": (lambda: HEAD + EMPTY + pickle.MARK + NAMED + pickle.SETITEMS + pickle.STOP, "without tensors"),
    "as many lists as may be": (lambda: holding(listed(pickle.EMPTY_LIST * 147_000)), "without tensors"),
    "as many tuples as may be": (lambda: holding(listed(pickle.NONE + kept(0) + (again(0) + pickle.TUPLE1) * 96_000)), "without tensors"),
    "as many memories as may be": (
        lambda: holding(pickle.NONE + b"".join(kept(n * 64 + 1) for n in range(294_000))),
        "without tensors",
    ),
    "17 MB of text": (lambda: holding(text("x" * 17_000_000)), "cannot be read"),
}


def zipped(program: bytes) -> bytes:
    """The pickle as torch.save puts it into a zip, with one value beside it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (("net/data.pkl", program), DATA, ("net/version", b"3\n")):
            archive.writestr(name, content)
    return file.getvalue()


def in_a_row(program: bytes) -> bytes:
    """The pickle as torch.save wrote it before 2020: after three others, before the names of the storages and their values."""
    first = (torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {})
    names = ["0"] if b"FloatStorage" in program else []
    if names:
        program = program.replace(pickle.TUPLE + pickle.BINPERSID, pickle.NONE + pickle.TUPLE + pickle.BINPERSID)
    return b"".join(pickle.dumps(each, 2) for each in first) + program + pickle.dumps(names, 2) + struct.pack("<qf", 1, 1.0)


__all__ = ["PROGRAMS", "in_a_row", "zipped"]
