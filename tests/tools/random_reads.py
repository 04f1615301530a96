"""A few random reads on a short contig, and random fields of a rule, for hypothesis."""

from hypothesis import strategies as st

from simulate import Record, cigar

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
            seq = "".join(draw(st.lists(st.sampled_from("ACGTACGTACGTNR=="), min_size=size, max_size=size)))
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
