"""Reads seen, used, and dropped by the first filter that rejects them, against a simple loop."""

from collections import Counter

import pytest

import fastcov
from fastcov import Rules, coverage

pysam = pytest.importorskip("pysam", reason="pysam is not installed")

FILES = [
    "mtb/tbprofiler.test.h37rv.bam",
    "sarscov2/subsample1.MN908947.3.bam",
    "human_rnaseq/heart_slc25a3.bam",
    "covtobed/duplicates.bam",
    "human_wgs_ref/CEUTrio.HiSeq.WGS.b37.NA12878.20.first.500.bam",
    "longread_small/pacbio.bam",
]
RULES = [
    Rules.bases(),
    Rules.perbase(),
    Rules.genomecov(min_mapq=20),
    Rules.mpileup(min_mapq=30, max_depth=0),
    Rules.mpileup(exclude_flags=0x10, require_flags=0x2, orphans=True, max_depth=0),
    Rules.mosdepth(require_flags=0x1, min_mapq=60),
    Rules.depth(exclude_flags=0, require_flags=0x50, orphans=False, min_mapq=1),
]


def reason(read: pysam.AlignedSegment, rules: Rules) -> str:
    excluded = rules.exclude_flags | fastcov._fastcov.always_excluded(rules.name)
    if read.flag & excluded:
        return "excluded_flags"
    if read.flag & rules.require_flags != rules.require_flags:
        return "missing_flags"
    if read.mapping_quality < rules.min_mapq:
        return "low_mapq"
    if not rules.orphans and read.is_paired and not read.is_proper_pair:
        return "orphans"
    return "used"


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@pytest.mark.parametrize("name", FILES)
def test_reads_equal_a_plain_loop(real_data, samtools, tmp_path, name):
    bam = tmp_path / "copy.bam"
    bam.write_bytes((real_data / name).read_bytes())
    samtools("index", bam)
    with pysam.AlignmentFile(bam) as file:
        reads = list(file.fetch())
    reasons = set()
    for rules in RULES:
        counted = Counter(reason(read, rules) for read in reads)
        got = coverage(bam, rules=rules, runs=True, n_cores=2).metadata["reads"]
        assert got == {
            "seen": len(reads),
            "capped": 0,
            **{key: counted[key] for key in got if key not in ("seen", "capped")},
        }
        assert got["seen"] == sum(got.values()) - got["seen"], "each read once"
        reasons |= {key for key, number in got.items() if number}
    assert {"seen", "used", "excluded_flags"} <= reasons
