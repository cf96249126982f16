"""A run's two tables as Parquet files: a row a picture, and a row of float16 gates for each that was read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sevis.records import GateSite

__all__ = ["COLUMNS", "GATES", "PICTURES", "join", "pictures_in", "read", "schemas", "write"]

PICTURES, GATES = "pictures", "gates"
ROW_GROUP = 1024  # pictures: 30 MB of the 15,104 gates of SE-ResNet-50
# path, name of its class, that class in the network (-1: none), read or not, why not, best guess, its probability
COLUMNS = {
    "path": "string",
    "label": "string",
    "target": "int32",
    "read": "bool",
    "why": "string",
    "predicted": "string",
    "probability": "float",
}


def schemas(sites: Sequence[GateSite], meta: Mapping[str, Any]) -> dict[str, Any]:
    """Each table's Arrow schema with the run's description in its metadata; no gates without sites."""
    arrow = _pyarrow()
    told = {"sevis": json.dumps(meta)}
    columns = [(name, arrow.type_for_alias(kind)) for name, kind in COLUMNS.items()]
    gates = [(site.name, arrow.list_(arrow.float16(), len(site.branches) * site.channels)) for site in sites]
    tables = {PICTURES: columns} | ({GATES: [("picture", arrow.int64()), ("path", arrow.string()), *gates]} if gates else {})
    return {name: arrow.schema(each, metadata=told) for name, each in tables.items()}


def write(path: Path, batches: Sequence[Mapping[str, Any]], schema: Any) -> None:
    """A file of batches of columns; an array (N, K) becomes N lists of K."""
    arrow = _pyarrow()

    def column(values: Any, kind: Any) -> Any:
        if arrow.types.is_fixed_size_list(kind):
            return arrow.FixedSizeListArray.from_arrays(arrow.array(values.ravel()), type=kind)
        return arrow.array(values, kind)

    rows = [arrow.record_batch([column(batch[field.name], field.type) for field in schema], schema=schema) for batch in batches]
    arrow.parquet.write_table(arrow.Table.from_batches(rows, schema), path, compression="zstd", row_group_size=ROW_GROUP)


def join(path: Path, files: Sequence[Path], schema: Any, pictures: int) -> None:
    """One file of the rows of several, which says how many pictures of the scan it reaches to."""
    parquet = _pyarrow().parquet
    with parquet.ParquetWriter(path, schema.with_metadata({**schema.metadata, "done": str(pictures)}), compression="zstd") as writer:
        for file in files:
            for batch in parquet.ParquetFile(file).iter_batches(ROW_GROUP):
                writer.write_batch(batch)


def read(path: Path, columns: Sequence[str]) -> Any:
    """Some columns of a file as a pyarrow table."""
    return _pyarrow().parquet.ParquetFile(path).read(list(columns))


def pictures_in(path: Path) -> int:
    """How many pictures of the scan a joined file reaches to."""
    return int(_pyarrow().parquet.read_schema(path).metadata[b"done"])


def _pyarrow() -> Any:
    """Imported here alone, and only once it is needed."""
    import pyarrow.parquet  # type: ignore[import-untyped]

    return pyarrow
