"""Records: their lengths, places, CIGARs and tags."""

import struct
from typing import Any

from .build import CORRUPT, Corpus, H, bgzf, good, head, packed, rec

# 70,000 operations over 35,000 bases of the reference.
LONG = [(1, 0), (1, 1)] * 35_000
BIG_HEAD = head([("chr1", 100_000), ("chr2", 5_000), ("chrM", 100)])


class Records:
    """Files with the records of a case between two good ones before and three behind."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def __call__(
        self,
        name: str,
        *records: bytes,
        exc: str | None = CORRUPT,
        names: Any = ("record 3",),
        start: bytes = H,
        **how: Any,
    ) -> None:
        behind = [rec(f"t{i}", 0, 5000 + i * 10) for i in range(3)]
        data = bgzf(start + b"".join([*good(2), *records, *behind]))
        self._corpus.case(f"{name}.bam", data, exc, names if exc else (), **how)

    def ok(self, name: str, *records: bytes, covered: int, **how: Any) -> None:
        self(name, *records, exc=None, covered=covered, **how)


def record(corpus: Corpus) -> None:
    records = Records(corpus)
    _lengths(records)
    _places(corpus, records)
    _unmapped(corpus, records)
    _cigars(records)
    _long_cigars(records)
    _tags_and_flags(records)
    _many(corpus)


def _lengths(records: Records) -> None:
    records("block_size_0", struct.pack("<I", 0))
    records("block_size_31", rec(pos=300, cut=31))
    records("block_size_max31", rec(pos=300, block_size=0x7FFFFFFF))
    records("block_size_max32", rec(pos=300, block_size=0xFFFFFFFF))
    records(
        "block_size_plus1",
        rec(pos=300, block_size=len(rec(pos=300)) - 3),
        names=("record 4",),
        because="one byte more is a legal tail of tags; the next record is the first whose fields cannot be",
    )
    records("l_read_name_0", rec(pos=300, l_read_name=0))
    records("l_read_name_0_exact", rec(pos=300, name_bytes=b""))
    records("l_read_name_255_over", rec(pos=300, l_read_name=255))
    records.ok("read_name_no_nul", rec(pos=300, name_bytes=b"noNUL"), covered=300)
    records("n_cigar_65535", rec(pos=300, n_cigar=65535))
    records("l_seq_max31", rec(pos=300, l_seq=0x7FFFFFFF))
    records("l_seq_max32", rec(pos=300, l_seq=0xFFFFFFFF))


def _places(corpus: Corpus, records: Records) -> None:
    records("ref_id_oob", rec(ref=3, pos=300), names=("reference id 3", "record 3"))
    records("ref_id_max", rec(ref=2**31 - 1, pos=300), names=("reference id", "record 3"))
    records("ref_id_neg2", rec(ref=-2, pos=300), names=("reference id", "record 3"))
    records("mate_ref_oob", rec(pos=300, nref=77, npos=5), names=("mate reference id 77", "record 3"))
    for name, npos in (("neg", -7), ("min", -(2**31)), ("beyond", 20_000), ("max", 2**31 - 1)):
        mate = rec(pos=300, flag=3, nref=0, npos=npos)
        records.ok(f"mate_pos_{name}", mate, covered=300, because="samtools and mosdepth count the record")
    records.ok("mate_pos_neg_unpaired", rec(pos=300, npos=-9_624_913), covered=300)
    records("pos_neg2", rec(pos=-2), names=("position", "record 3"))
    records("pos_min", rec(pos=-(2**31)), names=("position", "record 3"))
    records.ok("pos_missing_mapped", rec(pos=-1), covered=250)
    records("pos_past_end", rec(ref=2, pos=100, cigar="50M"), names=("chrM", "100"))
    records("pos_max", rec(pos=2**31 - 1), names=("chr1", "2147483648", "10000"))
    records(
        "read_over_end",
        rec(ref=2, pos=80, cigar="50M"),
        names=("sorted", "record 4"),
        because="a record of chrM before those of chr1 is out of order; in order: read_over_end_sorted",
    )
    sorted_records = b"".join([*good(5), rec(ref=2, pos=80, cigar="50M")])
    corpus.case("read_over_end_sorted.bam", bgzf(H + sorted_records), covered=270, outcome="warn")
    records("unsorted_in_sorted", rec("u1", 0, 4000), rec("u2", 0, 200), names=("sorted", "record 4"))
    records("unsorted_contigs", rec("u3", 1, 10), names=("sorted", "record 4"))
    unplaced = rec("u", -1, -1, "", flag=4)
    records("unplaced_in_middle", unplaced, rec("v", 0, 300), names=("sorted", "record 4"))
    records.ok("unmapped_with_pos", rec("u", 0, 300, "50M", flag=4), covered=250)


def _unmapped(corpus: Corpus, records: Records) -> None:
    """What samtools and mosdepth read, and no rule of theirs counts."""
    bad = struct.pack("<I", 50 << 4 | 9)
    for name, record in (
        ("seq_len", rec("u", 0, 300, "50M", flag=4, seqlen=30)),
        ("cigar_op_9", rec("u", 0, 300, rawcig=bad, seqlen=50, flag=4)),
        ("mate_pos_neg", rec("u", 0, 300, "50M", flag=5, nref=0, npos=-7)),
        ("cg_string", rec("u", 0, 300, "50S50N", flag=4, aux=b"CGZ50M\0")),
    ):
        records.ok(f"unmapped_{name}", record, covered=250)
    first = rec("u", 0, -5, "50M", flag=4)
    corpus.case("unmapped_pos_neg.bam", bgzf(H + b"".join([first, *good(5)])), covered=250)
    records(
        "unmapped_op_9_counted",
        rec("u", 0, 300, rawcig=bad, seqlen=50, flag=4),
        rules="perbase",
        names=("CIGAR", "record 3"),
        because="perbase counts unmapped records",
    )
    records("unmapped_mate_ref_oob", rec("u", 0, 300, "50M", flag=5, nref=77, npos=5), names=("mate reference id 77",))


def _cigars(records: Records) -> None:
    records("cigar_qlen_mismatch", rec(pos=300, cigar="50M", seqlen=30))
    for kind in (9, 15):
        broken = rec(pos=300, rawcig=struct.pack("<I", 50 << 4 | kind), seqlen=50)
        records(f"cigar_op_{kind}", broken, names=("CIGAR", "record 3"))
    records.ok("cigar_zero_len_op", rec(pos=300, cigar="0M50M0D"), covered=300)
    records.ok("cigar_none_mapped", rec(pos=300, cigar="", seqlen=50), covered=250)
    records.ok("cigar_seq_star", rec(pos=300, cigar="50M", seqlen=0), covered=300)
    records.ok("cigar_D_2e28", rec(pos=300, cigar="10M268435455D10M"), covered=260, outcome="warn")
    introns = struct.pack("<I", 0xFFFFFFF3) * 40
    records.ok("cigar_N_overflow", rec(pos=300, rawcig=introns, seqlen=0), covered=250, outcome="warn")
    to_the_end = 250 + 9700
    records.ok("cigar_M_2e28", rec(pos=300, cigar="268435455M", seqlen=0), covered=to_the_end, outcome="warn")
    many = struct.pack("<I", 0xFFFFFFF0) * 60_000
    records.ok("cigar_M_many_2e28", rec(pos=300, rawcig=many, seqlen=0), covered=to_the_end, outcome="warn")
    records.ok("cigar_only_clips", rec(pos=300, cigar="50S"), covered=250)
    records.ok("cigar_pads", rec(pos=300, cigar="10M5P10M"), covered=270)
    records.ok("cigar_clip_middle", rec(pos=300, cigar="10M5S10M"), covered=270)


def cg(ops: list[tuple[int, int]], kind: bytes = b"I", count: int | None = None, raw: bytes | None = None) -> bytes:
    raw = packed(ops) if raw is None else raw
    return b"CGB" + kind + struct.pack("<I", len(ops) if count is None else count) + raw


def _long_cigars(records: Records) -> None:
    whole = rec(pos=300, cigar="70000S35000N", aux=cg(LONG))
    records.ok("cg_long", whole, covered=250 + 35_000, start=BIG_HEAD)
    signed = rec(pos=300, cigar="70000S35000N", aux=cg(LONG, b"i"))
    records.ok("cg_long_signed", signed, covered=250 + 35_000, start=BIG_HEAD)
    tag = ("CG", "record 3")

    def placeholder(aux: bytes, cigar: str = "50S50N") -> bytes:
        return rec(pos=300, cigar=cigar, aux=aux)

    cigar = cg([(20, 0), (30, 2), (30, 0)], b"i")
    records.ok("cg_signed", placeholder(cigar), covered=300)
    records.ok("cg_signed_between_tags", placeholder(b"NMC\3XXZab\0" + cigar + b"RGZa\0"), covered=300)
    records("cg_float", placeholder(cg([(50, 0), (0, 0)], b"f")), names=tag)
    records("cg_wrong_subtype_bytes", placeholder(cg([], b"c", 3, b"abc")), names=tag)
    records("cg_subtype_short_odd", placeholder(cg([], b"S", 3, b"abcdef")), names=tag)
    records("cg_count_huge", placeholder(cg([(50, 0)], b"I", 0xFFFFFFFF)), names=tag)
    records("cg_empty", placeholder(cg([])), names=tag)
    records("cg_after_bad_aux", placeholder(b"XX?\0" + cg([(50, 0)])), names=("tags", "record 3"))
    records("cg_string", placeholder(b"CGZ50M\0"), names=tag)
    records("cg_qlen_mismatch", placeholder(cg([(80, 0)])), names=tag)
    # htslib passes over the tag here, and the placeholder covers nothing: a silent zero.
    records("cg_span_mismatch", placeholder(cg([(50, 0)]), "50S999N"), names=tag)
    for tail in ("50D", "50P", "", "10N40N"):
        odd = placeholder(cg([(20, 0), (30, 2), (30, 0)]), f"50S{tail}")
        records.ok(
            f"cg_placeholder_{tail or 'alone'}", odd, covered=300, because="the clip alone makes the placeholder"
        )
    records.ok("cg_without_placeholder", rec(pos=300, cigar="50M", aux=cg([(10, 0)])), covered=300)


def _tags_and_flags(records: Records) -> None:
    def same_sum(name: str, **fields: Any) -> None:
        records.ok(name, rec("u", 0, 300, "50M", **fields), covered=300)

    # Tags that are not needed are not read.
    same_sum("aux_unknown_type", aux=b"XX?abc")
    same_sum("aux_string_no_nul", aux=b"XXZabc")
    same_sum("aux_array_over", aux=b"XXBI" + struct.pack("<I", 0x3FFFFFFF))
    same_sum("aux_one_byte", aux=b"X")
    same_sum("flag_bits_undefined", flag=0xF000)
    same_sum("paired_no_mate_info", flag=1)
    same_sum("tlen_min", flag=3, tlen=-(2**31))
    same_sum("mapq_255", mapq=255)


def _many(corpus: Corpus) -> None:
    case = corpus.case
    case("depth_2e5.bam", bgzf(H + rec("d", 0, 0, "1M") * 200_000, 60_000), covered=200_000)
    case("depth_70k_u16.bam", bgzf(H + rec("d", 2, 99, "1M") * 70_000, 60_000), covered=70_000)
    case("no_reads.bam", bgzf(H), covered=0)
    case("only_unmapped.bam", bgzf(H + rec("u", -1, -1, "", flag=4, seqlen=20) * 50), covered=0)
