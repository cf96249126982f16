"""What a scan wrote, opened again: the statistics of every gate and a row for every picture, without the network.

    run = sevis.runs.open_run("RUN")
    run.statistics[0].site.name          # "SE_2_1"
    run.pictures["why"][~run.pictures["read"]]
    run.weights("SE_2_1")                # (N, M, C) float16, of a scan with gates
    run.query("most", gate="SE_2_1", channel=7)

NumPy and pyarrow only; queries, DuckDB too. A run folder holds

    run.json            what was scanned, with what, and how far it got
    statistics.npz      sums over all pictures that count; `done` says how many of the scan's order these are
    pictures.parquet    a row a picture, in the order of the scan
    gates.parquet       where asked for: a row a picture that was read, a column of float16 a gate
    parts/              of a scan that goes on or was cut short: rows that are not in the two tables yet

`statistics.npz` is replaced as a whole, and its `done` decides: rows of later pictures do not count, they are scanned again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from sevis.analysis.statistics import GateStatistics, from_arrays
from sevis.analysis.thresholds import Thresholds, load_thresholds
from sevis.tables import COLUMNS, GATES, PICTURES, pictures_in, read

if TYPE_CHECKING:
    from sevis.analysis.ablation import Ablated
    from sevis.analysis.doctor import Diagnosis

__all__ = ["FORMAT", "META", "PARTS", "STATISTICS", "Run", "RunError", "committed", "open_run", "tables_of"]

FORMAT = 1
META, STATISTICS, PARTS = "run.json", "statistics.npz", "parts"


class RunError(ValueError):
    """Why a folder cannot be used as a run: one sentence."""


def _is_text(value: object) -> bool:
    """Whether it can be shown: JSON may have halves of characters in it."""
    return isinstance(value, str) and value.encode("utf-8", "replace").decode() == value


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_whole(value: object) -> bool:
    return isinstance(value, list) and all(type(each) is int for each in value)


def _is_source(value: object) -> bool:
    """Whether it says where the pictures lie and how to know them again."""
    if not isinstance(value, dict) or not isinstance(value.get("path"), str) or not isinstance(value.get("root", ""), str):
        return False  # both are paths, whose names may be any bytes
    return all(_is_text(value.get(key)) for key in ("kind", "split", "fingerprint"))


# What run.json says, and whether a value is of the kind that a scan writes: a run that came from elsewhere may say anything.
SAID: dict[str, Callable[[object], bool]] = {
    "network": _is_text,
    "weights_sha256": _is_text,
    "task": _is_text,
    "started": _is_text,
    "classes": _are_texts,
    "targets": _are_whole,
    "network_classes": _are_texts,
    "source": _is_source,
    "pictures": lambda value: type(value) is int,
    "gates": lambda value: isinstance(value, bool),
}


@dataclass(frozen=True)
class Run:
    """A scan's results.

    Attributes:
        network: its name.
        classes: the names of the labels, in the order in which the statistics count them; () without labels.
        pictures: the columns of sevis.tables.COLUMNS, (pictures done,) each; None where there is no label, reason or prediction.
        statistics: one a gate, in order of depth; () where no picture was read.
        meta: what run.json says.
    """

    folder: Path
    network: str
    classes: tuple[str, ...]
    pictures: dict[str, np.ndarray]
    statistics: tuple[GateStatistics, ...]
    meta: dict[str, Any]

    @property
    def done(self) -> int:
        """How many pictures were scanned, those that could not be read included."""
        return len(self.pictures["read"])

    @property
    def read(self) -> int:
        """How many pictures could be read."""
        return int(self.pictures["read"].sum())

    @property
    def is_finished(self) -> bool:
        """Whether every picture that was asked for is there."""
        return self.done >= int(self.meta["pictures"])

    @property
    def top1(self) -> float | None:
        """The share of the pictures of known class whose class the network names; None where no class is known."""
        names = np.array([*self.meta["network_classes"], None], dtype=object)
        known = self.pictures["read"] & (self.pictures["target"] >= 0)
        right = names[self.pictures["target"]] == self.pictures["predicted"]
        return float(right[known].mean()) if known.any() else None

    def has_learned(self, thresholds: Thresholds) -> bool:
        """Whether the network answers far better than who names the commonest class each time; False where no class is known."""
        known = self.pictures["target"][self.pictures["read"] & (self.pictures["target"] >= 0)]
        if self.top1 is None:
            return False
        count, commonest, times = len(known), int(np.bincount(known.astype(int)).max()), thresholds["untrained.guessing"]
        right = round(self.top1 * count)
        better = right >= times * commonest or count - right <= (count - commonest) / times
        error = (commonest * (1 - commonest / count)) ** 0.5  # of what guessing gets right
        return better and right > commonest and right - commonest >= thresholds["untrained.errors"] * error

    def examine(self, ablated: Sequence[Ablated] = (), thresholds: Thresholds | None = None) -> tuple[Diagnosis, ...]:
        """The doctor's diagnosis of every gate; arguments and errors as those of `sevis.analysis.doctor.examine`."""
        from sevis.analysis.doctor import examine

        limits = load_thresholds() if thresholds is None else thresholds
        return examine(self.statistics, ablated, limits, trained=self.has_learned(limits))

    def weights(self, gate: str) -> np.ndarray:
        """One gate's weights for every picture that was read, (N, M, C) float16.

        Args:
            gate: its name, as in "SE_2_1".

        Raises:
            RunError: they were not asked for, or there is no such gate.
        """
        shapes = {each.site.name: (len(each.site.branches), each.site.channels) for each in self.statistics}
        if not self.meta["gates"]:
            raise RunError(f"{self.folder} holds no weights of single pictures; scan again with gates.")
        if gate not in shapes:
            raise RunError(f"{self.folder} has no gate {gate!r}; choose from {', '.join(shapes) or 'none: no picture was read'}.")
        columns = [read(path, [gate]).column(gate).combine_chunks() for path in tables_of(self.folder, GATES, self.done)]
        weights = np.concatenate([column.flatten().to_numpy().reshape(-1, *shapes[gate]) for column in columns])
        return weights[: self.read]  # of a scan that went on meanwhile there may be more

    def query(self, name: str, **parameters: Any) -> Any:
        """The answer to one of `sevis.queries.QUERIES` as a pyarrow table; arguments and errors as those of `sevis.queries.ask`."""
        from sevis.queries import ask

        return ask(self, name, **parameters)


def open_run(path: str | Path) -> Run:
    """The run in a folder, also of a scan that goes on or was cut short.

    Raises:
        RunError: there is none, or it is damaged, or of a later version.
    """
    folder = Path(path)
    meta = _meta(folder)
    try:
        done, statistics = committed(folder)
        pictures = _columns(folder, done)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise RunError(f"The run {folder} cannot be read ({error}); scan again into another folder.") from error
    if len(pictures["read"]) != done:
        raise RunError(f"The run {folder} has rows of {len(pictures['read'])} pictures, expected {done}; scan again into another folder.")
    if ((pictures["target"] < -1) | (pictures["target"] >= len(meta["network_classes"]))).any():
        raise RunError(f"The run {folder} counts pictures of classes that {META} does not name; scan again into another folder.")
    return Run(folder, meta["network"], tuple(meta["classes"]), pictures, statistics, meta)


def _meta(folder: Path) -> dict[str, Any]:
    if not (folder / META).is_file():
        raise RunError(f"There is no run in {folder}; expected a folder that `sevis scan MODEL PICTURES -o {folder}` has made.")
    try:
        meta: dict[str, Any] = json.loads((folder / META).read_text(encoding="utf-8"))
        version = meta["format"]
        missing = [key for key in SAID if key not in meta] if version == FORMAT else []
        odd = [key for key, is_so in SAID.items() if key in meta and not is_so(meta[key])]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{folder / META} is damaged ({error}); scan again into another folder.") from error
    if missing:
        raise RunError(f"{folder / META} says nothing of {', '.join(missing)}; scan again into another folder.")
    if version != FORMAT:
        raise RunError(f"The run {folder} is of format {version}, and this version of sevis reads {FORMAT}; scan again, or update sevis.")
    if odd or len(meta["targets"]) != len(meta["classes"]):
        raise RunError(f"{folder / META} gives {', '.join(odd or ['targets'])} as no scan does; scan again into another folder.")
    return meta


def committed(folder: Path) -> tuple[int, tuple[GateStatistics, ...]]:
    """How many pictures of the scan's order count, and the statistics over exactly these."""
    if not (folder / STATISTICS).is_file():
        return 0, ()
    with (folder / STATISTICS).open("rb") as file, np.load(file, allow_pickle=False) as held:  # of a damaged file NumPy leaves its own open
        arrays = {name: held[name] for name in held.files}
    return int(arrays.pop("done")), from_arrays(arrays)


def tables_of(folder: Path, name: str, done: int) -> list[Path]:
    """The files that hold a table's rows up to `done`, in order: what was joined, and the parts after it."""
    joined = folder / f"{name}.parquet"
    start = pictures_in(joined) if joined.is_file() else 0
    firsts = {int(part.stem.partition("-")[2]): part for part in (folder / PARTS).glob(f"{name}-*.parquet")}
    return [joined] * bool(start) + [part for first, part in sorted(firsts.items()) if start <= first < done]


def _columns(folder: Path, done: int) -> dict[str, np.ndarray]:
    """The table of pictures as arrays; no rows at all where none was scanned."""
    tables = [read(path, tuple(COLUMNS)) for path in tables_of(folder, PICTURES, done)]
    empty = {"bool": bool, "int32": np.int32, "float": np.float32}
    if not tables:
        return {name: np.empty(0, empty.get(kind, object)) for name, kind in COLUMNS.items()}
    return {name: np.concatenate([table.column(name).to_numpy() for table in tables]) for name in COLUMNS}
