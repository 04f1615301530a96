"""BGZF: blocks, and files that are not BGZF."""

import gzip
import random

from .build import BASE, CORRUPT, EOF, TRUNCATED, UNSUPPORTED, Corpus, G, H, N, bgzf, block, rec, text


def container(corpus: Corpus) -> None:
    case = corpus.case
    case("ok.bam", BASE, covered=N)
    _other_kinds(corpus)
    _ends(corpus)
    _frames(corpus)
    _flips(corpus)


def _other_kinds(corpus: Corpus) -> None:
    case = corpus.case
    case("empty.bam", b"", UNSUPPORTED, ("empty",))
    case("one_byte.bam", b"\x1f", UNSUPPORTED, ("BGZF",))
    case("text.bam", b"hello, not a bam\n" * 9, UNSUPPORTED, ("BGZF",))
    sam = text() + "r\t0\tchr1\t1\t60\t4M\t*\t0\t0\tACGT\t*\n"
    case("sam_as.bam", sam.encode(), UNSUPPORTED, ("SAM", "samtools view -b"))
    case("sam_bgzipped.bam", bgzf(sam.encode()), UNSUPPORTED, ("SAM", "samtools view -b"))
    case("gzip_not_bgzf.bam", gzip.compress(H + G, mtime=0), UNSUPPORTED, ("gzip",))
    case("raw_uncompressed.bam", H + G, UNSUPPORTED, ("BGZF",))
    case("eof_only.bam", EOF, CORRUPT, ("header",))


def _ends(corpus: Corpus) -> None:
    case = corpus.case
    open_end = bgzf(H + G, eof=False)
    case("no_eof.bam", open_end, TRUNCATED, ("EOF",))
    case("no_eof_allowed.bam", open_end, outcome="warn", covered=N, allow_truncated=True)
    case("cut_in_block.bam", BASE[: len(BASE) // 2], TRUNCATED, ("offset",))
    for k in (1, 5, 10, 17):  # less than a frame's header is left
        case(f"cut_head_{k}.bam", open_end + EOF[:k], TRUNCATED, ("EOF",))
    case("cut_at_block.bam", open_end[: len(block((H + G)[:4000]))], TRUNCATED, ("EOF",))
    case("cut_record_then_eof.bam", bgzf((H + G)[:-20]), TRUNCATED, ("record 60",))
    case("trailing_garbage.bam", BASE + b"garbage after the end", CORRUPT, ("offset",))
    case("trailing_zeros.bam", BASE + b"\0" * 4096, CORRUPT, ("offset",))
    case("concatenated_bam.bam", BASE + BASE, CORRUPT, ("record 61", "second BAM", "samtools cat"))


def _frames(corpus: Corpus) -> None:
    case = corpus.case
    place = ("offset",)

    def second(name: str, *expected: object, **lies: object) -> None:
        case(name, block(H) + block(G[:4000], **lies) + bgzf(G[4000:]), *expected)

    second("crc_bad.bam", CORRUPT, ("CRC", "offset"), crc=1)
    second("isize_small.bam", CORRUPT, place, isize=10)
    second("isize_big.bam", CORRUPT, place, isize=60_000)
    second("isize_4g.bam", CORRUPT, place, isize=0xFFFFFFFF)
    second("bsize_zero.bam", CORRUPT, place, bsize=0)
    second("bsize_short.bam", CORRUPT, place, bsize=40)
    second("bsize_long.bam", CORRUPT, place, bsize=60_000)
    second("deflate_bad.bam", CORRUPT, place, raw=b"\xff" * 300)
    case(
        "xlen_huge.bam",
        block(H) + block(G[:4000], xlen=0xFFFF) + bgzf(G[4000:]),
        "ValueError",
        place,
        because="a gzip member with another extra field is legal gzip and no BGZF: UnsupportedFormatError",
    )
    case("xlen_extra_field.bam", bgzf(H + G, extra=b"XX\x02\x00ab"), UNSUPPORTED, ("BGZF",))
    case(
        "gz_member_middle.bam",
        block(H) + gzip.compress(G[:4000], mtime=0) + bgzf(G[4000:]),
        CORRUPT,
        place,
    )
    case("deflate_stored.bam", bgzf(H + G, level=0), covered=N)
    empty_frames = block(H) + EOF * 3 + block(G[:4000]) + EOF * 2 + bgzf(G[4000:])
    case("empty_blocks_middle.bam", empty_frames, covered=N)
    case("eof_middle_many.bam", block(H) + EOF * 20_000 + bgzf(G), covered=N)
    bomb = rec("b", 0, 0, "50M", aux=b"ZZZ" + b"A" * 30_000_000 + b"\0")
    case("zip_bomb.bam", bgzf(H + bomb, 65_280, level=9), covered=50)
    larger = rec("b", 0, 0, "50M", aux=b"ZZZ" + b"A" * 70_000_000 + b"\0")
    case("zip_bomb_larger.bam", bgzf(H + larger, 65_280, level=9), "ResourceLimitError", ("record 1", "offset"))
    case("block_64k.bam", bgzf(H + G, 65_280, level=0), covered=N)
    case("tiny_blocks.bam", bgzf(H + G, 7), covered=N)


def _flips(corpus: Corpus) -> None:
    rng = random.Random(7)
    for i in range(40):  # in the inflated bytes; the CRC is right
        data = bytearray(H + G)
        for _ in range(1 + i % 4):
            at = rng.randrange(len(H) if i % 2 else 0, len(data))
            data[at] ^= 1 << rng.randrange(8)
        corpus.case(f"flip/payload_{i:02}.bam", bgzf(bytes(data)), CORRUPT, outcome="ok_or_error")
    for i in range(20):  # in the compressed bytes
        data = bytearray(BASE)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        corpus.case(f"flip/raw_{i:02}.bam", bytes(data), CORRUPT, outcome="ok_or_error")
