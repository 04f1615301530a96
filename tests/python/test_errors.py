"""What bad input gets: the class, and a message that names the file, the value and the remedy."""

import builtins
import errno
import gzip
import os
import pickle
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

import simulate
from fastcov import FastcovWarning, Rules, _fastcov, coverage, errors, get_coverage
from simulate import Record, cigar, write_bam, write_fasta

EVERY_ERROR = [
    cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.FastcovError) and cls is not errors.FastcovError
]


@pytest.fixture
def bam(sample, tmp_path):
    """A copy of the sample's BAM and index that may be spoilt."""
    path = shutil.copy(sample[0], tmp_path / "x.bam")
    shutil.copy(f"{sample[0]}.bai", f"{path}.bai")
    return path


@pytest.fixture
def ref(sample):
    return sample[1]


def raises(cls, *parts, call, path=None, **facts):
    """The call raises exactly `cls`, with a message of one line: `path` first, then `parts` in this order."""
    with pytest.raises(errors.FastcovError) as caught:
        call()
    error = caught.value
    message = str(error)
    assert type(error) is cls, f"{type(error).__name__}: {message}"
    assert "\n" not in message
    at = 0
    for part in map(str, parts):
        assert part in message[at:], f"{part!r} is not in {message[at:]!r}"
        at = message.index(part, at) + len(part)
    if path is not None:
        assert message.startswith(f"{path}: ")
        assert error.path == str(path)
    for name, value in facts.items():
        assert getattr(error, name) == value, name
    return error


# ---- the region


def test_unknown_contig_names_near_ones(bam):
    error = raises(
        errors.UnknownContigError,
        "'chr11'",
        "not in the header",
        "2 contigs",
        "'chr1'",
        call=lambda: get_coverage(bam, "chr11", 1, 10),
        path=bam,
        contig="chr11",
    )
    assert isinstance(error, errors.RegionError)
    assert isinstance(error, LookupError)
    assert isinstance(error, ValueError)


@pytest.mark.parametrize(("given", "there"), [("chr1", "1"), ("1", "chr1"), ("chrM", "MT"), ("CHR1", "chr1")])
def test_unknown_contig_knows_the_two_ways_to_name_it(tmp_path, given, there):
    path = write_bam(tmp_path / "x.bam", {"other": 50, there: 50}, [])
    raises(errors.UnknownContigError, repr(given), repr(there), call=lambda: get_coverage(path, given, 1, 10))


@pytest.mark.parametrize(
    ("start", "end", "parts"),
    [
        (6_001, 6_100, ("chr2:6001-6100", "past the end", "6000", "between 1 and 6000")),
        (20, 10, ("chr2:20-10", "start 20 is after end 10", "start <= end")),
        (0, 10, ("chr2:0-10", "start 0 is below 1", "the first is 1")),
        (-5, 10, ("chr2:-5-10", "start -5 is below 1")),
        (-5, -1, ("chr2:-5--1", "start -5 is below 1")),
    ],
)
def test_region_that_does_not_fit(bam, start, end, parts):
    error = raises(errors.RegionError, *parts, call=lambda: get_coverage(bam, "chr2", start, end))
    assert isinstance(error, ValueError)
    assert error.contig == "chr2"


# ---- the file and its index


def test_missing_file(tmp_path):
    path = tmp_path / "no.bam"
    error = raises(errors.FileMissingError, "No such file", call=lambda: get_coverage(path, "chr1", 1, 10), path=path)
    assert isinstance(error, FileNotFoundError)
    assert error.errno == errno.ENOENT
    assert error.filename == str(path)


def test_folder_given_as_file(tmp_path):
    with pytest.raises(errors.FastcovError, match=str(tmp_path)) as caught:
        get_coverage(tmp_path, "chr1", 1, 10)
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, IsADirectoryError)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(bam):
    os.chmod(bam, 0)
    error = raises(errors.FilePermissionError, "ermission", call=lambda: get_coverage(bam, "chr1", 1, 10), path=bam)
    assert isinstance(error, PermissionError)


@pytest.mark.skipif(sys.platform == "win32", reason="no FIFO there")
def test_fifo_does_not_hang(tmp_path):
    path = tmp_path / "fifo.bam"
    os.mkfifo(path)
    raises(errors.UnsupportedFormatError, "regular file", call=lambda: get_coverage(path, "chr1", 1, 10), path=path)


def test_missing_index_names_what_was_tried(bam):
    os.remove(f"{bam}.bai")
    error = raises(errors.IndexMissingError, call=lambda: get_coverage(bam, "chr1", 1, 10), path=bam)
    for tried in ("x.bam.bai", "x.bam.csi", "x.bai", "x.csi", "samtools index"):
        assert tried in str(error)
    assert isinstance(error, FileNotFoundError)
    assert error.errno == errno.ENOENT


def test_named_index_that_is_not_there(bam, tmp_path):
    path = tmp_path / "no.bai"
    with pytest.raises(errors.FastcovError, match=r"no\.bai") as caught:
        get_coverage(bam, "chr1", 1, 10, index=path)
    assert isinstance(caught.value, FileNotFoundError)


def test_index_of_another_file_with_the_same_contigs(bam, tmp_path):
    records = [Record("r", 0, pos, 60, cigar("5M"), "ACGTA", bytes([40] * 5)) for pos in range(0, 50_000, 7)]
    write_bam(tmp_path / "other.bam", simulate.CONTIGS, records, frame_size=500)
    shutil.copy(tmp_path / "other.bam.bai", f"{bam}.bai")
    error = raises(
        errors.IndexMismatchError, "index", "samtools index", call=lambda: get_coverage(bam, "chr1", 30_000, 40_000)
    )
    assert "x.bam" in str(error)


def test_index_of_a_file_with_other_contigs(bam, tmp_path):
    write_bam(tmp_path / "other.bam", {"a": 10, "b": 10, "c": 10}, [])
    shutil.copy(tmp_path / "other.bam.bai", f"{bam}.bai")
    raises(errors.IndexMismatchError, "3", "2", "samtools index", call=lambda: get_coverage(bam, "chr1", 1, 10))


@pytest.mark.parametrize("cut", [0, 3, 20, 400])
def test_index_that_is_cut(bam, cut):
    with open(f"{bam}.bai", "r+b") as file:
        file.truncate(cut)
    error = raises(
        errors.CorruptIndexError, "x.bam.bai", "samtools index", call=lambda: get_coverage(bam, "chr1", 1, 10)
    )
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_truncated_file(bam, share):
    with open(bam, "r+b") as file:
        file.truncate(int(os.path.getsize(bam) * share))
    error = raises(errors.TruncatedFileError, "truncated", call=lambda: get_coverage(bam, "chr2", 1, 6_000), path=bam)
    assert isinstance(error, EOFError)
    assert isinstance(error, ValueError)


def test_missing_end_marker_only(bam, ref):
    expected = get_coverage(bam, "chr1", 1, 60_000, ref)
    with open(bam, "r+b") as file:
        file.truncate(os.path.getsize(bam) - len(simulate.EOF_FRAME))
    os.utime(f"{bam}.bai")  # else there is a second warning, that the index is older than the file
    call = lambda **how: get_coverage(bam, "chr1", 1, 60_000, ref, **how)  # noqa: E731
    raises(errors.TruncatedFileError, "end", "allow_truncated=True", call=call, path=bam)
    with pytest.warns(FastcovWarning, match="end"):
        assert call(allow_truncated=True).equals(expected)


def test_wrong_checksum_names_the_place(bam):
    data = bytearray(Path(bam).read_bytes())
    second = 1 + struct.unpack_from("<H", data, 16)[0]
    size = 1 + struct.unpack_from("<H", data, second + 16)[0]
    data[second + size - 8] ^= 1
    Path(bam).write_bytes(data)
    raises(
        errors.CorruptFileError,
        "CRC",
        str(second),
        call=lambda: get_coverage(bam, "chr1", 1, 60_000),
        path=bam,
        offset=second,
    )


def _sam(path):
    path.write_text("@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:100\nr\t0\tchr1\t1\t60\t5M\t*\t0\t0\tACGTA\tIIIII\n")


def _text(path):
    path.write_text("chr1\t1\t100\n" * 100)


def _cram(path):
    path.write_bytes(b"CRAM\3\0" + bytes(200))


def _gzip(path):
    path.write_bytes(gzip.compress(b"BAM\1" + bytes(200)))


def _empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (_sam, ("SAM", "samtools view -b")),
        (_text, ("text",)),
        (_cram, ("CRAM", "samtools view -b")),
        (_gzip, ("gzip",)),
        (_empty, ("empty",)),
    ],
)
def test_other_kinds_of_file_are_named(tmp_path, make, parts):
    path = tmp_path / "x.bam"
    make(path)
    error = raises(errors.UnsupportedFormatError, *parts, call=lambda: get_coverage(path, "chr1", 1, 10), path=path)
    assert isinstance(error, ValueError)


def test_url_is_not_fetched():
    call = lambda: get_coverage("https://example.org/x.bam", "chr1", 1, 10)  # noqa: E731
    raises(errors.UnsupportedFormatError, "https://example.org/x.bam", "local", call=call)


# ---- the reference


def test_reference_without_the_contig(bam, tmp_path):
    ref = write_fasta(tmp_path / "other.fa", {"1": "ACGT" * 10})
    call = lambda: get_coverage(bam, "chr1", 1, 10, ref)  # noqa: E731
    error = raises(errors.ReferenceMissingError, "chr1", call=call, path=ref, contig="chr1")
    assert isinstance(error, LookupError)


def test_reference_with_another_length(bam, tmp_path):
    ref = write_fasta(tmp_path / "short.fa", {"chr1": "ACGT" * 10})
    call = lambda: get_coverage(bam, "chr1", 1, 10, ref)  # noqa: E731
    error = raises(errors.ReferenceMismatchError, "chr1", call=call, path=ref, contig="chr1")
    assert "40" in str(error)
    assert "60000" in str(error)
    assert isinstance(error, ValueError)


def test_missing_reference(bam, tmp_path):
    ref = tmp_path / "no.fa"
    error = raises(
        errors.FileMissingError, "No such file", call=lambda: get_coverage(bam, "chr1", 1, 10, ref), path=ref
    )
    assert error.filename == str(ref)


# ---- arguments


@pytest.mark.parametrize(
    ("how", "cls", "says"),
    [
        ({"n_cores": 0}, ValueError, "n_cores=0 is out of range: .* at least 1"),
        ({"n_cores": -1}, ValueError, "n_cores=-1 is out of range"),
        ({"n_cores": 1.5}, TypeError, "n_cores must be an integer, not float"),
        ({"n_cores": True}, TypeError, "n_cores must be an integer, not bool"),
        ({"n_cores": np.True_}, TypeError, "n_cores must be an integer, not bool"),
        ({"timeout": 0}, ValueError, "timeout=0 is out of range: .* above 0"),
        ({"timeout": -1.0}, ValueError, "timeout=-1.0"),
        ({"timeout": float("nan")}, ValueError, "timeout=nan"),
        ({"timeout": "1"}, TypeError, "timeout must be a number of seconds, not str"),
        ({"max_memory": 0}, ValueError, "max_memory=0 is out of range"),
        ({"max_memory": 1e9}, TypeError, "max_memory must be an integer, not float"),
        ({"progress": 1}, TypeError, "progress must be True or False, not int"),
        ({"allow_truncated": None}, TypeError, "allow_truncated must be True or False, not NoneType"),
        ({"start": 1.0}, TypeError, "start must be an integer, not float"),
        ({"end": "10"}, TypeError, "end must be an integer, not str"),
        ({"start": True}, TypeError, "start must be an integer, not bool"),
        ({"end": 2**70}, ValueError, "end=.* 64 bits"),
        ({"chrom": 1}, TypeError, r"chrom must be the name of a contig \(str\), not int"),
        ({"chrom": b"chr1"}, TypeError, "chrom must be .* not bytes"),
        ({"bam": 1}, TypeError, r"bam must be a path \(str or os.PathLike\), not int"),
        ({"bam": None}, TypeError, "bam must be a path .* not NoneType"),
        ({"ref": 1}, TypeError, "ref must be a path .* not int"),
        ({"index": 1}, TypeError, "index must be a path .* not int"),
        ({"rules": 1}, TypeError, "rules must be a Rules or the name of a tool, not int"),
        ({"rules": "nope"}, ValueError, "nope.*mpileup.*depth"),
        (
            {"min_mapp": 1},
            TypeError,
            "get_coverage got an unexpected keyword argument 'min_mapp'; did you mean 'min_mapq'",
        ),
        ({"min_mapq": 256}, ValueError, "min_mapq.*256"),
        ({"mates": "x"}, ValueError, "mates.*'once'.*'both'"),
        ({"baq": True}, ValueError, "baq=True.*ref"),
        ({"rules": "depth", "baq": True}, ValueError, "baq=True.*depth"),
    ],
)
def test_arguments_are_checked_by_name(bam, how, cls, says):
    call = {"bam": bam, "chrom": "chr1", "start": 1, "end": 10, **how}
    with pytest.raises(cls, match=says):
        get_coverage(**call)


def test_huge_n_cores_is_capped(bam):
    assert len(get_coverage(bam, "chr1", 1, 10, n_cores=2**40)) == 10


def test_old_and_new_keyword_together(bam):
    with pytest.raises(TypeError, match="both 'bam' and its old name 'bam_file'"):
        get_coverage(bam, "chr1", 1, 10, bam_file=bam)
    with pytest.raises(TypeError, match="both 'chrom' and its old name 'chr'"):
        get_coverage(bam, chrom="chr1", start=1, end=10, chr="chr1")
    with pytest.raises(TypeError, match="missing"):
        get_coverage(bam_file=bam, chr="chr1")


def test_memory_is_known_before_it_is_taken(bam):
    call = lambda: get_coverage(bam, "chr1", 1, 60_000, max_memory=100_000)  # noqa: E731
    error = raises(errors.ResourceLimitError, "840000 bytes", "max_memory", "100000", call=call)
    assert isinstance(error, MemoryError)


# ---- the classes


def test_kinds_are_those_of_the_core():
    assert sorted(errors._BY_KIND) == sorted(_fastcov.error_kinds())
    for kind, cls in errors._BY_KIND.items():
        assert cls.kind == kind


@pytest.mark.parametrize("cls", EVERY_ERROR)
def test_errors_survive_pickling(cls):
    facts = {"path": "/d/x.bam", "offset": 7, "record": 3, "contig": "c", "hint": "do"}
    error = cls("/d/x.bam: bad: do", **facts, **({"errno": 5} if issubclass(cls, OSError) else {}))
    error.add_note("seen in a worker")
    other = pickle.loads(pickle.dumps(error))
    assert type(other) is cls
    assert str(other) == str(error) == "/d/x.bam: bad: do"
    assert {name: getattr(other, name) for name in facts} == facts
    assert other.kind == error.kind
    if isinstance(error, OSError):
        assert (other.errno, other.filename) == (5, "/d/x.bam")


@pytest.mark.parametrize("cls", EVERY_ERROR)
def test_every_error_is_public_and_documented(cls):
    assert cls.__name__ in errors.__all__
    assert cls.__doc__
    assert cls.__name__ in errors.__doc__


@pytest.mark.parametrize(
    ("number", "cls", "builtin"),
    [
        (errno.ENOENT, errors.FileMissingError, FileNotFoundError),
        (errno.EACCES, errors.FilePermissionError, PermissionError),
        (errno.EISDIR, errors.FileIsDirectoryError, IsADirectoryError),
        (errno.ENOTDIR, errors.FileNotDirectoryError, NotADirectoryError),
        (errno.EIO, errors.FileError, OSError),
        (None, errors.FileError, OSError),
    ],
)
def test_operating_system_errors_are_the_builtin_ones(number, cls, builtin):
    error = errors._from_core("os", "/d/x.bam: no", "/d/x.bam", None, None, None, "no", number)
    assert type(error) is cls
    assert isinstance(error, builtin)
    assert (error.errno, error.filename) == (number, "/d/x.bam")


def test_timeout_is_the_builtin_too():
    assert issubclass(errors.TimeoutError, builtins.TimeoutError)
    assert errors._from_core("timeout", "x", None, None, None, None, None, None).kind == "timeout"
    assert type(errors._from_core("what", "x", None, None, None, None, None, None)) is errors.InternalError


@pytest.mark.parametrize(
    ("span_bytes", "part_bytes"), [(1 << 20, 1 << 20), (1 << 20, 3_000), (4_000, 3_000), (4_000, 1)]
)
@pytest.mark.parametrize("n_cores", [1, 2])
def test_a_record_has_its_number_however_the_file_is_cut(tmp_path, span_bytes, part_bytes, n_cores):
    reads = [
        simulate.Record(
            f"r{i}", 0, i, 60, simulate.cigar("50M"), "ACGTT" * 10, None, mate_contig=7 if i == 3_000 else -1
        )
        for i in range(4_000)
    ]
    bam = simulate.write_bam(tmp_path / "mate.bam", {"chr1": 5_000}, reads)
    with pytest.raises(errors.CorruptFileError, match="mate reference id 7") as caught:
        _fastcov.coverage(str(bam), None, Rules("bases"), span_bytes=span_bytes, part_bytes=part_bytes, n_cores=n_cores)
    assert (caught.value.record, '"r3000"' in str(caught.value)) == (3_001, True)


def test_contigs_whose_names_are_no_text_stay_apart(tmp_path):
    """Two invalid UTF-8 bytes were shown as one character, so two contigs had one name."""
    reads = [
        Record("r", 0, 5, 60, cigar("10M"), "A" * 10, None, contig=0),
        Record("s", 0, 5, 60, cigar("20M"), "A" * 20, None, contig=1),
    ]
    bam = write_bam(tmp_path / "x.bam", {"chr@": 40, "chr#": 40}, reads)
    raw = gzip.decompress(bam.read_bytes()).replace(b"chr@", b"chr\xe9").replace(b"chr#", b"chr\xe8")
    bam.write_bytes(simulate.frame(raw) + simulate.EOF_FRAME)
    # Without an index: the whole file is read.
    (tmp_path / "x.bam.bai").unlink()
    table = coverage(bam, rules="depth").to_pandas()
    assert table.groupby("chrom", observed=True).depth.sum().to_dict() == {"chr\\xe9": 10, "chr\\xe8": 20}
