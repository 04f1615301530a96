"""Plots; needs matplotlib (``pip install 'fastcov-bio[plot]'``)."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _draw
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ._qc import QcReport
    from ._table import Table

__all__ = ["plot_coverage", "plot_report", "plot_rules", "plot_table"]

_DEPTH = ("coverage", "depth")
_CONTIG = ("chr", "chrom")

# Tables of stretches that lie along positions.
_RUNS, _QUANTIZED = ["chrom", "start", "end", "depth"], ["chrom", "start", "end", "label"]
_ALONG = (_RUNS, _QUANTIZED)

# Drawers of tables that are not laid along positions, by a column no other table has.
_WHOLE: dict[str, _draw.Drawer] = {
    "fraction": _draw.distribution,
    "insert_size": _draw.insert_sizes,
    "category": _draw.flags,
    "read_length": _draw.counts("read lengths", "read_length", "reads"),
    "mapq": _draw.counts("mapping qualities", "mapq", "reads"),
    "quality": _draw.counts("base qualities", "quality", "bases"),
    "length": _draw.statistics,
}

# Drawers of evidence, by columns no other table has.
_EVIDENCE: dict[tuple[str, str], _draw.Drawer] = {
    ("insert_size", "kind"): _draw.sizes("discordant pairs", "insert_size", "kind", "pairs"),
    ("size", "support"): _draw.sizes("clusters", "size", "type", "clusters"),
    ("size", "source"): _draw.sizes("events", "size", "type", "events"),
}


def plot_coverage(
    frame: "pd.DataFrame", path: str | os.PathLike[str] | None = None, ax: "Axes | None" = None
) -> "Axes":
    """
    Plot the depth in a frame: its rows and nothing else.

    Up to 500 positions are drawn one by one. A longer stretch is cut into 500 bins of equal length: the line is the
    mean of the rows in each bin, and the band reaches from the smallest to the largest of them, so that a gap of one
    base stays visible. Where the frame has no row, there is no line. The rows may be filtered, sorted in any way, or
    put together from several frames; contigs are drawn side by side.

    Parameters
    ----------
    frame : pandas.DataFrame
        What :func:`fastcov.get_coverage` returned or ``fastcov.coverage(…).to_pandas()``: the columns ``pos`` (1-based)
        and ``coverage`` or ``depth``, and if there are several contigs ``chr`` or ``chrom``. With ``runs=True``:
        ``start`` and ``end`` (0-based, not included) instead of ``pos``.
    path : str or path-like, optional
        Where to write the picture; the suffix says the format (.png, .svg, .pdf).
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: those of a new figure. It is one of pyplot, which a notebook shows and
        ``matplotlib.pyplot.close`` closes, unless it is written to ``path``.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on; its figure is ``ax.figure``.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    InvalidArgumentError
        The frame has no rows, or lacks a column (a ValueError).

    Examples
    --------
    >>> import pandas as pd
    >>> from fastcov.plot import plot_coverage
    >>> frame = pd.DataFrame({"pos": [1, 2, 3], "chr": "chr1", "coverage": [4, 5, 3]})
    >>> plot_coverage(frame).get_title()
    'chr1:1-3'
    """
    if not hasattr(frame, "iloc"):
        raise TypeError(f"frame must be a pandas DataFrame, not {type(frame).__name__}; a Table has .plot() itself")
    value = _column(frame, _DEPTH)
    runs = "pos" not in frame and "start" in frame and "end" in frame
    places = ["start", "end"] if runs else [_column(frame, ("pos",))]
    if len(frame) == 0:
        raise InvalidArgumentError("the frame has no rows: there is nothing to plot")
    arrays = [np.asarray(frame[name]) for name in [*places, value]]
    contigs = []
    for name, rows in _contigs(frame):
        *where, values = (array[rows] for array in arrays)
        if runs:
            # The end of a run is not included, its start is 0-based: both are one less than where they are drawn.
            bins = _draw.bins_of_runs(where[0] + 1, where[1] + 1, values)
        else:
            bins = _draw.bins_of_positions(where[0], values)
        contigs.append((name, bins))
    ax = _axes(path, ax)
    _draw.depth(ax, contigs)
    return _written(ax, path)


def plot_rules(
    chrom: str,
    start: int,
    depths: dict[str, np.ndarray],
    path: str | os.PathLike[str] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Plot the depth of a region by several rules, or of several samples, each as a line of steps.

    Parameters
    ----------
    chrom : str
        The contig, for the title.
    start : int
        First position, 1-based.
    depths : dict of str to numpy.ndarray
        Depth at every position, by the name of the rule or sample.
    path, ax
        As for :func:`plot_coverage`. More than 500 positions are drawn as the means of 500 bins.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.
    """
    ax = _axes(path, ax)
    lines = {}
    for name, depth in depths.items():
        lines[name] = _draw.bins_of_positions(np.arange(start, start + len(depth)), np.asarray(depth))
    _draw.lines(ax, chrom, lines)
    return _written(ax, path)


def plot_table(
    table: "Table",
    region: int | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Draw any table of fastcov; see :meth:`fastcov.Table.plot`.

    Parameters
    ----------
    table : fastcov.Table
        What a function of fastcov returned.
    region : int, optional
        Which of ``table.metadata["regions"]``, counted from 0.
    path, ax
        As for :func:`plot_coverage`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.
    """
    columns = table.columns
    evidence = next((drawer for known, drawer in _EVIDENCE.items() if set(known) <= set(columns)), None)
    if evidence is not None and region is None:
        ax = _axes(path, ax)
        evidence(ax, table.to_numpy(), table.categories)
        for limit in sorted({usual["max_insert"] for usual in table.metadata.get("pairs", ())} - {None}):
            ax.axvline(max(limit, 1), color="#444444", linewidth=1, linestyle="--", label=f"limit {limit:g}")
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        return _written(ax, path)
    if evidence is None and ("pos" in columns or columns in _ALONG):
        return _plot_region(table, region, path, ax)
    if region is not None:
        raise InvalidArgumentError(f"region={region}: a table with the columns {', '.join(columns)} is drawn whole")
    drawer = next((drawer for column, drawer in _WHOLE.items() if column in columns), None)
    if drawer is None:
        raise InvalidArgumentError(f"there is no picture of a table with the columns {', '.join(columns)}")
    ax = _axes(path, ax, 4.5 if "category" in columns else 3.2)
    drawer(ax, table.to_numpy(), table.categories)
    return _written(ax, path)


def _plot_region(table: "Table", region: int | None, path: str | os.PathLike[str] | None, ax: "Axes | None") -> "Axes":
    """The positions of one region."""
    number = _region(table, region)
    where = table.metadata["regions"][number]
    contig, first, last = where
    arrays = table.to_numpy()
    if table.columns == _QUANTIZED:
        code = table.categories["chrom"].index(contig)
        here = (arrays["chrom"] == code) & (arrays["end"] >= first) & (arrays["start"] < last)
        ax = _axes(path, ax)
        _draw.stretches(ax, where, {name: each[here] for name, each in arrays.items()}, table.categories["label"])
        return _written(ax, path)
    length = last - first + 1
    before = sum(stop - start + 1 for _, start, stop in table.metadata["regions"][:number])
    if table.columns == _RUNS:
        # Runs fill their regions, one after another.
        ends = np.cumsum(arrays["end"] - arrays["start"])
        begin, stop = np.searchsorted(ends, before, side="right"), np.searchsorted(ends, before + length) + 1
        start, end, values = (arrays[name][begin:stop] for name in ("start", "end", "depth"))
        bins = _draw.bins_of_runs(start + 1, end + 1, values)
        ax = _axes(path, ax)
        _draw.depth(ax, [(contig, bins)])
        return _written(ax, path)
    counts = {name: each[before : before + length] for name, each in arrays.items()}
    pos = counts["pos"]
    if table.columns in (["chrom", "pos", "depth"], ["chrom", "pos", "base", "depth"]):
        bins = _draw.bins_of_positions(pos, counts["depth"])
        ax = _axes(path, ax)
        _draw.depth(ax, [(contig, bins)])
        return _written(ax, path)
    if {"reads_all", "A", "A_fwd"} <= set(counts):
        letters = {name: _draw.bins_of_positions(pos, counts[name]) for name in _draw.LETTERS}
        ax = _axes(path, ax)
        _draw.letters(ax, contig, letters)
        return _written(ax, path)
    depths = {name: each for name, each in counts.items() if name not in ("chrom", "pos", "base")}
    return plot_rules(contig, first, depths, path, ax)


def _region(table: "Table", region: int | None) -> int:
    regions = table.metadata["regions"]
    which = f"the table holds {len(regions)} regions: say which with region=0 … {len(regions) - 1}"
    if region is None:
        if len(regions) != 1:
            raise InvalidArgumentError(which if regions else "the table holds no region: there is nothing to plot")
        return 0
    if not -len(regions) <= region < len(regions):
        raise InvalidArgumentError(f"region={region}: {which}")
    return region % len(regions)


def _column(frame: "pd.DataFrame", names: tuple[str, ...]) -> str:
    for name in names:
        if name in frame:
            return name
    wanted = " or ".join(map(repr, names))
    raise InvalidArgumentError(
        f"the frame has no column {wanted}; its columns are {', '.join(map(str, frame.columns))}"
    )


def _contigs(frame: "pd.DataFrame") -> list[tuple[str, Any]]:
    """Each contig in the order they come, and its rows."""
    name = next((name for name in _CONTIG if name in frame), None)
    if name is None:
        return [("", slice(None))]
    codes, names = frame[name].factorize()
    if len(names) == 1:
        return [(str(names[0]), slice(None))]
    return [(str(each), np.flatnonzero(codes == code)) for code, each in enumerate(names)]


def plot_report(report: "QcReport", title: str, path: str | os.PathLike[str] | None = None) -> "Figure":
    """
    Draw a quality report on one page; see :meth:`fastcov.QcReport.plot`.

    Parameters
    ----------
    report : fastcov.QcReport
        What :func:`fastcov.qc` returned.
    title : str
        The title of the page.
    path : str or path-like, optional
        Where to write the page; the suffix says the format (.png, .svg, .pdf).

    Returns
    -------
    matplotlib.figure.Figure
        The page, not registered with pyplot.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    rows = 3 if report.windows is not None else 2
    figure = _new_figure((10, 3.2 * rows))
    grid = figure.add_gridspec(rows, 6)
    figure.suptitle(title)
    breadth = report.distribution
    axes = figure.add_subplot(grid[0, :3])
    _draw.distribution(axes, breadth.to_numpy(), breadth.categories, contigs=False)
    for place, table in [
        (grid[0, 3:], report.insert_sizes),
        (grid[1, :2], report.lengths),
        (grid[1, 2:4], report.mapq),
        (grid[1, 4:], report.base_quality),
    ]:
        plot_table(table, ax=figure.add_subplot(place))
    if report.windows is not None:
        axes = figure.add_subplot(grid[2, :])
        plot_table(report.windows, ax=axes)
        axes.set_title("windows")
    if path is not None:
        figure.savefig(os.fspath(path), dpi=100)
    return figure


def _axes(path: str | os.PathLike[str] | None, ax: "Axes | None", height: float = 3.2) -> "Axes":
    """The caller's axes, or those of a new figure: of pyplot, which shows it, unless it is only written."""
    if ax is not None:
        return ax
    figure = _new_figure((10, height), shown=path is None)
    axes: Axes = figure.subplots()
    return axes


def _written(ax: "Axes", path: str | os.PathLike[str] | None) -> "Axes":
    if path is not None:
        ax.figure.figure.savefig(os.fspath(path), dpi=100)
    return ax


def _new_figure(size: tuple[float, float], *, shown: bool = False) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib, which is not installed: pip install 'fastcov-bio[plot]'") from error
    if not shown:
        # pyplot's figures are global state and stay alive until they are closed.
        return Figure(figsize=size, layout="constrained")
    from matplotlib import pyplot

    return pyplot.figure(figsize=size, layout="constrained")
