"""Plots of depth; needs matplotlib (``pip install 'fastcov-bio[plot]'``)."""

import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ._qc import QcReport
    from ._table import Table

__all__ = ["plot_coverage", "plot_report", "plot_rules"]

# Bins across the picture: about one per two pixels of an axis 1000 pixels wide.
_BINS = 500
# Contigs whose names fit below an axis.
_MOST_CONTIGS = 30


def plot_coverage(
    frame: "pd.DataFrame", path: str | os.PathLike[str] | None = None, ax: "Axes | None" = None
) -> "Axes":
    """
    Plot the depth of a region.

    A region of up to 500 positions is drawn base by base. A longer one is cut into 500 bins of equal length; the line
    is the mean of each bin and the band reaches from its smallest to its largest depth, so that a gap of one base stays
    visible.

    Parameters
    ----------
    frame : pandas.DataFrame
        What :func:`fastcov.get_coverage` returned: columns ``pos`` (1-based), ``chr`` and ``coverage``, in order of
        position.
    path : str or path-like, optional
        Where to write the picture; the suffix says the format (.png, .svg, .pdf).
    ax : matplotlib.axes.Axes, optional
        Axes to draw on. Default: a new figure, which is not registered with pyplot and needs no display.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on; its figure is ``ax.figure``.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        The frame has no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from fastcov.plot import plot_coverage
    >>> frame = pd.DataFrame({"pos": [1, 2, 3], "chr": "chr1", "coverage": [4, 5, 3]})
    >>> plot_coverage(frame).get_title()
    'chr1:1-3'
    """
    if len(frame) == 0:
        raise ValueError("the frame has no rows: there is nothing to plot")
    if ax is None:
        ax = _new_axes()
    depth = np.asarray(frame["coverage"])
    first, last = int(frame["pos"].iloc[0]), int(frame["pos"].iloc[-1])
    edges = np.unique(np.linspace(0, len(depth), min(_BINS, len(depth)), endpoint=False, dtype=np.int64))
    lowest, highest = np.minimum.reduceat(depth, edges), np.maximum.reduceat(depth, edges)
    mean = np.add.reduceat(depth.astype(np.int64), edges) / np.diff(edges, append=len(depth))
    # Bins are drawn as steps, each from its first base to the next bin's first base.
    x = np.append(first + edges, last + 1)
    ax.fill_between(
        x, np.append(lowest, lowest[-1]), np.append(highest, highest[-1]), step="post", color="#9ec5e8", linewidth=0
    )
    ax.step(x, np.append(mean, mean[-1]), where="post", color="#1f5f99", linewidth=1)
    ax.set_xlim(first, last + 1)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("position (1-based)")
    ax.set_ylabel("depth")
    binned = (
        ""
        if len(edges) == len(depth)
        else f"   (mean, smallest and largest of every {len(depth) / len(edges):.0f} bases)"
    )
    ax.set_title(f"{frame['chr'].iloc[0]}:{first}-{last}{binned}")
    ax.ticklabel_format(axis="x", style="plain", useOffset=False)
    if path is not None:
        ax.figure.figure.savefig(os.fspath(path), dpi=100)
    return ax


def plot_rules(
    chrom: str,
    start: int,
    depths: dict[str, np.ndarray],
    path: str | os.PathLike[str] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """
    Plot the depth of a region by several rules, each as a line of steps.

    Parameters
    ----------
    chrom : str
        The contig, for the title.
    start : int
        First position, 1-based.
    depths : dict of str to numpy.ndarray
        Depth at every position, by the name of the rule.
    path, ax
        As for :func:`plot_coverage`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.
    """
    if ax is None:
        ax = _new_axes()
    n = max(map(len, depths.values()))
    x = np.arange(start, start + n + 1)
    for name, depth in depths.items():
        ax.step(x, np.append(depth, depth[-1:]), where="post", linewidth=1, label=name)
    ax.set_xlim(start, start + n)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("position (1-based)")
    ax.set_ylabel("depth")
    ax.set_title(f"{chrom}:{start}-{start + n - 1}")
    ax.ticklabel_format(axis="x", style="plain", useOffset=False)
    ax.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))
    if path is not None:
        ax.figure.figure.savefig(os.fspath(path), dpi=100)
    return ax


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
    _plot_breadth(figure.add_subplot(grid[0, :3]), report.distribution)
    inserts = report.insert_sizes.to_numpy()
    axes = figure.add_subplot(grid[0, 3:])
    _labelled(axes, "insert sizes", "insert size", "pairs", empty=not len(inserts["pairs"]))
    for name in ("inward", "outward", "other"):
        if inserts[name].any():
            axes.plot(inserts["insert_size"], inserts[name], linewidth=1, label=name)
    if len(inserts["pairs"]):
        axes.legend()
    bars = [
        ("read lengths", report.lengths, "read_length", "reads"),
        ("mapping qualities", report.mapq, "mapq", "reads"),
        ("base qualities", report.base_quality, "quality", "bases"),
    ]
    for i, (name, table, x, y) in enumerate(bars):
        columns = table.to_numpy()
        axes = figure.add_subplot(grid[1, 2 * i : 2 * i + 2])
        _labelled(axes, name, x.replace("_", " "), y, empty=not len(columns[x]))
        axes.vlines(columns[x], 0, columns[y], color="#1f5f99", linewidth=2 if len(columns[x]) < 100 else 1)
    if report.windows is not None:
        _plot_windows(figure.add_subplot(grid[2, :]), report.windows)
    for axes in figure.axes:
        # Behind the data: before, it would keep the scale of an empty panel.
        axes.set_ylim(bottom=0)
    if path is not None:
        figure.savefig(os.fspath(path), dpi=100)
    return figure


def _plot_breadth(axes: "Axes", distribution: "Table") -> None:
    """The part of all positions together that reaches each depth, down to one in a thousand."""
    columns = distribution.to_numpy()
    total = np.flatnonzero(columns["chrom"] == len(distribution.categories["chrom"]) - 1)
    depth, fraction = columns["depth"][total], columns["fraction"][total]
    _labelled(axes, "breadth", "depth", "positions at that depth or deeper, %", empty=not len(depth))
    shown = fraction >= 0.001
    axes.step(depth[shown], 100 * fraction[shown], where="post", color="#1f5f99", linewidth=1)


def _plot_windows(axes: "Axes", windows: "Table") -> None:
    """The mean depth of each window, contig after contig in the order of the header."""
    columns = windows.to_numpy()
    _labelled(axes, "windows", "contig", "mean depth", empty=not len(columns["mean"]))
    x = np.arange(len(columns["mean"]))
    for code in np.unique(columns["chrom"]):
        here = columns["chrom"] == code
        axes.plot(x[here], columns["mean"][here], linewidth=0, marker=".", markersize=2 if len(x) > 1000 else 6)
    firsts = np.flatnonzero(np.diff(columns["chrom"], prepend=-1))
    if len(firsts) <= _MOST_CONTIGS:
        names = windows.categories["chrom"]
        axes.set_xticks(firsts, [names[code] for code in columns["chrom"][firsts]])


def _labelled(axes: "Axes", title: str, x: str, y: str, *, empty: bool) -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if empty:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center")


def _new_axes() -> "Axes":
    axes: Axes = _new_figure((10, 3.2)).subplots()
    return axes


def _new_figure(size: tuple[float, float]) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib, which is not installed: pip install 'fastcov-bio[plot]'") from error
    # Not pyplot: its figures are global state and stay alive until somebody closes them.
    return Figure(figsize=size, layout="constrained")
