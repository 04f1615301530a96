"""`coverage` and `Table`: regions, runs, counts of reads, and columns that are never copied."""

import json
import pickle
import sys
import timeit

import numpy as np
import pandas as pd
import pytest

import fastcov
import simulate
from fastcov import FastcovWarning, Rules, compare, coverage, coverage_matrix, errors, get_coverage
from fastcov.errors import (
    InvalidArgumentError,
    ReferenceMismatchError,
    RegionError,
    ResourceLimitError,
    UnknownContigError,
)

NAMES = fastcov._fastcov.rule_names()
LENGTHS = {"chr1": 60_000, "chr2": 6_000}
REGIONS = [("chr1", 19_950, 20_070), ("chr2", 1, 300), ("chr1", 20_000, 20_010), ("chr1", 1, 1)]


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("rules", NAMES)
def test_depth_is_that_of_get_coverage_region_by_region(sample, rules):
    bam, ref = sample
    table = coverage(bam, REGIONS, rules=rules, ref=ref, n_cores=2)
    frames = [get_coverage(bam, *region, ref, rules=rules) for region in REGIONS]
    wanted = pd.concat(frames, ignore_index=True)
    frame = table.to_pandas()
    assert frame.columns.tolist() == ["chrom", "pos", "base", "depth"]
    assert frame["depth"].tolist() == wanted["coverage"].tolist()
    assert frame["pos"].tolist() == wanted["pos"].tolist()
    assert frame["base"].tolist() == wanted["base"].tolist()
    assert frame["chrom"].tolist() == wanted["chr"].tolist()
    assert table.metadata["regions"] == REGIONS


def test_whole_genome_has_every_contig_in_order(sample):
    bam, _ = sample
    table = coverage(bam)
    arrays = table.to_numpy()
    assert table.columns == ["chrom", "pos", "depth"]
    assert arrays["pos"].tolist() == [p for n in LENGTHS.values() for p in range(1, n + 1)]
    assert arrays["chrom"].tolist() == [i for i, n in enumerate(LENGTHS.values()) for _ in range(n)]
    assert {name: arrays[name].dtype.name for name in arrays} == {"chrom": "int8", "pos": "int64", "depth": "int32"}
    assert table.categories == {"chrom": ("chr1", "chr2")}
    wanted = [coverage(bam, name).to_numpy()["depth"] for name in LENGTHS]
    assert np.array_equal(arrays["depth"], np.concatenate(wanted))


@pytest.mark.parametrize("rules", ["bases", "mpileup", "genomecov"])
def test_runs_are_the_same_depths_as_long_as_they_can_be(sample, rules):
    bam, _ = sample
    for regions in (None, REGIONS, "chr1:44001-45000"):
        dense = coverage(bam, regions, rules=rules).to_numpy()["depth"]
        table = coverage(bam, regions, rules=rules, runs=True)
        arrays = table.to_numpy()
        assert table.columns == ["chrom", "start", "end", "depth"]
        lengths = arrays["end"] - arrays["start"]
        assert (lengths > 0).all()
        assert np.array_equal(np.repeat(arrays["depth"], lengths), dense)
        row = 0
        for chrom, start, end in table.metadata["regions"]:
            first = row
            at = start - 1
            while at < end:
                assert table.categories["chrom"][arrays["chrom"][row]] == chrom
                assert arrays["start"][row] == at
                assert row == first or arrays["depth"][row] != arrays["depth"][row - 1]
                at = arrays["end"][row]
                row += 1
            assert at == end
        assert row == len(table)


@pytest.mark.parametrize(
    ("regions", "wanted"),
    [
        ("chr2", [("chr2", 1, 6_000)]),
        ("chr2:5", [("chr2", 5, 6_000)]),
        ("chr2:-5", [("chr2", 1, 5)]),
        ("chr1:1,001-1,002", [("chr1", 1_001, 1_002)]),
        (("chr1", 5, 6), [("chr1", 5, 6)]),
        (("chr1", np.int64(5), np.int32(6)), [("chr1", 5, 6)]),
        (["chr2:1-1", ("chr1", 5, 6), ["chr1", 7, 7]], [("chr2", 1, 1), ("chr1", 5, 6), ("chr1", 7, 7)]),
        (("chr1:1-2", "chr2:3-4", "chr1:5-6"), [("chr1", 1, 2), ("chr2", 3, 4), ("chr1", 5, 6)]),
        ((f"chr1:{i}-{i}" for i in (3, 1)), [("chr1", 3, 3), ("chr1", 1, 1)]),
        ([], []),
    ],
    ids=str,
)
def test_regions_in_any_container(sample, regions, wanted):
    for runs in (False, True):
        regions = list(regions) if not isinstance(regions, (str, tuple, list)) else regions
        table = coverage(sample[0], regions, runs=runs)
        assert table.metadata["regions"] == wanted
        positions = sum(end - start + 1 for _, start, end in wanted)
        arrays = table.to_numpy()
        assert positions == ((arrays["end"] - arrays["start"]).sum() if runs else len(table))


@pytest.mark.parametrize(
    ("regions", "error", "says"),
    [
        ("chr3", UnknownContigError, "chr3"),
        ("chr1:x", RegionError, "chr1:x.*no valid positions"),
        ("", RegionError, "is empty"),
        (["chr1:1-2", "chr1:20-10"], RegionError, "20 is after end 10"),
        (("chr1", 0, 10), RegionError, "start 0 is below 1"),
        ("chr2:6001-7000", RegionError, "starts past the end"),
        (("chr1", 1), TypeError, r"regions must hold a region string or a tuple"),
        (("chr1", 1, "x"), TypeError, "end in regions must be an integer, not str"),
        (("chr1", 1, 2.0), TypeError, "end in regions must be an integer, not float"),
        (5, TypeError, "regions must be a region string or a tuple"),
        ({"chr1": 1}, TypeError, "not dict"),
        ([5], TypeError, "not 5"),
    ],
    ids=str,
)
def test_regions_that_cannot_be_read(sample, regions, error, says):
    with pytest.raises(error, match=says):
        coverage(sample[0], regions)


def test_end_past_the_contig_is_cut_with_a_warning(sample):
    with pytest.warns(FastcovWarning, match="chr2:5990-9999 ends past the contig") as caught:
        table = coverage(sample[0], "chr2:5990-9999")
    assert caught[0].filename == __file__
    assert table.metadata["regions"] == [("chr2", 5_990, 6_000)]
    assert len(table) == 11


def test_arguments_are_checked(sample, tmp_path):
    bam, ref = sample
    with pytest.raises(TypeError, match="coverage got an unexpected keyword argument 'min_mapp'; did you mean"):
        coverage(bam, min_mapp=3)
    with pytest.raises(TypeError, match="rules must be a Rules or the name of a tool, not int"):
        coverage(bam, rules=3)
    with pytest.raises(InvalidArgumentError, match="nope"):
        coverage(bam, rules="nope")
    with pytest.raises(TypeError, match="runs must be True or False"):
        coverage(bam, runs=1)
    with pytest.raises(InvalidArgumentError, match=r"min_baseq.*mosdepth"):
        coverage(bam, rules="mosdepth", min_baseq=3)
    with pytest.raises(ResourceLimitError, match=r"858000 bytes.*allows 857999"):
        coverage(bam, max_memory=857_999)
    with pytest.raises(ResourceLimitError):
        coverage(bam, runs=True, max_memory=4 * 66_000 + 21)
    with pytest.raises(errors.TimeoutError):
        coverage(bam, rules="mpileup", ref=ref, timeout=1e-9)
    other = tmp_path / "other.fa"
    other.write_text(">chr1\nACGT\n>chr2\nACGT\n")
    with pytest.raises(ReferenceMismatchError):
        coverage(bam, ref=other)
    assert len(coverage(bam, max_memory=858_000)) == 66_000


def test_threads_do_not_change_the_table(sample):
    bam, ref = sample
    one = coverage(bam, ref=ref, rules="mpileup", n_cores=1)
    assert coverage(bam, ref=ref, rules="mpileup", n_cores=2).to_pandas().equals(one.to_pandas())


@pytest.mark.parametrize("runs", [False, True])
def test_numpy_and_pandas_are_read_only_views(sample, runs):
    bam, ref = sample
    table = coverage(bam, "chr1", ref=ref, runs=runs)
    arrays, frame = table.to_numpy(), table.to_pandas()
    for name, array in arrays.items():
        assert not array.flags.writeable
        assert address(array) == address(table.to_numpy()[name])
        column = frame[name].array.codes if name in table.categories else frame[name].to_numpy()
        assert address(column) == address(array), name
        assert not column.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        frame["depth"].to_numpy()[0] = 1
    # A frame outlives its table.
    wanted = arrays["depth"].copy()
    del table, arrays
    assert np.array_equal(frame["depth"], wanted)
    frame["twice"] = frame["depth"] * 2
    assert isinstance(frame.index, pd.RangeIndex)


def test_copies_can_be_written_to(sample):
    table = coverage(sample[0], "chr1", ref=sample[1])
    frame = table.to_pandas(copy=True)
    assert frame.equals(table.to_pandas())
    frame.loc[0, "depth"] = 77
    frame.loc[0, "base"] = "N"
    assert table.to_numpy()["depth"][0] != 77
    assert frame.attrs["fastcov"] == {**table.metadata, "regions": 1}


def test_polars(sample):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    table = coverage(sample[0], REGIONS, ref=sample[1])
    frame = table.to_polars()
    assert frame.schema["pos"] == polars.Int64
    assert frame.schema["depth"] == polars.Int32
    assert frame["chrom"].cast(polars.String).to_list() == table.to_pandas()["chrom"].tolist()
    assert frame["base"].cast(polars.String).to_list() == table.to_pandas()["base"].tolist()
    for name in ("pos", "depth"):
        view = frame[name].to_numpy(allow_copy=False)
        assert address(view) == address(table.to_numpy()[name])


def test_pyarrow(sample):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = coverage(sample[0], REGIONS, ref=sample[1])
    for _ in range(2):  # the stream can be had again and again
        arrow = table.to_arrow()
        arrow.validate(full=True)
        assert arrow.num_rows == len(table)
    assert arrow.schema == pyarrow.schema(table)
    assert arrow.schema.field("chrom").type == pyarrow.dictionary(pyarrow.int8(), pyarrow.string())
    assert arrow["depth"].chunk(0).buffers()[1].address == address(table.to_numpy()["depth"])
    assert arrow["chrom"].to_pylist() == table.to_pandas()["chrom"].tolist()
    wide = arrow.schema.set(3, pyarrow.field("depth", pyarrow.int64()))
    assert pyarrow.RecordBatchReader.from_stream(table, wide).read_all()["depth"].type == pyarrow.int64()
    # What Arrow holds outlives the table.
    wanted = table.to_numpy()["depth"].tolist()
    del table
    assert arrow["depth"].to_pylist() == wanted


@pytest.mark.parametrize(("method", "package"), [("to_polars", "polars"), ("to_arrow", "pyarrow")])
def test_a_missing_package_is_named(sample, monkeypatch, method, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"{method}\(\) needs {package}.*pip install"):
        getattr(coverage(sample[0], "chr2"), method)()


def test_pickle(sample):
    for table in (
        coverage(sample[0], REGIONS, ref=sample[1]),
        coverage(sample[0], "chr2", runs=True),
        coverage(sample[0], []),
    ):
        other = pickle.loads(pickle.dumps(table))
        assert other.to_pandas().equals(table.to_pandas())
        assert other.metadata == table.metadata
        assert other.columns == table.columns


def test_repr_shows_both_ends(sample):
    table = coverage(sample[0], "chr1:20001-20100", rules="depth")
    text = repr(table)
    assert text.startswith("fastcov.Table: samtools depth -a 1.24, 100 rows\n")
    assert len(text.splitlines()) == 1 + 1 + 5 + 1 + 5
    assert "20001" in text
    assert "20100" in text
    html = table._repr_html_()
    assert html.count("<tr") == html.count("</tr>") == 12
    assert "…" in html
    assert coverage(sample[0], "chr1:1-3")._repr_html_().count("<tr") == 4
    assert "0 rows" in repr(coverage(sample[0], []))


def test_plot_of_one_region_of_many(sample, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    for runs in (False, True):
        table = coverage(sample[0], REGIONS, runs=runs)
        with pytest.raises(ValueError, match="4 regions"):
            table.plot()
        ax = table.plot(2, path=tmp_path / "a.png")
        (line,) = ax.get_lines()
        wanted = coverage(sample[0], REGIONS[2]).to_numpy()["depth"].tolist()
        assert line.get_ydata().tolist() == [*wanted, wanted[-1]]
        assert ax.get_title() == "chr1:20000-20010"
    assert (tmp_path / "a.png").stat().st_size > 1_000


def test_metadata_says_what_the_numbers_are(sample):
    bam, ref = sample
    about = coverage(bam, "chr2", rules="mpileup", ref=ref, min_mapq=7).metadata
    assert Rules(**about["rules"]) == Rules.mpileup(min_mapq=7)
    assert (about["tool"], about["baq"], about["version"]) == ("samtools mpileup 1.24", True, fastcov.__version__)
    assert coverage(bam, "chr2", rules="mpileup").metadata["baq"] is False


@pytest.mark.filterwarnings("ignore:.*max_depth:fastcov.FastcovWarning")
@pytest.mark.parametrize(
    "rules",
    [
        *(Rules(name) for name in NAMES),
        Rules.mpileup(min_mapq=20),
        Rules.mpileup(max_depth=10),
        Rules.pileup("nofilter"),
        Rules.bases(require_flags=0x2, min_mapq=30, orphans=False),
    ],
    ids=str,
)
def test_reads_seen_used_and_dropped_equal_a_plain_loop(sample, rules):
    pysam = pytest.importorskip("pysam", reason="pysam is not installed")
    bam, _ = sample
    excluded = rules.exclude_flags | fastcov._fastcov.always_excluded(rules.name)
    for chrom, start, end in [("chr1", 1, 60_000), ("chr2", 1, 6_000), ("chr1", 19_950, 20_070)]:
        filters = ["excluded_flags", "missing_flags", "low_mapq", "orphans", "capped", "skipped"]
        others = ["other_read_groups", "other_strand", "read_length", "fragment_length"]
        wanted = dict.fromkeys(["seen", "used", *filters, *others], 0)
        with pysam.AlignmentFile(bam) as file:
            for read in file.fetch(chrom, start - 1, end):
                wanted["seen"] += 1
                if read.flag & excluded:
                    wanted["excluded_flags"] += 1
                elif read.flag & rules.require_flags != rules.require_flags:
                    wanted["missing_flags"] += 1
                elif read.mapping_quality < rules.min_mapq:
                    wanted["low_mapq"] += 1
                elif not rules.orphans and read.is_paired and not read.is_proper_pair:
                    wanted["orphans"] += 1
                else:
                    wanted["used"] += 1
        got = coverage(bam, (chrom, start, end), rules=rules).metadata["reads"]
        if rules.max_depth == 10:
            assert got["capped"] > 0
        # Only the engine knows which reads the cap drops; it comes last.
        wanted["used"] -= got["capped"]
        wanted["capped"] = got["capped"]
        assert got == wanted


@pytest.fixture
def many_contigs(tmp_path):
    return simulate.write_bam(tmp_path / "many.bam", {f"contig_{i}": 10 for i in range(5_000)}, [])


def test_what_rides_on_a_frame_does_not_grow_with_the_request(sample, many_contigs):
    """Pandas copies attrs in every operation and writes them into Parquet, so they hold no list of regions."""
    few = coverage(sample[0], "chr1:1-5")
    many = coverage(sample[0], [("chr1", i * 5 + 1, i * 5 + 4) for i in range(10_000)])
    contigs = coverage(many_contigs)
    assert [len(table.metadata["regions"]) for table in (few, many, contigs)] == [1, 10_000, 5_000]
    sizes = []
    for table in (few, many, contigs):
        attrs = table.to_pandas().attrs["fastcov"]
        assert attrs == {**table.metadata, "regions": len(table.metadata["regions"])}
        sizes.append(len(json.dumps({**attrs, "file": ""})))
    assert max(sizes) - min(sizes) < 30
    assert max(sizes) < 1_500
    assert get_coverage(sample[0], "chr1", 1, 5).attrs["fastcov"]["regions"] == 1


def test_touching_a_column_does_not_take_longer_with_many_regions(sample):
    def seconds(frame):
        return min(timeit.repeat(lambda: frame["depth"], number=20, repeat=5))

    one = coverage(sample[0], "chr1:1-40000").to_pandas()
    many = coverage(sample[0], [("chr1", i * 4 + 1, i * 4 + 4) for i in range(10_000)]).to_pandas()
    assert len(one) == len(many)
    # Two hundred times as long where the regions are copied.
    assert seconds(many) < 10 * seconds(one)


def test_comparison_and_matrix_frames_are_small_too(sample):
    table = compare(sample[0], "chr1:1-5", rules=["depth", "bases"])
    attrs = table.to_pandas().attrs["fastcov"]
    assert attrs["regions"] == 1
    assert attrs["rules"] == {name: table.metadata["rules"][name]["rules"] for name in ("depth", "bases")}
    matrix = coverage_matrix([sample[0], sample[0]], ["chr1:1-5", "chr2"], names=["a", "b"])
    assert matrix.metadata["file"] == [str(sample[0])] * 2
    assert matrix.to_pandas().attrs["fastcov"] == {**matrix.metadata, "regions": 2}


def test_parquet_and_arrow_metadata_are_small(sample, tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = coverage(sample[0], [("chr1", i * 5 + 1, i * 5 + 4) for i in range(2_000)])
    about = json.loads(table.to_arrow().schema.metadata[b"fastcov"])
    assert (about["regions"], about["file"], about["rules"]["name"]) == (2_000, str(sample[0]), "bases")
    table.to_pandas().to_parquet(tmp_path / "x.parquet")
    metadata = pyarrow.parquet.read_schema(tmp_path / "x.parquet").metadata
    assert sum(len(value) for value in metadata.values()) < 5_000
    assert pd.read_parquet(tmp_path / "x.parquet").attrs["fastcov"]["regions"] == 2_000
