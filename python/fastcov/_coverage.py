"""``get_coverage``: the depth at every base of one region, as a pandas DataFrame."""

import functools
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import _fastcov
from ._frame import to_frame
from .errors import FastcovWarning, InvalidArgumentError
from .rules import Rules, as_int, check_names, is_bool

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["get_coverage"]

StrPath = str | os.PathLike[str]

# Names of the function this one replaces -> names here, in the order of the signature.
_OLD_NAMES = {"bam_file": "bam", "chr": "chrom"}

# More workers than any machine has; the core caps the number at what the process may use.
_MOST_CORES = 65_536


def _accept_old_names(function: Callable) -> Callable:
    """Lets ``function`` be called with the keywords of the function it replaces."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for place, (old, new) in enumerate(_OLD_NAMES.items()):
            if old in kwargs:
                if new in kwargs or len(args) > place:
                    raise TypeError(f"get_coverage got both {new!r} and its old name {old!r}; give one of them")
                kwargs[new] = kwargs.pop(old)
        return function(*args, **kwargs)

    return wrapper


@_accept_old_names
def get_coverage(  # noqa: PLR0917 - the order of the function it replaces
    bam: StrPath,
    chrom: str,
    start: int,
    end: int,
    ref: StrPath | None = None,
    n_cores: int | None = None,
    *,
    rules: Rules | str | None = None,
    index: StrPath | None = None,
    allow_truncated: bool = False,
    progress: bool = False,
    timeout: float | None = None,
    max_memory: int | None = None,
    **overrides: Any,
) -> "pd.DataFrame":
    """
    Depth at every base of one region of a BAM file.

    With default arguments the numbers are, position by position, those of ``samtools mpileup BAM --min-MQ 10 -f REF -r
    chrom:start-end`` (samtools 1.24); positions mpileup does not print are there with 0.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi). The old keyword ``bam_file`` is accepted too.
    chrom : str
        Name of the contig, as in the header. The old keyword ``chr`` is accepted too.
    start, end : int
        First and last position; 1-based, both included, as in samtools. An ``end`` past the contig's end is cut to it,
        with a :class:`FastcovWarning`.
    ref : str or path-like, optional
        FASTA the reads were aligned to (plain, with or without .fai; or bgzip, with .gzi). It gives the column
        ``base``, and turns on BAQ as it does in mpileup. Without it there is no BAQ and ``base`` is ``N``.
    n_cores : int, optional
        Number of threads that work; at least 1, and capped at what this process may use. Default: the environment
        variable ``FASTCOV_NUM_THREADS``, else all. It does not change the numbers.
    rules : Rules or str, optional
        What counts. A name (``"mpileup"``, ``"depth"``) is that tool with its own defaults. Default:
        ``Rules.mpileup(min_mapq=10)``.
    index : str or path-like, optional
        The index file. Default: looked for beside the BAM (``x.bam.bai``, ``x.bai``, ``x.bam.csi``, ``x.csi``).
    allow_truncated : bool, default False
        Accept a BAM that lacks its end marker, with a warning, instead of refusing it.
    progress : bool, default False
        Show a progress bar over the bytes of the file to read (needs tqdm).
    timeout : float, optional
        Seconds after which the call gives up with :class:`fastcov.errors.TimeoutError`.
    max_memory : int, optional
        Bytes the call may allocate; a region that needs more is refused before any work is done.
    **overrides
        Fields of :class:`Rules` that differ from ``rules``: ``min_mapq``, ``min_baseq``, ``exclude_flags``,
        ``require_flags``, ``baq``, ``orphans``, ``mates``, ``deletions``, ``skips``, ``max_depth``.

    Returns
    -------
    pandas.DataFrame
        One row for every position from ``start`` to ``end``, in order, with a RangeIndex and the columns

        ======== ======== ==================================================================
        pos      int64    position, 1-based
        chr      category the contig; the categories are all contigs of the header
        base     category the letter of the reference as it stands in the FASTA; ``N`` without
        coverage int32    depth; 0 where nothing covers
        ======== ======== ==================================================================

        The columns are the arrays the core filled, not copies, and may be written to.

    Raises
    ------
    FastcovError
        See :mod:`fastcov.errors`. Among them ``UnknownContigError`` and ``RegionError`` for the region,
        ``IndexMissingError`` and ``IndexMismatchError`` for the index, ``TruncatedFileError``, ``CorruptFileError`` and
        ``UnsupportedFormatError`` for the file, ``ReferenceMissingError`` and ``ReferenceMismatchError`` for the
        reference, and ``FileError`` (an OSError) for what the operating system refuses.
    InvalidArgumentError
        An argument is outside its range (a ValueError).
    TypeError
        An argument is of the wrong type, or its name is unknown.
    KeyboardInterrupt
        Ctrl-C ends the call at once; no thread goes on working.

    Warns
    -----
    FastcovWarning
        The region was cut to the contig, mpileup's depth cap of 8000 acted, or the input has something else to be
        known.

    Notes
    -----
    ``docs/semantics.md`` says exactly what each number means. The rule, and the reads used and dropped, are in
    ``frame.attrs["fastcov"]``.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> from fastcov import get_coverage
    >>> get_coverage("sample.bam", "chr1", 20_001, 20_003, "sample.fa")
         pos   chr base  coverage
    0  20001  chr1    G        21
    1  20002  chr1    G        21
    2  20003  chr1    A        21
    >>> get_coverage("sample.bam", "chr1", 20_001, 20_003, rules="depth")["coverage"].tolist()
    [0, 0, 1]
    """
    rules = _resolve(rules, overrides)
    options = {
        "reference": None if ref is None else _path("ref", ref),
        "index": None if index is None else _path("index", index),
        "n_cores": None if n_cores is None else min(_positive("n_cores", n_cores), _MOST_CORES),
        "allow_truncated": _flag("allow_truncated", allow_truncated),
        "timeout": None if timeout is None else _seconds("timeout", timeout),
        "max_memory": None if max_memory is None else _positive("max_memory", max_memory),
    }
    if not isinstance(chrom, str):
        raise TypeError(f"chrom must be the name of a contig (str), not {type(chrom).__name__}")
    place = (_path("bam", bam), str(chrom), as_int("start", start), as_int("end", end))
    with _bar(f"{chrom}:{start}-{end}", wanted=_flag("progress", progress)) as report:
        parts = _fastcov.region_depth(*place, asdict(rules), **options, progress=report)
    for message in parts["warnings"]:
        # 1 is this function, 2 the wrapper that knows the old names, 3 the caller.
        warnings.warn(message, FastcovWarning, stacklevel=3)
    frame = to_frame(parts)
    frame.attrs["fastcov"] = parts["metadata"]
    return frame


def _resolve(rules: Rules | str | None, overrides: dict[str, Any]) -> Rules:
    check_names(overrides, "get_coverage")
    if rules is None:
        return Rules.mpileup(**{"min_mapq": 10, **overrides})
    if isinstance(rules, str):
        return Rules(rules, **overrides)
    if isinstance(rules, Rules):
        return rules.replace(**overrides) if overrides else rules
    raise TypeError(f"rules must be a Rules, the name of a tool or None, not {type(rules).__name__}")


def _path(argument: str, value: Any) -> str:
    try:
        path = os.fspath(value)
    except TypeError:
        raise TypeError(f"{argument} must be a path (str or os.PathLike), not {type(value).__name__}") from None
    return os.fsdecode(path)


def _positive(argument: str, value: Any) -> int:
    number = as_int(argument, value)
    if number < 1:
        raise InvalidArgumentError(
            f"{argument}={number} is out of range: give an integer of at least 1, or None for the default"
        )
    return number


def _seconds(argument: str, value: Any) -> float:
    if is_bool(value) or isinstance(value, str):
        raise TypeError(f"{argument} must be a number of seconds, not {type(value).__name__}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{argument} must be a number of seconds, not {type(value).__name__}") from None
    if not (number > 0 and math.isfinite(number)):
        raise InvalidArgumentError(
            f"{argument}={value} is out of range: give a number of seconds above 0, or None for no limit"
        )
    return number


def _flag(argument: str, value: Any) -> bool:
    if not is_bool(value):
        raise TypeError(f"{argument} must be True or False, not {type(value).__name__}")
    return bool(value)


@contextmanager
def _bar(title: str, *, wanted: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar over bytes, as the function that moves it; None when none is wanted."""
    if not wanted:
        yield None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            "progress=True needs tqdm, which is not installed: pip install 'fastcov-bio[progress]'"
        ) from error
    with tqdm(desc=title, unit="B", unit_scale=True) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
