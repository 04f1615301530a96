"""``base_counts``: what the reads show at every position."""

import os
from collections.abc import Iterable
from typing import Unpack

from . import _fastcov
from ._checks import StrPath, path
from ._names import expanded
from ._options import ReadOptions, Region, bar, places, request, warn
from ._table import Table
from .rules import Rules

__all__ = ["base_counts"]


@expanded
def base_counts(
    bam: StrPath,
    region: Region | Iterable[Region] | None = None,
    *,
    rules: Rules | str = "bases",
    **options: Unpack[ReadOptions],
) -> Table:
    """
    Letters, insertions, deletions and skips at every position, by strand.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi).
    region : str, tuple, or a list of those, optional
        ``"chr1"``, ``"chr1:1000-2000"``, ``("chr1", 1000, 2000)``: 1-based, both ends included. Default: every contig
        of the header, whole.
    rules : Rules or str, default "bases"
        Which reads and which of their bases count, as for :func:`fastcov.coverage`.
    **options
        As for :func:`fastcov.coverage`. ``ref``, the FASTA the reads were aligned to, adds the columns ``ref``,
        ``matches`` and ``mismatches``, and turns on BAQ for ``rules="mpileup"``.

    Returns
    -------
    Table
        One row per position, in the order of the regions, with the columns of ``variation_strand`` of pysamstats, but
        for those of proper pairs (``…_pp``): ``require_flags=2`` counts these. All counts are int32, each with ``_fwd``
        and ``_rev``, the reads on either strand, beside it:

        ==================== =================================================================================
        chrom, pos, ref      contig (category), 1-based position (int64), letter of the FASTA (category)
        reads_all            the depth of :func:`fastcov.coverage` under the same rules
        matches, mismatches  bases that are the reference's letter, and that are not (with ``ref`` only)
        deletions            reads with a deletion at the position
        insertions           reads with an insertion directly behind the base at the position
        skips                reads with a skip (N, an intron) at the position; pysamstats has no such column
        A, C, G, T, N        bases with this letter; N takes every letter that is none of the others
        ==================== =================================================================================

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`.
    InvalidArgumentError
        The rule does not say whose letter counts: ``mosdepth`` and ``megadepth`` with ``mates="once"``,
        ``mosdepth-fast``, ``genomecov``, ``genomecov-split``.

    Notes
    -----
    A, C, G, T and N add up to ``reads_all``, together with ``deletions`` and ``skips`` where the rule counts those
    (``mpileup``, ``pileup``); under other rules ``deletions`` and ``skips`` are counted beside the depth, by the same
    filters. Where overlapping mates count once, the letter of the base that counts is taken: under ``mpileup`` the one
    whose quality is left after the edit, under ``bases`` the one of better quality, of equal ones that of the read that
    comes first in the file. See ``docs/base-counts.md``. A row takes 117 bytes, 142 with ``ref``.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> table = fastcov.base_counts("sample.bam", "chr1:19999-20001", ref="sample.fa")
    >>> table.to_pandas()[["pos", "ref", "reads_all", "matches", "mismatches", "deletions", "T", "T_fwd", "T_rev"]]
         pos ref  reads_all  matches  mismatches  deletions   T  T_fwd  T_rev
    0  19999   T         23       23           0          0  23     14      9
    1  20000   T         23       21           2          0  21     13      8
    2  20001   G          0        0           0         23   0      0      0
    """
    rule, how, wanted = request(base_counts, rules, options)
    where = places("region", region)
    bam = path("bam", bam)
    with bar(os.path.basename(bam), wanted=wanted) as report:
        parts = _fastcov.base_counts(bam, where, rule, **how, progress=report)
    warn(parts["warnings"], 2)
    return Table(parts["table"], parts["metadata"])
