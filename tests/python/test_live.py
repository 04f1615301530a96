"""Position by position what samtools (1.24, in pysam) says of the simulated sample."""

import numpy as np
import pytest

import peers
from fastcov import get_coverage

REGIONS = [
    ("chr1", 1, 60_000),
    ("chr2", 1, 6_000),
    ("chr1", 19_950, 20_070),  # a deletion of 12 bases
    ("chr1", 51_990, 52_003),  # ends inside a deletion of 60
    ("chr1", 10_001, 10_001),  # behind an insertion
    ("chr1", 29_900, 31_700),
    ("chr1", 44_100, 44_700),
    ("chr2", 1_900, 2_300),  # lower case and N in the reference
]
MPILEUP = [
    {},
    {"min_mapq": 10},
    {"baq": False},
    {"baq": False, "min_baseq": 0},
    {"min_baseq": 30},
    {"orphans": True},
    {"mates": "both"},
    {"mates": "both", "orphans": True, "min_baseq": 0, "baq": False},
    {"max_depth": 0},
    {"max_depth": 15},
    {"max_depth": 3, "mates": "both"},
    {"exclude_flags": 0},
    {"exclude_flags": 0xF04},
    {"require_flags": 0x40},
]
DEPTH = [
    {},
    {"deletions": True},
    {"mates": "once"},
    {"mates": "once", "deletions": True},
    {"min_baseq": 13},
    {"min_baseq": 30, "deletions": True, "mates": "once"},
    {"min_mapq": 10},
    {"exclude_flags": 0x4},
    {"exclude_flags": 0xF04},
    {"require_flags": 0x42},
]


def check(frame, wanted, letters, start):
    wrong = np.flatnonzero(frame["coverage"].to_numpy() != wanted)
    assert wrong.size == 0, [(start + i, int(frame["coverage"].iloc[i]), int(wanted[i])) for i in wrong[:10]]
    base = frame["base"].astype(object).to_numpy()
    assert {p: base[p - start] for p in letters} == letters


@pytest.mark.filterwarnings("ignore:.*max_depth:fastcov.FastcovWarning")
@pytest.mark.parametrize("fields", MPILEUP, ids=str)
@pytest.mark.parametrize("with_reference", [True, False], ids=["reference", "no reference"])
def test_mpileup(sample, samtools, fields, with_reference):
    bam, ref = sample
    ref = ref if with_reference else None
    arguments = peers.options("mpileup", fields) + (["-f", ref] if ref else [])
    for chrom, start, end in REGIONS:
        wanted, letters = samtools.mpileup(*arguments, bam, chrom=chrom, start=start, end=end)
        frame = get_coverage(bam, chrom, start, end, ref, 2, rules="mpileup", **fields)
        check(frame, wanted, letters, start)


@pytest.mark.parametrize("fields", DEPTH, ids=str)
def test_depth(sample, samtools, fields):
    bam, ref = sample
    for chrom, start, end in REGIONS:
        wanted, _ = samtools.depth(*peers.options("depth", fields), bam, chrom=chrom, start=start, end=end)
        frame = get_coverage(bam, chrom, start, end, ref, 2, rules="depth", **fields)
        check(frame, wanted, {}, start)


def test_default_is_the_command_promised(sample, samtools):
    bam, ref = sample
    for chrom, start, end in REGIONS:
        wanted, letters = samtools.mpileup("--min-MQ", 10, "-f", ref, bam, chrom=chrom, start=start, end=end)
        check(get_coverage(bam, chrom, start, end, ref), wanted, letters, start)
