"""Targets as people have them: text of many editors and tools, frames of other libraries, tables of fastcov."""

import bz2
import gzip
import io
import lzma
import os
import re
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcov
from fastcov import _fastcov, errors, target_stats


def named(sample, bed) -> list[tuple]:
    """The rows of a table of targets."""
    table = target_stats(sample[0], bed, stats=["max"], thresholds=()).to_pandas()
    columns = [name for name in ("chrom", "start", "end", "name") if name in table]
    return list(table[columns].itertuples(index=False, name=None))


@pytest.fixture
def write(tmp_path):
    def of(content: bytes, name: str = "targets.bed"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return of


# Text


@pytest.mark.parametrize("which", [1, 2])
def test_a_number_of_thousands_of_digits_is_refused_by_line(sample, write, which):
    fields = ["chr1", "0", "10"]
    fields[which] = "9" * 5_000
    bed = write(("chr1\t0\t10\n" + "\t".join(fields) + "\n").encode())
    with pytest.raises(errors.CorruptFileError, match="line 2") as caught:
        target_stats(sample[0], bed)
    assert caught.value.record == 2
    assert len(str(caught.value)) < 500


def test_leading_zeros_are_no_digits_too_many(sample, write):
    bed = write(b"chr1\t" + b"0" * 5_000 + b"\t" + b"0" * 5_000 + b"10\n")
    assert named(sample, bed) == [("chr1", 0, 10)]


def test_a_separator_sign_beside_a_number_is_white_space(sample, write):
    assert named(sample, write(b"chr1\t\x1c1\t10\n")) == [("chr1", 1, 10)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_end_in_three_ways_behind_a_mark_or_none(sample, write, end, mark, pack):
    """A file of an old Mac lost all rows but the first, one of Windows' Notepad had an unknown contig."""
    lines = ["chr1\t0\t50\texon1", "chr1\t100\t140\texon2", "chr2\t20\t25\texon3"]
    wanted = [("chr1", 0, 50, "exon1"), ("chr1", 100, 140, "exon2"), ("chr2", 20, 25, "exon3")]
    for last in ("", end):
        assert named(sample, write(pack(mark + (end.join(lines) + last).encode()))) == wanted
    assert named(sample, write(pack(mark + (lines[0] + "\r" + lines[1] + "\n" + lines[2] + end).encode()))) == wanted


def test_lines_that_are_no_target_are_counted(sample, write):
    text = (
        b"browser position chr1\ntrack\ntrack name=x\n#chrom\tstart\n\n \nchrom start end\nchr1\t0\t9\n#\nchr1 9 10\n"
    )
    bed = write(text)
    for result in (target_stats(sample[0], bed), fastcov.qc(sample[0], bed)):
        assert result.metadata["bed"] == {"path": str(bed), "targets": 2, "skipped_lines": 8}
    about = target_stats(sample[0], [("chr1", 0, 5)]).metadata["bed"]
    assert about == {"path": None, "targets": 1, "skipped_lines": 0}
    assert "bed" not in fastcov.qc(sample[0]).metadata


@pytest.mark.parametrize(
    "head", ["chrom start end", "chr\tstart\tend\tname", "Chromosome Start End", "chrom\tchromStart\tchromEnd"]
)
def test_names_of_columns_are_skipped_in_front(sample, write, head):
    assert named(sample, write(f"{head}\nchr1\t0\t5\n".encode())) == [("chr1", 0, 5)]
    with pytest.raises(errors.CorruptFileError, match=r"targets\.bed: line 2: "):
        target_stats(sample[0], write(f"chr1\t0\t5\n{head}\n".encode()))


@pytest.mark.parametrize("contig", ["track1", "browserX", "track", "browser"])
def test_a_contig_called_like_a_word_of_browsers_is_not_lost(sample, write, contig):
    with pytest.raises(errors.UnknownContigError, match=rf"targets\.bed: line 2: contig '{contig}'"):
        target_stats(sample[0], write(f"chr1\t0\t5\n{contig}\t0\t5\n".encode()))


@pytest.mark.parametrize("number", ["1,000", "100.0", "+5", "-5", "1e+05", "", "0x10"])
def test_numbers_that_are_none_are_named(sample, write, number):
    with pytest.raises(errors.CorruptFileError, match="line 2: end " + re.escape(f"'{number}' is not a whole")):
        target_stats(sample[0], write(f"chr1\t0\t5\nchr1\t0\t{number}\n".encode()))


def test_a_contig_that_is_unknown_is_named_with_its_file_and_line(sample, write):
    bed = write(b"#\nchr1\t0\t5\nchr1\t0\t5\n1\t0\t5\n1\t7\t9\n")
    with pytest.raises(errors.UnknownContigError) as caught:
        target_stats(sample[0], bed)
    assert str(caught.value).startswith(f"{bed}: line 4: contig '1' is not in the header of {sample[0]} (")
    assert "did you mean 'chr1'" in str(caught.value)
    assert (caught.value.path, caught.value.record, caught.value.contig) == (str(bed), 4, "1")
    for rows in ([("chr1", 0, 5), ("1", 0, 5)], pd.DataFrame({"chrom": ["chr1", 1], "start": 0, "end": 5})):
        with pytest.raises(errors.UnknownContigError, match=r"^row 1 of bed: contig '1' is not in the header of"):
            target_stats(sample[0], rows)


def test_names_that_are_no_utf8_stay_apart(sample, write):
    bed = write(b"chr1\t0\t5\t\xff\nchr1\t0\t5\t\xfe\nchr1\t5\t6\t\xff\n")
    assert [row[3] for row in named(sample, bed)] == [r"\xff", r"\xfe", r"\xff"]
    assert target_stats(sample[0], bed, by="name").to_pandas()["targets"].tolist() == [2, 1]


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "x")
    return file.getvalue()


TEXT = b"chr1\t0\t5\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(), "a zip archive or an Excel workbook.*save the sheet as text"),
        (lzma.compress(TEXT), "compressed with xz.*decompress it"),
        (bz2.compress(TEXT), "compressed with bzip2"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "compressed with zstd"),
        (TEXT.decode().encode("utf-16"), "UTF-16.*iconv"),
        (TEXT.decode().encode("utf-16-be"), "UTF-16BE"),
        (TEXT.decode().encode("utf-32"), "UTF-32"),
        (TEXT.decode().encode("utf-32-le"), "UTF-32LE"),
        (gzip.compress(b"BAM\x01\0\0\0\0"), "a BAM file"),
        (b"CRAM\x03\x00", "a CRAM file"),
        (b"\xeb\xf2\x89\x87\x04\x00", "bigBedToBed"),
        (b"\x26\xfc\x8f\x88\x04\x00", "bigWigToBedGraph"),
        (b"##fileformat=VCFv4.2\n", "a VCF file.*bcftools query"),
        (b"##gff-version 3\n", "a GFF file.*1-based"),
        (b"<!DOCTYPE html>\n", "HTML"),
        (b"@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:5\nchr1\t1\t5\t+\tx\n", "interval list of Picard.*1-based"),
        (b"@SQ\tSN:chr1\tLN:5\n", "interval list of Picard"),
        (b"\x6c\x1b\x01\x00", "PLINK"),
        (b"seqnames start end\nchr1 1 5\n", "line 1: 'seqnames' is a column of GFF and GRanges"),
    ],
)
def test_other_formats_are_named_with_the_remedy(sample, write, content, words):
    for bed in [write(content), *([] if content[:2] == b"\x1f\x8b" else [write(gzip.compress(content), "x.bed.gz")])]:
        with pytest.raises(errors.UnsupportedFormatError, match=words) as caught:
            target_stats(sample[0], bed)
        assert caught.value.hint in str(caught.value)


def test_a_gtf_without_its_head_is_named_by_line(sample, write):
    bed = write(b'chr1\tx\tgene\t1\t9\t.\t+\t.\tgene_id "a";\n')
    with pytest.raises(errors.CorruptFileError, match=r"line 1: start 'x' .* looks like GFF or GTF"):
        target_stats(sample[0], bed)


def test_every_member_of_a_gzip_file_is_read_and_damage_is_an_error(sample, write):
    one, two = gzip.compress(b"chr1\t0\t5\n"), gzip.compress(b"chr1\t5\t7\n")
    assert named(sample, write(one + two)) == [("chr1", 0, 5), ("chr1", 5, 7)]
    flipped = bytearray(one)
    flipped[-5] ^= 1
    with pytest.raises(errors.CorruptFileError, match=r"targets\.bed: the gzip data is damaged"):
        target_stats(sample[0], write(bytes(flipped)))
    for cut in (one[:-3], one + two[:15]):
        with pytest.raises(errors.TruncatedFileError, match="cut short"):
            target_stats(sample[0], write(cut))
    with pytest.raises(errors.CorruptFileError, match="other bytes follow"):
        target_stats(sample[0], write(one + TEXT))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("compressed", [False, True])
def test_a_bed_may_be_a_pipe(sample, tmp_path, compressed):
    """As a shell makes one of ``<(grep ...)``; it can be read once, and not from its begin again."""
    text = b"chr1\t0\t10\nchr1\t20\t40\n"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(gzip.compress(text) if compressed else text,))
    writer.start()
    table = target_stats(sample[0], pipe).to_pandas()
    writer.join()
    assert table.end.tolist() == [10, 40]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_without_a_writer_is_given_up_in_time(sample, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(errors.TimeoutError):
        target_stats(sample[0], tmp_path / "pipe", timeout=0.3)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_without_lines_is_given_up(sample, write, compressed):
    """It would fill the memory: 100 MB here, without an end from a device."""
    bed = write(gzip.compress(bytes(100_000_000), 1) if compressed else bytes(100_000_000))
    with pytest.raises(errors.CorruptFileError, match="line 1: more than 1048576 bytes"):
        target_stats(sample[0], bed)


def test_every_line_of_real_files_is_a_target_or_an_error_or_skipped(real_data):
    """Files with the ending of BED; what they hold is told by a plain reading of their lines."""
    tried = {"read": 0, "line": 0, "format": 0}
    for path in sorted([*real_data.rglob("*.bed"), *real_data.rglob("*.bed.gz")]):
        content = path.read_bytes()
        lines = (gzip.decompress(content) if path.suffix == ".gz" else content).split(b"\n")
        rows = [line for line in lines if line.strip() and not re.match(rb"#|track\b|browser\b", line)]
        # Where there are tabs, they alone separate.
        interval = {True: rb"[^\t]+\t\d+\t\d+\s*(\t|$)", False: rb"\S+\s+\d+\s+\d+(\s|$)"}
        intervals = [row for row in rows if re.match(interval[b"\t" in row], row)]
        if content.startswith(b"\x6c\x1b\x01"):
            with pytest.raises(errors.UnsupportedFormatError):
                _fastcov.read_bed(str(path))
            tried["format"] += 1
        elif len(intervals) < len(rows):
            with pytest.raises(errors.CorruptFileError) as caught:
                _fastcov.read_bed(str(path))
            assert lines[caught.value.record - 1] == next(row for row in rows if row not in intervals), path
            tried["line"] += 1
        else:
            assert len(_fastcov.read_bed(str(path))) == len(rows), path
            tried["read"] += 1
    assert min(tried.values()) > 2, tried


# Rows and frames


ROWS = [("chr1", 20_000, 20_010, "one"), ("chr2", 0, 50, "two"), ("chr1", 7, 9, "one")]
NAMES = ["chrom", "start", "end", "name"]


def frames(rows, names=NAMES) -> dict:
    """The same rows in every kind of frame."""
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    frame = pd.DataFrame(rows, columns=names)
    contigs = frame.astype({names[0]: "category"})
    table = pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})
    kinds = {
        "pandas": frame,
        "pandas, categories": contigs,
        "pandas, another index": frame.set_index(pd.Index([5, 5, 1][: len(rows)] if len(rows) == 3 else frame.index)),
        "pandas, small integers": frame.astype({names[1]: np.int32, names[2]: np.uint16}),
        "pandas, nullable": frame.convert_dtypes(),
        "pandas, pyarrow": frame.convert_dtypes(dtype_backend="pyarrow"),
        "polars": pl.DataFrame(frame.to_dict("list")),
        "polars, categories": pl.DataFrame(frame.to_dict("list")).cast({names[0]: pl.Categorical, names[1]: pl.Int32}),
        "polars, chunks": pl.concat([pl.DataFrame([row], schema=names, orient="row") for row in rows], rechunk=False),
        "Arrow table": table,
        "Arrow batch": table.to_batches()[0],
        "Arrow reader": table.to_reader(),
        "floats": frame.astype({names[1]: float}),
        "polars, floats": pl.DataFrame(frame.to_dict("list")).cast({names[2]: pl.Float32}),
    }

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    return kinds | {"anything with a stream": Stream()}


def test_every_kind_of_frame_gives_the_same_rows(sample):
    for kind, frame in frames(ROWS).items():
        assert named(sample, frame) == ROWS, kind


POSITION = st.integers(0, 1000)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["chr1", "chr2"]), POSITION, POSITION, st.text("ab \t'é", max_size=3)).map(
            lambda row: (row[0], min(row[1:3]), max(row[1:3]) + 1, row[3])
        ),
        min_size=1,
        max_size=20,
    )
)
def test_lists_and_frames_hold_the_rows_given(sample, rows):
    wanted = rows
    for kind, frame in (frames(rows) | {"list": rows, "iterator": iter(rows)}).items():
        assert named(sample, frame) == wanted, kind


def test_columns_of_other_tools_are_found(sample):
    for names in (
        ["Chromosome", "Start", "End", "Name"],
        ["chr", "start", "stop", "gene"],
        ["#chrom", "chromStart", "chromEnd", "name"],
        ["chromosome", "chrom_start", "chrom_end", "gene_name"],
    ):
        for kind, frame in frames(ROWS, names).items():
            assert named(sample, frame) == ROWS, (names, kind)


def test_a_column_name_stands_above_one_of_genes(sample):
    frame = pd.DataFrame(ROWS, columns=NAMES).assign(gene="x")
    assert named(sample, frame) == ROWS


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["seqid", "start", "end"], "'seqid', a name of GFF and GRanges, whose positions are 1-based.*regions="),
        (["seqnames", "start", "end"], "subtract 1 from start and rename 'seqnames' to 'chrom'"),
        (["chrom", "start", "Start", "end"], "'start' and 'Start', which could both be start"),
        (["chrom", "Chromosome", "start", "end"], "'chrom' and 'Chromosome', which could both be chrom"),
        (["chrom", "start", "start", "end"], "'start' and 'start', which could both be start"),
        (["a", "start", "end"], "no column 'chrom'; its columns are a, start, end"),
    ],
)
def test_columns_that_may_mean_two_things_are_an_error(sample, names, words):
    frame = pd.DataFrame([["chr1", *range(1, len(names))]], columns=names)
    with pytest.raises(errors.InvalidArgumentError, match=words):
        target_stats(sample[0], frame)
    if len(set(names)) == len(names):
        pa = pytest.importorskip("pyarrow")
        with pytest.raises(errors.InvalidArgumentError, match=words):
            target_stats(sample[0], pa.Table.from_pandas(frame))


def test_a_missing_value_is_named_by_row(sample):
    pa = pytest.importorskip("pyarrow")
    for column in ("chrom", "start", "end"):
        rows = {"chrom": ["chr1", "chr1"], "start": [1, 2], "end": [5, 6]}
        rows[column] = [rows[column][0], None]
        table = pa.table(rows)
        for frame in (pd.DataFrame(rows), table, pd.DataFrame(rows).convert_dtypes(), table.to_batches()[0]):
            with pytest.raises(errors.InvalidArgumentError, match=f"row 1 of bed has no {column}: drop the row"):
                target_stats(sample[0], frame)


def test_a_missing_name_is_empty(sample):
    pa = pytest.importorskip("pyarrow")
    rows = {"chrom": ["chr1"] * 3, "start": [1, 2, 3], "end": [5, 6, 7], "name": ["a", None, "a"]}
    nameless = rows | {"name": [None] * 3}
    for make in (pd.DataFrame, pa.table):
        assert [row[3] for row in named(sample, make(rows))] == ["a", "", "a"]
        assert [row[3] for row in named(sample, make(nameless))] == [""] * 3


@pytest.mark.parametrize("bad", [2.5, float("inf"), 2.0**60])
def test_a_float_that_is_no_position_is_named_by_row(sample, bad):
    pa = pytest.importorskip("pyarrow")
    rows = {"chrom": ["chr1"] * 2, "start": [1.0, bad], "end": [5.0, 9.0]}
    for frame in (pd.DataFrame(rows), pa.table(rows)):
        with pytest.raises(errors.InvalidArgumentError, match=r"row 1 of bed has the start .*, which is no whole"):
            target_stats(sample[0], frame)


def test_columns_of_other_types_are_refused(sample):
    pl = pytest.importorskip("polars")
    texts = {"chrom": ["chr1"], "start": ["1"], "end": ["5"]}
    for frame in (pd.DataFrame(texts), pl.DataFrame(texts)):
        with pytest.raises(TypeError, match="the column start of bed must hold integers"):
            target_stats(sample[0], frame)
    with pytest.raises(TypeError, match=r"LazyFrame.*\.collect\(\)"):
        target_stats(sample[0], pl.DataFrame(texts).lazy())
    for column in (pl.Series([1]), pytest.importorskip("pyarrow").chunked_array([[1]])):
        with pytest.raises((TypeError, ValueError)):
            target_stats(sample[0], column)


def test_an_empty_frame_has_no_row(sample):
    pl = pytest.importorskip("polars")
    for frame in (pd.DataFrame(columns=NAMES), pl.DataFrame(schema=dict.fromkeys(NAMES, pl.Int64)), []):
        assert len(target_stats(sample[0], frame)) == 0


@pytest.mark.parametrize(
    ("bed", "error"),
    [
        ([("chr1", 0)], TypeError),
        ([("chr1", "0", "5")], TypeError),
        ([("chr1", True, 5)], TypeError),
        ([("chr1", 0, 10**30)], errors.InvalidArgumentError),
        ([("chr\ud800", 0, 1)], errors.InvalidArgumentError),
        (
            pd.DataFrame({"chrom": pd.Series(["chr\ud800"], dtype=object), "start": 0, "end": 1}),
            errors.InvalidArgumentError,
        ),
        ([("chr1\n", 5, 0)], errors.InvalidArgumentError),
        (pd.DataFrame({"chrom": ["chr1"], "start": [np.uint64(2**63 + 5)], "end": 1}), errors.InvalidArgumentError),
        (b"", errors.InvalidArgumentError),
    ],
)
def test_rows_that_are_none_are_named_in_one_line(sample, bed, error):
    with pytest.raises(error) as caught:
        target_stats(sample[0], bed)
    assert "\n" not in str(caught.value)
    assert "bed" in str(caught.value)


# Tables of fastcov


def test_a_table_of_intervals_is_a_bed(sample):
    bam = sample[0]
    runs = fastcov.coverage(bam, "chr1:20001-20300", runs=True)
    bins = fastcov.quantize(bam, (0, 10, 20), regions="chr1:20001-20300")
    windows = fastcov.window_stats(bam, 300, regions="chr1")
    targets = target_stats(bam, ROWS)
    for table in (runs, bins, windows, targets):
        wanted = list(table.to_pandas()[["chrom", "start", "end"]].itertuples(index=False, name=None))
        assert [row[:3] for row in named(sample, table)] == wanted
        assert len(wanted) > 2
    assert named(sample, targets) == ROWS
    # Each run has one depth, which is the mean of its positions.
    means = target_stats(bam, runs, stats=["mean"], rules="bases").to_numpy()["mean"]
    assert means.tolist() == runs.to_numpy()["depth"].tolist()


def test_a_table_of_positions_is_no_bed(sample):
    table = fastcov.coverage(sample[0], "chr1:1-10")
    for frame in (table, table.to_pandas()):
        with pytest.raises(errors.InvalidArgumentError, match="a table of positions holds no intervals"):
            target_stats(sample[0], frame)


# Which argument takes what


def test_a_region_or_a_file_in_the_wrong_argument_is_told(sample, write):
    bam, bed = sample[0], write(TEXT)
    with pytest.raises(errors.FileMissingError, match=r"bed takes a file, a list or a frame: chr1:101-200 is"):
        target_stats(bam, "chr1:101-140")
    with pytest.raises(errors.UnknownContigError, match=r"looks like a file of intervals.*for bed, as in target_stats"):
        fastcov.coverage(bam, str(bed))
    with pytest.raises(TypeError, match=r"is for bed, as in target_stats\(bam, bed\)"):
        fastcov.coverage(bam, bed)
    for wrong in (pd.DataFrame({"chrom": ["chr1"]}), fastcov.coverage(bam, "chr1:1-3")):
        with pytest.raises(TypeError, match=r"not a frame: give BED intervals to target_stats\(bed=…\)"):
            fastcov.coverage(bam, wrong)
    with pytest.raises(TypeError, match="start and end must be integers; give 'chr1', 10, 20"):
        fastcov.coverage(bam, ("chr1", "10", "20"))
    assert fastcov.coverage(bam, ["chr1", "chr2"], runs=True).metadata["regions"][1][0] == "chr2"
