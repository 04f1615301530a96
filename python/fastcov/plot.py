"""Plots of depth; needs matplotlib (``pip install 'fastcov-bio[plot]'``)."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_coverage", "plot_rules"]

# Bins across the picture: about one per two pixels of an axis 1000 pixels wide.
_BINS = 500


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
        ax.figure.savefig(os.fspath(path), dpi=100)
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
        ax.figure.savefig(os.fspath(path), dpi=100)
    return ax


def _new_axes() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib, which is not installed: pip install 'fastcov-bio[plot]'") from error
    # Not pyplot: its figures are global state and stay alive until somebody closes them.
    return Figure(figsize=(10, 3.2), layout="constrained").subplots()
