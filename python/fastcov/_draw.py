"""What pictures are made of: bins of positions with their gaps, and one drawer for each kind of table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "LETTERS",
    "LINE",
    "Bins",
    "Drawer",
    "bins_of_positions",
    "bins_of_runs",
    "counts",
    "depth",
    "distribution",
    "flags",
    "insert_sizes",
    "labelled",
    "letters",
    "lines",
    "statistics",
    "stretches",
]

# Bins across a picture: about one per two pixels of axes 1000 pixels wide.
_BINS = 500
# Contigs whose names fit below an axis.
_MOST_NAMES = 30
# Contigs whose distributions can be told apart.
_MOST_LINES = 10
# Rows that are drawn as bars as long as they are; more are dots.
_MOST_BARS = 1000

LINE = "#1f5f99"
_BAND = "#9ec5e8"
_LETTERS = {
    "A": "#4daf4a", "C": "#377eb8", "G": "#ff9f1c", "T": "#e41a1c", "N": "#999999", "deletions": "#6a3d9a",
}  # fmt: skip
LETTERS = tuple(_LETTERS)

Columns = Mapping[str, np.ndarray]
Names = Mapping[str, tuple[str, ...]]
Drawer = Callable[["Axes", Columns, Names], None]


@dataclass
class Bins:
    """Values of the positions from ``edges[i]`` up to, without, ``edges[i + 1]``; NaN where there is no row."""

    edges: np.ndarray
    low: np.ndarray
    mean: np.ndarray
    high: np.ndarray

    @property
    def positions(self) -> int:
        return int(self.edges[-1] - self.edges[0])

    @property
    def binned(self) -> str:
        """What a title adds where a bin has several positions."""
        bins = len(self.mean)
        if bins == self.positions:
            return ""
        return f"every {self.positions / bins:.0f} bases"

    def steps(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``values`` as a line of steps (``where="post"``) that is interrupted where there is no row."""
        rows = np.flatnonzero(~np.isnan(values))
        last = np.flatnonzero(np.diff(rows, append=-1) != 1)
        ends = self.edges[rows[last] + 1]
        # Behind each stretch its end, and a point that is not drawn.
        at = np.repeat(last + 1, 2)
        stop = np.column_stack([values[rows[last]], np.full(len(last), np.nan)]).ravel()
        x, y = np.insert(self.edges[rows], at, np.repeat(ends, 2)), np.insert(values[rows], at, stop)
        return x[:-1], y[:-1]


def _edges(first: int, stop: int) -> np.ndarray:
    span = stop - first
    starts = np.unique(np.linspace(0, span, min(_BINS, span), endpoint=False, dtype=np.int64))
    return np.append(first + starts, stop)


def bins_of_positions(pos: np.ndarray, values: np.ndarray) -> Bins:
    """Bins of rows that are one position each, in any order, with gaps, a position once or more often."""
    if not _sorted(pos):
        order = np.argsort(pos, kind="stable")
        pos, values = pos[order], values[order]
    edges = _edges(int(pos[0]), int(pos[-1]) + 1)
    rows = np.searchsorted(pos, edges)
    return _reduced(edges, rows, values, None)


def bins_of_runs(start: np.ndarray, end: np.ndarray, values: np.ndarray) -> Bins:
    """Bins of stretches of equal value, from ``start`` up to, without, ``end``."""
    edges = _edges(int(start.min()), int(end.max()))
    first, last = (np.searchsorted(edges, at, side="right") - 1 for at in (start, end - 1))
    # A stretch becomes a piece for each bin it touches.
    pieces = last - first + 1
    run = np.repeat(np.arange(len(start)), pieces)
    place = np.arange(len(run)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + first[run]
    length = np.minimum(end[run], edges[place + 1]) - np.maximum(start[run], edges[place])
    order = np.argsort(place, kind="stable")
    rows = np.searchsorted(place[order], np.arange(len(edges)))
    return _reduced(edges, rows, values[run[order]], length[order])


def _reduced(edges: np.ndarray, rows: np.ndarray, values: np.ndarray, lengths: np.ndarray | None) -> Bins:
    """Smallest, mean and largest value of each bin, whose rows are ``rows[i]`` up to, without, ``rows[i + 1]``."""
    there = np.flatnonzero(np.diff(rows))
    low, mean, high = (np.full(len(edges) - 1, np.nan) for _ in range(3))
    at = rows[there]
    low[there], high[there] = np.minimum.reduceat(values, at), np.maximum.reduceat(values, at)
    kind = np.float64 if values.dtype.kind == "f" else np.int64
    if lengths is None:
        mean[there] = np.add.reduceat(values, at, dtype=kind) / np.diff(rows)[there]
    else:
        mean[there] = np.add.reduceat(values * lengths, at, dtype=kind) / np.add.reduceat(lengths, at)
    return Bins(edges, low, mean, high)


def _sorted(pos: np.ndarray) -> bool:
    """In pieces: a chromosome's rows are not held twice."""
    piece = 1 << 20
    return all((np.diff(pos[at : at + piece + 1]) >= 0).all() for at in range(0, len(pos), piece))


def depth(axes: "Axes", contigs: list[tuple[str, Bins]]) -> None:
    """Depth of one contig by position, or of several side by side: the mean, and from the smallest to the largest."""
    shift, ticks = 0, []
    for name, bins in contigs:
        by = shift - int(bins.edges[0]) if len(contigs) > 1 else 0
        x, mean = bins.steps(bins.mean)
        band = bins.steps(bins.low)[1], bins.steps(bins.high)[1]
        axes.fill_between(x + by, *band, step="post", color=_BAND, linewidth=0)
        axes.step(x + by, mean, where="post", color=LINE, linewidth=1)
        ticks.append((shift, name))
        shift += bins.positions
    axes.set_ylim(bottom=0)
    axes.set_ylabel("depth")
    if len(contigs) == 1:
        ((name, bins),) = contigs
        binned = f"   (mean, smallest and largest of {bins.binned})" if bins.binned else ""
        _by_position(axes, name, bins, binned)
        return
    axes.set_xlim(0, shift)
    axes.set_xlabel("contig, positions from the first to the last of the frame")
    axes.set_title(f"{len(contigs)} contigs")
    for at, _ in ticks[1:]:
        axes.axvline(at, color="#cccccc", linewidth=0.5)
    if len(ticks) <= _MOST_NAMES:
        axes.set_xticks([at for at, _ in ticks], [name for _, name in ticks], ha="left")
    else:
        axes.set_xticks([])


def lines(axes: "Axes", contig: str, columns: Mapping[str, Bins]) -> None:
    """A line for each column, the mean of each bin."""
    bins = next(iter(columns.values()))
    for name, each in columns.items():
        axes.step(*each.steps(each.mean), where="post", linewidth=1, label=name)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("depth")
    _by_position(axes, contig, bins, f"   (mean of {bins.binned})" if bins.binned else "")
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))


def letters(axes: "Axes", contig: str, columns: Mapping[str, Bins]) -> None:
    """The letters of the reads and their deletions, one above the other."""
    shown = {name: bins for name, bins in columns.items() if name in "ACGT" or np.nansum(bins.high) > 0}
    bins = columns["A"]
    heights = [np.append(each.mean, each.mean[-1]) for each in shown.values()]
    axes.stackplot(
        bins.edges, heights, labels=list(shown), colors=[_LETTERS[name] for name in shown], step="post", linewidth=0
    )
    axes.set_ylim(bottom=0)
    axes.set_ylabel("reads")
    _by_position(axes, contig, bins, f"   (mean of {bins.binned})" if bins.binned else "")
    axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))


def stretches(axes: "Axes", where: tuple[str, int, int], columns: Columns, names: tuple[str, ...]) -> None:
    """A row of bars for each label, cut to contig, first and last position of ``where``."""
    contig, first, last = where
    start, end = np.maximum(columns["start"] + 1, first), np.minimum(columns["end"] + 1, last + 1)
    for i in range(len(names)):
        here = columns["label"] == i
        bars = list(zip(start[here].tolist(), (end - start)[here].tolist(), strict=True))
        axes.broken_barh(bars, (i - 0.4, 0.8), color=LINE, linewidth=0.2)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_ylabel("label")
    axes.set_xlim(first, last + 1)
    axes.set_xlabel("position (1-based)")
    axes.set_title(f"{contig}:{first}-{last}")
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)


def distribution(axes: "Axes", columns: Columns, names: Names, *, contigs: bool = True) -> None:
    """The part of all positions that reaches each depth, down to one in a thousand; a thin line for each contig."""
    labelled(axes, "breadth", "depth", "positions at that depth or deeper, %", empty=not len(columns["depth"]))
    codes = np.unique(columns["chrom"])
    total = len(names["chrom"]) - 1
    single = [code for code in codes if code != total]
    if not contigs or not 1 < len(single) <= _MOST_LINES:
        single = []
    for code in [*single, total] if len(codes) else []:
        here = (columns["chrom"] == code) & (columns["fraction"] >= 0.001)
        color, width = (None, 0.8) if code != total else ("black" if single else LINE, 1)
        # From 0 on, so that each step reaches back to the depth before.
        x, y = columns["depth"][here][::-1], 100 * columns["fraction"][here][::-1]
        axes.step(x, y, where="pre", label=names["chrom"][code], color=color, linewidth=width)
    axes.set_ylim(0, 102)
    if single:
        axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))


def insert_sizes(axes: "Axes", columns: Columns, _names: Names) -> None:
    """Pairs by insert size and orientation, up to the size that all but one in a hundred have."""
    size, pairs = columns["insert_size"], columns["pairs"]
    labelled(axes, "insert sizes", "insert size", "pairs", empty=not len(pairs))
    if not len(pairs):
        return
    upto = np.cumsum(pairs)
    most = int(size[np.searchsorted(upto, 0.99 * upto[-1])])
    larger = int(pairs[size > most].sum())
    shown = size <= most
    for name in ("inward", "outward", "other"):
        values = columns[name][shown]
        if values.any():
            # A size without a row has no pairs.
            bins = bins_of_positions(size[shown], values)
            x, y = bins.steps(bins.mean) if most > 10 * _BINS else _filled(size[shown], values)
            axes.step(x, y, where="mid", linewidth=1, label=name)
    if larger:
        axes.set_xlabel(f"insert size ({larger:,} of {int(upto[-1]):,} pairs are larger than {most})")
    axes.set_ylim(bottom=0)
    axes.legend()


def _filled(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = np.zeros(int(x[-1] - x[0]) + 1, y.dtype)
    values[x - x[0]] = y
    return np.arange(x[0], x[-1] + 1), values


def counts(title: str, x: str, y: str) -> Drawer:
    """A drawer of a bar at each value of ``x`` as high as ``y``."""

    def draw(axes: "Axes", columns: Columns, _names: Names) -> None:
        labelled(axes, title, x.replace("_", " "), y, empty=not len(columns[x]))
        axes.vlines(columns[x], 0, columns[y], color=LINE, linewidth=2 if len(columns[x]) < 100 else 1)
        axes.set_ylim(bottom=0)

    return draw


def sizes(title: str, size: str, by: str, y: str) -> Drawer:
    """Rows by size, a line of steps for each kind; those without a size, across contigs, are not drawn."""

    def draw(axes: "Axes", columns: Columns, names: Names) -> None:
        shown = columns[size] > 0
        here, codes = columns[size][shown], columns[by][shown]
        labelled(axes, title, size.replace("_", " "), y, empty=not len(here))
        if len(here):
            axes.set_xscale("log")
            edges = np.geomspace(here.min(), here.max() + 1, 60)
            for code in np.unique(codes):
                rows, _ = np.histogram(here[codes == code], edges)
                axes.stairs(rows, edges, label=names[by][code])
        axes.set_ylim(bottom=0)

    return draw


def flags(axes: "Axes", columns: Columns, names: Names) -> None:
    """A bar for each category, records that passed and those that failed quality checks end to end."""
    rows = np.arange(len(columns["category"]))
    labelled(axes, "flags", "records", "", empty=not len(rows))
    axes.barh(rows, columns["passed"], color=LINE, label="passed")
    if columns["failed"].any():
        axes.barh(rows, columns["failed"], left=columns["passed"], color="#e41a1c", label="failed")
        axes.legend()
    axes.set_yticks(rows, [names["category"][code] for code in columns["category"]], fontsize="small")
    axes.invert_yaxis()


def statistics(axes: "Axes", columns: Columns, names: Names) -> None:
    """The mean of each row, or its first statistic: along a contig, or row by row."""
    given = [name for name in columns if name not in ("chrom", "start", "end", "name", "targets", "length")]
    if not given:
        axes.text(0.5, 0.5, "no statistics", transform=axes.transAxes, ha="center", va="center")
        return
    column = "mean" if "mean" in given else given[0]
    values, rows = columns[column], np.arange(len(columns[column]))
    label = "mean depth" if column == "mean" else column
    if "start" in columns and len(np.unique(columns["chrom"])) == 1:
        start, end = columns["start"] + 1, columns["end"] + 1
        labelled(axes, names["chrom"][columns["chrom"][0]], "position (1-based)", label, empty=False)
        if len(values) <= _MOST_BARS:
            axes.hlines(values, start, end, color=LINE, linewidth=2)
        # Short ones would not be seen.
        axes.plot((start + end) / 2, values, linewidth=0, marker=".", markersize=3, color=LINE)
        axes.ticklabel_format(axis="x", style="plain", useOffset=False)
    else:
        kind = "chrom" if "chrom" in columns else "name"
        labelled(axes, "", "contig" if kind == "chrom" else kind, label, empty=not len(values))
        codes = columns[kind]
        size = 2 if len(values) > _MOST_BARS else 6
        for i, code in enumerate(dict.fromkeys(codes.tolist())):
            here = codes == code
            axes.plot(rows[here], values[here], linewidth=0, marker=".", markersize=size, color=f"C{i % 10}")
        firsts = np.flatnonzero(np.diff(codes, prepend=-1))
        if len(firsts) <= _MOST_NAMES:
            axes.set_xticks(firsts, [names[kind][code] for code in codes[firsts]])
        else:
            axes.set_xticks([])
    axes.set_ylim(bottom=0)


def _by_position(axes: "Axes", contig: str, bins: Bins, binned: str) -> None:
    first, stop = int(bins.edges[0]), int(bins.edges[-1])
    axes.set_xlim(first, stop)
    axes.set_xlabel("position (1-based)")
    axes.set_title(f"{contig}:{first}-{stop - 1}{binned}")
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)


def labelled(axes: "Axes", title: str, x: str, y: str, *, empty: bool) -> None:
    """Title and names of the axes; an empty picture says that it is one."""
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if empty:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center")
