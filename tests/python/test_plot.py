"""`plot_coverage`: a picture without pyplot."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from fastcov import get_coverage
from fastcov.plot import plot_coverage


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


def test_pyplot_is_not_touched():
    code = """
import sys, pandas as pd
from fastcov.plot import plot_coverage
assert "matplotlib" not in sys.modules
plot_coverage(pd.DataFrame({"pos": [1, 2], "chr": "c", "coverage": [1, 2]}))
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'fastcov-bio\[plot\]'"):
        plot_coverage(frame_of([1]))
