"""Random reads, made by hypothesis, against samtools: what it finds it makes as small as it can."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import peers
from fastcov import get_coverage
from simulate import Record, cigar, write_bam, write_fasta

LETTERS = (
    "ACGTTGCAAGGCTAATCGGATTACCGATTTGACCAGTAGGCTTAACCGTATGCACGTTAG"
    "CCATGGACTTCAAGTCCGATNNacgtaccatgGATTACAGGTCAATCGCTAAGTCCATGA"
)
LENGTH = len(LETTERS)
CIGARS = [
    *("8M", "20M", "5M3D9M", "9M2I6M", "4S12M", "12M3S", "6M20N7M", "3D9M", "9M3D", "5M2I3D4M", "5M3D2I4M"),
    *("4M1D4M1I4M", "7=1X7=", "10M5M", "2H8M1H", "6M2P6M", "10S", "5I"),
]


@st.composite
def reads(draw) -> list[Record]:
    """A few reads, some of them pairs of one name, in order of position."""
    out = []
    for _ in range(draw(st.integers(1, 8))):
        name, paired = draw(st.sampled_from("abcx")), draw(st.booleans())
        places = sorted(draw(st.lists(st.integers(0, 90), min_size=2, max_size=2)))
        for end, pos in enumerate(places if paired else places[:1]):
            ops = cigar(draw(st.sampled_from(CIGARS)))
            size = sum(n for n, op in ops if op in "MIS=X")
            flag = draw(st.sampled_from((0, 0, 16, 1024, 2048, 256)))
            flag |= (0x63 if end == 0 else 0x93) & ~draw(st.sampled_from((0, 0, 0, 2))) if paired else 0
            seq = "".join(draw(st.lists(st.sampled_from("ACGTACGTN="), min_size=size, max_size=size)))
            if draw(st.booleans()):  # a read that fits
                seq = (LETTERS * 2).upper()[pos : pos + size].replace("N", "A")
            qual = draw(
                st.one_of(st.none(), st.binary(min_size=size, max_size=size).map(lambda b: bytes(q % 45 for q in b)))
            )
            mate = places[1 - end] if paired else -1
            mapq = draw(st.sampled_from((0, 9, 10, 60)))
            contig = 0 if paired else -1
            tlen = draw(st.integers(-200, 200)) if paired else 0
            out.append(Record(name, flag, pos, mapq, ops, seq, qual, 0, contig, mate, tlen))
    return sorted(out, key=lambda read: read.pos)


FIELDS = {
    "mpileup": st.fixed_dictionaries(
        {},
        optional={
            "min_mapq": st.sampled_from((0, 10)),
            "min_baseq": st.integers(0, 45),
            "baq": st.just(False),
            "orphans": st.just(True),
            "mates": st.just("both"),
            "max_depth": st.sampled_from((0, 1, 2, 4)),
        },
    ),
    "depth": st.fixed_dictionaries(
        {}, optional={"min_baseq": st.integers(0, 45), "deletions": st.just(True), "mates": st.just("once")}
    ),
}


@pytest.fixture(scope="module")
def ref(tmp_path_factory):
    return write_fasta(tmp_path_factory.mktemp("property") / "ref.fa", {"c": LETTERS})


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@pytest.mark.parametrize("rule", ["mpileup", "depth"])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_reads(rule, data, ref, samtools):
    records = data.draw(reads(), label="reads")
    fields = data.draw(FIELDS[rule], label="fields")
    start, end = sorted(data.draw(st.tuples(st.integers(1, LENGTH), st.integers(1, LENGTH)), label="region"))
    with_reference = rule == "mpileup" and data.draw(st.booleans(), label="reference")
    n_cores = data.draw(st.integers(1, 4), label="n_cores")
    with tempfile.TemporaryDirectory() as folder:
        bam = write_bam(
            Path(folder) / "x.bam", {"c": LENGTH}, records, frame_size=data.draw(st.sampled_from((60, 400)))
        )
        arguments = peers.options(rule, fields) + (["-f", ref] if with_reference else [])
        ask = samtools.mpileup if rule == "mpileup" else samtools.depth
        wanted, _ = ask(*arguments, bam, chrom="c", start=start, end=end)
        frame = get_coverage(bam, "c", start, end, ref if with_reference else None, n_cores, rules=rule, **fields)
    assert frame["coverage"].tolist() == wanted.tolist()
