"""BAM files byte by byte, and the list of cases."""

import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EOF = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
REFS = [("chr1", 10_000), ("chr2", 5_000), ("chrM", 100)]
OPS = "MIDNSHP=X"


@dataclass
class Case:
    """A call, and what must come of it."""

    id: str
    path: str
    # Keywords of fastcov.coverage.
    call: dict[str, Any]
    # "ok", "warn" (ok with a FastcovWarning), "error", or "ok_or_error".
    outcome: str
    # Name of the exception's class, in fastcov.errors or built in; a subclass will do.
    exception: str | None = None
    # Words the message must hold.
    names: tuple[str, ...] = ()
    # Sum of the depths, where the outcome is ok.
    covered: int | None = None
    because: str = ""
    # What the worker does first: "chmod" makes the file unreadable, "nofile" takes all but so many descriptors away, …
    setup: str = ""


@dataclass
class Corpus:
    """A folder with bad files, and the cases about them."""

    folder: Path
    cases: list[Case] = field(default_factory=list)

    def put(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def index(self, bam: str, name: str, *, csi: bool = False) -> bytes:
        """The index samtools makes of a good file, written as `name`."""
        import pysam

        path = self.folder / name
        pysam.index("-c" if csi else "-b", str(self.folder / bam), "-o", str(path))
        return path.read_bytes()

    def case(
        self,
        name: str,
        data: bytes | None,
        exception: str | None = None,
        names: tuple[str, ...] = (),
        covered: int | None = None,
        outcome: str | None = None,
        *,
        id: str | None = None,  # noqa: A002
        because: str = "",
        setup: str = "",
        **call: Any,
    ) -> None:
        """One more case on file `name`, which is written when there is `data`."""
        if data is not None:
            self.put(name, data)
        outcome = outcome or ("error" if exception else "ok")
        call = {"rules": "depth", **call}
        # Sums of depths are the same as runs, which take little memory however long the contigs.
        call = {"runs": True, **call}
        self.cases.append(
            Case(id or name.rsplit(".", 1)[0], name, call, outcome, exception, names, covered, because, setup)
        )


def block(
    data: bytes,
    level: int = 6,
    crc: int | None = None,
    isize: int | None = None,
    bsize: int | None = None,
    xlen: int | None = None,
    extra: bytes = b"",
    raw: bytes | None = None,
) -> bytes:
    """One BGZF frame; any of its fields may lie."""
    if raw is None:
        deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
        raw = deflate.compress(data) + deflate.flush()
    fields = extra + b"BC\x02\x00"
    size = 12 + len(fields) + 2 + len(raw) + 8
    return (
        b"\x1f\x8b\x08\x04\0\0\0\0\0\xff"
        + struct.pack("<H", len(fields) + 2 if xlen is None else xlen)
        + fields
        + struct.pack("<H", (size - 1 if bsize is None else bsize) & 0xFFFF)
        + raw
        + struct.pack("<II", zlib.crc32(data) if crc is None else crc, len(data) if isize is None else isize)
    )


def bgzf(data: bytes, chunk: int = 4000, *, eof: bool = True, **how: Any) -> bytes:
    frames = b"".join(block(data[i : i + chunk], **how) for i in range(0, len(data), chunk))
    return frames + (EOF if eof else b"")


def text(refs: list[tuple[str, int]] = REFS, extra: str = "") -> str:
    return "@HD\tVN:1.6\tSO:coordinate\n" + "".join(f"@SQ\tSN:{name}\tLN:{length}\n" for name, length in refs) + extra


def head(
    refs: list[tuple[str, int]] = REFS,
    txt: str | None = None,
    l_text: int | None = None,
    n_ref: int | None = None,
    l_name: int | None = None,
    magic: bytes = b"BAM\x01",
    lens: dict[int, int] | None = None,
) -> bytes:
    """The head of a BAM; `l_name` is the first contig's."""
    words = (text(refs) if txt is None else txt).encode("latin-1")
    out = bytearray(magic + struct.pack("<I", len(words) if l_text is None else l_text) + words)
    out += struct.pack("<I", len(refs) if n_ref is None else n_ref)
    for i, (name, length) in enumerate(refs):
        bytes_of_name = name.encode() + b"\0"
        out += struct.pack("<I", len(bytes_of_name) if l_name is None or i else l_name) + bytes_of_name
        out += struct.pack("<I", (lens or {}).get(i, length) & 0xFFFFFFFF)
    return bytes(out)


def operations(cigar: str) -> list[tuple[int, int]]:
    out, number = [], ""
    for letter in cigar:
        if letter.isdigit():
            number += letter
        else:
            out.append((int(number), OPS.index(letter)))
            number = ""
    return out


def packed(ops: list[tuple[int, int]]) -> bytes:
    return b"".join(struct.pack("<I", length << 4 | kind) for length, kind in ops)


def rec(
    name: str = "r",
    ref: int = 0,
    pos: int = 0,
    cigar: str = "50M",
    flag: int = 0,
    mapq: int = 60,
    seqlen: int | None = None,
    block_size: int | None = None,
    l_read_name: int | None = None,
    n_cigar: int | None = None,
    l_seq: int | None = None,
    rawcig: bytes | None = None,
    aux: bytes = b"",
    nref: int = -1,
    npos: int = -1,
    tlen: int = 0,
    name_bytes: bytes | None = None,
    cut: int | None = None,
) -> bytes:
    """One record; any of its lengths may lie."""
    ops = operations(cigar) if rawcig is None else []
    raw = packed(ops) if rawcig is None else rawcig
    bases = sum(length for length, kind in ops if kind in {0, 1, 4, 7, 8}) if seqlen is None else seqlen
    name_bytes = name.encode() + b"\0" if name_bytes is None else name_bytes
    body = struct.pack(
        "<iiBBHHHIiii",
        ref,
        pos,
        len(name_bytes) if l_read_name is None else l_read_name,
        mapq,
        4680,
        len(raw) // 4 if n_cigar is None else n_cigar,
        flag,
        bases if l_seq is None else l_seq,
        nref,
        npos,
        tlen,
    )
    body += name_bytes + raw + b"\x11" * ((bases + 1) // 2) + b"\x1e" * bases + aux
    body = body[:cut]
    return struct.pack("<I", len(body) if block_size is None else block_size) + body


def good(n: int = 60, step: int = 100) -> list[bytes]:
    return [rec(f"g{i}", 0, i * step, "50M") for i in range(n)]


H = head()
G = b"".join(good())
BASE = bgzf(H + G)
# The sum of its depths.
N = 60 * 50

CORRUPT, TRUNCATED, UNSUPPORTED = "CorruptFileError", "TruncatedFileError", "UnsupportedFormatError"
CORRUPT_INDEX, INDEX_MISMATCH, INDEX_MISSING = "CorruptIndexError", "IndexMismatchError", "IndexMissingError"
REGION, UNKNOWN_CONTIG, LIMIT = "RegionError", "UnknownContigError", "ResourceLimitError"
REFERENCE_MISMATCH, REFERENCE_MISSING = "ReferenceMismatchError", "ReferenceMissingError"


def symlink(target: str, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(target, link)
