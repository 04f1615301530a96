"""``coverage_matrix``: the depth of several files, a column each."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from . import _fastcov
from ._coverage import Region
from ._options import StrPath, bar, flag, options, path, places, resolve, warn
from ._table import Table
from .rules import Rules

__all__ = ["coverage_matrix"]


def coverage_matrix(
    bams: Iterable[StrPath],
    regions: Region | Iterable[Region] | None = None,
    names: Sequence[str] | None = None,
    *,
    rules: Rules | str = "bases",
    ref: StrPath | None = None,
    n_cores: int | None = None,
    allow_truncated: bool = False,
    progress: bool = False,
    timeout: float | None = None,
    max_memory: int | None = None,
    **overrides: Any,
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
    rules, ref, n_cores, allow_truncated, progress, timeout, max_memory, **overrides
        As for :func:`fastcov.coverage`; the same for all files.

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
    rule = resolve(rules, overrides, "coverage_matrix")
    how = options(
        ref=ref, index=None, n_cores=n_cores, allow_truncated=allow_truncated, timeout=timeout, max_memory=max_memory
    )
    where = places("regions", regions)
    with bar(f"{len(files)} files", wanted=flag("progress", progress)) as report:
        parts = _fastcov.coverage_matrix(files, where, names, asdict(rule), **how, progress=report)
    warn(parts["warnings"], 2)
    return Table(parts["table"], parts["metadata"])
