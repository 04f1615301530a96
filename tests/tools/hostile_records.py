"""Random records with any flags, mates, TLEN and qualities, for what looks at all records of a file."""

import random
from pathlib import Path

from simulate import EOF_FRAME, FRAME, Record, frame, write_bam

CONTIGS = {"c0": 2**31 - 1, "c1": 50_000, "c2": 300}
TLENS = (0, 0, 0, 1, -1, 2, 150, -150, 7999, -7999, 8000, -8000, 8001, -8001, 2**31 - 1, 1 - 2**31)
CIGARS = ("M", "M", "M", "=", "HM", "MH", "HSMSH", "MIM", "MDM", "MNM", "HMH", "MHM", "S", "I", "SMIMDMS", "MPM")
QUALITIES = {
    "few": lambda rng, n: bytes(rng.choices((2, 12, 23, 37), k=n)),
    "usual": lambda rng, n: bytes(rng.choices(range(42), k=n)),
    "printable": lambda rng, n: bytes(rng.choices(range(94), k=n)),
    "any": lambda rng, n: rng.randbytes(n),
    "missing": lambda _, n: b"\xff" * n,
    "missing at first": lambda rng, n: (b"\xff" + rng.randbytes(n))[:n],
    "equal": lambda rng, n: bytes([rng.randrange(256)]) * n,
}


def write(path: Path, seed: int) -> Path:
    """A BAM without an index. Seeds that are a multiple of 4 give records in no order."""
    rng = random.Random(seed)
    records = [record(rng) for _ in range(rng.choice((0, 1, 2, 10, 50, 300)))]
    if seed % 4:
        records.sort(key=lambda r: (r.contig if r.contig >= 0 else len(CONTIGS), r.pos))
    write_bam(path, CONTIGS, [])
    head = path.read_bytes()[: -len(EOF_FRAME)]
    data = b"".join(r.encode() for r in records)
    size = rng.choice((100, 5000, FRAME))
    path.write_bytes(head + b"".join(frame(data[i : i + size], 1) for i in range(0, len(data), size)) + EOF_FRAME)
    Path(f"{path}.bai").unlink()
    return path


def record(rng: random.Random) -> Record:
    flag = rng.choice(
        (
            rng.getrandbits(16),
            rng.getrandbits(12),
            rng.getrandbits(8),
            rng.choice((0, 16, 99, 147, 83, 163, 4, 77, 141)),
        )
    )
    contig, mate_contig = (rng.choice((-1, 0, 0, 0, 1, 2)) for _ in range(2))
    pos, mate_pos = (rng.choice((-1, 0, 10, 11, rng.randrange(200), rng.randrange(2**28))) for _ in range(2))
    if contig != 0:
        pos = -1 if contig == -1 else min(pos, 250)
    length = rng.choice((0, 1, 2, 7, 8, 9, 100, 150, 151, rng.randrange(301), rng.randrange(301), rng.randrange(3000)))
    ops = cigar(rng, length)
    # samtools stats gives up where a mapped read has SEQ but no CIGAR.
    if not length or (flag & 0x104 and rng.random() < 0.3):
        ops = rng.choice((ops, []))
    mapq = rng.choice((0, 1, 4, 5, 6, 60, 254, 255))
    qual = QUALITIES[rng.choice(tuple(QUALITIES))](rng, length)
    return Record(
        "r",
        flag,
        pos,
        mapq,
        ops,
        "".join(rng.choices("ACGTN=", k=length)),
        qual,
        contig,
        mate_contig,
        mate_pos,
        rng.choice(TLENS),
    )


def cigar(rng: random.Random, length: int) -> list[tuple[int, str]]:
    """A CIGAR that takes `length` read bases."""
    kinds = rng.choice(CIGARS)
    taking = [i for i, op in enumerate(kinds) if op in "MIS="]
    lens = [rng.choice((0, 1, 5, rng.randrange(300), rng.randrange(5000))) for _ in kinds]
    left = length
    for i in taking:
        lens[i] = left if i == taking[-1] else rng.randint(0, left)
        left -= lens[i]
    return [(n, op) for n, op in zip(lens, kinds, strict=True)]
