"""Targets, windows, distributions and bins against numpy on every depth, and against mosdepth's files."""

import gzip
import itertools
import math
import os
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import other_tools
from fastcov import FastcovWarning, coverage, distribution, errors, quantize, target_stats, window_stats

LENGTHS = {"chr1": 60_000, "chr2": 6_000}
THRESHOLDS = (1, 10, 30, "0.2*mean", "1.5*mean")
# Random sets of targets, for each of five rules.
SETS = int(os.environ.get("FASTCOV_TARGET_SETS", "60"))
PCT = ["pct_1x", "pct_10x", "pct_30x", "pct_0.2x_mean", "pct_1.5x_mean"]


@pytest.fixture(scope="module")
def depths(sample) -> dict[str, dict[str, np.ndarray]]:
    """The depth of every position, by rule and contig."""
    bam, _ = sample
    return {
        rule: {name: coverage(bam, name, rules=rule).to_numpy()["depth"] for name in LENGTHS}
        for rule in ("bases", "depth", "mosdepth", "genomecov", "mpileup")
    }


def plain(depth: np.ndarray) -> dict[str, float]:
    """Every statistic of some positions, by numpy."""
    if not len(depth):
        return {"length": 0, "min": 0, "max": 0, **dict.fromkeys(["mean", "median", "sd", "cv", *PCT], math.nan)}
    mean, sd = depth.mean(), depth.std()
    least = [float(t.removesuffix("*mean")) * mean if isinstance(t, str) else t for t in THRESHOLDS]
    return {
        "length": len(depth),
        "mean": mean,
        "median": np.median(depth),
        "min": depth.min(),
        "max": depth.max(),
        "sd": sd,
        "cv": sd / mean if mean else math.nan,
        **{name: 100 * (depth >= t).mean() for name, t in zip(PCT, least, strict=True)},
    }


def assert_rows(frame: pd.DataFrame, wanted: list[dict[str, float]]) -> None:
    assert len(frame) == len(wanted)
    columns = list(plain(np.array([])))
    got = frame[columns].to_numpy(float)
    should = np.array([[row[name] for name in columns] for row in wanted]).reshape(got.shape)
    np.testing.assert_allclose(got, should, rtol=1e-9, atol=1e-9)


@st.composite
def beds(draw) -> list[tuple[str, int, int, str]]:
    out = []
    for _ in range(draw(st.integers(0, 12))):
        chrom = draw(st.sampled_from(list(LENGTHS)))
        # Around the reads, around both ends, and anywhere.
        start = draw(
            st.one_of(
                st.integers(19_900, 20_300), st.integers(0, 40), st.integers(5_900, 6_100), st.integers(0, 60_000)
            )
        )
        size = draw(st.one_of(st.integers(0, 5), st.integers(0, 400), st.integers(0, 70_000)))
        out.append((chrom, start, start + size, draw(st.sampled_from("abc"))))
    return out


@pytest.mark.filterwarnings("ignore:.*targets:fastcov.FastcovWarning")
@pytest.mark.parametrize("rule", ["bases", "depth", "mosdepth", "genomecov", "mpileup"])
@settings(max_examples=SETS, deadline=None, suppress_health_check=list(HealthCheck))
@given(bed=beds(), n_cores=st.integers(1, 3))
def test_targets_equal_numpy_on_every_depth(rule, bed, n_cores, sample, depths):
    bam, _ = sample
    table = target_stats(bam, bed, thresholds=THRESHOLDS, rules=rule, n_cores=n_cores)
    frame = table.to_pandas()
    depth = depths[rule]
    assert_rows(frame, [plain(depth[chrom][start:end]) for chrom, start, end, _ in bed])
    if bed:
        assert list(frame[["chrom", "start", "end", "name"]].itertuples(index=False, name=None)) == bed
    covered = {name: np.zeros(length, bool) for name, length in LENGTHS.items()}
    for chrom, start, end, _ in bed:
        covered[chrom][start:end] = True
    union = np.concatenate([depth[name][mask] for name, mask in covered.items()])
    summary = table.summary()
    assert summary.pop("rows") == len(bed)
    np.testing.assert_allclose(list(summary.values()), [plain(union)[name] for name in summary], rtol=1e-9)
    if not bed:
        return
    named = target_stats(bam, bed, thresholds=THRESHOLDS, rules=rule, by="name").to_pandas()
    names = list(dict.fromkeys(name for *_, name in bed))
    assert named["name"].tolist() == names
    assert named["targets"].tolist() == [sum(row[3] == name for row in bed) for name in names]
    rows = []
    for name in names:
        mask = {contig: np.zeros(length, bool) for contig, length in LENGTHS.items()}
        for chrom, start, end, mine in bed:
            if mine == name:
                mask[chrom][start:end] = True
        rows.append(plain(np.concatenate([depth[contig][m] for contig, m in mask.items()])))
    assert_rows(named, rows)


def test_odd_targets_are_counted_in_warnings(sample):
    bam, _ = sample
    bed = [("chr2", 5_990, 6_010), ("chr2", 7_000, 7_001), ("chr1", 5, 5), ("chr1", 0, 10)]
    with pytest.warns(FastcovWarning) as seen:
        frame = target_stats(bam, bed).to_pandas()
    assert sorted(str(w.message) for w in seen) == [
        "2 targets have no position on their contig; their statistics are empty",
        "2 targets reach past the end of their contig; they were cut there",
    ]
    assert frame["length"].tolist() == [10, 0, 0, 10]
    assert frame["mean"].isna().tolist() == [False, True, True, False]
    assert frame["end"].tolist() == [6_010, 7_001, 5, 10]


BED = (
    "track name=x\nbrowser position chr1\n# comment\n\nchr1\t20000\t20010\tone\t0\t+\nchr2 0 50 two words\nchr1\t5\t5\n"
)


@pytest.mark.filterwarnings("ignore:1 targets:fastcov.FastcovWarning")
def test_bed_files_lists_and_frames_are_the_same(sample, tmp_path):
    bam, _ = sample
    rows = [("chr1", 20_000, 20_010, "one"), ("chr2", 0, 50, "two"), ("chr1", 5, 5, "")]
    wanted = target_stats(bam, rows).to_pandas()
    text = tmp_path / "x.bed"
    text.write_text(BED)
    packed = tmp_path / "x.bed.gz"
    packed.write_bytes(gzip.compress(BED.replace("\n", "\r\n").encode()))
    frame = pd.DataFrame(rows, columns=["chrom", "start", "end", "name"])
    for bed in (text, str(packed), iter(rows), frame, frame.rename(columns={"chrom": "chr"})):
        pd.testing.assert_frame_equal(target_stats(bam, bed).to_pandas(), wanted)


def test_frames_of_other_libraries_come_through_arrow(sample):
    polars = pytest.importorskip("polars")
    rows = [("chr1", 20_000, 20_010), ("chr2", 0, 50)]
    frame = polars.DataFrame(rows, schema=["chrom", "start", "end"], orient="row")
    got, wanted = (target_stats(sample[0], bed).to_pandas() for bed in (frame, rows))
    pd.testing.assert_frame_equal(got, wanted)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chr1\t5", "line 2: 2 columns"),
        ("chr1\tx\t9", "line 2: start 'x'"),
        ("chr1\t-1\t9", "line 2: start '-1'"),
        ("chr1\t9\t5", "line 2: it ends at 5, before its start 9"),
        ("chr1\t1\t99999999999999999999999", "line 2: its end"),
        ("chr1\t1_0\t20", "line 2: start '1_0'"),
    ],
)
def test_a_line_that_is_no_interval_is_named(sample, tmp_path, line, words):
    bed = tmp_path / "x.bed"
    bed.write_text(f"chr1\t0\t5\n{line}\n")
    with pytest.raises(errors.CorruptFileError, match=words) as caught:
        target_stats(sample[0], bed)
    assert (caught.value.path, caught.value.record) == (str(bed), 2)


def test_other_wrong_arguments(sample, tmp_path):
    bam, _ = sample
    one = [("chr1", 0, 5)]
    cut = tmp_path / "cut.bed.gz"
    cut.write_bytes(gzip.compress(b"chr1\t0\t5\n" * 1000)[:40])
    for wrong, kind, words in [
        (lambda: target_stats(bam, cut), errors.TruncatedFileError, "cut.bed.gz: the gzip data is cut short"),
        (lambda: target_stats(bam, tmp_path / "no.bed"), errors.FileMissingError, "no.bed"),
        (lambda: target_stats(bam, [("1", 0, 5)]), errors.UnknownContigError, "did you mean 'chr1'"),
        (lambda: target_stats(bam, [("chr1", 5, 4)]), errors.InvalidArgumentError, "row 0 of bed"),
        (lambda: target_stats(bam, one, thresholds=["0.2"]), errors.InvalidArgumentError, r"0\.2\*mean"),
        (lambda: target_stats(bam, one, thresholds=[-1]), errors.InvalidArgumentError, "not a depth"),
        (lambda: target_stats(bam, one, stats=["mode"]), errors.InvalidArgumentError, "'mode' is not a statistic"),
        (lambda: target_stats(bam, one, by="gene"), errors.InvalidArgumentError, "by='gene'"),
        (lambda: target_stats(bam, one, by="name"), errors.InvalidArgumentError, "needs names"),
        (lambda: target_stats(bam, {"chr1": 5}), TypeError, "bed must be"),
        (lambda: target_stats(bam, ["chr1:1-5"]), TypeError, "must hold tuples"),
        (lambda: target_stats(bam, pd.DataFrame({"a": [1]})), errors.InvalidArgumentError, "no column 'chrom'"),
        (lambda: window_stats(bam, 0), errors.InvalidArgumentError, "1 or more"),
        (lambda: quantize(bam, (3, 1)), errors.InvalidArgumentError, "increasing"),
        (lambda: quantize(bam, (0, 1), ["a"]), errors.InvalidArgumentError, "2 different strings"),
        (lambda: window_stats(bam, 10, max_memory=1000), errors.ResourceLimitError, "max_memory"),
    ]:
        with pytest.raises(kind, match=words):
            wrong()


@pytest.mark.parametrize(("size", "step"), [(1000, None), (777, 500), (1, 997), (100_000, None)])
def test_windows_equal_numpy(sample, depths, size, step):
    bam, _ = sample
    table = window_stats(bam, size, step, thresholds=THRESHOLDS, n_cores=2)
    places = [(name, at, min(at + size, n)) for name, n in LENGTHS.items() for at in range(0, n, step or size)]
    frame = table.to_pandas()
    assert list(frame[["chrom", "start", "end"]].itertuples(index=False, name=None)) == places
    assert_rows(frame, [plain(depths["bases"][name][start:end]) for name, start, end in places])
    part = window_stats(bam, size, step, "chr1:20001-20050", stats=["max"], thresholds=()).to_pandas()
    assert part["start"].tolist() == list(range(20_000, 20_050, step or size))
    assert part.columns.tolist() == ["chrom", "start", "end", "length", "max"]
    assert part["max"].iloc[0] == depths["bases"]["chr1"][20_000 : min(20_050, 20_000 + size)].max()


def test_a_table_that_is_computed_is_the_same_in_every_form(sample):
    """Whole, in batches, pickled, and at its ends."""
    table = window_stats(sample[0], 1, thresholds=(20,))
    frame = table.to_pandas()
    assert len(table) == len(frame) == sum(LENGTHS.values()) > 1 << 16
    assert table.categories == {"chrom": tuple(LENGTHS)}
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(table)).to_pandas(), frame)
    head, tail = (frame.iloc[rows].to_string(header=False).splitlines() for rows in (slice(5), slice(-5, None)))
    shown = [line.split() for line in repr(table).splitlines()]
    assert shown[2:7] + shown[8:] == [line.split() for line in head + tail]
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    assert pyarrow.table(table).column("mean").num_chunks == 2
    for made in (table.to_arrow().to_pandas(), polars.DataFrame(table).to_pandas()):
        for name in frame.columns:
            both = (
                np.asarray(column[name].astype(str) if name == "chrom" else column[name]) for column in (made, frame)
            )
            np.testing.assert_array_equal(*both)


def test_windows_of_a_whole_file_need_no_index(sample, tmp_path):
    bam = tmp_path / "bare.bam"
    bam.write_bytes(sample[0].read_bytes())
    pd.testing.assert_frame_equal(window_stats(bam, 777).to_pandas(), window_stats(sample[0], 777).to_pandas())
    with pytest.raises(errors.IndexMissingError):
        window_stats(bam, 777, regions="chr1")


def test_regions_that_overlap_have_windows_of_their_own(sample, depths):
    """Each region's windows begin at its start; the total has each position once."""
    table = window_stats(sample[0], 30, 40, ["chr1:20001-20100", "chr2", ("chr1", 20_051, 20_055)], stats=["mean"])
    frame = table.to_pandas()
    bounds = [("chr1", 20_000, 20_100), ("chr2", 0, 6_000), ("chr1", 20_050, 20_055)]
    places = [(name, at, min(at + 30, end)) for name, start, end in bounds for at in range(start, end, 40)]
    assert list(frame[["chrom", "start", "end"]].itertuples(index=False, name=None)) == places
    depth = depths["bases"]
    np.testing.assert_allclose(frame["mean"], [depth[name][start:end].mean() for name, start, end in places])
    covered = {name: np.zeros(length, bool) for name, length in LENGTHS.items()}
    for name, start, end in places:
        covered[name][start:end] = True
    union = np.concatenate([depth[name][covered[name]] for name in LENGTHS])
    assert table.summary() == {"rows": len(places), "length": len(union), "mean": pytest.approx(union.mean())}


@pytest.mark.parametrize("rules", ["depth", "bases", "mpileup"])
def test_distribution_counts_a_position_of_several_regions_once(sample, rules):
    regions = ["chr2:100-900", "chr1:1000-3000", "chr2:500-1500", "chr1:2000-2500", "chr2:100-900", "chr1:3001-3002"]
    table = distribution(sample[0], regions, rules=rules)
    merged = distribution(sample[0], ["chr2:100-1500", "chr1:1000-3002"], rules=rules)
    assert table.to_pandas().equals(merged.to_pandas())
    assert table.metadata["regions"] == [("chr2", 100, 1500), ("chr1", 1000, 3002)]
    assert table.metadata["reads"] == merged.metadata["reads"]
    alone = coverage(sample[0], "chr1:1000-3002", rules=rules).to_pandas()["depth"]
    frame = table.to_pandas()
    for depth, fraction in frame[frame["chrom"] == "chr1"][["depth", "fraction"]].itertuples(index=False):
        assert fraction == (alone >= depth).mean()


def test_distribution_is_the_part_at_each_depth_or_deeper(sample, depths):
    frame = distribution(sample[0], rules="depth").to_pandas()
    groups = {**depths["depth"], "total": np.concatenate(list(depths["depth"].values()))}
    assert list(dict.fromkeys(frame["chrom"])) == list(groups)
    for name, depth in groups.items():
        mine = frame[frame["chrom"] == name]
        assert mine["depth"].tolist() == sorted({0, *depth.tolist()}, reverse=True)
        np.testing.assert_allclose(mine["fraction"], [(depth >= d).mean() for d in mine["depth"]], rtol=1e-12)


def test_quantize_merges_what_is_alike(sample, depths):
    frame = quantize(sample[0], (1, 5, 20), rules="depth", n_cores=2).to_pandas()
    assert list(frame["label"].cat.categories) == ["1:5", "5:20", "20:inf"]
    for name, depth in depths["depth"].items():
        label = np.digitize(depth, (1, 5, 20))
        edges = np.flatnonzero(np.diff(label, prepend=-1, append=-1))
        wanted = [(a, b, ["", "1:5", "5:20", "20:inf"][label[a]]) for a, b in itertools.pairwise(edges) if label[a]]
        mine = frame[frame["chrom"] == name]
        assert list(mine[["start", "end", "label"]].itertuples(index=False, name=None)) == wanted


def clipped(runs, end: int) -> list[tuple]:
    return [(chrom, first, min(last, end), label) for chrom, first, last, label in runs if first < end]


@pytest.mark.usefixtures("other_peers")
@pytest.mark.parametrize(
    "file",
    ["sarscov2/subsample1.MN908947.3.bam", "bamtocov/input/phi/shotgun.bam", "mtb/tbprofiler.test.h37rv.bam"],
    ids=lambda file: file.split("/")[0],
)
def test_mosdepth_says_the_same_on_a_real_file(real_data, tmp_path, file):
    """Its regions, thresholds, distribution and quantized files."""
    bam = real_data / file
    name, _, length = coverage(bam).metadata["regions"][0]
    bed = tmp_path / "t.bed"
    rows = [(name, at, at + 400) for at in range(0, length - 400, 331)]
    bed.write_text("".join(f"{c}\t{s}\t{e}\tt{s}\n" for c, s, e in rows))
    other_tools.run(["mosdepth", "-b", bed, "-T", "1,20,300", "-q", "0:1:20:", tmp_path / "m", bam])
    with gzip.open(tmp_path / "m.regions.bed.gz", "rt") as lines:
        means = [float(line.split()[-1]) for line in lines]
    frame = target_stats(bam, bed, thresholds=(1, 20, 300), rules="mosdepth").to_pandas()
    np.testing.assert_allclose(frame["mean"], means, atol=0.005 + 1e-9)
    with gzip.open(tmp_path / "m.thresholds.bed.gz", "rt") as lines:
        reaching = [[int(n) for n in line.split()[4:]] for line in lines if not line.startswith("#")]
    got = frame[["pct_1x", "pct_20x", "pct_300x"]].to_numpy() * frame[["length"]].to_numpy() / 100
    assert np.rint(got).astype(int).tolist() == reaching
    with gzip.open(tmp_path / "m.quantized.bed.gz", "rt") as lines:
        theirs = [(chrom, int(start), int(end), label) for chrom, start, end, label in map(str.split, lines)]
    # mosdepth 0.3.3 puts the last position of a contig into the stretch before it, whatever its depth.
    ours = quantize(bam, (0, 1, 20), rules="mosdepth").to_pandas().itertuples(index=False, name=None)
    assert clipped(ours, length - 1) == clipped(theirs, length - 1)
    dist = distribution(bam, rules="mosdepth").to_pandas()
    lines = [line.split() for line in (tmp_path / "m.mosdepth.global.dist.txt").read_text().splitlines()]
    theirs = {(chrom, int(depth)): float(part) for chrom, depth, part in lines if chrom == name}
    ours = {(row.chrom, row.depth): row.fraction for row in dist[dist["chrom"] == name].itertuples()}
    for key in theirs.keys() & ours.keys():
        assert abs(theirs[key] - ours[key]) <= 0.005 + 1e-9, key
    assert len(theirs.keys() & ours.keys()) >= 3


@pytest.mark.parametrize(
    "asked", [{"thresholds": [1, 1]}, {"thresholds": ["0.9999999*mean", "1.0000001*mean"]}, {"stats": ["mean", "mean"]}]
)
def test_two_columns_of_one_name_are_refused(sample, asked):
    with pytest.raises(errors.InvalidArgumentError, match="two columns would be called"):
        window_stats(sample[0], 1_000, **asked)
