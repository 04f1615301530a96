"""``qc``: everything about a sample in one pass over its file."""

import html
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from . import _fastcov
from ._bed import read_bed
from ._checks import StrPath, path
from ._evidence import MAX_INSERT, insert_size_limit, metadata_of
from ._names import expanded
from ._options import ReadOptions, bar, request, warn
from ._statistics import STATS, THRESHOLDS, Asked, Threshold
from ._summary import TargetStats, odd_targets, reaching, stats_table, window_size
from ._table import Table
from .errors import InvalidArgumentError
from .rules import Rules

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["QcReport", "qc"]

_NAN = math.nan


class QcReport:
    """
    What :func:`qc` found in a file. It is not made by hand.

    Attributes
    ----------
    distribution : Table
        The table of :func:`fastcov.distribution` over every contig.
    windows : TargetStats or None
        The table of :func:`fastcov.window_stats`; None without ``windows``.
    targets : TargetStats or None
        The table of :func:`fastcov.target_stats`; None without ``bed``.
    flags : Table
        The table of :func:`fastcov.flag_summary`.
    insert_sizes : Table
        The table of :func:`fastcov.insert_sizes`.
    lengths : Table
        The columns ``read_length`` and ``reads`` (int64): the ``RL`` lines of ``samtools stats``.
    mapq : Table
        The columns ``mapq`` and ``reads`` (int64): its ``MAPQ`` lines.
    base_quality : Table
        The columns ``quality`` and ``bases`` (int64): its ``FFQ`` and ``LFQ`` lines, summed over the cycles.
    metadata : dict
        What the depth is, as for :class:`fastcov.Table`.
    """

    def __init__(self, title: str, tables: dict[str, Any], summary: dict[str, float], metadata: dict[str, Any]) -> None:
        self._title = title
        self._summary = summary
        self.metadata = metadata
        self.distribution: Table = tables["distribution"]
        self.windows: TargetStats | None = tables["windows"]
        self.targets: TargetStats | None = tables["targets"]
        self.flags: Table = tables["flags"]
        self.insert_sizes: Table = tables["insert_sizes"]
        self.lengths: Table = tables["lengths"]
        self.mapq: Table = tables["mapq"]
        self.base_quality: Table = tables["base_quality"]

    def summary(self) -> dict[str, float]:
        """
        The sample in a few numbers.

        Returns
        -------
        dict
            Counts of records (passed and failed together): ``records``, ``primary``, ``secondary``, ``supplementary``,
            ``qc_failed``, ``duplicates``, ``mapped``, ``paired``, ``properly_paired`` (the last three and
            ``duplicates_pct`` of primary records) and, in percent, ``mapped_pct``, ``duplicates_pct`` (of the primary
            records) and ``properly_paired_pct`` (of the paired ones). Of the reads that ``lengths``, ``mapq`` and
            ``base_quality`` count: ``mean_read_length``, ``max_read_length``, ``mean_mapq``, ``mean_base_quality``
            and ``q30_pct`` (percent of the bases with a quality of 30 or more). Of the pairs in ``insert_sizes``:
            ``pairs``, ``median_insert_size``, ``inward_pct``. Of the positions of all contigs: ``positions``,
            ``mean_depth``, ``median_depth``, ``max_depth`` and, for each threshold, ``pct_10x`` or
            ``pct_0.2x_mean``. With ``bed`` also ``target_positions`` and ``target_mean_depth``, over the union of the
            targets.

            A mean or a percentage of nothing is NaN, a count or a maximum of nothing is 0.
        """
        return dict(self._summary)

    def plot(self, path: str | os.PathLike[str] | None = None) -> "Figure":
        """
        Draw the report on one page; needs matplotlib (``pip install 'fastcov-bio[plot]'``).

        Parameters
        ----------
        path : str or path-like, optional
            Where to write the page; the suffix says the format (.png, .svg, .pdf).

        Returns
        -------
        matplotlib.figure.Figure
            Breadth by depth, insert sizes, read lengths, mapping and base qualities, and the windows along the genome
            if there are any. A panel without data says so.

        Raises
        ------
        ImportError
            matplotlib is not installed.
        """
        from .plot import plot_report

        return plot_report(self, self._title, path)

    def __repr__(self) -> str:
        lines = [f"{name:22s} {_shown(value)}" for name, value in self._summary.items()]
        return "\n".join([f"fastcov.QcReport: {self._title}", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:right'>{_shown(value)}</td></tr>"
            for name, value in self._summary.items()
        )
        tables = ["distribution", "windows", "targets", "flags", "insert_sizes", "lengths", "mapq", "base_quality"]
        made = [(name, getattr(self, name)) for name in tables]
        parts = [
            f"<details><summary>.{name}</summary>{table._repr_html_()}</details>"
            for name, table in made
            if table is not None
        ]
        return f"<p>fastcov.QcReport: {html.escape(self._title)}</p><table>{rows}</table>{''.join(parts)}"


@expanded
def qc(
    bam: StrPath,
    bed: Any = None,
    *,
    windows: int | tuple[int, int] | None = None,
    thresholds: Sequence[Threshold] = THRESHOLDS,
    max_insert: int = MAX_INSERT,
    rules: Rules | str = "bases",
    **options: Unpack[ReadOptions],
) -> QcReport:
    """
    Depth, targets, windows, flags, insert sizes, lengths and qualities from one pass over a file.

    Parameters
    ----------
    bam : str or path-like
        BAM file, sorted by coordinate. It is read from its first record to its last and needs no index.
    bed : str, path-like, list or frame, optional
        Targets, as for :func:`fastcov.target_stats`: 0-based, ``end`` not included.
    windows : int or (int, int), optional
        Positions of a window, or those and the positions from the start of a window to that of the next. Windows lie on
        every contig.
    thresholds : sequence of int or str, default (1, 10, 20, 30)
        Depths for the percentages, as for :func:`fastcov.target_stats`.
    max_insert : int, default 8000
        As for :func:`fastcov.insert_sizes`.
    rules, **options
        As for :func:`fastcov.coverage`; ``index`` is not needed. ``rules`` and the fields that differ from it touch
        ``distribution``, ``targets`` and ``windows`` alone: the other tables count every record of the file.

    Returns
    -------
    QcReport
        A table for each question, and :meth:`QcReport.summary`.

    Raises
    ------
    FastcovError
        As for :func:`fastcov.coverage`; ``CorruptFileError`` where the records are not sorted
        (:func:`fastcov.flag_summary` and :func:`fastcov.insert_sizes` read such a file).
    InvalidArgumentError
        A window, a threshold or an interval is not possible.

    Examples
    --------
    On the sample that ``examples/simulate.py`` writes:

    >>> import fastcov
    >>> report = fastcov.qc("sample.bam", windows=10_000)
    >>> report.windows.num_rows, report.targets
    (7, None)
    >>> report.summary()["records"]
    11971
    """
    asked = Asked(STATS, thresholds)
    sizes = None if windows is None else _window_sizes(windows)
    rule, how, wanted = request(qc, rules, options)
    targets = None if bed is None else read_bed(bed, how["timeout"])
    bam = path("bam", bam)
    title = os.path.basename(bam)
    with bar(title, wanted=wanted) as report:
        parts = _fastcov.qc(
            bam, targets, sizes, asked.thresholds, asked.columns(), insert_size_limit(max_insert),
            rule, **how, progress=report,
        )  # fmt: skip
    odd = odd_targets(parts["targets"]) if parts["targets"] is not None else []
    warn([*parts["warnings"], *odd], 2)
    metadata = parts["metadata"]
    tables: dict[str, Any] = {
        "distribution": Table._of(reaching(parts["distribution"]), metadata),
        **{name: _stats(parts[name], metadata) for name in ("windows", "targets")},
        **{
            name: Table(parts[name], metadata_of(name, metadata))
            for name in ("flags", "insert_sizes", "lengths", "mapq", "base_quality")
        },
    }
    return QcReport(title, tables, _summary(tables, parts["distribution"], asked), metadata)


def _window_sizes(windows: Any) -> tuple[int, int]:
    if isinstance(windows, (tuple, list)):
        if len(windows) != 2:
            raise InvalidArgumentError(f"windows={windows!r} must be a size, or a size and a step")
        return window_size(*windows)
    return window_size(windows, None)


def _stats(parts: Mapping[str, Any] | None, metadata: dict[str, Any]) -> TargetStats | None:
    return None if parts is None else stats_table({**parts, "metadata": dict(metadata)})


def _summary(tables: Mapping[str, Any], depths: Mapping[str, Any], asked: Asked) -> dict[str, float]:
    made = {**_of_flags(tables["flags"]), **_of_reads(tables), **_of_depth(depths, asked)}
    if tables["targets"] is not None:
        total = tables["targets"].summary()
        made |= {"target_positions": total["length"], "target_mean_depth": total["mean"]}
    return made


def _of_flags(flags: Table) -> dict[str, float]:
    columns = flags.to_numpy()
    both = dict(zip(flags.categories["category"], (columns["passed"] + columns["failed"]).tolist(), strict=True))
    primary, paired = both["primary"], both["paired in sequencing"]
    return {
        "records": both["in total"],
        "primary": primary,
        "secondary": both["secondary"],
        "supplementary": both["supplementary"],
        "qc_failed": int(columns["failed"][0]),
        "mapped": both["primary mapped"],
        "mapped_pct": _percent(both["primary mapped"], primary),
        "duplicates": both["primary duplicates"],
        "duplicates_pct": _percent(both["primary duplicates"], primary),
        "paired": paired,
        "properly_paired": both["properly paired"],
        "properly_paired_pct": _percent(both["properly paired"], paired),
    }


def _of_reads(tables: Mapping[str, Table]) -> dict[str, float]:
    lengths, mapq, quality, inserts = (
        tables[name].to_numpy() for name in ("lengths", "mapq", "base_quality", "insert_sizes")
    )
    # 255 is "unavailable", in MAPQ and in QUAL.
    known, good = mapq["mapq"] < 255, quality["quality"] < 255
    pairs = int(inserts["pairs"].sum())
    return {
        "mean_read_length": _mean(lengths["read_length"], lengths["reads"]),
        "max_read_length": int(lengths["read_length"].max(initial=0)),
        "mean_mapq": _mean(mapq["mapq"][known], mapq["reads"][known]),
        "mean_base_quality": _mean(quality["quality"][good], quality["bases"][good]),
        "q30_pct": _percent(quality["bases"][good & (quality["quality"] >= 30)].sum(), quality["bases"][good].sum()),
        "pairs": pairs,
        "median_insert_size": _median(inserts["insert_size"], inserts["pairs"]),
        "inward_pct": _percent(inserts["inward"].sum(), pairs),
    }


def _of_depth(depths: Mapping[str, Any], asked: Asked) -> dict[str, float]:
    depth, positions = depths["depth"], depths["positions"]
    total, mean = int(positions.sum()), _mean(depth, positions)
    order = np.argsort(depth, kind="stable")
    made: dict[str, float] = {
        "positions": total,
        "mean_depth": mean,
        "median_depth": _median(depth[order], positions[order]),
        "max_depth": int(depth.max(initial=0)),
    }
    for label, (threshold, of_mean) in zip(asked.labels, asked.thresholds, strict=True):
        least = threshold * mean if of_mean else threshold
        made[label] = _percent(positions[depth >= least].sum(), total)
    return made


def _percent(part: float, whole: float) -> float:
    return 100 * float(part) / float(whole) if whole else _NAN


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    # In Python's integers: the sum over a genome may not fit 64 bits.
    total = int(weights.sum())
    return sum(v * w for v, w in zip(values.tolist(), weights.tolist(), strict=True)) / total if total else _NAN


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    """The middle one of sorted values that occur as often as ``weights`` say; of two middle ones their mean."""
    upto = np.cumsum(weights)
    if not len(upto) or not upto[-1]:
        return _NAN
    low, high = np.searchsorted(upto, [(upto[-1] - 1) // 2, upto[-1] // 2], side="right")
    return (float(values[low]) + float(values[high])) / 2


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
