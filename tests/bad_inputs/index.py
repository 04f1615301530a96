"""BAI and CSI: damaged, of another file, older, missing."""

import gzip
import os
import struct

from .build import (
    BASE,
    CORRUPT_INDEX,
    INDEX_MISMATCH,
    INDEX_MISSING,
    Corpus,
    G,
    H,
    N,
    bgzf,
    block,
    good,
    head,
    rec,
    symlink,
)

PLACE = "chr1:2001-3000"
# The sum of the depths there.
COVERED = 500


def index(corpus: Corpus) -> None:
    bai = _plain(corpus)
    _bai(corpus, bai)
    _offsets(corpus)
    _other_files(corpus, bai)
    _csi(corpus)
    _where(corpus, bai)


def _put(corpus: Corpus, name: str, beside: dict[str, bytes], bam: bytes = BASE) -> str:
    """`idx/NAME.bam` with files of these suffixes."""
    path = f"idx/{name}.bam"
    corpus.put(path, bam)
    for suffix, data in beside.items():
        corpus.put(f"{path}.{suffix}", data)
    return path


def _plain(corpus: Corpus) -> bytes:
    path = _put(corpus, "plain", {})
    bai = corpus.index(path, f"{path}.bai")
    corpus.case(path, None, covered=COVERED, id="idx_ok", regions=PLACE)
    corpus.case(path, None, covered=N, id="idx_ok_whole")
    return bai


def _bai(corpus: Corpus, bai: bytes) -> None:
    def damaged(name: str, data: bytes, cls: str, *names: str) -> None:
        path = _put(corpus, name, {"bai": data})
        corpus.case(path, None, cls, (*names, f"{name}.bam.bai"), id=f"idx_{name}", regions=PLACE)

    def with_number(at: int, value: int) -> bytes:
        return bai[:at] + struct.pack("<I", value) + bai[at + 4 :]

    damaged("empty", b"", CORRUPT_INDEX)
    damaged("magic", b"BAX\1" + bai[4:], CORRUPT_INDEX, "magic")
    damaged("cut4", bai[:4], CORRUPT_INDEX)
    damaged("cut", bai[: len(bai) // 2], CORRUPT_INDEX)
    damaged("nref_huge", with_number(4, 0x7FFFFFFF), CORRUPT_INDEX, "references")
    damaged("nref_4g", with_number(4, 0xFFFFFFFF), CORRUPT_INDEX, "references")
    damaged("nref_50m", with_number(4, 50_000_000), CORRUPT_INDEX, "references")
    damaged("nref_fewer", with_number(4, 1), INDEX_MISMATCH, "references")
    damaged("nref_0", b"BAI\1" + struct.pack("<I", 0), INDEX_MISMATCH, "references")
    damaged("nbin_huge", with_number(8, 0x7FFFFFFF), CORRUPT_INDEX, "bin")
    damaged("nbin_20m", with_number(8, 20_000_000), CORRUPT_INDEX, "bin")
    damaged("nchunk_huge", with_number(16, 0x7FFFFFFF), CORRUPT_INDEX, "chunk")
    damaged("trailing", bai + b"x" * 100, CORRUPT_INDEX)
    damaged("bin_id_bad", with_number(12, 0x7FFFFFFF), CORRUPT_INDEX, "bin")


def _bai_of(start: int, end: int, linear: int = 0, references: int = 3) -> bytes:
    """A BAI with one chunk and one linear offset on the first contig."""
    out = b"BAI\1" + struct.pack("<II", references, 1) + struct.pack("<IIQQ", 4681, 1, start, end)
    return out + struct.pack("<IQ", 1, linear) + struct.pack("<II", 0, 0) * (references - 1)


def _offsets(corpus: Corpus) -> None:
    second = len(block((H + G)[:4000])) << 16
    for name, start, end, linear in [
        ("voff_past_eof", 1 << 40, 1 << 41, 0),
        ("voff_mid_block", 5 << 16, 1 << 40, 0),
        ("voff_upos_over", 65535, 1 << 40, 0),
        ("voff_reversed", 1 << 30, 1 << 20, 0),
        ("voff_max", 2**64 - 1, 2**64 - 1, 0),
        ("voff_mid_record", second + 3, 1 << 60, 0),
        ("linear_past", 0, 1 << 40, 1 << 50),
        ("voff_zero", 0, 1 << 40, 0),
    ]:
        path = _put(corpus, name, {"bai": _bai_of(start, end, linear)})
        corpus.case(path, None, CORRUPT_INDEX, ("index",), id=f"idx_{name}", regions="chr1:1-1000")
    inside = len(block((H + G)[:4000]))
    for name, start, end in [
        ("chunk_mid_block", (inside + 5) << 16, (len(BASE) - 28) << 16),
        ("chunk_mid_record", (inside << 16) + 3, (len(BASE) - 28) << 16),
        ("chunk_behind_frame", (inside << 16) + 60_000, (len(BASE) - 28) << 16),
    ]:
        path = _put(corpus, name, {"bai": _bai_of(start, end, start)})
        because = "the offsets lie in the file, so it may be another file's index"
        names = ("index",)
        corpus.case(path, None, INDEX_MISMATCH, names, id=f"idx_{name}", regions="chr1:1-1000", because=because)


def _other_files(corpus: Corpus, bai: bytes) -> None:
    case = corpus.case
    corpus.put("idx/other.bam", bgzf(H + b"".join(rec(f"o{i}", 1, i * 20, "20M") for i in range(200))))
    other = corpus.index("idx/other.bam", "idx/other.bam.bai")
    path = _put(corpus, "of_other", {"bai": other})
    case(path, None, INDEX_MISMATCH, ("of_other.bam.bai",), id="idx_for_another_file", regions=PLACE)

    stale = _put(corpus, "stale", {"bai": bai}, bam=bgzf(H + b"".join(good(90, 60))))
    older = _put(corpus, "older_ok", {"bai": bai})
    for path in (stale, older):
        os.utime(corpus.folder / f"{path}.bai", (1e9, 1e9))
        os.utime(corpus.folder / path, (1.5e9, 1.5e9))
    case(stale, None, INDEX_MISMATCH, ("does not lead to", "older", "samtools index"), id="idx_stale", regions=PLACE)
    case(stale, None, INDEX_MISMATCH, ("samtools index",), id="idx_stale_whole")
    case(older, None, id="idx_older_but_right", outcome="warn", covered=COVERED, regions=PLACE)
    fewer = _put(corpus, "fewer", {"bai": bai}, bam=bgzf(H + b"".join(good(40))))
    case(fewer, None, INDEX_MISMATCH, ("index",), id="idx_of_a_longer_file")

    big = [("big", 2**29 + 1000), ("chr1", 10_000)]
    empty = b"BAI\1" + struct.pack("<I", 2) + struct.pack("<II", 0, 0) * 2
    path = _put(corpus, "big29", {"bai": empty}, bam=bgzf(head(big) + rec("a", 0, 2**29 + 100)))
    beyond = "big:536870913-536871912"
    case(path, None, INDEX_MISMATCH, ("2^29", "csi"), id="idx_bai_over_2e29", regions=beyond)
    path = _put(corpus, "big29_none", {}, bam=bgzf(head(big) + rec("a", 0, 2**29 + 100)))
    case(path, None, covered=50, id="idx_none_over_2e29")


def _csi(corpus: Corpus) -> None:
    case = corpus.case
    path = _put(corpus, "csi", {})
    raw = gzip.decompress(corpus.index(path, f"{path}.csi", csi=True))
    case(path, None, id="idx_csi", covered=COVERED, regions=PLACE)
    for name, at, value in [
        ("csi_depth_200", 8, 200),
        ("csi_depth_neg", 8, -1),
        ("csi_depth_10", 8, 10),
        ("csi_depth_21", 8, 21),
        ("csi_minshift_200", 4, 200),
        ("csi_minshift_63", 4, 63),
        ("csi_laux_huge", 12, 2**31 - 1),
        ("csi_nref_huge", 16, 2**31 - 1),
        ("csi_nbin_huge", 20, 2**31 - 1),
    ]:
        damaged = raw[:at] + struct.pack("<i", value) + raw[at + 4 :]
        path = _put(corpus, name, {"csi": bgzf(damaged)})
        case(path, None, CORRUPT_INDEX, ("csi",), id=f"idx_{name}", regions=PLACE)
    named = _put(corpus, "csi_named_bai", {"bai": bgzf(raw)})
    case(named, None, id="idx_csi_named_bai", covered=COVERED, regions=PLACE)
    both = _put(corpus, "both", {"bai": b"junk", "csi": bgzf(raw)})
    case(both, None, CORRUPT_INDEX, ("both.bam.bai",), id="idx_bad_bai_good_csi", regions=PLACE)


def _where(corpus: Corpus, bai: bytes) -> None:
    case = corpus.case
    path = _put(corpus, "missing", {})
    tried = ("idx/missing.bam", "missing.bam.bai", "missing.bai", "missing.bam.csi", "missing.csi", "samtools index")
    case(path, None, INDEX_MISSING, tried, id="idx_missing", regions=PLACE)
    case(path, None, id="idx_missing_whole", covered=N)
    case(path, None, INDEX_MISSING, ("no.bai",), id="idx_named_is_missing", index="no.bai")
    path = _put(corpus, "short_name", {})
    corpus.put("idx/short_name.bai", bai)
    case(path, None, id="idx_x.bai", covered=COVERED, regions=PLACE)
    symlink("plain.bam", corpus.folder / "idx/link.bam")
    case("idx/link.bam", None, id="idx_beside_the_target_of_a_link", covered=COVERED, regions=PLACE)
    symlink("missing.bam", corpus.folder / "idx/link2.bam")
    names = ("link2.bam.bai", "missing.bam.bai")
    case("idx/link2.bam", None, INDEX_MISSING, names, id="idx_symlink_no_index", regions=PLACE)
    path = _put(corpus, "slink2", {})
    corpus.put("idx/elsewhere/real.bai", bai)
    symlink("elsewhere/real.bai", corpus.folder / f"{path}.bai")
    case(path, None, id="idx_symlinked_index", covered=COVERED, regions=PLACE)
