"""``blocks`` and ``contigs``: what a file holds, and regions cut into work of equal size."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from . import _fastcov
from ._checks import StrPath, as_int, path
from ._options import Region as RegionLike
from ._options import keywords, places, warn
from ._table import Column, Table
from .errors import InvalidArgumentError
from .rules import Rules

__all__ = ["Region", "blocks", "contigs"]

_MOST_BLOCKS = 10_000_000


class Region(NamedTuple):
    """
    Positions of a contig: ``chrom``, ``start``, ``end``; 1-based, both ends included.

    It is a tuple, and every function of fastcov takes it as a region. ``str(region)`` is a region string.

    Examples
    --------
    >>> from fastcov import Region
    >>> region = Region("chr1", 1_001, 2_000)
    >>> print(region, region.end - region.start + 1)
    chr1:1001-2000 1000
    """

    chrom: str
    start: int
    end: int

    def __str__(self) -> str:
        name = f"{{{self.chrom}}}" if ":" in self.chrom else self.chrom
        return f"{name}:{self.start}-{self.end}"


def blocks(
    bam: StrPath,
    n: int,
    regions: RegionLike | Iterable[RegionLike] | None = None,
    *,
    index: StrPath | None = None,
    allow_truncated: bool = False,
) -> list[Region]:
    """
    Cut regions, or the whole genome, into ``n`` blocks of about equal work.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi).
    n : int
        How many blocks, 1 to 10,000,000.
    regions : str, tuple, or a list of those, optional
        1-based, both ends included. Default: every contig of the header that has a position.
    index, allow_truncated
        As for :func:`fastcov.coverage`.

    Returns
    -------
    list of Region
        The blocks in the order of ``regions``: each position of each region lies in exactly one block of this region.
        Regions that overlap are not joined. A block never reaches over two regions, so there are more than ``n`` where
        there are more regions; there are fewer where there are fewer positions.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`; ``IndexMissingError`` also without ``regions``.
    InvalidArgumentError
        ``n`` is out of range.

    Notes
    -----
    The work of a stretch is the compressed bytes between the places in the file that the index gives for its first and
    last window (16,384 positions in a BAI file; inside a window the bytes are shared out evenly), and an eighth of a
    byte for each position. No record is read. ``docs/parallel.md`` shows what blocks are for.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> fastcov.blocks("sample.bam", 2, "chr1:1-1000")
    [Region(chrom='chr1', start=1, end=500), Region(chrom='chr1', start=501, end=1000)]
    """
    n = as_int("n", n)
    if not 1 <= n <= _MOST_BLOCKS:
        raise InvalidArgumentError(f"n={n} is out of range: give a number of blocks from 1 to {_MOST_BLOCKS:,}")
    _, how, _ = keywords(blocks, {"index": index, "allow_truncated": allow_truncated})
    found, messages = _fastcov.blocks(path("bam", bam), n, places("regions", regions), Rules("bases"), **how)
    warn(messages, 2)
    return [Region(*block) for block in found]


def contigs(bam: StrPath, *, index: StrPath | None = None, allow_truncated: bool = False) -> Table:
    """
    The contigs of a BAM file, with the records the index counts on each.

    Parameters
    ----------
    bam : str or path-like
        BAM file. No index is needed.
    index, allow_truncated
        As for :func:`fastcov.coverage`.

    Returns
    -------
    Table
        One row per contig, in the order of the header: ``name`` (category), ``length`` (int64, positions), ``mapped``
        (float64, mapped records on it) and ``unmapped`` (float64, unmapped records placed on it, usually beside their
        mate). Both are NaN where no index tells; a whole number, exact up to 2**53, where one does. They are the third
        and fourth column of ``samtools idxstats``.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> fastcov.contigs("sample.bam").to_pandas()[["name", "length"]]
       name  length
    0  chr1   60000
    1  chr2    6000
    """
    _, how, _ = keywords(contigs, {"index": index, "allow_truncated": allow_truncated})
    parts = _fastcov.contigs(path("bam", bam), Rules("bases"), **how)
    warn(parts["warnings"], 2)
    names = tuple(parts["names"])
    columns: dict[str, Column] = {
        "name": (np.arange(len(names), dtype=np.int32), names),
        "length": (parts["length"], None),
        "mapped": (parts["mapped"], None),
        "unmapped": (parts["unmapped"], None),
    }
    return Table._of(columns, {"tool": "contigs of the header", "regions": [], "version": _fastcov.__version__})
