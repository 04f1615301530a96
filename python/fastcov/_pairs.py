"""``discordant_pairs``: pairs whose reads do not lie as those of their read group do."""

import os
from collections.abc import Iterable
from typing import Any, Unpack

from . import _fastcov
from ._checks import StrPath, as_int, flag, path
from ._evidence import insert_size_limit
from ._names import expanded
from ._options import FileOptions, bar, keywords, places, warn
from ._table import Table
from .errors import InvalidArgumentError
from .rules import Rules

__all__ = ["discordant_pairs", "evidence_metadata", "mapq_limit"]

_KINDS = ("insert", "orientation", "interchromosomal")


@expanded
def discordant_pairs(
    bam: StrPath,
    regions: Any = None,
    *,
    max_insert: int | str = "auto",
    min_mapq: int = 20,
    kinds: Iterable[str] = _KINDS,
    one_per_pair: bool = True,
    read_groups: Iterable[str] | None = None,
    **options: Unpack[FileOptions],
) -> Table:
    """
    Pairs with an odd insert size or orientation, or with mates on different contigs: evidence, not calls.

    Parameters
    ----------
    bam : str or path-like
        BAM file. It needs an index only where `regions` and a number for `max_insert` are given.
    regions : str, tuple or list of those, optional
        As for :func:`fastcov.coverage`. A pair counts when one of its reads overlaps a region. Default: all of the
        file.
    max_insert : int or "auto", default "auto"
        A pair with a larger insert size is discordant. ``"auto"``: median + 5 x 1.4826 x MAD of the absolute TLEN of
        the proper pairs of the read group, all of those in the file, so that the file is read whole whatever `regions`
        is.
    min_mapq : int, default 20
        A pair counts when every mapping quality of its two reads that is known reaches this.
    kinds : iterable of str
        Which of ``"insert"``, ``"orientation"`` and ``"interchromosomal"`` are wanted. Default: all.
    one_per_pair : bool, default True
        One row for each pair. False: one for each of its reads that was read, with that read at ``chrom`` and ``pos``.
    read_groups : iterable of str, optional
        Only reads of these read groups.
    **options
        As for :func:`fastcov.get_coverage`.

    Returns
    -------
    Table
        Sorted by ``chrom`` (in the order of the header) and ``pos``, then in the order of the file:

        - ``read_name`` : large string
        - ``chrom``, ``pos`` : category, int64. First position of the read that comes first, 1-based; also where only
          the other one lies in a region.
        - ``mate_chrom``, ``mate_pos`` : category, int64. The same of the other read.
        - ``insert_size`` : int64. From 5' end to 5' end, both included; 0 across contigs.
        - ``orientation`` : category FR, RF, FF or RR. The strands of the two, the read that comes first first. Mates on
          opposite strands that start together are FR.
        - ``kind`` : category. The first that is true of interchromosomal, orientation and insert.
        - ``mapq``, ``mate_mapq`` : uint8 with missing values. Of the reads at ``pos`` and ``mate_pos``.
        - ``read_group`` : category with missing values.

        ``metadata["pairs"]`` has a dict for each read group: ``read_group``, ``max_insert`` (the limit used),
        ``orientation`` (the usual one), ``proper_pairs``, ``median`` and ``mad``; and ``metadata["skipped"]`` counts
        the reads left out because their mate has no position or one behind the end of its contig.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`; ResourceLimitError when the reads that may belong to a row need more memory
        than `max_memory`, or than there is.

    Notes
    -----
    *Reads.* Reads count that are paired (0x1) and have none of the flags unmapped, mate unmapped, secondary, QC-fail,
    duplicate and supplementary (0xF0C). A mapping quality of 255 is missing. Of a read, the start is POS, and the 5'
    end is the first aligned base of a forward read and the last one of a reverse read. A record with a
    position and no aligned bases takes one base.

    *Mates.* Two reads are mates when they have the same name and read group, one of them is READ1 (0x40) and the other
    is not, and each gives the other's place and strand as that of its mate. Where more than two fit, each is joined
    with the first before it in the file. Of a pair that starts together READ1 comes first.
    A mate that does not count, that overlaps no region, or that is not in the file, is not read: then ``insert_size``
    is the absolute TLEN and ``mate_mapq`` the tag MQ, or missing. Where both are read, ``insert_size`` is computed from
    their alignments.

    *What is usual.* Per read group (``RG``), over proper pairs (0x2) on one contig, whatever their mapping quality,
    each at its READ1: the commonest orientation (of equally common ones the first of FR, RF, FF, RR), and with
    ``"auto"`` the limit. Where the header names fewer than two read groups all reads are one group. A group without
    proper pairs takes the numbers of all groups together; without any, the orientation is FR and no insert size is too
    large, with a warning. With `regions` and a number for `max_insert`, only reads that overlap a region are looked at.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> pairs = fastcov.discordant_pairs("sample.bam", max_insert=1000)
    >>> pairs.columns[:5]
    ['read_name', 'chrom', 'pos', 'mate_chrom', 'mate_pos']
    """
    wanted = _kinds(kinds)
    limit = None if max_insert == "auto" else _max_insert(max_insert)
    _, how, shown = keywords(discordant_pairs, options)
    rules = Rules("bases", read_groups=None if read_groups is None else tuple(read_groups))
    name = path("bam", bam)
    with bar(os.path.basename(name), wanted=shown) as report:
        parts = _fastcov.discordant_pairs(
            name,
            places("regions", regions),
            limit,
            mapq_limit(min_mapq),
            wanted,
            flag("one_per_pair", one_per_pair),
            rules,
            **how,
            progress=report,
        )
    warn(parts["warnings"], 2)
    metadata = evidence_metadata("discordant pairs", parts)
    asked = {"max_insert": max_insert, "min_mapq": min_mapq, "kinds": tuple(wanted), "one_per_pair": one_per_pair}
    return Table(parts["table"], {**metadata, "pairs": parts["usual"], "skipped": parts["skipped"], "query": asked})


def evidence_metadata(tool: str, parts: Any) -> dict[str, Any]:
    """The metadata of a table of evidence."""
    metadata = parts["metadata"]
    return {
        "tool": f"fastcov {tool}",
        "version": metadata["version"],
        "regions": metadata["regions"],
        "read_groups": metadata["rules"]["read_groups"],
    }


def mapq_limit(value: Any) -> int:
    """``min_mapq`` as the core takes it."""
    limit = as_int("min_mapq", value)
    if not 0 <= limit <= 255:
        raise InvalidArgumentError(f"min_mapq={limit} is out of range: give 0 to 255")
    return limit


def _max_insert(value: Any) -> int:
    if isinstance(value, str):
        raise InvalidArgumentError(f"max_insert={value!r} is not known: give a number of bases, or 'auto'")
    return insert_size_limit(value)


def _kinds(value: Any) -> list[str]:
    if isinstance(value, str):
        value = (value,)
    kinds = list(value)
    for kind in kinds:
        if kind not in _KINDS:
            raise InvalidArgumentError(f"kinds has {kind!r}, which is not known: give some of {', '.join(_KINDS)}")
    if not kinds:
        raise InvalidArgumentError(f"kinds is empty: give some of {', '.join(_KINDS)}")
    return [kind for kind in _KINDS if kind in kinds]
