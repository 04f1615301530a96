"""References: FASTA, .fai and .gzi."""

import gzip
import random
import struct
from typing import Any

from .build import (
    BASE,
    CORRUPT,
    CORRUPT_INDEX,
    INDEX_MISMATCH,
    REFERENCE_MISMATCH,
    REFERENCE_MISSING,
    REFS,
    UNSUPPORTED,
    Corpus,
    N,
    bgzf,
    block,
)

_RNG = random.Random(3)
SEQUENCES = {name: "".join(_RNG.choice("ACGT") for _ in range(length)) for name, length in REFS}


def fa(sequences: dict[str, str], width: int = 60, newline: str = "\n", *, last: bool = True) -> bytes:
    """A FASTA; without `last` its last line has no end."""
    out = "".join(
        f">{name} desc{newline}" + "".join(s[i : i + width] + newline for i in range(0, len(s), width))
        for name, s in sequences.items()
    )
    return (out if last else out.rstrip("\r\n")).encode()


def fai(data: bytes) -> bytes:
    """The .fai of a FASTA."""
    rows: list[list[Any]] = []
    at = 0
    for line in data.splitlines(keepends=True):
        if line.startswith(b">"):
            rows.append([line[1:].split()[0].decode(), 0, at + len(line), 0, 0])
        elif rows:
            letters = line.rstrip(b"\r\n")
            rows[-1][1] += len(letters)
            if not rows[-1][3]:
                rows[-1][3:] = [len(letters), len(line)]
        at += len(line)
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()


FA = fa(SEQUENCES)


def fasta(corpus: Corpus) -> None:
    corpus.put("ok.bam", BASE)
    _good(corpus)
    _other_contigs(corpus)
    _damaged(corpus)
    _gzi(corpus)


def _case(
    corpus: Corpus,
    name: str,
    data: bytes,
    exc: str | None = None,
    names: tuple[str, ...] = (),
    *,
    fx: bytes | str | None = "right",
    **how: Any,
) -> None:
    """The good BAM with `fa/NAME.fa`, whose index is `fx`."""
    path = corpus.put(f"fa/{name}.fa", data)
    index = fai(data) if fx == "right" else fx
    if isinstance(index, bytes):
        path.with_suffix(".fa.fai").write_bytes(index)
    _asked(corpus, f"fa/{name}.fa", exc, names, id=f"fa_{name}", **how)


def _asked(corpus: Corpus, ref: str, exc: str | None, names: tuple[str, ...] = (), **how: Any) -> None:
    # The reads do not match the reference: BAQ would drop every base.
    covered = None if exc and "outcome" not in how else N
    corpus.case("ok.bam", None, exc, names, covered=covered, ref=ref, rules="mpileup", baq=False, **how)
    # Letters are read for a dense table only.
    dense = dict(how, id=f"{how['id']}_dense")
    corpus.case("ok.bam", None, exc, names, covered=covered, ref=ref, rules="mpileup", baq=False, runs=False, **dense)


def _good(corpus: Corpus) -> None:
    _case(corpus, "ok", FA)
    _case(corpus, "no_fai", FA, fx=None)
    _case(corpus, "crlf", fa(SEQUENCES, newline="\r\n"))
    _case(corpus, "no_last_newline", fa(SEQUENCES, last=False))
    _case(corpus, "lower", fa({name: s.lower() for name, s in SEQUENCES.items()}))
    _case(corpus, "iupac_and_N", fa({name: f"{s[:50]}NNNRYKM{s[57:]}" for name, s in SEQUENCES.items()}))


def _other_contigs(corpus: Corpus) -> None:
    def other(name: str, exc: str, words: tuple[str, ...], sequences: dict[str, str]) -> None:
        _case(corpus, name, fa(sequences), exc, words)

    chr1 = SEQUENCES["chr1"]
    two = {name: SEQUENCES[name] for name in ("chr1", "chr2")}
    other("missing_contig", REFERENCE_MISSING, ("chrM",), two)
    other("short_contig", REFERENCE_MISMATCH, ("chr1", "9000", "10000"), {**SEQUENCES, "chr1": chr1[:9000]})
    other("long_contig", REFERENCE_MISMATCH, ("chr1", "10004", "10000"), {**SEQUENCES, "chr1": chr1 + "ACGT"})
    other("no_chr_prefix", REFERENCE_MISSING, ("chr1", "'1'"), {name[3:]: s for name, s in SEQUENCES.items()})


def _damaged(corpus: Corpus) -> None:
    def damaged(name: str, exc: str, words: tuple[str, ...], data: bytes = FA, **how: Any) -> None:
        _case(corpus, name, data, exc, words, **how)

    index = ("fai",)
    damaged("dup_name", CORRUPT, ("chr1",), FA + fa({"chr1": "ACGT"}))
    ragged = FA.replace(b"\n", b"", 3)
    name_line = ("fai", "'chr1': the line with its name should end at byte")
    damaged("ragged_lines", CORRUPT_INDEX, (*name_line, "byte 11 of"), ragged, fx=b"chr1\t10000\t11\t60\t61\n")
    damaged("fai_wrong_offset", CORRUPT_INDEX, (*name_line, "byte 99 of"), fx=fai(FA).replace(b"\t11\t", b"\t99\t"))
    damaged("fai_line_zero", CORRUPT_INDEX, index, fx=b"chr1\t10000\t11\t0\t0\n")
    huge = b"chr1\t18446744073709551615\t18446744073709551615\t60\t61\n"
    damaged("fai_huge", CORRUPT_INDEX, index, fx=huge)
    damaged("fai_neg", CORRUPT_INDEX, index, fx=b"chr1\t-1\t11\t60\t61\n")
    damaged("fai_width_lt_bases", CORRUPT_INDEX, index, fx=b"chr1\t10000\t11\t60\t10\n")
    damaged("fai_text", CORRUPT_INDEX, index, fx=b"not an index")
    damaged("fai_empty", CORRUPT_INDEX, index, fx=b"")
    damaged("fai_of_other", INDEX_MISMATCH, index, fx=fai(fa(SEQUENCES, 50)))
    damaged("fasta_empty", CORRUPT, ("empty",), b"", fx=b"")
    end = ("fai", "'chr1': the contig should end at byte")
    damaged("gt_in_sequence", CORRUPT_INDEX, end, FA.replace(b"\nA", b"\n>A", 1), fx=fai(FA))
    _inside(corpus, "nul_bytes", ("chr1",), CORRUPT, FA[:200] + bytes(20) + FA[220:])
    # Two letters changed sides of a newline: name, first line and end of the contig are where the index says.
    _inside(
        corpus,
        "uneven_lines",
        ("fai", "no line should end at byte 191"),
        CORRUPT_INDEX,
        FA[:191] + b"\n" + FA[191:193] + FA[194:],
    )


def _inside(corpus: Corpus, name: str, words: tuple[str, ...], exc: str, data: bytes) -> None:
    """A fault in the middle of a contig, where only reading its letters leads."""
    corpus.put(f"fa/{name}.fa", data).with_suffix(".fa.fai").write_bytes(fai(FA))
    how = {"ref": f"fa/{name}.fa", "rules": "mpileup", "baq": False}
    corpus.case("ok.bam", None, exc, words, id=f"fa_{name}_dense", runs=False, **how)
    because = "without BAQ and without letters in the table nothing of the sequence is read"
    corpus.case("ok.bam", None, id=f"fa_{name}", covered=N, because=because, **how)


def _gzi(corpus: Corpus) -> None:
    frames, at, done = [], 0, 0
    for i in range(0, len(FA), 3000):
        at += len(block(FA[i : i + 3000]))
        done += len(FA[i : i + 3000])
        frames.append(struct.pack("<QQ", at, done))
    gzi = struct.pack("<Q", len(frames) - 1) + b"".join(frames[:-1])

    def zipped(name: str, index: bytes | None, exc: str | None = None, **how: Any) -> None:
        corpus.put(f"fa/{name}.fa.gz", bgzf(FA, 3000))
        corpus.put(f"fa/{name}.fa.gz.fai", fai(FA))
        if index is not None:
            corpus.put(f"fa/{name}.fa.gz.gzi", index)
        _asked(corpus, f"fa/{name}.fa.gz", exc, ("gzi",) if exc else (), id=f"fa_{name}", **how)

    zipped("bgz", gzi)
    zipped("gzi_missing", None)
    zipped("gzi_count_huge", struct.pack("<Q", 2**63) + gzi[8:], CORRUPT_INDEX)
    zipped("gzi_past_eof", struct.pack("<QQQ", 1, 1 << 40, 100), CORRUPT_INDEX)
    zipped("gzi_unordered", struct.pack("<Q", 2) + gzi[24:40] + gzi[8:24], CORRUPT_INDEX)
    zipped("gzi_cut", gzi[:-5], CORRUPT_INDEX)
    corpus.put("fa/plain_gz.fa.gz", gzip.compress(FA, mtime=0))
    _asked(corpus, "fa/plain_gz.fa.gz", UNSUPPORTED, ("gzip", "bgzip"), id="fa_plain_gzip")
