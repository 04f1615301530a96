"""``coverage``: depth as a table. ``get_coverage``: the depth at every base of one region, as a pandas DataFrame."""

import functools
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Unpack, overload

from . import _fastcov
from ._checks import StrPath, as_int, flag, path
from ._frame import about, to_frame
from ._names import expanded
from ._options import CoreOptions, ReadOptions, Region, bar, places, request, warn
from ._table import Table
from .rules import RuleFields, Rules

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["count", "coverage", "get_coverage"]

# Names of the function this one replaces -> names here, in the order of the signature.
_OLD_NAMES = {"bam_file": "bam", "chr": "chrom"}


def _accept_old_names(function: "Callable[..., pd.DataFrame]") -> "Callable[..., pd.DataFrame]":
    """Lets ``function`` be called with the keywords of the function it replaces."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> "pd.DataFrame":
        for place, (old, new) in enumerate(_OLD_NAMES.items()):
            if old in kwargs:
                if new in kwargs or len(args) > place:
                    raise TypeError(f"get_coverage got both {new!r} and its old name {old!r}; give one of them")
                kwargs[new] = kwargs.pop(old)
        return function(*args, **kwargs)

    return wrapper


@overload
def get_coverage(
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
    **overrides: Unpack[RuleFields],
) -> "pd.DataFrame": ...
@overload
def get_coverage(
    bam: StrPath, *, chr: str, start: int, end: int, rules: Rules | str | None = None, **options: Unpack[ReadOptions]
) -> "pd.DataFrame": ...
@overload
def get_coverage(
    *,
    bam_file: StrPath,
    chrom: str,
    start: int,
    end: int,
    rules: Rules | str | None = None,
    **options: Unpack[ReadOptions],
) -> "pd.DataFrame": ...
@overload
def get_coverage(
    *,
    bam_file: StrPath,
    chr: str,
    start: int,
    end: int,
    rules: Rules | str | None = None,
    **options: Unpack[ReadOptions],
) -> "pd.DataFrame": ...
@_accept_old_names
@expanded
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
    **overrides: Unpack[RuleFields],
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
        variable ``FASTCOV_NUM_THREADS``, else 1 in a daemonic process (a worker of ``multiprocessing.Pool`` or of
        dask), else all. It does not change the numbers.
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
        ``require_flags``, ``baq``, ``orphans``, ``mates``, ``deletions``, ``skips``, ``max_depth``, ``read_groups``,
        ``strand``, ``library``, ``min_length``, ``max_length``, ``min_fragment``, ``max_fragment``, ``unit``,
        ``ends``.

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
    ``docs/semantics.md`` says exactly what each number means. ``frame.attrs["fastcov"]`` holds what the numbers are, as
    :attr:`Table.metadata` does: the rule with every field, and the reads used and dropped; of ``regions`` how many.

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
    # The rule of the function this one replaces, for its callers.
    rule, how, wanted = request(
        get_coverage,
        Rules.mpileup(min_mapq=10) if rules is None else rules,
        {
            "ref": ref,
            "n_cores": n_cores,
            "index": index,
            "allow_truncated": allow_truncated,
            "progress": progress,
            "timeout": timeout,
            "max_memory": max_memory,
            **overrides,
        },
    )
    if not isinstance(chrom, str):
        raise TypeError(f"chrom must be the name of a contig (str), not {type(chrom).__name__}")
    place = (path("bam", bam), str(chrom), as_int("start", start), as_int("end", end))
    with bar(f"{chrom}:{start}-{end}", wanted=wanted) as report:
        parts = _fastcov.region_depth(*place, rule, **how, progress=report)
    # 1 is this function, 2 the wrapper that knows the old names, 3 the caller.
    warn(parts["warnings"], 3)
    frame = to_frame(parts)
    frame.attrs["fastcov"] = about(parts["metadata"])
    return frame


@expanded
def coverage(
    bam: StrPath,
    regions: Region | Iterable[Region] | None = None,
    *,
    rules: Rules | str = "bases",
    runs: bool = False,
    **options: Unpack[ReadOptions],
) -> Table:
    """
    Depth at every base of one region, of several, or of the whole genome.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi). Without ``regions`` it needs none: the file is
        then read from its first record to its last.
    regions : str, tuple, or a list of those, optional
        ``"chr1"``, ``"chr1:1000-2000"``, ``("chr1", 1000, 2000)``: 1-based, both ends included, whatever the
        container. Default: every contig of the header, whole. Each region is counted separately, as with ``-r`` of
        samtools; regions that overlap give rows twice.
    rules : Rules or str, default "bases"
        What counts. A name is that tool with its own defaults; see :class:`Rules` and ``docs/semantics.md``.
    runs : bool, default False
        Runs of equal depth instead of single positions.
    **options
        ``ref``, ``n_cores``, ``index``, ``allow_truncated``, ``progress``, ``timeout`` and ``max_memory`` as for
        :func:`get_coverage`, and fields of :class:`Rules` that differ from ``rules``, for example ``min_mapq=20``.
        ``ref``, the FASTA the reads were aligned to, adds the column ``base``, and turns on BAQ for
        ``rules="mpileup"``.

    Returns
    -------
    Table
        Rows in the order of ``regions``, positions without reads with depth 0. The columns are ``chrom`` (category),
        ``pos`` (int64, 1-based), ``base`` (category, with ``ref`` only) and ``depth`` (int32). With ``runs=True`` they
        are ``chrom``, ``start``, ``end`` (int64, 0-based and half-open as in BED) and ``depth``: stretches of equal
        depth, as long as they can be inside their region, those of depth 0 included.

    Raises
    ------
    FastcovError
        As for :func:`get_coverage`; ``RegionError`` also for a region string that cannot be read.

    Notes
    -----
    The depth of every position is held in memory (13 bytes a row, 14 with ``ref``); with ``runs=True`` only the runs
    are. What does not fit is refused.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> table = fastcov.coverage("sample.bam", "chr1:20001-20003")
    >>> table.to_pandas()
      chrom    pos  depth
    0  chr1  20001      0
    1  chr1  20002      0
    2  chr1  20003      1
    >>> fastcov.coverage("sample.bam", ["chr1:20001-20003", ("chr2", 1, 2)], runs=True).to_pandas()
      chrom  start    end  depth
    0  chr1  20000  20002      0
    1  chr1  20002  20003      1
    2  chr2      0      2      0
    """
    rule, how, wanted = request(coverage, rules, options)
    where = places("regions", regions)
    bam, runs = path("bam", bam), flag("runs", runs)
    with bar(os.path.basename(bam), wanted=wanted) as report:
        table, messages = count(bam, where, rule, how, runs=runs, progress=report)
    warn(messages, 2)
    return table


def count(
    bam: str,
    where: list[Region] | None,
    rules: Rules,
    how: CoreOptions,
    *,
    runs: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Table, list[str]]:
    """One pass of the core over checked arguments: its table, and what the caller should be told."""
    parts = _fastcov.coverage(bam, where, rules, runs=runs, **how, progress=progress)
    return Table(parts["table"], parts["metadata"]), parts["warnings"]
