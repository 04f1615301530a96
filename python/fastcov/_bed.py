"""Targets: a BED file, a list of tuples or a frame, as arrays."""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from io import BufferedReader
from operator import gt
from typing import Any

import numpy as np

from ._options import path, readable
from .errors import CorruptFileError, InvalidArgumentError, _from_core
from .rules import as_int

__all__ = ["Bed", "read_bed"]

# Lines of a BED file that are no interval.
_NO_INTERVAL = ("#", "track", "browser")
_COLUMNS = {"chrom": ("chrom", "chr", "Chromosome"), "start": ("start", "Start"), "end": ("end", "End")}
_MOST = 1 << 62
# Enough for every number up to _MOST.
_DIGITS = 20
# Bytes of a BED file that are read at a time, and of the longest line.
_BLOCK = 1 << 20
_LONGEST = 1 << 20


@dataclass
class Bed:
    """Intervals in the order they were given: 0-based, half-open."""

    chrom: list[str]
    start: np.ndarray
    end: np.ndarray
    name: list[str] | None
    path: str | None = None


def read_bed(bed: Any) -> Bed:
    """
    Intervals of a BED file, a list of ``(chrom, start, end[, name])``, or a frame with the columns chrom, start, end.

    Raises
    ------
    CorruptFileError
        A line is no interval; the message has its number.
    FileError
        The file cannot be read.
    InvalidArgumentError
        An interval ends before it starts, or starts before 0.
    TypeError
        ``bed`` is none of these.
    """
    if isinstance(bed, (str, bytes, os.PathLike)):
        return _read_file(path("bed", bed))
    if hasattr(bed, "columns") or hasattr(bed, "__dataframe__") or hasattr(bed, "__arrow_c_stream__"):
        return _read_frame(bed)
    if isinstance(bed, Mapping) or not isinstance(bed, Iterable):
        raise TypeError(f"bed must be a BED file, a list of (chrom, start, end) or a frame, not {type(bed).__name__}")
    return _read_rows(bed)


def _read_file(name: str) -> Bed:
    try:
        with open(name, "rb") as file:
            return _read_bytes(file, name)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptFileError(
            f"{_shown(name)}: the file is gzip, but damaged or cut short ({error}); copy or write it again",
            path=name,
            hint="copy or write it again",
        ) from error
    except OSError as error:
        message = f"{_shown(name)}: {error.strerror or error}"
        raise _from_core("os", message, name, None, None, None, None, error.errno) from error


def _read_bytes(file: BufferedReader, name: str) -> Bed:
    """The intervals of an open file, compressed or not; it may be a pipe."""
    compressed = file.peek(2).startswith(b"\x1f\x8b")
    columns: _Rows = ([], [], [], [])
    number = 1
    with gzip.open(file) if compressed else nullcontext(file) as text:
        for lines in _blocks(text, name):
            for column, more in zip(columns, _plain(lines) or _every(lines, name, number), strict=True):
                column.extend(more)
            number += len(lines)
    chroms, starts, ends, names = columns
    named = any(given is not None for given in names)
    bounds = np.array(starts, np.int64), np.array(ends, np.int64)
    return Bed(chroms, *bounds, [given or "" for given in names] if named else None, name)


def _blocks(file: Any, name: str) -> Iterator[list[bytes]]:
    """All lines, some at a time. A file without lines is given up before it fills the memory."""
    rest, number = b"", 1
    while block := file.read(_BLOCK):
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if newline:
            lines = [line + newline for line in whole.split(newline)]
            number += len(lines)
            yield lines
        if len(rest) > _LONGEST:
            hint = "give a BED file: lines of chrom, start, end"
            raise CorruptFileError(
                f"{_shown(name)}: line {number} has more than {_LONGEST} bytes; {hint}",
                path=name,
                record=number,
                hint=hint,
            )
    if rest:
        yield [rest]


def _shown(text: str) -> str:
    """A name as it may stand in a message."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


# Contigs, starts, ends, names.
_Rows = tuple[list[str], list[int], list[int], list[str | None]]


def _plain(lines: list[bytes]) -> _Rows | None:
    """
    The intervals of lines that hold nothing but intervals, all of as many fields, separated by tabs; of others None.

    Most files are such, and their lines are not looked at one by one, which takes ten times as long.
    """
    text = b"".join(lines).decode("utf-8", "backslashreplace").removesuffix("\n")
    if "#" in text or "\r" in text or any(word in text for word in _NO_INTERVAL):
        return None
    tabs = {line.count("\t") for line in text.split("\n")}
    width = tabs.pop() + 1
    if tabs or width < 3:
        return None
    fields = text.replace("\n", "\t").split("\t")
    bounds = []
    for column in (1, 2):
        digits = fields[column::width]
        joined = "".join(digits)
        if "" in digits or max(map(len, digits)) >= _DIGITS - 2 or not (joined.isascii() and joined.isdigit()):
            return None
        bounds.append(list(map(int, digits)))
    chroms, (starts, ends) = fields[::width], bounds
    if any(map(gt, starts, ends)):
        return None
    return chroms, starts, ends, fields[3::width] if width > 3 else [None] * len(chroms)


def _every(lines: list[bytes], path: str, number: int) -> _Rows:
    """The intervals of any lines, of which the first is number `number` of its file."""
    columns: _Rows = ([], [], [], [])
    for at, line in enumerate(lines, number):
        fields = _fields(line)
        if fields:
            row = (*_interval(fields, path, at), fields[3] if len(fields) > 3 else None)
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    return columns


def _fields(line: bytes) -> list[str]:
    """The fields of a line, none where it holds no interval: tabs separate if there are any, else white space does."""
    text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
    if not text.strip() or text.startswith("#") or text.split(None, 1)[0] in _NO_INTERVAL:
        return []
    return text.split("\t") if "\t" in text else text.split()


def _interval(fields: list[str], name: str, number: int) -> tuple[str, int, int]:
    def broken(what: str) -> CorruptFileError:
        hint = "a line of BED is chrom, start, end (0-based, end not included), separated by tabs or spaces"
        return CorruptFileError(f"{_shown(name)}: line {number}: {what}; {hint}", path=name, record=number, hint=hint)

    if len(fields) < 3:
        raise broken(f"{len(fields)} columns, at least 3 are needed")
    chrom, first, last = fields[:3]
    start, end = _number(first), _number(last)
    if start is None or end is None:
        raise broken(f"start {first[:_DIGITS]!r} or end {last[:_DIGITS]!r} is no number of 0 or more")
    if end < start:
        raise broken(f"it ends at {end}, before its start {start}")
    if end > _MOST:
        raise broken(f"its end {end} is past every contig there can be")
    return chrom, start, end


def _number(text: str) -> int | None:
    """A number of 0 or more; one with very many digits, which int() refuses, is cut and still past every contig."""
    digits = text.strip()
    return int(digits.lstrip("0")[:_DIGITS] or 0) if digits.isascii() and digits.isdigit() else None


def _read_rows(rows: Iterable[Any]) -> Bed:
    chroms, starts, ends, names = [], [], [], []
    named = False
    for row in rows:
        if isinstance(row, str) or not isinstance(row, Iterable):
            raise TypeError(f"bed must hold tuples (chrom, start, end) or (chrom, start, end, name), not {row!r}")
        fields = list(row)
        if len(fields) < 3:
            raise TypeError(f"bed must hold tuples (chrom, start, end) or (chrom, start, end, name), not {row!r}")
        chrom, start, end, *name = fields
        if not isinstance(chrom, str):
            raise TypeError(f"the first of {row!r} must be the name of a contig (str)")
        chroms.append(readable("bed", chrom))
        starts.append(as_int("start in bed", start))
        ends.append(as_int("end in bed", end))
        names.append(readable("bed", str(name[0])) if name else "")
        named |= bool(name)
    return _checked(Bed(chroms, np.array(starts, np.int64), np.array(ends, np.int64), names if named else None))


def _read_frame(frame: Any) -> Bed:
    columns = _frame_columns(frame)
    chosen = {}
    for wanted, spellings in _COLUMNS.items():
        found = [name for name in spellings if name in columns]
        if not found:
            raise InvalidArgumentError(f"bed has no column {wanted!r}; its columns are {', '.join(map(str, columns))}")
        chosen[wanted] = columns[found[0]]
    bounds = []
    for which in ("start", "end"):
        values = np.asarray(chosen[which])
        if values.dtype.kind not in "iu" and len(values):
            raise TypeError(f"the column {which} of bed must hold integers, not {values.dtype}")
        bounds.append(values.astype(np.int64))
    names = [str(n) for n in columns["name"]] if "name" in columns else None
    return _checked(Bed([str(c) for c in chosen["chrom"]], *bounds, names))


def _frame_columns(frame: Any) -> dict[str, Any]:
    import pandas as pd

    if isinstance(frame, pd.DataFrame):
        return {str(name): frame[name].to_numpy() for name in frame.columns}
    try:
        import narwhals
    except ImportError as error:
        raise ImportError(
            "bed as a frame that is not pandas needs narwhals, which is not installed: pip install narwhals"
        ) from error
    native = narwhals.from_native(frame, eager_only=True)
    return {name: native[name].to_numpy() for name in native.columns}


def _checked(bed: Bed) -> Bed:
    wrong = np.flatnonzero((bed.start < 0) | (bed.end < bed.start) | (bed.end > _MOST))
    if wrong.size:
        i = int(wrong[0])
        raise InvalidArgumentError(
            f"row {i} of bed, {_shown(bed.chrom[i])}:{bed.start[i]}-{bed.end[i]}, is no interval: "
            "give 0 <= start <= end, 0-based, end not included"
        )
    return bed
