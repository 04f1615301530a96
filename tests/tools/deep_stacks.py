"""Random BAMs in which more reads lie over a place than mpileup's cap of 8000 lets in."""

import random
from pathlib import Path

import simulate

CONTIGS = {"c1": 900, "c2": 300}
FLAGS = (0x1, 0x3, 0x3, 0x3, 0x3, 0x3, 0x3, 0x0)  # an orphan, proper pairs, a single
EXTRA = (0,) * 40 + (0x400, 0x200, 0x100, 0x800, 0x4)


def write(folder: Path, name: str, seed: int) -> tuple[Path, Path]:
    """Writes `name`.bam and `name`.fa, with an index each: some 9,000 to 13,000 reads, most of them in one stack."""
    rng = random.Random(f"deep {seed}")
    sequences = {contig: "".join(rng.choices("ACGT", k=length)) for contig, length in CONTIGS.items()}
    stack = rng.randrange(0, 600)
    records = []
    wanted = rng.randrange(9_000, 13_000)
    while len(records) < wanted:
        contig = int(rng.random() < 0.02)
        sequence = list(sequences.values())[contig]
        start = rng.randrange(len(sequence) - 120)
        if contig == 0 and rng.random() < 0.97:
            # Few starts, so that many reads come while the stack is full; some of them before it.
            start = stack + rng.choice((0, 0, 1, 2, 5, 40, rng.randrange(60)))
        records += _template(rng, f"t{len(records)}", contig, sequence, start)
    if rng.random() < 0.5:
        for record in rng.sample(records, 200):  # some names belong to several templates
            record.name = f"t{rng.randrange(20)}"
    records.sort(key=lambda record: (record.contig, record.pos))
    bam = simulate.write_bam(folder / f"{name}.bam", CONTIGS, records)
    return bam, simulate.write_fasta(folder / f"{name}.fa", sequences)


def _template(rng: random.Random, name: str, contig: int, sequence: str, left: int) -> list[simulate.Record]:
    paired = rng.choice(FLAGS)
    mapq = rng.choice((60, 60, 60, 60, 30, 5))
    if not paired:
        return [_read(rng, name, 0x10 * rng.randrange(2), left, mapq, contig, sequence)]
    right = min(left + rng.randrange(70), len(sequence) - 60)
    first = _read(rng, name, paired | 0x60, left, mapq, contig, sequence)
    second = _read(rng, name, paired | 0x90, right, mapq, contig, sequence)
    span = second.end() - left
    for own, mate, tlen in ((first, second, span), (second, first, -span)):
        own.mate_contig, own.mate_pos, own.tlen = contig, mate.pos, tlen
    return [first, second]


def _read(
    rng: random.Random, name: str, flag: int, start: int, mapq: int, contig: int, sequence: str
) -> simulate.Record:
    text = rng.choice(("40M", "40M", "55M", "30M", "20M2D20M", "25M1I20M", "15M10N15M", "5S30M"))
    cigar, letters, at = simulate.cigar(text), "", start
    for n, op in cigar:
        letters += "".join(rng.choices("ACGT", k=n)) if op in "IS" else sequence[at : at + n] if op == "M" else ""
        at += n if op in "MDN" else 0
    letters = "".join(rng.choice("ACGT") if rng.random() < 0.01 else base for base in letters)
    quality = bytes(rng.choices((37, 25, 12, 7, 2), (80, 8, 5, 4, 3), k=len(letters)))
    return simulate.Record(name, flag | rng.choice(EXTRA), start, mapq, cigar, letters, quality, contig)
