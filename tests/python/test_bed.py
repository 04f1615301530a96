"""Lines of BED files: those that fuzzing found to end in a plain ValueError, and the fast way to read most of them."""

import gzip
import io
import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcov import _bed, errors, target_stats


@pytest.mark.parametrize("which", [1, 2])
def test_a_number_of_thousands_of_digits_is_refused_by_line(sample, tmp_path, which):
    """int() reads 4,300 digits at most."""
    bed = tmp_path / "targets.bed"
    fields = ["chr1", "0", "10"]
    fields[which] = "9" * 5_000
    bed.write_text("chr1\t0\t10\n" + "\t".join(fields) + "\n")
    with pytest.raises(errors.CorruptFileError, match="line 2") as caught:
        target_stats(sample[0], bed)
    assert caught.value.record == 2
    assert len(str(caught.value)) < 500


def test_leading_zeros_are_no_digits_too_many(sample, tmp_path):
    bed = tmp_path / "targets.bed"
    bed.write_text("chr1\t" + "0" * 5_000 + "\t" + "0" * 5_000 + "10\n")
    assert target_stats(sample[0], bed).to_pandas().end.tolist() == [10]


def test_a_separator_sign_beside_a_number_is_white_space(sample, tmp_path):
    """str.strip() takes it away, int() does not."""
    bed = tmp_path / "targets.bed"
    bed.write_text("chr1\t\x1c1\t10\n")
    assert target_stats(sample[0], bed).to_pandas().start.tolist() == [1]


FIELD = st.one_of(
    st.integers(0, 50).map(str),
    st.sampled_from(
        ["", " 7", "007", "1_0", "-3", "+4", "\x1c1", "٣", "9" * 17, "9" * 19, "track", "#x", "a b", "chr1"]
    ),
)
GOOD = st.tuples(st.integers(0, 9), st.integers(9, 20)).map(lambda bounds: "chr1\t{}\t{}".format(*bounds))
OTHER = st.one_of(
    st.lists(FIELD, max_size=6).map("\t".join),
    st.sampled_from(["track name=x", "browser position", "# comment", "", "chr1 5 6", "chr1\t5\t6\r", "c\t9\t5"]),
)
LINES = st.one_of(
    st.lists(GOOD, min_size=1, max_size=6),
    st.lists(st.one_of(GOOD, OTHER), min_size=1, max_size=6),
    st.lists(st.lists(FIELD, min_size=4, max_size=4).map("\t".join), min_size=1, max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(lines=LINES, ends=st.booleans())
def test_what_is_read_fast_is_read_the_same_line_by_line(lines, ends):
    file = io.BytesIO(("\n".join(lines) + "\n" * ends).encode())
    if rows := file.readlines():
        fast = _bed._plain(rows)
        assert fast is None or fast == _bed._every(rows, "x.bed", 1)


def test_most_files_are_read_fast():
    assert _bed._plain([b"a\t0\t10\n", b"b\t5\t5\n"]) == (["a", "b"], [0, 5], [10, 5], [None, None])
    assert _bed._plain([b"a\t0\t10\tx\t0\t+\n", b"b\t5\t5\ty\t0\t-"]) == (["a", "b"], [0, 5], [10, 5], ["x", "y"])


def test_lines_are_numbered_across_blocks(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(_bed, "_BLOCK", 30)
    bed = tmp_path / "targets.bed"
    bed.write_text("chr1\t0\t10\n# x\n" * 20 + "chr1\t9\t5\n")
    with pytest.raises(errors.CorruptFileError, match="line 41: it ends at 5"):
        target_stats(sample[0], bed)
    bed.write_text("chr1\t0\t10\n# x\n" * 20)
    assert len(_bed.read_bed(bed).chrom) == 20


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


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_without_lines_is_given_up(sample, tmp_path, compressed):
    """It would fill the memory: 100 MB here, without an end from a device."""
    bed = tmp_path / "zeros"
    bed.write_bytes(gzip.compress(bytes(100_000_000), 1) if compressed else bytes(100_000_000))
    with pytest.raises(errors.CorruptFileError, match="line 1 has more than 1048576 bytes"):
        target_stats(sample[0], bed)


def test_blocks_hold_all_lines_and_no_line_is_cut(monkeypatch):
    monkeypatch.setattr(_bed, "_BLOCK", 7)
    for data in (b"", b"\n", b"chr1\t0\t10\nchr1\t20\t30\n", b"a\r\n\n\nbbbbbbbbbbbbbbbbbbbbbbbb\nc"):
        found = [line for lines in _bed._blocks(io.BytesIO(data), "x") for line in lines]
        assert found == io.BytesIO(data).readlines()


@pytest.mark.parametrize(
    ("bed", "error"),
    [
        ([("chr1", 0)], TypeError),
        ([("chr\ud800", 0, 1)], errors.InvalidArgumentError),
        ([("chr1\n", 5, 0)], errors.InvalidArgumentError),
        (b"", errors.InvalidArgumentError),
    ],
)
def test_rows_that_are_none_are_named_in_one_line(sample, bed, error):
    with pytest.raises(error) as caught:
        target_stats(sample[0], bed)
    assert "\n" not in str(caught.value)
