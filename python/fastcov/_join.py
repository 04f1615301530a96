"""Results of many calls as one: frames one below the other, anything else in a list."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._blocks import Region
from ._table import Column, Table
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["failure_table", "join", "label"]


def label(number: int, item: Any) -> str:
    """An item in a message."""
    shown = str(item) if isinstance(item, Region) else repr(item)
    return f"block {number}, {shown if len(shown) <= 200 else shown[:200] + '…'}"


def failure_table(failures: Sequence[tuple[int, Any, BaseException, str]]) -> "pd.DataFrame":
    """One row per item that failed, in their order."""
    import pandas as pd

    def columns(item: Any) -> tuple[Any, Any, Any]:
        return (item.chrom, item.start, item.end) if isinstance(item, Region) else (None, pd.NA, pd.NA)

    rows = sorted(failures, key=lambda failure: failure[0])
    chrom, start, end = zip(*(columns(item) for _, item, _, _ in rows), strict=True) if rows else ((), (), ())
    return pd.DataFrame(
        {
            "chrom": pd.Series(chrom, dtype=object),
            "start": pd.array(start, dtype="Int64"),
            "end": pd.array(end, dtype="Int64"),
            "error": pd.Series([f"{type(error).__name__}: {error}" for _, _, error, _ in rows], dtype=object),
            "traceback": pd.Series([text for _, _, _, text in rows], dtype=object),
        }
    ).set_index(pd.Index([number for number, _, _, _ in rows], dtype="int64", name="block"))


def join(results: Sequence[tuple[int, Any, Any]]) -> Any:
    """
    Results as (number, item, value): one frame where all values are frames of one kind, else a list of the values.

    Raises
    ------
    InvalidArgumentError
        The frames have different columns; its attribute ``results`` is the list of them.
    """
    frames = [(number, item, value) for number, item, value in results if value is not None]
    kind = _kind(frames[0][2]) if frames else None
    if kind is None or any(_kind(value) is not kind for _, _, value in frames):
        return [value for _, _, value in results]
    first = frames[0]
    for other in frames[1:]:
        if _names(other[2]) != _names(first[2]):
            one, two = (f"{', '.join(map(str, _names(frame[2])))} ({label(*frame[:2])})" for frame in (first, other))
            error = InvalidArgumentError(
                f"the frames of func have different columns and cannot be joined: {one} and {two}; the attribute "
                "'results' of this error is a list of all frames"
            )
            error.results = [value for _, _, value in results]
            raise error
    return kind([value for _, _, value in frames])


def _kind(value: Any) -> Any:
    """What joins values of this type; None where nothing does."""
    if isinstance(value, Table):
        return _tables
    # A library that was not imported has made no frame.
    for module, classes, function in _KINDS:
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(value, tuple(getattr(loaded, name) for name in classes)):
            return function
    return None


def _names(value: Any) -> list[Any]:
    names = getattr(value, "column_names", None)
    if names is None and hasattr(value, "schema") and not hasattr(value, "columns"):
        names = value.schema.names
    return list(value.columns if names is None else names)


def _pandas(frames: list[Any]) -> Any:
    import pandas as pd

    numbered = all(isinstance(frame.index, pd.RangeIndex) for frame in frames)
    return pd.concat(frames, ignore_index=numbered)


def _polars(frames: list[Any]) -> Any:
    import polars

    return polars.concat(frames)


def _arrow(frames: list[Any]) -> Any:
    import pyarrow

    tables = [f if isinstance(f, pyarrow.Table) else pyarrow.Table.from_batches([f]) for f in frames]
    return pyarrow.concat_tables(tables)


_KINDS = (
    ("pandas", ("DataFrame",), _pandas),
    ("polars", ("DataFrame",), _polars),
    ("pyarrow", ("Table", "RecordBatch"), _arrow),
)


def _tables(tables: list[Table]) -> Table:
    parts = [table._columns() for table in tables]
    columns = {name: _column([part[name] for part in parts]) for name in parts[0]}
    metadata = dict(tables[0].metadata)
    if all("regions" in table.metadata for table in tables):
        metadata["regions"] = [region for table in tables for region in table.metadata["regions"]]
    if all(isinstance(table.metadata.get("reads"), dict) for table in tables):
        reads = [table.metadata["reads"] for table in tables]
        if all(set(counts) == set(reads[0]) and _plain(counts) for counts in reads):
            metadata["reads"] = {reason: sum(counts[reason] for counts in reads) for reason in reads[0]}
    # What is known of the rows of one table together cannot be added up.
    metadata.pop("summary", None)
    return Table._of(columns, metadata)


def _plain(counts: dict[str, Any]) -> bool:
    return all(isinstance(count, int) for count in counts.values())


def _column(parts: list[Column]) -> Column:
    first = parts[0][1]
    if first is None or all(names == first for _, names in parts):
        return np.concatenate([values for values, _ in parts]), first
    # Codes of other names: of files with other contigs.
    codes = [(values, names) for values, names in parts if names is not None]
    union = list(dict.fromkeys(name for _, names in codes for name in names))
    place = {name: code for code, name in enumerate(union)}
    moved = [np.array([place[name] for name in names], np.int32)[values] for values, names in codes]
    return np.concatenate(moved), tuple(union)
