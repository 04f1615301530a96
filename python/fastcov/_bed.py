"""Targets: a BED file, a list of tuples or a frame, as the core takes them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _fastcov
from ._checks import as_int, path, readable
from .errors import InvalidArgumentError

__all__ = ["read_bed"]

_KINDS = "a BED file, a list of (chrom, start, end) or a frame"
_ROW = "tuples (chrom, start, end) or (chrom, start, end, name)"
_INT64 = np.iinfo(np.int64)
# Floats above leave integers out.
_EXACT = 1 << 53

# The different values of a column, and for each row the index of its own.
_Codes = tuple[list[str], np.ndarray]


def read_bed(bed: Any, timeout: float | None = None) -> "_fastcov.Bed":
    """
    Intervals of a BED file, a list of ``(chrom, start, end[, name])``, or a frame with the columns chrom, start, end.

    Raises
    ------
    CorruptFileError
        A line is not an interval; the message has its number.
    FileError
        The file cannot be read.
    InvalidArgumentError
        A row is no interval, or it is not clear which columns are meant.
    TypeError
        ``bed`` is none of these.
    UnsupportedFormatError
        The file is of another format.
    """
    if isinstance(bed, (str, bytes, os.PathLike)):
        return _fastcov.read_bed(path("bed", bed), timeout)
    if _is_pandas(bed):
        return _of_pandas(bed)
    if hasattr(bed, "__arrow_c_stream__") or hasattr(bed, "__arrow_c_array__"):
        return _of_arrow(bed)
    # Of the class: asking a LazyFrame for its columns is work.
    if hasattr(type(bed), "columns"):
        raise TypeError(
            f"bed is a {_class_of(bed)}, which is not read: give a pandas frame or one that exports Arrow "
            "(a LazyFrame's .collect(), a PyRanges' .df)"
        )
    if isinstance(bed, Mapping) or not isinstance(bed, Iterable):
        raise TypeError(f"bed must be {_KINDS}, not {type(bed).__name__}")
    return _of_rows(bed)


def _class_of(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__name__}"


def _of_rows(rows: Iterable[Any]) -> "_fastcov.Bed":
    chroms: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    names: list[str] = []
    named = False
    for number, row in enumerate(rows):
        fields = [] if isinstance(row, str) or not isinstance(row, Iterable) else list(row)
        if len(fields) < 3:
            raise TypeError(f"row {number} of bed: bed must hold {_ROW}, not {row!r}")
        chrom, start, end, *name = fields
        if not isinstance(chrom, str):
            raise TypeError(f"row {number} of bed: the first of {row!r} must be the name of a contig (str)")
        chroms.append(chrom)
        starts.append(start if type(start) is int else as_int(f"start in row {number} of bed", start))
        ends.append(end if type(end) is int else as_int(f"end in row {number} of bed", end))
        names.append(str(name[0]) if name else "")
        named |= bool(name)
    return _fastcov.bed_of_columns(
        _codes(chroms), _positions(starts, "start"), _positions(ends, "end"), _codes(names) if named else None
    )


def _positions(values: list[int], which: str) -> np.ndarray:
    try:
        return np.array(values, np.int64)
    except OverflowError:
        number = next(i for i, value in enumerate(values) if not _INT64.min <= value <= _INT64.max)
        raise InvalidArgumentError(f"row {number} of bed: its {which} is past every contig there can be") from None


def _codes(values: Sequence[str]) -> _Codes:
    """The different values in the order they appear, and for each value its number among them."""
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(value, len(numbers)) for value in values]
    return _readable(list(numbers)), np.array(codes, np.int64)


def _readable(names: list[str]) -> list[str]:
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        return [readable("bed", name) for name in names]
    return names


def _is_pandas(bed: Any) -> bool:
    # Its own Arrow export needs pyarrow.
    import pandas as pd

    return isinstance(bed, pd.DataFrame)


def _of_arrow(frame: Any) -> "_fastcov.Bed":
    try:
        return _fastcov.bed_of_arrow(frame)
    except UnicodeError as error:
        raise InvalidArgumentError(f"bed has text that is no text: {error}") from error


def _of_pandas(frame: Any) -> "_fastcov.Bed":
    chrom, start, end, name = _fastcov.bed_columns([str(column) for column in frame.columns])
    contigs, rows = _texts(frame.iloc[:, chrom])
    if (missing := np.flatnonzero(rows < 0)).size:
        raise _missing(missing[0], "chrom")
    return _fastcov.bed_of_columns(
        (contigs, rows),
        _integers(frame.iloc[:, start], "start"),
        _integers(frame.iloc[:, end], "end"),
        None if name is None else _filled(_texts(frame.iloc[:, name])),
    )


def _texts(column: Any) -> _Codes:
    """The values as text; -1 for a row without one."""
    values = column.to_numpy(object).tolist()
    names, rows = _codes([value if type(value) is str else str(value) for value in values])
    rows[column.isna().to_numpy()] = -1
    return names, rows


def _filled(codes: _Codes) -> _Codes:
    """Names, empty where a row has none."""
    names, rows = codes
    if (rows < 0).any():
        names = names if "" in names else [*names, ""]
        rows = np.where(rows < 0, names.index(""), rows)
    return names, rows


def _integers(column: Any, which: str) -> np.ndarray:
    from pandas.api.types import is_float_dtype, is_integer_dtype

    if not len(column):
        return np.empty(0, np.int64)
    if (missing := np.flatnonzero(column.isna().to_numpy())).size:
        raise _missing(missing[0], which)
    if is_integer_dtype(column.dtype):
        return np.ascontiguousarray(column.to_numpy(np.int64))
    if not is_float_dtype(column.dtype):
        raise TypeError(f"the column {which} of bed must hold integers, not {column.dtype}")
    # pandas makes floats of integers where a value was missing once.
    values = column.to_numpy(np.float64)
    odd = np.flatnonzero((values != np.floor(values)) | (np.abs(values) > _EXACT))
    if odd.size:
        raise InvalidArgumentError(
            f"row {odd[0]} of bed has the {which} {values[odd[0]]}, which is no whole number: give integers"
        )
    integers: np.ndarray = values.astype(np.int64)
    return integers


def _missing(row: int, which: str) -> InvalidArgumentError:
    hint = "drop the row, or fill it in"
    return InvalidArgumentError(f"row {row} of bed has no {which}: {hint}", hint=hint)
