"""From depth to answers: ``target_stats``, ``window_stats``, ``distribution``, ``quantize``."""

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from . import _fastcov
from ._bed import read_bed
from ._checks import StrPath, as_int, path
from ._names import expanded
from ._options import ReadOptions, Region, bar, places, request, warn
from ._statistics import STATS, THRESHOLDS, Asked, Threshold
from ._table import Column, Table
from .errors import InvalidArgumentError
from .rules import Rules

__all__ = [
    "TargetStats",
    "distribution",
    "odd_targets",
    "quantize",
    "reaching",
    "stats_table",
    "target_stats",
    "window_size",
    "window_stats",
]

# More than any contig of a BAM has.
_MOST_POSITIONS = 1 << 32


class TargetStats(Table):
    """
    The table of :func:`target_stats` and :func:`window_stats`, with the statistics of all its positions together.

    What it keeps are the integers the statistics are made of, each as narrow as its column allows. A column is
    computed on access: ``to_numpy`` and ``to_pandas`` make all of them, with the dtypes documented, and each
    call anew; a reader of Arrow streams (``pyarrow``, ``polars``, ``duckdb``) is given batches of 65,536 rows.
    """

    def summary(self) -> dict[str, float]:
        """
        Statistics of all rows together: every position of their union once.

        Returns
        -------
        dict
            ``rows`` (number of rows), ``length`` (positions of the union) and the statistics of the table's columns,
            of which ``mean`` is the sum of the depths of the union divided by ``length``. It is not the mean of the
            column ``mean``, in which a short row counts as much as a long one.
        """
        return dict(self.metadata["summary"])


@expanded
def target_stats(
    bam: StrPath,
    bed: Any,
    *,
    thresholds: Sequence[Threshold] = THRESHOLDS,
    stats: Sequence[str] = STATS,
    by: str = "target",
    rules: Rules | str = "bases",
    **options: Unpack[ReadOptions],
) -> TargetStats:
    """
    Statistics of the depth in each target.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi).
    bed : str, path-like, list or frame
        The targets, 0-based with ``end`` not included in all of them: a BED file (plain, gzip or BGZF, or a pipe;
        three columns or more, the fourth is the name), a list of ``(chrom, start, end)`` or
        ``(chrom, start, end, name)``, or a frame with the columns chrom, start, end and, if there is one, name: pandas,
        or anything that exports Arrow (Polars, pyarrow, a Table of fastcov). ``docs/targets.md`` has all rules:
        spellings of columns, lines that are skipped, what is an error.
    thresholds : sequence of int or str, default (1, 10, 20, 30)
        Depths for ``pct``; ``"0.2*mean"`` is 0.2 times the mean of the row.
    stats : sequence of str
        Which of ``mean``, ``median``, ``min``, ``max``, ``sd``, ``cv``, ``pct``, in this order.
    by : {"target", "name"}, default "target"
        One row per target, in the order given, or one per name: all targets of a name together, each position once,
        in the order of first appearance.
    rules, **options
        As for :func:`fastcov.coverage`.

    Returns
    -------
    TargetStats
        A table with the columns ``chrom`` (category), ``start``, ``end`` (int64, as given), ``name`` (category; only
        if names were given), ``length`` (int64, positions counted), and those of ``stats``: ``mean``, ``median``
        (float64), ``min``, ``max`` (int32), ``sd`` (float64, population: divided by the number of positions), ``cv``
        (sd / mean) and, for every threshold, ``pct_10x`` or ``pct_0.2x_mean`` (float64, percent 0 to 100 of the
        positions at that depth or deeper). With ``by="name"`` it begins with ``name`` and ``targets`` (int64, how
        many) instead of chrom, start, end, name.

        Overlapping and equal targets are counted separately. A target that reaches past the end of its contig is
        cut there, and one that has no position gets length 0, min and max 0 and NaN elsewhere; a FastcovWarning
        counts both. :meth:`TargetStats.summary` gives the totals. ``metadata["bed"]`` holds ``path`` (None for a list
        or a frame), ``targets`` and ``skipped_lines`` (comments, ``track``, ``browser`` and empty lines, and names of
        columns).

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`; ``CorruptFileError`` for a line that is not an interval, with its number,
        ``UnsupportedFormatError`` for a file that is no BED, and ``UnknownContigError`` for a contig the BAM does not
        have, with the line or row.
    InvalidArgumentError
        A threshold, a statistic or an interval is not possible; a frame's columns are missing or may mean two things.

    Notes
    -----
    Only the parts of the file that the targets need are read. For the rules of the pileup engine (``mpileup``,
    ``pileup``), whose numbers depend on which records are fetched, whole contigs are: the numbers are always those of
    the whole contig, however targets are cut. Memory follows the number of targets, not their length.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> bed = [("chr1", 20_000, 20_050, "exon1"), ("chr1", 20_040, 20_100, "exon2")]
    >>> table = fastcov.target_stats("sample.bam", bed, stats=["mean", "min", "max"])
    >>> table.to_pandas()
      chrom  start    end   name  length       mean  min  max
    0  chr1  20000  20050  exon1      50  19.200000    0   26
    1  chr1  20040  20100  exon2      60  26.216667   24   28
    >>> table.summary()
    {'rows': 2, 'length': 100, 'mean': 22.74, 'min': 0, 'max': 28}
    """
    if by not in ("target", "name"):
        raise InvalidArgumentError(f"by={by!r} is not a choice: give 'target' or 'name'")
    asked = Asked(stats, thresholds)
    rule, how, wanted = request(target_stats, rules, options)
    targets = read_bed(bed, how["timeout"])
    bam = path("bam", bam)
    with bar(os.path.basename(bam), wanted=wanted) as report:
        parts = _fastcov.target_stats(
            bam, targets, by == "name", asked.thresholds, asked.columns(), rule,
            **how, progress=report,
        )  # fmt: skip
    warn([*parts["warnings"], *odd_targets(parts)], 2)
    return stats_table(parts)


@expanded
def window_stats(
    bam: StrPath,
    size: int,
    step: int | None = None,
    regions: Region | Iterable[Region] | None = None,
    *,
    thresholds: Sequence[Threshold] = THRESHOLDS,
    stats: Sequence[str] = STATS,
    rules: Rules | str = "bases",
    **options: Unpack[ReadOptions],
) -> TargetStats:
    """
    Statistics of the depth in windows of equal size.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi).
    size : int
        Positions of a window, 1 or more.
    step : int, optional
        Positions from the start of a window to that of the next. Default: ``size``, windows that touch.
    regions : str, tuple, or a list of those, optional
        Where windows are laid, from the start of each region on; 1-based, both ends included. Default: every contig.
        The last windows of a region are cut at its end.
    thresholds, stats
        As for :func:`target_stats`.
    rules, **options
        As for :func:`fastcov.coverage`.

    Returns
    -------
    TargetStats
        The columns of :func:`target_stats`, without ``name``: ``chrom``, ``start``, ``end`` (BED coordinates),
        ``length`` and the statistics, one row per window.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`.
    InvalidArgumentError
        ``size``, ``step``, a threshold or a statistic is not possible.

    Notes
    -----
    See :class:`fastcov.TargetStats` for what the table keeps. The windows of a human genome, 3.1 million of 1,000
    positions, take about 20 bytes each at a depth of 30; as pandas columns all statistics together take 97.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> windows = fastcov.window_stats("sample.bam", 1000, regions="chr1:1-2500", stats=["mean"]).to_pandas()
    >>> windows[["start", "end", "length"]].values.tolist()
    [[0, 1000, 1000], [1000, 2000, 1000], [2000, 2500, 500]]
    """
    size, step = window_size(size, step)
    rule, how, wanted = request(window_stats, rules, options)
    where = places("regions", regions)
    asked = Asked(stats, thresholds)
    columns = [(name, name) for name in ("chrom", "start", "end")] + asked.columns()
    bam = path("bam", bam)
    with bar(os.path.basename(bam), wanted=wanted) as report:
        parts = _fastcov.window_stats(
            path("bam", bam), where, size, step, asked.thresholds, columns, rule, **how, progress=report
        )
    warn(parts["warnings"], 2)
    return stats_table(parts)


@expanded
def distribution(
    bam: StrPath,
    regions: Region | Iterable[Region] | None = None,
    *,
    rules: Rules | str = "bases",
    **options: Unpack[ReadOptions],
) -> Table:
    """
    What part of each contig, and of all together, has at least each depth.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi).
    regions : str, tuple, or a list of those, optional
        1-based, both ends included. Default: every contig. Each position counts once, however many regions contain it.
    rules, **options
        As for :func:`fastcov.coverage`.

    Returns
    -------
    Table
        The columns ``chrom`` (category; ``total`` for all together, at the end), ``depth`` (int64, from the greatest
        that occurs down to 0, as mosdepth writes it) and ``fraction`` (float64, 0 to 1: positions of that depth or
        deeper). A depth that no position has is left out.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> fastcov.distribution("sample.bam", "chr1:20001-20003").to_pandas()
       chrom  depth  fraction
    0   chr1      1  0.333333
    1   chr1      0  1.000000
    2  total      1  0.333333
    3  total      0  1.000000
    """
    rule, how, wanted = request(distribution, rules, options)
    where = places("regions", regions)
    bam = path("bam", bam)
    with bar(os.path.basename(bam), wanted=wanted) as report:
        parts = _fastcov.depth_histograms(bam, where, rule, **how, progress=report)
    warn(parts["warnings"], 2)
    return Table._of(reaching(parts), parts["metadata"])


def reaching(parts: Mapping[str, Any]) -> dict[str, Column]:
    """The columns of :func:`distribution`: all contigs at once, as there may be many."""
    shown = list(dict.fromkeys(parts["contig"].tolist()))
    rank = np.zeros(len(parts["contigs"]), np.int64)
    rank[shown] = np.arange(len(shown))
    place, depth, positions = rank[parts["contig"][parts["region"]]], parts["depth"], parts["positions"]
    if shown:
        # All together, and depth 0, which is always there.
        total, zero = np.full(len(place), len(shown)), np.zeros(len(shown) + 1, np.int64)
        place = np.concatenate([place, total, np.arange(len(shown) + 1)])
        depth, positions = np.concatenate([depth, depth, zero]), np.concatenate([positions, positions, zero])
    # From the greatest depth down, each row counts all deeper ones too.
    order = np.lexsort((-depth, place))
    place, depth, positions = place[order], depth[order], positions[order]
    upto = np.cumsum(positions)
    last = np.flatnonzero((np.diff(place, append=-1) != 0) | (np.diff(depth, append=-1) != 0))
    place, depth, upto = place[last], depth[last], upto[last]
    ends = np.flatnonzero(np.diff(place, append=-1))
    rows = np.diff(ends, prepend=-1)
    whole = np.diff(upto[ends], prepend=0)
    fraction = (upto - np.repeat(upto[ends] - whole, rows)) / np.repeat(whole, rows)
    codes = np.array([*shown, len(parts["contigs"])], np.int32)
    return {
        "chrom": (codes[place], (*parts["contigs"], "total")),
        "depth": (depth, None),
        "fraction": (fraction, None),
    }


@expanded
def quantize(
    bam: StrPath,
    bins: Sequence[int],
    labels: Sequence[str] | None = None,
    regions: Region | Iterable[Region] | None = None,
    *,
    rules: Rules | str = "bases",
    **options: Unpack[ReadOptions],
) -> Table:
    """
    Stretches of the genome by how deep they are: callable regions.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate, with an index (.bai or .csi).
    bins : sequence of int
        Edges, increasing: ``(0, 1, 5, 150)`` are the bins 0, 1 to 4, 5 to 149, and 150 and deeper. Positions below the
        first edge are left out.
    labels : sequence of str, optional
        A name per bin. Default: ``"0:1"``, ``"1:5"``, ``"5:150"``, ``"150:inf"``, as mosdepth names them.
    regions : str, tuple, or a list of those, optional
        1-based, both ends included. Default: every contig.
    rules, **options
        As for :func:`fastcov.coverage`.

    Returns
    -------
    Table
        The columns ``chrom`` (category), ``start``, ``end`` (int64, BED coordinates) and ``label`` (category):
        stretches of neighbouring positions of one bin, as long as they can be inside their region.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`.
    InvalidArgumentError
        The bins are not increasing depths of 0 or more, or there are not as many labels as bins.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> fastcov.quantize("sample.bam", (0, 1), ("NO", "YES"), regions="chr1:20001-20003").to_pandas()
      chrom  start    end label
    0  chr1  20000  20002    NO
    1  chr1  20002  20003   YES
    """
    edges = [as_int("an edge of bins", edge) for edge in bins]
    if not edges or edges[0] < 0 or edges[-1] >= 1 << 31 or any(b <= a for a, b in itertools.pairwise(edges)):
        raise InvalidArgumentError(f"bins={list(bins)} are not edges: give one or more increasing depths of 0 or more")
    upper = [*map(str, edges[1:]), "inf"]
    named = [f"{low}:{high}" for low, high in zip(edges, upper, strict=True)] if labels is None else list(labels)
    if len(named) != len(edges) or len(set(named)) != len(named) or not all(isinstance(n, str) for n in named):
        raise InvalidArgumentError(f"labels={labels} must be {len(edges)} different strings, one for each bin")
    rule, how, wanted = request(quantize, rules, options)
    where = places("regions", regions)
    bam = path("bam", bam)
    with bar(os.path.basename(bam), wanted=wanted) as report:
        parts = _fastcov.binned_runs(bam, where, edges, rule, **how, progress=report)
    warn(parts["warnings"], 2)
    columns: dict[str, Column] = {
        "chrom": (parts["contig"].astype(np.int32), tuple(parts["contigs"])),
        "start": (parts["start"], None),
        "end": (parts["end"], None),
        "label": (parts["bin"], tuple(named)),
    }
    return Table._of(columns, parts["metadata"])


def window_size(size: Any, step: Any) -> tuple[int, int]:
    """Size and step of windows as the core takes them."""
    size, step = as_int("size", size), as_int("step", size if step is None else step)
    if size < 1 or step < 1:
        raise InvalidArgumentError(f"size={size} and step={step} must be 1 or more")
    return min(size, _MOST_POSITIONS), min(step, _MOST_POSITIONS)


def odd_targets(parts: Mapping[str, Any]) -> list[str]:
    messages = []
    if parts["cut"]:
        messages.append(f"{parts['cut']} targets reach past the end of their contig; they were cut there")
    if parts["empty"]:
        messages.append(f"{parts['empty']} targets have no position on their contig; their statistics are empty")
    return messages


def stats_table(parts: Mapping[str, Any]) -> TargetStats:
    total = Table(parts["total"], {}).to_numpy()
    metadata = parts["metadata"]
    metadata["summary"] = {"rows": len(parts["table"]), **{name: values[0].item() for name, values in total.items()}}
    return TargetStats(parts["table"], metadata)
