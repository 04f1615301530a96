"""What errors say, word by word: the argument, what was given, and what to give instead."""

import contextlib
import re
import warnings

import pandas as pd
import pysam
import pytest

import fastcov
from fastcov import FastcovWarning, errors
from simulate import Record, cigar, write_bam

TEXT = """@HD\tVN:1.6\tSO:coordinate
@SQ\tSN:chr1\tLN:400
@SQ\tSN:chr1:1-10\tLN:50
@RG\tID:lane1\tSM:NA12878
@RG\tID:lane2\tSM:NA12878
@RG\tID:lane3
r\t0\tchr1\t11\t60\t4M\t*\t0\t0\tACGT\tIIII
"""
UNALIGNED = "@HD\tVN:1.6\tSO:unknown\nx\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\n"


def bam_of(text, name):
    with open(f"{name}.sam", "w") as file:
        file.write(text)
    pysam.view("--no-PG", "-b", "-o", name, f"{name}.sam", catch_stdout=False)
    return name


@pytest.fixture
def bam(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = bam_of(TEXT, "a.bam")
    pysam.index(name)
    return name


@pytest.fixture
def unaligned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return bam_of(UNALIGNED, "u.bam")


@contextlib.contextmanager
def says(kind, words):
    with pytest.raises(kind) as caught:
        yield
    assert str(caught.value) == words


def test_a_name_that_is_also_a_region_is_written_with_braces(bam):
    with says(
        errors.RegionError,
        "a.bam: region 'chr1:1-10' is both a contig and positions of contig 'chr1': "
        "write '{chr1:1-10}' for the contig, or '{chr1}:1-10' for the positions",
    ):
        fastcov.coverage(bam, "chr1:1-10")
    assert fastcov.coverage(bam, "{chr1:1-10}").metadata["regions"] == [("chr1:1-10", 1, 50)]
    assert fastcov.coverage(bam, "{chr1}:1-10").metadata["regions"] == [("chr1", 1, 10)]


def test_a_sample_is_no_read_group(bam):
    with says(
        errors.InvalidArgumentError,
        "a.bam: 'NA12878' is a sample (SM), not a read group (ID): give its read groups: "
        "read_groups=['lane1', 'lane2']",
    ):
        fastcov.coverage(bam, read_groups="NA12878")
    assert len(fastcov.coverage(bam, read_groups=["lane1", "lane2"])) == 450
    with pytest.raises(errors.InvalidArgumentError, match=r"read group 'lane4' is not in the header .*did you mean"):
        fastcov.coverage(bam, read_groups="lane4")


def test_a_contig_of_length_0(tmp_path):
    name = str(write_bam(tmp_path / "z.bam", {"c": 10, "none": 0}, [Record("r", 0, 2, 60, cigar("4M"), "ACGT", None)]))
    words = f"{name}: contig 'none' has length 0: it has no position to count: leave it out"
    for call in (lambda: fastcov.coverage(name, "none"), lambda: fastcov.get_coverage(name, "none", 1, 1)):
        with says(errors.RegionError, words):
            call()
    assert len(fastcov.coverage(name)) == 10


@pytest.mark.parametrize(
    "call",
    [
        lambda bam: fastcov.coverage(bam, "chr1"),
        lambda bam: fastcov.get_coverage(bam, "chr1", 1, 10),
        lambda bam: fastcov.iter_coverage(bam, "chr1"),
        lambda bam: fastcov.base_counts(bam, "chr1"),
        lambda bam: fastcov.target_stats(bam, [("chr1", 0, 10)]),
        lambda bam: fastcov.window_stats(bam, 10, regions="chr1"),
        lambda bam: fastcov.distribution(bam, "chr1"),
        lambda bam: fastcov.quantize(bam, (0, 1), regions="chr1"),
        lambda bam: fastcov.coverage_matrix([bam]),
        lambda bam: fastcov.compare(bam, "chr1"),
    ],
)
def test_places_in_a_file_that_is_not_aligned(unaligned, call):
    with says(
        errors.UnsupportedFormatError,
        "u.bam: the file has no contigs: it is not aligned: align its reads to a reference first, or use flag_summary, "
        "which counts reads without a place",
    ):
        call(unaligned)


@pytest.mark.parametrize(
    "call",
    [
        fastcov.coverage,
        fastcov.iter_coverage,
        fastcov.base_counts,
        lambda bam: fastcov.window_stats(bam, 10),
        fastcov.distribution,
        lambda bam: fastcov.quantize(bam, (0, 1)),
        fastcov.insert_sizes,
    ],
)
def test_the_whole_of_a_file_that_is_not_aligned_is_empty_with_a_warning(unaligned, call):
    """Samtools prints nothing and says nothing."""
    with pytest.warns(FastcovWarning) as caught:
        result = call(unaligned)
    assert (sum(map(len, result)) if isinstance(result, fastcov.CoverageStream) else len(result)) == 0
    assert [str(each.message) for each in caught] == ["u.bam: the file has no contigs: it is not aligned"]


def test_what_needs_no_place_is_counted_in_a_file_that_is_not_aligned(unaligned):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fastcov.flag_summary(unaligned).to_numpy()["passed"][0] == 1
    words = re.escape("u.bam: the file has no contigs: it is not aligned")
    with pytest.warns(FastcovWarning, match=f"^{words}$"):
        assert fastcov.qc(unaligned).summary()["records"] == 1


def test_an_open_file_or_several_are_no_path(bam):
    words = "bam must be a path (str or os.PathLike), not {}"
    an_open_file = "{}; give the path of the open file, 'a.bam'"
    with pysam.AlignmentFile(bam) as file, says(TypeError, words.format(an_open_file.format("AlignmentFile"))):
        fastcov.coverage(file)
    with open(bam, "rb") as file, says(TypeError, words.format(an_open_file.format("BufferedReader"))):
        fastcov.coverage(file)
    with says(TypeError, words.format("list; give one file, or see coverage_matrix for several")):
        fastcov.coverage([bam, bam])


def test_a_missing_file_says_where_it_was_looked_for(bam, tmp_path):
    missing = "No such file or directory (os error 2)"
    with says(errors.FileMissingError, f"no.bam: {missing}: it was looked for in {tmp_path}"):
        fastcov.coverage("no.bam")
    with says(errors.FileMissingError, f"data/no.bam: {missing}: the folder {tmp_path}/data does not exist"):
        fastcov.coverage("data/no.bam")
    with says(errors.FileMissingError, f"{tmp_path}/no.bam: {missing}"):
        fastcov.coverage(tmp_path / "no.bam")
    with says(errors.FileMissingError, f"no.fa: {missing}: it was looked for in {tmp_path}"):
        fastcov.coverage(bam, ref="no.fa")


def test_a_tilde_is_the_home_folder(bam, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    for end in ("", ".bai"):
        (home / f"b.bam{end}").write_bytes((tmp_path / f"a.bam{end}").read_bytes())
    monkeypatch.setenv("HOME", str(home))
    table = fastcov.coverage("~/b.bam", "{chr1}:11-14", index="~/b.bam.bai")
    assert table.to_numpy()["depth"].tolist() == [1, 1, 1, 1]
    assert table.metadata["file"] == str(home / "b.bam")
    # A file that is really called so comes first.
    (tmp_path / "~").mkdir()
    (tmp_path / "~" / "b.bam").write_bytes(b"no BAM")
    with pytest.raises(errors.FastcovError, match=r"^~/b\.bam: "):
        fastcov.coverage("~/b.bam")


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        ("20x", "write 20 for a depth, or '20*mean' for 20 times the mean"),
        ("1X", "write 1 for a depth, or '1*mean' for 1 times the mean"),
        ("0.2x", "write '0.2*mean' for 0.2 times the mean"),
        ("20", "write 20 for a depth, or '20*mean' for 20 times the mean"),
        ("0*mean", "write an integer, or a multiple of the mean like '0.2*mean'"),
        ("infx", "write an integer, or a multiple of the mean like '0.2*mean'"),
        ("deep", "write an integer, or a multiple of the mean like '0.2*mean'"),
    ],
)
def test_a_threshold_that_can_be_read_in_two_ways(threshold, words):
    with says(errors.InvalidArgumentError, f"thresholds: {threshold!r} is not a depth: {words}"):
        fastcov.target_stats("x.bam", [("chr1", 0, 3)], thresholds=(threshold,))


def test_a_threshold_of_the_mean_may_have_spaces(bam):
    table = fastcov.target_stats(bam, [("chr1", 8, 18)], thresholds=("0.5 * mean", "3*mean"), stats="pct")
    assert table.to_pandas()[["pct_0.5x_mean", "pct_3x_mean"]].to_numpy().tolist() == [[40.0, 0.0]]


def test_a_frame_is_no_region(bam):
    frame = pd.DataFrame({"chrom": ["chr1"], "start": [10], "end": [14]})
    with says(
        TypeError,
        "regions takes a region string or a tuple (chrom, start, end), 1-based and inclusive, or a list of those, "
        "not a frame: give BED intervals to target_stats(bed=…), or "
        "list(zip(frame.chrom, frame.start + 1, frame.end)) here",
    ):
        fastcov.coverage(bam, frame)
    table = fastcov.coverage(bam, zip(frame.chrom, frame.start + 1, frame.end, strict=True))
    assert table.to_numpy()["depth"].tolist() == [1, 1, 1, 1]


def test_a_read_only_frame_and_its_remedies(bam):
    table = fastcov.coverage(bam, "{chr1}:10-12")
    read_only = table.to_pandas()
    with says(ValueError, "assignment destination is read-only"):
        read_only.loc[0, "depth"] = 5
    # The docstring has these words and these remedies.
    assert "assignment destination is read-only" in fastcov.Table.to_pandas.__doc__
    frame = table.to_pandas()
    frame["depth"] = frame["depth"].clip(upper=0)
    copies = [table.to_pandas(copy=True), table.to_pandas().copy()]
    for each in copies:
        each.loc[0, "depth"] = 5
    assert [each["depth"].tolist() for each in [*copies, frame, table.to_pandas()]] == [
        [5, 1, 1],
        [5, 1, 1],
        [0, 0, 0],
        [0, 1, 1],
    ]
