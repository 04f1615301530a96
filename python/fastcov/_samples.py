"""``coverage_matrix``: the depth of several files, a column each."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Unpack

from . import _fastcov
from ._checks import StrPath, path
from ._names import expanded
from ._options import CommonOptions, Region, bar, places, request, warn
from ._table import Table
from .errors import InvalidArgumentError
from .rules import RuleFields, Rules

__all__ = ["coverage_matrix"]


class MatrixOptions(CommonOptions, RuleFields, total=False):
    """As ``ReadOptions``, without ``index``, of which each file has its own."""

    ref: StrPath | None


@expanded
def coverage_matrix(
    bams: Iterable[StrPath] | Mapping[str, StrPath],
    regions: Region | Iterable[Region] | None = None,
    names: Sequence[str] | None = None,
    *,
    headers: Literal["common", "strict"] = "common",
    rules: Rules | str = "bases",
    index: Sequence[StrPath | None] | Mapping[str, StrPath] | None = None,
    **options: Unpack[MatrixOptions],
) -> Table:
    """
    Depth of several samples at every base: one row per position, one column per BAM file.

    Parameters
    ----------
    bams : iterable of str or path-like, or a dict
        BAM files, sorted by coordinate and indexed, all aligned to the same reference. A dict maps the name of each
        column to its file.
    regions : str, tuple, or a list of those, optional
        As for :func:`fastcov.coverage`: 1-based, both ends included. Default: every contig that all files have, whole,
        in the order of the first file.
    names : sequence of str, optional
        Names of the columns, one per file, all different. Default: the keys of a dict; else the sample (``SM``) of the
        header's read groups if there is just one, else the name of the file without its ending.
    headers : {"common", "strict"}, default "common"
        How far the contigs of the files must agree. ``"common"`` matches contigs by name, in any order: a contig that
        some file lacks is left out with a warning, or is an error if a region names it. ``"strict"`` requires the same
        contigs with the same lengths in the same order.
    index : sequence of path or None, or a dict, optional
        The index of each file, in the order of ``bams``, or by name of column. Default, also for None and for a name
        that the dict lacks: the index beside the file.
    rules, **options
        As for :func:`fastcov.coverage`, the same for all files.

    Returns
    -------
    Table
        The columns ``chrom`` (category), ``pos`` (int64, 1-based), ``base`` (category, with ``ref`` only) and one of
        int32 for each file: its depth, 0 where there are no reads; never missing.
        ``metadata["reads"]`` has the counts of records for each name.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`; ``HeaderMismatchError`` when a contig has another length in another file, when
        a file lacks the contig of a region, when the files have no contig in common, or, with ``headers="strict"``,
        when their contigs differ in any way. It names the file and the contig.
    InvalidArgumentError
        Two columns would have one name, a name is ``chrom``, ``pos`` or ``base``, there is no file, or ``index`` does
        not fit the files.

    Warns
    -----
    FastcovWarning
        Contigs are left out because not every file has them: their number and the names of the first three.

    Notes
    -----
    The files are counted one after the other, each on all threads. A row takes 9 bytes and 4 for each file; what does
    not fit is refused before anything is counted.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes, twice:

    >>> import fastcov
    >>> table = fastcov.coverage_matrix(["sample.bam", "sample.bam"], "chr1:20002-20004", names=["tumour", "normal"])
    >>> table.to_pandas()
      chrom    pos  tumour  normal
    0  chr1  20002       0       0
    1  chr1  20003       1       1
    2  chr1  20004       1       1
    """
    files, names = _files(bams, names)
    indexes = _indexes(index, len(files), names)
    if headers not in ("common", "strict"):
        raise InvalidArgumentError(f"headers={headers!r} is unknown: give 'common' or 'strict'")
    rule, how, wanted = request(coverage_matrix, rules, options)
    where = places("regions", regions)
    with bar(f"{len(files)} files", wanted=wanted) as report:
        pairs = list(zip(files, indexes, strict=True))
        parts = _fastcov.coverage_matrix(pairs, where, names, headers == "strict", rule, **how, progress=report)
    warn(parts["warnings"], 2)
    return Table(parts["table"], parts["metadata"])


def _files(
    bams: Iterable[StrPath] | Mapping[str, StrPath], names: Sequence[str] | None
) -> tuple[list[str], list[str] | None]:
    """The paths, and the names of the columns where the caller gives them."""
    if isinstance(bams, Mapping):
        if names is not None:
            raise InvalidArgumentError("names= and a dict of files both name the columns: give one of them")
        if not all(isinstance(name, str) for name in bams):
            raise TypeError("names must be a list of str, one for each file: these are the keys of bams")
        return [path("bams", bam) for bam in bams.values()], [str(name) for name in bams]
    if isinstance(bams, (str, bytes, os.PathLike)) or not isinstance(bams, Iterable):
        raise TypeError(f"bams must be a list of paths or a dict of them by name, not {type(bams).__name__}")
    names = names if names is None or isinstance(names, str) else list(names)
    if isinstance(names, str) or (names is not None and not all(isinstance(name, str) for name in names)):
        raise TypeError("names must be a list of str, one for each file")
    return [path("bams", bam) for bam in bams], names


def _indexes(
    index: Sequence[StrPath | None] | Mapping[str, StrPath] | None, count: int, names: list[str] | None
) -> list[str | None]:
    """The index of each file; None: the one beside it."""
    if index is None:
        return [None] * count
    if isinstance(index, Mapping):
        known = names or []
        unknown = [name for name in index if name not in known]
        if unknown:
            raise InvalidArgumentError(
                f"index has {unknown[0]!r}, which is not the name of a file: name the files with names= or a dict"
            )
        given = [index.get(name) for name in known] if index else [None] * count
    elif isinstance(index, (str, bytes, os.PathLike)) or not isinstance(index, Iterable):
        raise TypeError(f"index must be a list of paths or a dict of them by name, not {type(index).__name__}")
    else:
        given = list(index)
    if len(given) != count:
        raise InvalidArgumentError(f"index has {len(given)} paths for {count} files: give one, or None, for each file")
    return [None if each is None else path("index", each) for each in given]
