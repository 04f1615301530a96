"""Pictures: they are of the rows that are there, whatever the table."""

import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
import pytest

import fastcov
import planted
from fastcov import get_coverage
from fastcov._draw import Bins, bins_of_positions, bins_of_runs
from fastcov.errors import InvalidArgumentError
from fastcov.plot import plot_coverage


@pytest.fixture(autouse=True)
def _no_figure_is_left():
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


def drawn(line, at):
    """What a line of steps shows at a position; None where it shows nothing."""
    x, y = line.get_xdata(), line.get_ydata()
    i = np.searchsorted(x, at, side="right") - 1
    return None if i < 0 or i == len(x) - 1 or np.isnan(y[i]) else float(y[i])


def frame_of(depth):
    return pd.DataFrame({"pos": np.arange(11, 11 + len(depth)), "chr": "c", "base": "N", "coverage": depth})


def test_short_region_is_drawn_base_by_base():
    ax = plot_coverage(frame_of([3, 0, 5]))
    (line,) = ax.get_lines()
    assert line.get_xdata().tolist() == [11, 12, 13, 14]
    assert line.get_ydata().tolist() == [3, 0, 5, 5]
    assert ax.get_title() == "c:11-13"
    assert ax.get_ylim()[0] == 0


def test_long_region_keeps_its_smallest_and_largest_depth():
    depth = np.full(100_000, 20)
    depth[[33_333, 77_777]] = 0, 90
    ax = plot_coverage(frame_of(depth))
    (line,) = ax.get_lines()
    assert len(line.get_ydata()) == 501
    band = ax.collections[0].get_datalim(ax.transData)
    assert (band.ymin, band.ymax) == (0, 90)
    assert line.get_ydata().min() > 19, "the mean hides what the band shows"
    assert "every 200 bases" in ax.get_title()


def test_empty_frame_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        plot_coverage(frame_of([]))


def test_picture_is_written(sample, tmp_path):
    frame = get_coverage(sample[0], "chr1", 1, 60_000, sample[1])
    plot_coverage(frame, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    plot_coverage(frame, str(tmp_path / "x.svg"))
    assert "<svg" in (tmp_path / "x.svg").read_text()


def test_axes_of_the_caller_are_used():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plot_coverage(frame_of([1, 2]), ax=ax) is ax


def test_pyplot_is_touched_only_where_it_shows_the_figure():
    code = """
import sys, pandas as pd, fastcov
assert "fastcov.plot" not in sys.modules
assert "plot" in dir(fastcov)
plot_coverage = fastcov.plot.plot_coverage
assert "matplotlib" not in sys.modules
frame = pd.DataFrame({"pos": [1, 2], "chr": "c", "coverage": [1, 2]})
plot_coverage(frame, sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules
axes = plot_coverage(frame)
from matplotlib import pyplot
assert pyplot.get_fignums() == [axes.figure.number]
"""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "MPLBACKEND": "agg"}
        subprocess.run([sys.executable, "-c", code, os.path.join(folder, "x.png")], check=True, env=environment)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'fastcov-bio\[plot\]'"):
        plot_coverage(frame_of([1]))


# Frames that users make of a frame.
CHANGES = {
    "as it is": lambda frame: frame,
    "filtered": lambda frame: frame[frame["coverage"] > 2],
    "a gap": lambda frame: frame[(frame["pos"] < 50) | (frame["pos"] > 90)],
    "single positions": lambda frame: frame[::7],
    "shuffled": lambda frame: frame.sample(frac=1, random_state=1),
    "descending": lambda frame: frame.sort_values("pos", ascending=False),
    "put together": lambda frame: pd.concat([frame[100:], frame[:30]]),
    "by depth": lambda frame: frame.sort_values("coverage"),
    "one row": lambda frame: frame[60:61],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_line_stands_where_there_are_rows_and_nowhere_else(change):
    depth = np.random.default_rng(1).integers(0, 6, 150)
    frame = CHANGES[change](frame_of(depth))
    (line,) = plot_coverage(frame).get_lines()
    wanted = dict(zip(frame["pos"], frame["coverage"], strict=True))
    assert {at: drawn(line, at) for at in range(8, 165)} == {at: wanted.get(at) for at in range(8, 165)}


@pytest.mark.parametrize("rows", [501, 5_000, 123_457])
def test_bins_are_those_of_a_loop(rows):
    random = np.random.default_rng(rows)
    pos = np.sort(random.choice(np.arange(1, 3 * rows), rows, replace=False))
    pos = pos[(pos < rows) | (pos > 2 * rows)]
    depth = random.integers(0, 50, len(pos))
    bins = bins_of_positions(pos[::-1], depth[::-1])
    assert np.isnan(bins.mean).any()
    assert len(bins.mean) == 500
    for i, (first, stop) in enumerate(zip(bins.edges[:-1], bins.edges[1:], strict=True)):
        here = depth[(pos >= first) & (pos < stop)]
        wanted = [here.min(), here.mean(), here.max()] if len(here) else [np.nan] * 3
        assert np.array_equal([bins.low[i], bins.mean[i], bins.high[i]], wanted, equal_nan=True)


@pytest.mark.parametrize("positions", [300, 20_000])
def test_runs_have_the_bins_of_their_positions(positions):
    random = np.random.default_rng(positions)
    ends = np.unique(np.append(random.integers(1, positions, 200), positions))
    start, end, depth = np.append(0, ends[:-1]) + 1, ends + 1, random.integers(0, 9, len(ends))
    keep = random.random(len(ends)) < 0.7
    start, end, depth = start[keep], end[keep], depth[keep]
    pos = np.concatenate([np.arange(a, b) for a, b in zip(start, end, strict=True)])
    wanted = bins_of_positions(pos, np.repeat(depth, end - start))
    order = random.permutation(len(start))
    got = bins_of_runs(start[order], end[order], depth[order])
    for name in ("edges", "low", "mean", "high"):
        assert np.array_equal(getattr(got, name), getattr(wanted, name), equal_nan=True)


def test_steps_end_where_their_rows_end():
    bins = Bins(np.array([1, 2, 3, 4, 5]), *[np.array([7.0, np.nan, 8.0, 9.0])] * 3)
    x, y = bins.steps(bins.mean)
    assert x.tolist() == [1, 2, 2, 3, 4, 5]
    assert np.array_equal(y, [7, 7, np.nan, 8, 9, 9], equal_nan=True)


def test_contigs_are_drawn_side_by_side():
    one, other = frame_of([1, 2, 3]), frame_of([4, 5]).assign(chr="d")
    ax = plot_coverage(pd.concat([one, other]))
    first, second, border = ax.get_lines()
    assert (first.get_xdata().tolist(), second.get_xdata().tolist()) == ([0, 1, 2, 3], [3, 4, 5])
    assert border.get_xdata() == [3, 3]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["c", "d"]


def test_frames_of_every_function_of_depth_are_drawn_alike(sample):
    bam, region = sample[0], "chr1:20001-20300"
    frames = [
        get_coverage(bam, "chr1", 20_001, 20_300, rules="bases"),
        fastcov.coverage(bam, region).to_pandas(),
        fastcov.coverage(bam, region, runs=True).to_pandas(),
    ]
    lines = [plot_coverage(frame).get_lines()[0] for frame in frames] + [fastcov.coverage(bam, region).plot().lines[0]]
    for line in lines:
        assert [drawn(line, at) for at in range(20_001, 20_301)] == frames[0]["coverage"].tolist()


def test_frames_that_hold_no_depth_are_refused():
    with pytest.raises(InvalidArgumentError) as caught:
        plot_coverage(pd.DataFrame({"pos": [1], "reads": [2]}))
    assert str(caught.value) == "the frame has no column 'coverage' or 'depth'; its columns are pos, reads"
    with pytest.raises(InvalidArgumentError, match="the frame has no column 'pos'; its columns are depth"):
        plot_coverage(pd.DataFrame({"depth": [2]}))


@pytest.fixture(scope="module")
def tables(sample):
    bam, ref = sample
    region = "chr1:19951-20100"
    report = fastcov.qc(bam)
    targets = [("chr1", 20_000, 20_100, "a"), ("chr2", 100, 300, "b"), ("chr2", 900, 990, "b")]
    return {
        "depth": fastcov.coverage(bam, region, ref=ref),
        "runs": fastcov.coverage(bam, region, runs=True),
        "base_counts": fastcov.base_counts(bam, region),
        "matrix": fastcov.coverage_matrix([bam, bam], region, names=["depth", "label"]),
        "compare": fastcov.compare(bam, region, rules=["depth", "bases"]),
        "quantize": fastcov.quantize(bam, (0, 1, 25), regions=region),
        "distribution": fastcov.distribution(bam),
        "target_stats": fastcov.target_stats(bam, targets),
        "target_stats by name": fastcov.target_stats(bam, targets, by="name", stats=["max"]),
        "target_stats of one contig": fastcov.target_stats(bam, targets[:1]),
        "window_stats": fastcov.window_stats(bam, 1000),
        "flag_summary": fastcov.flag_summary(bam),
        "insert_sizes": fastcov.insert_sizes(bam),
        "lengths": report.lengths,
        "mapq": report.mapq,
        "base_quality": report.base_quality,
    }


def test_every_table_is_drawn(tables, tmp_path):
    from matplotlib.figure import Figure

    for name, table in tables.items():
        path = tmp_path / f"{name}.png"
        ax = table.plot(path=path)
        assert path.stat().st_size > 2_000, name
        assert ax.get_lines() or ax.collections or ax.patches, name
        mine = Figure().subplots()
        assert table.plot(ax=mine) is mine, name


def test_pictures_hold_the_numbers_of_their_tables(tables):
    positions = range(19_951, 20_101)
    for name in ("matrix", "compare"):
        columns = tables[name].to_numpy()
        for line in tables[name].plot().get_lines():
            assert [drawn(line, at) for at in positions] == columns[line.get_label()].tolist()
    letters = tables["base_counts"].plot().collections
    shown = ["A", "C", "G", "T", "deletions"]
    assert [area.get_label() for area in letters] == shown
    total = sum(tables["base_counts"].to_numpy()[name] for name in shown)
    assert letters[-1].get_datalim(letters[-1].axes.transData).ymax == total.max()
    bars = tables["quantize"].plot().collections
    columns = tables["quantize"].to_numpy()
    lengths = [int((columns["end"] - columns["start"])[columns["label"] == i].sum()) for i in range(3)]
    assert [round(sum(path.get_extents().width for path in each.get_paths())) for each in bars] == lengths
    category = tables["flag_summary"].to_numpy()
    patches = tables["flag_summary"].plot().patches
    widths = [round(patch.get_width()) for patch in patches]
    assert widths == [*category["passed"].tolist(), *category["failed"].tolist()]
    named = tables["target_stats by name"].plot()
    assert [tick.get_text() for tick in named.get_xticklabels()] == ["a", "b"]
    assert [line.get_ydata().tolist() for line in named.get_lines()] == [
        [value] for value in tables["target_stats by name"].to_numpy()["max"].tolist()
    ]
    total = tables["distribution"].plot().get_lines()[-1]
    assert (total.get_label(), total.get_ydata()[0]) == ("total", 100)


def test_insert_sizes_say_what_is_not_shown(tables):
    columns = tables["insert_sizes"].to_numpy()
    ax = tables["insert_sizes"].plot()
    (line,) = [line for line in ax.get_lines() if line.get_label() == "inward"]
    shown = dict(zip(line.get_xdata().tolist(), line.get_ydata().tolist(), strict=True))
    given = dict(zip(columns["insert_size"].tolist(), columns["inward"].tolist(), strict=True))
    assert shown == {size: given.get(size, 0) for size in shown}
    more = int(columns["pairs"][columns["insert_size"] > max(shown)].sum())
    assert 0 < more <= 0.01 * columns["pairs"].sum()
    assert f"{more:,} of {columns['pairs'].sum():,} pairs are larger" in ax.get_xlabel()


def test_regions_are_asked_for_where_there_are_several(sample, tables):
    for make in (fastcov.coverage, fastcov.base_counts):
        table = make(sample[0], ["chr1:1-10", "chr2:1-20"])
        with pytest.raises(InvalidArgumentError) as caught:
            table.plot()
        assert str(caught.value) == "the table holds 2 regions: say which with region=0 … 1"
        assert table.plot(1).get_title() == "chr2:1-20"
        with pytest.raises(InvalidArgumentError, match="region=2: the table holds 2 regions"):
            table.plot(2)
    with pytest.raises(InvalidArgumentError, match="region=0: a table with the columns category, passed, failed is"):
        tables["flag_summary"].plot(0)


def test_evidence(tmp_path):
    planted.short_pairs(tmp_path / "short.bam", 1, coverage=10)
    pairs = fastcov.discordant_pairs(tmp_path / "short.bam")
    ax = pairs.plot(path=tmp_path / "pairs.png")
    assert (tmp_path / "pairs.png").stat().st_size > 1000
    limit = pairs.metadata["pairs"][0]["max_insert"]
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["insert", "orientation", f"limit {limit:g}"]
    drawn = sum(patch.get_data().values.sum() for patch in ax.patches)
    assert drawn == (pairs.to_pandas()["kind"] != "interchromosomal").sum()
    events = fastcov.sv_evidence(tmp_path / "short.bam", min_size=10)
    ax = events.plot()
    assert sum(patch.get_data().values.sum() for patch in ax.patches) == (events.to_numpy()["size"] > 0).sum() > 0
    assert fastcov.sv_clusters(events).plot().get_title() == "clusters"
    assert fastcov.sv_evidence(tmp_path / "short.bam", min_size=100).plot().texts[0].get_text() == "no data"
