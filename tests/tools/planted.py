"""A genome with planted events, and reads of it with their alignments as a good aligner writes them."""

import random
from dataclasses import dataclass
from pathlib import Path

from random_evidence import text_of, text_tag
from simulate import Record, write_bam

CONTIGS = {"c0": 400_000, "c1": 200_000}


@dataclass
class Planted:
    """An event: its type, its breakpoints (contig, position) and its size."""

    kind: str
    first: tuple[int, int]
    second: tuple[int, int]
    size: int


# Stretches of the sample's genome: contig, start, end, strand; contig -1 is inserted sequence.
Stretch = tuple[int, int, int, int]


def genome(sizes: tuple[int, ...]) -> tuple[list[list[Stretch]], list[Planted]]:
    """Two chromosomes, with each type of event in each size on the first, and a translocation of the second."""
    stretches: list[Stretch] = []
    events = []
    at = 0

    def go_to(pos: int) -> None:
        nonlocal at
        stretches.append((0, at, pos, 1))
        at = pos

    for i, (kind, size) in enumerate((kind, size) for size in sizes for kind in ("DEL", "INS", "DUP", "INV")):
        start = 10_000 + i * 10_000
        go_to(start)
        end = start if kind == "INS" else start + size
        events.append(Planted(kind, (0, start), (0, end), size))
        if kind == "DEL":
            at = end
        elif kind == "INS":
            stretches.append((-1, 0, size, 1))
        elif kind == "DUP":
            stretches.append((0, start, end, 1))
        else:
            stretches.append((0, start, end, -1))
            at = end
    go_to(390_000)
    events.append(Planted("BND", (0, 390_000), (1, 100_000), 0))
    stretches.append((1, 100_000, 200_000, 1))
    return [stretches, [(1, 0, 200_000, 1)]], events


def alignments(chromosome: list[Stretch], begin: int, end: int) -> list[tuple[int, int, Stretch]]:
    """The pieces of a read of `begin..end` of a sample's chromosome: begin and end in the read, and the stretch."""
    found, at = [], 0
    for contig, start, stop, strand in chromosome:
        length = stop - start
        low, high = max(begin, at), min(end, at + length)
        if low < high:
            a, b = (low - at, high - at) if strand > 0 else (at + length - high, at + length - low)
            found.append((low - begin, high - begin, (contig, start + a, start + b, strand)))
        at += length
    return found


def long_reads(path: Path, seed: int, coverage: int = 12, length: int = 6000) -> list[Planted]:
    """Reads of both strands with errors. Small DEL and INS are in the CIGAR, everything else is split."""
    rng = random.Random(seed)
    sample, events = genome((50, 300, 2000, 8000))
    records = []
    for chromosome in sample:
        total = sum(end - start for _, start, end, _ in chromosome)
        for i in range(total * coverage // length):
            begin = rng.randrange(total - length)
            records += long_read(rng, f"{len(records)}_{i}", alignments(chromosome, begin, begin + length), length)
    records.sort(key=lambda read: (read.contig, read.pos))
    write_bam(path, CONTIGS, records)
    return events


def long_read(rng: random.Random, name: str, pieces: list[tuple[int, int, Stretch]], length: int) -> list[Record]:
    """Pieces of one strand that are near each other are one alignment."""
    parts: list[list] = []
    for begin, end, (contig, start, stop, strand) in pieces:
        if contig < 0 or end - begin < 30:
            continue
        last = parts[-1] if parts else None
        if (
            last
            and last[2] == contig
            and strand == last[5] == 1
            and 0 <= start - last[4] <= 1000
            and begin - last[1] <= 1000
        ):
            gap, inserted = start - last[4], begin - last[1]
            last[6] += [(n, op) for n, op in ((inserted, "I"), (gap, "D")) if n] + noise(rng, end - begin)
            last[1], last[4] = end, stop
        else:
            parts.append([begin, end, contig, start, stop, strand, noise(rng, end - begin)])
    reverse_read = rng.random() < 0.5
    made = []
    for begin, end, contig, start, _, strand, ops in parts:
        # What stands on the reverse strand has its CIGAR from the other end; noise has equal parts.
        around = (begin, length - end) if strand > 0 else (length - end, begin)
        clipped = [(n, op) for n, op in ((around[0], "S"), *ops, (around[1], "S")) if n]
        made.append((contig, start, (strand < 0) != reverse_read, clipped))
    out = []
    primary = max(range(len(made)), key=lambda i: sum(n for n, op in made[i][3] if op == "M"), default=0)
    order = [primary, *(i for i in range(len(made)) if i != primary)]
    names = tuple(CONTIGS)
    for i, (contig, start, reverse, ops) in enumerate(made):
        entries = [
            f"{names[made[j][0]]},{made[j][1] + 1},{'-' if made[j][2] else '+'},{text_of(made[j][3])},60,9;"
            for j in order
            if j != i
        ]
        flag = (16 if reverse else 0) | (0 if i == primary else 0x800)
        tags = text_tag("SA", "".join(entries)) if entries else b""
        out.append(Record(name, flag, start, 60, ops, "", None, contig, -1, -1, 0, tags))
    return out


def noise(rng: random.Random, length: int) -> list[tuple[int, str]]:
    """Matches with small insertions and deletions; as many bases of the read as of the reference."""
    ops = []
    while length > 200:
        n = rng.randrange(20, 150)
        size = rng.choice((1, 1, 2, 3))
        ops += [(n, "M"), (size, "I"), (9, "M"), (size, "D")]
        length -= n + 9 + size
    return [*ops, (length, "M")]


def short_pairs(path: Path, seed: int, coverage: int = 20) -> list[Planted]:
    """Pairs of 100 bases, 400 apart or so; a read that does not align in one piece is clipped to its longest."""
    rng = random.Random(seed)
    sample, events = genome((600, 2000, 8000))
    records = []
    for chromosome in sample:
        total = sum(end - start for _, start, end, _ in chromosome)
        for i in range(total * coverage // 200):
            size = max(200, int(rng.gauss(400, 40)))
            begin = rng.randrange(total - size)
            ends = [
                best(alignments(chromosome, at, at + 100), reverse)
                for at, reverse in ((begin, False), (begin + size - 100, True))
            ]
            if None in ends:
                continue
            first = rng.randrange(2)
            for j, ((contig, pos, reverse, ops), other) in enumerate(zip(ends, ends[::-1], strict=True)):
                flag = 1 | (16 if reverse else 0) | (32 if other[2] else 0) | (0x40 if j == first else 0x80)
                apart = other[1] - pos + 100
                fits = contig == other[0] and reverse != other[2] and (pos <= other[1]) != reverse
                proper = fits and abs(apart) < 800
                tlen = apart if not reverse else -(pos - other[1] + 100)
                record = Record(f"p{len(chromosome)}_{i}", flag | (2 if proper else 0), pos, 60, ops, "", None)
                record.contig, record.mate_contig, record.mate_pos = contig, other[0], other[1]
                record.tlen = tlen if contig == other[0] else 0
                records.append(record)
    records.sort(key=lambda read: (read.contig, read.pos))
    write_bam(path, CONTIGS, records)
    return events


def best(pieces: list[tuple[int, int, Stretch]], reverse: bool) -> tuple[int, int, bool, list] | None:
    begin, end, (contig, start, _, strand) = max(pieces, key=lambda piece: (piece[1] - piece[0], piece))
    if contig < 0 or end - begin < 40:
        return None
    around = (begin, 100 - end) if strand > 0 else (100 - end, begin)
    ops = [(n, op) for n, op in ((around[0], "S"), (end - begin, "M"), (around[1], "S")) if n]
    return contig, start, (strand < 0) != reverse, ops
