"""A small sequencing sample made from nothing: FASTA, BAM and BAI, the same bytes on every run.

Written with the standard library alone, so that the demonstration and the tests need no other tool and do not share
code with what they look at. `sample(folder)` writes the sample, `write_bam(path, contigs, records)` any list of records
in order of position.
"""

import random
import re
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

OPS = "MIDNSHP=X"
CODES = {base: code for code, base in enumerate("=ACMGRSVTWYHKDBN")}
EOF_FRAME = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
FRAME = 0xFF00  # bytes of data in a BGZF frame

READ = 150
CONTIGS = {"chr1": 60_000, "chr2": 6_000}
DIP = range(30_000, 31_500)  # hardly any read starts here, 0-based
GAP = range(44_000, 44_600)  # no read starts here
DELETIONS = {20_000: 12, 52_000: 60}  # first base deleted, 0-based -> bases deleted, in every read that spans it
INSERTION = (10_000, "GATTACA")


@dataclass
class Record:
    """One alignment; `pos` and `mate_pos` are 0-based, -1 is none, `qual` None is "no qualities", `tags` as in BAM."""

    name: str
    flag: int
    pos: int
    mapq: int
    cigar: list[tuple[int, str]]
    seq: str
    qual: bytes | None
    contig: int = 0
    mate_contig: int = -1
    mate_pos: int = -1
    tlen: int = 0
    tags: bytes = b""

    def end(self) -> int:
        """One past the last base, 0-based; a record without aligned bases takes one."""
        return self.pos + max(1, sum(n for n, op in self.cigar if op in "MDN=X"))

    def encode(self) -> bytes:
        name = self.name.encode() + b"\0"
        codes = [CODES[base] for base in self.seq] + [0] * (len(self.seq) % 2)
        where = (self.contig, self.pos, len(name), self.mapq, bin_of(self.pos, self.end()))
        mate = (self.mate_contig, self.mate_pos, self.tlen)
        body = struct.pack("<iiBBHHHIiii", *where, len(self.cigar), self.flag, len(self.seq), *mate)
        body += name + b"".join(struct.pack("<I", n << 4 | OPS.index(op)) for n, op in self.cigar)
        body += bytes(high << 4 | low for high, low in zip(codes[::2], codes[1::2], strict=True))
        body += (b"\xff" * len(self.seq) if self.qual is None else self.qual) + self.tags
        return struct.pack("<I", len(body)) + body


def cigar(text: str) -> list[tuple[int, str]]:
    """`"10M2D5M"` as pairs."""
    return [(int(n), op) for n, op in re.findall(rf"(\d+)([{OPS}])", text)]


def bin_of(start: int, end: int) -> int:
    """The smallest BAI bin that holds start..end (0-based, half-open); SAM specification, section 5.3."""
    end -= 1
    for shift, first in ((14, 4681), (17, 585), (20, 73), (23, 9), (26, 1)):
        if start >> shift == end >> shift:
            return first + (start >> shift)
    return 0


def frame(data: bytes, level: int = 6) -> bytes:
    """One BGZF frame."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = deflate.compress(data) + deflate.flush()
    head = bytes.fromhex("1f8b08040000000000ff060042430200") + struct.pack("<H", len(packed) + 25)
    return head + packed + struct.pack("<II", zlib.crc32(data), len(data))


def write_bam(
    path: Path,
    contigs: dict[str, int],
    records: list[Record],
    level: int = 6,
    frame_size: int = FRAME,
    *,
    more_header: str = "",
) -> Path:
    """Writes `records`, sorted by contig and position, and the index, `path` + ".bai"; `more_header` is text."""
    text = "@HD\tVN:1.6\tSO:coordinate\n" + "".join(
        f"@SQ\tSN:{name}\tLN:{length}\n" for name, length in contigs.items()
    )
    text += more_header
    header = b"BAM\1" + struct.pack("<I", len(text)) + text.encode() + struct.pack("<I", len(contigs))
    header += b"".join(
        struct.pack("<I", len(name) + 1) + name.encode() + b"\0" + struct.pack("<I", length)
        for name, length in contigs.items()
    )
    out = bytearray(b"".join(frame(header[i : i + FRAME], level) for i in range(0, len(header), FRAME)))
    data = bytearray()
    chunks = []  # per record: where it starts and ends, as virtual offsets
    for record in records:
        encoded = record.encode()
        if data and len(data) + len(encoded) > frame_size:
            out += frame(bytes(data), level)
            data.clear()
        start = len(out) << 16 | len(data)
        data += encoded
        while len(data) > 0xFFFF:  # a record larger than a frame
            out += frame(bytes(data[:FRAME]), level)
            del data[:FRAME]
        chunks.append((start, len(out) << 16 | len(data)))
    out += (frame(bytes(data), level) if data else b"") + EOF_FRAME
    path.write_bytes(out)
    Path(f"{path}.bai").write_bytes(_index(len(contigs), records, chunks))
    return path


def _index(n_contigs: int, records: list[Record], chunks: list[tuple[int, int]]) -> bytes:
    out = bytearray(b"BAI\1" + struct.pack("<I", n_contigs))
    on_contig: dict[int, list] = {}
    for record, chunk in zip(records, chunks, strict=True):
        if record.pos >= 0:
            on_contig.setdefault(record.contig, []).append((record, chunk))
    for contig in range(n_contigs):
        bins: dict[int, list[tuple[int, int]]] = {}
        linear: list[int] = []
        placed = on_contig.get(contig, [])
        for record, (start, end) in placed:
            pieces = bins.setdefault(bin_of(record.pos, record.end()), [])
            if pieces and pieces[-1][1] == start:
                pieces[-1] = (pieces[-1][0], end)
            else:
                pieces.append((start, end))
            last_window = (record.end() - 1) >> 14
            linear += [0] * (last_window + 1 - len(linear))
            for window in range(record.pos >> 14, last_window + 1):
                linear[window] = linear[window] or start
        if placed:  # the bin that is none: where the contig's records lie, and how many are mapped
            mapped = sum(not r.flag & 4 for r, _ in placed)
            bins[37450] = [(placed[0][1][0], placed[-1][1][1]), (mapped, len(placed) - mapped)]
        out += struct.pack("<I", len(bins))
        for number, pieces in bins.items():
            out += struct.pack("<II", number, len(pieces)) + b"".join(struct.pack("<QQ", *piece) for piece in pieces)
        out += struct.pack("<I", len(linear)) + b"".join(struct.pack("<Q", offset) for offset in linear)
    return bytes(out + struct.pack("<Q", sum(r.pos < 0 for r in records)))


def write_fasta(path: Path, sequences: dict[str, str]) -> Path:
    """Writes the FASTA, 60 letters a line, and its `.fai`."""
    out, index = "", ""
    for name, letters in sequences.items():
        out += f">{name}\n"
        index += f"{name}\t{len(letters)}\t{len(out)}\t60\t61\n"
        out += "".join(letters[i : i + 60] + "\n" for i in range(0, len(letters), 60))
    path.write_text(out)
    Path(f"{path}.fai").write_text(index)
    return path


def _align(rng: random.Random, sequence: str, start: int) -> tuple[list[tuple[int, str]], str]:
    """CIGAR and letters of an error-free read of READ bases that starts at `start` of the sample's own genome."""
    ops: list[tuple[int, str]] = []
    letters, at = "", start
    while len(letters) < READ:
        stops = [p for p in (*DELETIONS, INSERTION[0]) if p > at]
        step = min([READ - len(letters), *(p - at for p in stops)])
        letters += sequence[at : at + step]
        ops.append((step, "M"))
        at += step
        if READ - len(letters) < 8:  # too little is left to place anything behind an indel: the aligner would clip it
            clip = READ - len(letters)
            letters += "".join(rng.choice("ACGT") for _ in range(clip))
            ops += [(clip, "S")] if clip else []
        elif at in DELETIONS:
            ops.append((DELETIONS[at], "D"))
            at += DELETIONS[at]
        elif at == INSERTION[0]:
            insert = INSERTION[1][: READ - len(letters)]
            letters += insert
            ops.append((len(insert), "I"))
    return ops, letters


def _read(rng: random.Random, sequence: str, start: int) -> tuple[list[tuple[int, str]], str, bytes]:
    ops, letters = _align(rng, sequence, start)
    quality = bytes(rng.choice((37, 37, 37, 25, 11, 2)) if rng.random() < 0.15 + i / 500 else 37 for i in range(READ))
    noisy = (
        rng.choice("ACGT") if rng.random() < 10 ** (-q / 10) else base for base, q in zip(letters, quality, strict=True)
    )
    return ops, "".join(noisy), quality


def sample(folder: Path, depth: int = 30, seed: int = 1) -> tuple[Path, Path]:
    """Writes `sample.bam` and `sample.fa`, both with an index, to `folder`; about `depth` reads over a base of chr1."""
    rng = random.Random(seed)
    sequences = {name: "".join(rng.choices("ACGT", (3, 2, 2, 3), k=length)) for name, length in CONTIGS.items()}
    sequences["chr2"] = sequences["chr2"][:2_000].lower() + "N" * 200 + sequences["chr2"][2_200:]
    records: list[Record] = []
    for contig, (name, length) in enumerate(CONTIGS.items()):
        sequence = sequences[name].upper().replace("N", "A")
        for number in range(length * depth // (2 * READ) // (1 if contig == 0 else 4)):
            insert = max(READ + 10, round(rng.gauss(270, 60)))  # many pairs overlap
            left = rng.randrange(length - insert - 200)
            right = left + insert - READ
            if contig == 0 and (left in GAP or right in GAP or (left in DIP and rng.random() < 0.9)):
                continue
            records += _pair(rng, f"read{contig}.{number}", contig, sequence, (left, right))
    records.sort(key=lambda r: (r.contig, r.pos))
    folder.mkdir(parents=True, exist_ok=True)
    return write_bam(folder / "sample.bam", CONTIGS, records), write_fasta(folder / "sample.fa", sequences)


def _pair(rng: random.Random, name: str, contig: int, sequence: str, places: tuple[int, int]) -> list[Record]:
    left, right = places
    insert = right + READ - left
    proper = 0 if rng.random() < 0.02 else 2  # a few orphans
    bad = rng.choice((0x400, 0x400, 0x200)) if rng.random() < 0.03 else 0  # duplicates and failures
    mapq = rng.choice((0, 5, 20)) if rng.random() < 0.05 else 60
    pair = []
    for own, mate, flag, tlen in ((left, right, 0x61, insert), (right, left, 0x91, -insert)):
        ops, letters, quality = _read(rng, sequence, own)
        pair.append(Record(name, flag | proper | bad, own, mapq, ops, letters, quality, contig, contig, mate, tlen))
    if rng.random() < 0.01:  # a part of the first read, aligned a second time, without qualities
        ops, letters = cigar(f"{READ - 60}H60M"), sequence[right : right + 60]
        pair.append(Record(name, pair[0].flag | 0x800, right, 30, ops, letters, None, contig, contig, right, insert))
    return pair


if __name__ == "__main__":
    print(*sample(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
