"""Odd records: what samtools and mosdepth read and count is read and counted."""

import struct
from pathlib import Path

import numpy as np
import pytest

from bad_inputs.build import REFS, H, bgzf, good, rec
from bad_inputs.record import cg
from fastcov import Rules, coverage
from other_tools import mosdepth

M, D = 0, 2
LONG = [(20, M), (5, D), (10, M)]


def long(aux: bytes, cigar: str = "30S35N", **fields: object) -> bytes:
    """A record of 30 bases whose CIGAR stands in a tag."""
    return rec(pos=300, cigar=cigar, aux=aux, **{"seqlen": 30, **fields})


BAD = struct.pack("<I", 50 << 4 | 9)
# Name: the record, and the positions (1-based) at which it counts.
FORMS = {
    "CG unsigned": (long(cg(LONG)), [301, 320, 326, 335]),
    "CG signed": (long(cg(LONG, b"i")), [301, 320, 326, 335]),
    "CG behind tags of every type": (
        long(
            b"XACxXBcxXCs\0\0XDS\0\0XEi\0\0\0\0XFI\0\0\0\0XGf\0\0\0\0XHd\0\0\0\0\0\0\0\0XIZab\0XJHAB\0"
            + b"".join(
                b"X" + kind + b"B" + kind + struct.pack("<I", 2) + bytes(2 * size)
                for kind, size in zip((b"c", b"C", b"s", b"S", b"i", b"I", b"f"), (1, 1, 2, 2, 4, 4, 4), strict=True)
            )
            + cg(LONG, b"i")
            + b"RGZa\0"
        ),
        [301, 320, 326, 335],
    ),
    "CG before a tag that cannot be read": (long(cg(LONG) + b"XX?abc"), [301, 320, 326, 335]),
    "CG twice": (long(cg(LONG) + cg([(30, M)])), [301, 320, 326, 335]),
    "placeholder with a wrong span": (long(cg(LONG), "30S999N"), [301, 320, 326, 335]),
    "placeholder with span 0": (long(cg(LONG), "30S0N"), [301, 320, 326, 335]),
    "placeholder with D": (long(cg(LONG), "30S35D"), [301, 320, 326, 335]),
    "placeholder of a clip alone": (long(cg(LONG), "30S"), [301, 320, 326, 335]),
    "placeholder of two N": (long(cg(LONG), "30S10N25N"), [301, 320, 326, 335]),
    "placeholder with a hard clip behind": (long(cg(LONG), "30S35N5H"), [301, 320, 326, 335]),
    "placeholder without SEQ": (long(cg(LONG), "0S35N", seqlen=0), [301, 320, 326, 335]),
    "clips without a CG tag": (long(b""), []),
    "clips without SEQ, with CG": (long(cg(LONG), seqlen=0), []),
    "a hard clip first is no placeholder": (long(cg(LONG), "5H30S35N"), []),
    "CG beside the CIGAR itself": (long(cg(LONG), "10S20M"), [301, 320]),
    "unmapped, CIGAR and SEQ differ": (rec("u", 0, 300, "50M", flag=4, seqlen=30), []),
    "unmapped, an operation that does not exist": (rec("u", 0, 300, rawcig=BAD, seqlen=50, flag=4), []),
    "unmapped, CG of another type": (long(b"CGZ50M\0", flag=4), []),
    "unmapped, mate at -7": (rec("u", 0, 300, "50M", flag=5, nref=0, npos=-7), []),
    "unpaired, mate at -9624913": (rec(pos=300, npos=-9_624_913), [301, 350]),
    "mate at -9624913": (rec(pos=300, flag=3, nref=0, npos=-9_624_913), [301, 350]),
    "mate at the lowest number": (rec(pos=300, flag=3, nref=0, npos=-(2**31)), [301, 350]),
    "mate beyond the contig": (rec(pos=300, flag=3, nref=0, npos=20_000), [301, 350]),
    "mate at the highest number": (rec(pos=300, flag=3, nref=0, npos=2**31 - 1), [301, 350]),
    "mate without a contig": (rec(pos=300, flag=3, npos=310), [301, 350]),
    "TLEN lowest": (rec(pos=300, flag=3, nref=0, npos=310, tlen=-(2**31)), [301, 350]),
    "TLEN highest": (rec(pos=300, flag=3, nref=0, npos=310, tlen=2**31 - 1), [301, 350]),
    "MAPQ 255": (rec(pos=300, mapq=255), [301, 350]),
    "no SEQ": (rec(pos=300, seqlen=0), [301, 350]),
    "name *": (rec("*", pos=300), [301, 350]),
    "name empty": (rec("", pos=300), [301, 350]),
    "name without NUL": (rec(pos=300, name_bytes=b"noNUL"), [301, 350]),
    "name with NUL inside": (rec(pos=300, name_bytes=b"a\0bc\0"), [301, 350]),
    "name of 254 letters": (rec("a" * 254, pos=300), [301, 350]),
    "name that is no text": (rec(pos=300, name_bytes=b"\xff\xfe\0"), [301, 350]),
    "unknown flags": (rec(pos=300, flag=0xF000), [301, 350]),
}


def file(folder: Path, *records: bytes) -> Path:
    path = folder / "x.bam"
    path.write_bytes(bgzf(H + b"".join([*good(2), *records, rec("t", 0, 5000)])))
    return path


def expected(ends: list[int]) -> np.ndarray:
    depth = np.zeros(REFS[0][1], np.int64)
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        depth[start - 1 : end] += 1
    return depth


def ours(bam: Path, rules: object) -> np.ndarray:
    return coverage(bam, "chr1", rules=rules).to_numpy()["depth"].astype(np.int64)


@pytest.fixture(scope="module")
def without(tmp_path_factory, samtools) -> np.ndarray:
    """Depths of the file without the record."""
    bam = file(tmp_path_factory.mktemp("without"))
    samtools("index", bam)
    return ours(bam, "depth")


@pytest.mark.parametrize("form", FORMS)
def test_as_samtools(tmp_path, samtools, without, form):
    record, ends = FORMS[form]
    bam = file(tmp_path, record)
    samtools("index", bam)
    theirs = samtools.depth("-a", bam, chrom="chr1", start=1, end=REFS[0][1])[0]
    assert (theirs - without == expected(ends)).all()
    for rules in ("depth", "bases"):
        assert (ours(bam, rules) == theirs).all(), rules
    mpileup = samtools.mpileup("-A", "-B", bam, chrom="chr1", start=1, end=REFS[0][1])[0]
    assert (ours(bam, Rules.mpileup(orphans=True)) == mpileup).all()


@pytest.mark.parametrize("form", FORMS)
def test_as_mosdepth(tmp_path, samtools, other_peers, form):
    bam = file(tmp_path, FORMS[form][0])
    samtools("index", bam)
    theirs = mosdepth(str(bam), dict(REFS))["chr1"]
    assert (ours(bam, "mosdepth") == theirs).all()
