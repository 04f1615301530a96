"""``sv_evidence``: what single reads say about structure."""

import os
from collections.abc import Iterable
from typing import Any, Unpack

from . import _fastcov
from ._checks import StrPath, as_int, flag, path
from ._names import expanded
from ._options import FileOptions, bar, keywords, places, warn
from ._pairs import evidence_metadata, mapq_limit
from ._table import Table
from .errors import InvalidArgumentError
from .rules import Rules

__all__ = ["sv_clusters", "sv_evidence"]

_SOURCES = ("cigar", "split", "clip")
_MOST_BASES = (1 << 31) - 1


@expanded
def sv_evidence(
    bam: StrPath,
    regions: Any = None,
    *,
    min_size: int = 50,
    min_mapq: int = 20,
    sources: Iterable[str] = _SOURCES,
    merge_within: int = 0,
    sequence: bool = False,
    read_groups: Iterable[str] | None = None,
    **options: Unpack[FileOptions],
) -> Table:
    """
    Deletions, insertions, inversions, duplications and translocations in single reads: evidence, not calls.

    Parameters
    ----------
    bam : str or path-like
        BAM file. It needs an index only where `regions` are given.
    regions : str, tuple or list of those, optional
        As for :func:`fastcov.coverage` (1-based, inclusive). Only records that overlap a region are read, and an event
        is given when it overlaps a region itself, or when the base behind `mate_pos` lies in one. Default: all of the
        file.
    min_size : int, default 50
        Events of fewer bases are left out; translocations have no size and stay.
    min_mapq : int, default 20
        Records whose mapping quality is known and lower are left out; so are splits one side of which is lower by
        the SA tag.
    sources : iterable of str
        Which of ``"cigar"``, ``"split"`` and ``"clip"`` are wanted. Default: all.
    merge_within : int, default 0
        Insertions, or deletions, of one CIGAR with so many reference bases between them, or fewer, are one event.
    sequence : bool, default False
        Whether the inserted and the clipped bases are wanted.
    read_groups : iterable of str, optional
        Only records of these read groups.
    **options
        As for :func:`fastcov.get_coverage`.

    Returns
    -------
    Table
        In the order of the file; of one record those of the CIGAR first, by `start`, then those between the alignments
        along the read, then the clips, left and right. Coordinates are 0-based, half-open, as in BED.

        - ``type`` : category DEL, INS, INV, DUP, BND or CLIP.
        - ``chrom``, ``start``, ``end`` : category, int64, int64. INS, BND and CLIP have ``start`` = ``end``, the
          position in front of which the bases are inserted or the alignment breaks.
        - ``size`` : int64. Deleted, inserted, inverted, duplicated or clipped bases; 0 of a BND.
        - ``mate_chrom``, ``mate_pos``, ``mate_strand`` : category, int64, category, all with missing values. The other
          breakpoint, ``end`` on the same contig; missing of a CLIP.
        - ``read_name`` : large string
        - ``mapq`` : uint8 with missing values. Of a split the lower one of its two alignments.
        - ``strand`` : category + or -. On which side of ``start`` the read is aligned, as in BEDPE: + in front of it,
          - behind it. ``mate_strand`` is the same of ``mate_pos``. It is not the strand of the read. DEL and INS have
          + and -, DUP - and +, INV + and + or - and -.
        - ``source`` : category cigar, split or clip.
        - ``sequence`` : large string with missing values. Inserted or clipped bases on the forward strand of the
          reference; missing unless asked for, and where SEQ does not have all of them.

        ``metadata["bad_tags"]`` counts records whose SA tag cannot be read; their split is left out, not the rest.
        ``metadata["skipped"]`` counts records without a position, or that reach past the end of their contig.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`; ResourceLimitError when the events need more memory than `max_memory`, or than
        there is.

    Notes
    -----
    Records count that have none of the flags unmapped, secondary, QC-fail and duplicate (0x704). A mapping quality of
    255 is missing.

    *cigar*: operations D and I of at least 10 bases, or of `min_size` where that is less. Of one kind, an operation is
    joined with the event before it in the CIGAR when there are at most `merge_within` reference bases from the end of
    its last operation to this one; ``size`` is the sum, ``start`` that of the first operation, and ``end`` of a DEL
    that of the last. `min_size` is compared with the sum. N is no deletion.

    *split*: the alignments of a read, from one record and its SA tag, ordered by their place in the read as it was
    sequenced (begin, end, then contig in header order, start, end, forward before reverse); one that ends in the read
    no later than the one before is passed over.
    Each two that follow each other are a junction, with a breakpoint at the end of the one and at the begin of the
    next, and `gap` bases of the read between the two alignments, below 0 where they share bases. The breakpoint that
    is lower (contig, position, + before -) comes first; shared bases are taken from the alignment at the other one, and
    the two are ordered again. With ``between`` = second - first on one contig and ``gap`` at least 0: strands + and -
    are a DEL of between - gap bases or an INS of gap - between; - and + are a DUP of ``between`` bases if those reach
    `min_size`, else an INS of gap + between; equal strands are an INV of ``between``. Nothing is given that does not
    reach `min_size`, or that would lie outside of its contig. Two contigs are a BND. An INS is at the first breakpoint.
    Reads of either strand give the same row.

    A split is taken from the primary record (the first in the SA tag of a supplementary one). Where that overlaps no
    region, it is taken from the first of the supplementary records by (contig, start, end, begin and end in the read,
    strand) that does. Each entry of a tag needs a contig of the header, a position and an end on it, a strand, a CIGAR
    that takes reference bases and as many read bases (clips included, which stand at its ends) as that of the record,
    and a mapping quality up to 255; the record needs a CIGAR that takes reference bases. Else the tag is not used.

    *clip*: S and H at either end of an alignment that is not supplementary and takes reference bases, together at least
    `min_size` bases; none if another alignment of the read covers a clipped base and ``"split"`` is among the sources.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> fastcov.sv_evidence("sample.bam").columns[:5]
    ['type', 'chrom', 'start', 'end', 'size']
    """
    wanted = _sources(sources)
    sizes = (_bases("min_size", min_size, 1), _bases("merge_within", merge_within, 0))
    _, how, shown = keywords(sv_evidence, options)
    rules = Rules("bases", read_groups=None if read_groups is None else tuple(read_groups))
    name = path("bam", bam)
    with bar(os.path.basename(name), wanted=shown) as report:
        parts = _fastcov.sv_evidence(
            name,
            places("regions", regions),
            sizes,
            mapq_limit(min_mapq),
            wanted,
            flag("sequence", sequence),
            rules,
            **how,
            progress=report,
        )
    warn(parts["warnings"], 2)
    metadata = evidence_metadata("structural evidence", parts)
    asked = {"min_size": sizes[0], "min_mapq": min_mapq, "sources": tuple(wanted), "merge_within": sizes[1]}
    counts = {"bad_tags": parts["bad_tags"], "skipped": parts["skipped"]}
    return Table(parts["table"], {**metadata, **counts, "query": asked})


def sv_clusters(evidence: Any, *, max_distance: int = 100, max_size_ratio: float = 0.3, min_support: int = 3) -> Table:
    """
    Events of several reads that lie at one place: evidence with its support, not calls.

    Parameters
    ----------
    evidence : Table
        What :func:`sv_evidence` returned, or any frame that gives its columns as an Arrow stream (polars, pyarrow,
        pandas with pyarrow), so that rows can be filtered first.
    max_distance : int, default 100
        Neighbouring events are no further apart, by ``start`` and by ``mate_pos``.
    max_size_ratio : float, default 0.3
        Of two neighbours by ``size``, the larger one is larger by no more than this part of itself.
    min_support : int, default 3
        Clusters with fewer read names are left out.

    Returns
    -------
    Table
        Sorted by ``chrom``, ``start``, ``end`` and ``type``; coordinates are 0-based, half-open.

        - ``type``, ``chrom``, ``mate_chrom``, ``strand``, ``mate_strand`` : category. Equal for all events of a
          cluster; ``mate_chrom`` and ``mate_strand`` are missing of a CLIP.
        - ``start``, ``end``, ``size`` : int64. Medians; of an even number of values the mean of the two in the middle,
          rounded down. ``mate_pos`` is the same, with missing values.
        - ``support`` : int64. Distinct read names.
        - ``mean_mapq`` : float64 with missing values. The mean over the events whose mapping quality is known.
        - ``reads`` : list of large string. The names, sorted.

    Raises
    ------
    InvalidArgumentError
        A column is missing, of another type, or lacks a value.

    Notes
    -----
    Events of one type, contigs and strands are sorted by ``start`` and cut between neighbours more than `max_distance`
    apart; each piece then by ``mate_pos`` (``end`` where it is missing) in the same way, and then by ``size`` where the
    larger exceeds the smaller by more than `max_size_ratio` times the larger; what was cut is sorted and cut again from
    the beginning, until nothing is cut. The result does not depend on the order of the rows.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> clusters = fastcov.sv_clusters(fastcov.sv_evidence("sample.bam"))
    >>> clusters.columns[-3:]
    ['support', 'mean_mapq', 'reads']
    """
    ratio = max_size_ratio
    if isinstance(ratio, (bool, str)) or not isinstance(ratio, (int, float)):
        raise TypeError(f"max_size_ratio must be a number, not {type(ratio).__name__}")
    if not 0 <= ratio <= 1:
        raise InvalidArgumentError(f"max_size_ratio={ratio} is out of range: give 0 to 1")
    if not hasattr(evidence, "__arrow_c_stream__"):
        raise TypeError(f"evidence must be a Table or a frame with an Arrow stream, not {type(evidence).__name__}")
    distance = _bases("max_distance", max_distance, 0)
    support = _bases("min_support", min_support, 1)
    made = _fastcov.sv_clusters(evidence, distance, float(ratio), support)
    metadata = dict(getattr(evidence, "metadata", {"version": _fastcov.__version__}))
    asked = {"max_distance": distance, "max_size_ratio": float(ratio), "min_support": support}
    return Table(made, {**metadata, "tool": "fastcov clusters of structural evidence", "clusters": asked})


def _bases(argument: str, value: Any, least: int) -> int:
    number = as_int(argument, value)
    if not least <= number <= _MOST_BASES:
        raise InvalidArgumentError(f"{argument}={number} is out of range: give {least} to {_MOST_BASES}")
    return number


def _sources(value: Any) -> list[str]:
    if isinstance(value, str):
        value = (value,)
    sources = list(value)
    for source in sources:
        if source not in _SOURCES:
            raise InvalidArgumentError(
                f"sources has {source!r}, which is not known: give some of {', '.join(_SOURCES)}"
            )
    if not sources:
        raise InvalidArgumentError(f"sources is empty: give some of {', '.join(_SOURCES)}")
    return [source for source in _SOURCES if source in sources]
