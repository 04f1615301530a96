"""``coverage_matrix``: the depth of several files, a column each."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Unpack

from . import _fastcov
from ._checks import StrPath, path
from ._names import expanded
from ._options import CommonOptions, Region, bar, places, request, warn
from ._table import Table
from .rules import RuleFields, Rules

__all__ = ["coverage_matrix"]


class MatrixOptions(CommonOptions, RuleFields, total=False):
    """As ``ReadOptions``, without an index: there are several files."""

    ref: StrPath | None


@expanded
def coverage_matrix(
    bams: Iterable[StrPath],
    regions: Region | Iterable[Region] | None = None,
    names: Sequence[str] | None = None,
    *,
    rules: Rules | str = "bases",
    **options: Unpack[MatrixOptions],
) -> Table:
    """
    Depth of several samples at every base: one row per position, one column per BAM file.

    Parameters
    ----------
    bams : iterable of str or path-like
        BAM files, sorted by coordinate, each with its index beside it, all aligned to the same reference.
    regions : str, tuple, or a list of those, optional
        As for :func:`fastcov.coverage`: 1-based, both ends included. Default: every contig of the header, whole.
    names : sequence of str, optional
        Names of the columns, one per file, all different. Default: the sample (``SM``) of the header's read groups if
        there is just one, else the name of the file without its ending.
    rules, **options
        As for :func:`fastcov.coverage`, the same for all files; there is no ``index``.

    Returns
    -------
    Table
        The columns ``chrom`` (category), ``pos`` (int64, 1-based), ``base`` (category, with ``ref`` only) and one of
        int32 for each file: its depth, 0 where nothing covers; there are no missing values.
        ``metadata["reads"]`` has the counts of records for each name.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`; ``HeaderMismatchError`` when the contigs of two files differ in name, length
        or order: it names the file, the contig and both lengths.
    InvalidArgumentError
        Two columns would have one name, a name is ``chrom``, ``pos`` or ``base``, or there is no file.

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
    if isinstance(bams, (str, bytes, os.PathLike, Mapping)) or not isinstance(bams, Iterable):
        raise TypeError(f"bams must be a list of paths, not {type(bams).__name__}")
    names = names if names is None or isinstance(names, str) else list(names)
    if isinstance(names, str) or (names is not None and not all(isinstance(name, str) for name in names)):
        raise TypeError("names must be a list of str, one for each file")
    files = [path("bams", bam) for bam in bams]
    rule, how, wanted = request(coverage_matrix, rules, options)
    where = places("regions", regions)
    with bar(f"{len(files)} files", wanted=wanted) as report:
        parts = _fastcov.coverage_matrix(files, where, names, rule, **how, progress=report)
    warn(parts["warnings"], 2)
    return Table(parts["table"], parts["metadata"])
