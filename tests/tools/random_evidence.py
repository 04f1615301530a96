"""Random BAM files of pairs and of split reads, most of them as aligners write them and some with hostile fields."""

import random
import struct
from dataclasses import replace
from pathlib import Path

from simulate import Record, cigar, write_bam

CONTIGS = {"c0": 20_000, "c1": 3000, "c2": 300}


def text_tag(name: str, value: str) -> bytes:
    return name.encode() + b"Z" + value.encode() + b"\0"


def pair(rng: random.Random, name: str, usual: str) -> list[Record]:
    """Two records; as a rule a proper pair of about 300 bases."""
    odd = rng.random()
    strands = usual if odd > 0.1 else rng.choice(("FR", "RF", "FF", "RR"))
    contig, mate_contig = 0, 0
    size = int(rng.gauss(300, 30)) if odd > 0.06 else rng.choice((0, 50, 440, 470, 500, 3000))
    start = rng.randrange(1, 19_000)
    mate = max(0, min(start + size - rng.choice((100, 100, 100, 30)), 19_990))
    if odd < 0.03:
        mate_contig, mate = rng.choice(((1, rng.randrange(2990)), (2, 5), (0, start)))
    ops = [
        cigar(rng.choice(("100M", "100M", "100M", "10S90M", "40M20D60M", "30M", "50M300N50M", "100S"))) for _ in "ab"
    ]
    ends = [(contig, start, ops[0]), (mate_contig, mate, ops[1])]
    proper = odd > 0.1 or rng.random() < 0.3
    first = rng.randrange(2)
    group = rng.choice((None, "a", "a", "b", "nowhere"))
    out = []
    for i, (own, pos, own_ops) in enumerate(ends):
        flag = 1 | (2 if proper else 0) | (0x40 if i == first else 0x80)
        flag |= (16 if strands[i] == "R" else 0) | (32 if strands[1 - i] == "R" else 0)
        length = sum(n for n, op in own_ops if op in "MIS=X")
        tags = b"" if group is None else text_tag("RG", group)
        if rng.random() < 0.3:
            tags += b"MQ" + rng.choice(
                (b"C\x14", b"C\xff", b"i" + struct.pack("<i", rng.choice((60, -1, 3, 300))), b"Ax")
            )
        tlen = (size if i == 0 else -size) if own == ends[1 - i][0] else 0
        mapq = rng.choice((60, 60, 60, 60, 20, 19, 0, 255))
        out.append(
            Record(name, flag, pos, mapq, own_ops, "A" * length, None, own, ends[1 - i][0], ends[1 - i][1], tlen, tags)
        )
    return out


def hostile(rng: random.Random, read: Record) -> Record:
    changes = (
        {"flag": read.flag ^ 1 << rng.randrange(12)},
        {"tlen": rng.choice((0, 1, -5000, 449, -(2**31), 2**31 - 1))},
        {"mate_pos": rng.choice((-1, 0, 2999, 250_000, read.pos))},
        {"mate_contig": rng.choice((-1, 0, 1, 2))},
        {"name": "again"},
        {"cigar": [], "seq": ""},
    )
    return replace(read, **rng.choice(changes))


def pairs(path: Path, seed: int) -> Path:
    rng = random.Random(seed)
    usual = rng.choice(("FR", "FR", "FR", "RF", "FF", "RR"))
    records = []
    for i in range(rng.choice((0, 1, 5, 60, 400, 1500))):
        both = pair(rng, f"r{i if rng.random() < 0.97 else 0}", usual)
        if rng.random() < 0.1:
            both = [hostile(rng, read) if rng.random() < 0.5 else read for read in both]
        if rng.random() < 0.05:
            both.pop(rng.randrange(2))
        records += both
    records.sort(key=lambda read: (read.contig, read.pos))
    groups = rng.choice(("", "@RG\tID:a\tSM:s\n", "@RG\tID:a\tSM:s\n@RG\tID:b\tSM:s\n@RG\tID:c\tSM:s\n"))
    return write_bam(path, CONTIGS, records, more_header=groups)


LONG_CIGARS = (
    "{n}M",
    "{n}M60D40M",
    "{n}M70I40M",
    "30M55D5I60D{n}M",
    "20M30D15M40D{n}M",
    "20M30I15M40I{n}M",
    "20M9D15M60I5D9I{n}M",
    "{n}M400N50M",
    "60I{n}M",
    "{n}=1X20=52D10=",
)
BAD_TAGS = (
    "",
    ";",
    "c0,100,+,50M50S,60",
    "nope,100,+,50M50S,60,0;",
    "c0,x,+,50M50S,60,0;",
    "c0,0,+,50M50S,60,0;",
    "c0,19990,+,50M50S,60,0;",
    "c0,100,*,50M50S,60,0;",
    "c0,100,+,50M50Q,60,0;",
    "c0,100,+,M,60,0;",
    "c0,100,+,50M50S,600,0;",
    "c0,100,+,99999999999M,60,0;",
    "c0,100,+,50M50S50M,60,0;",
    "c0,100,+,50M50S,60,0;c0",
    "c2,290,-,50M,60,0;",
)


def text_of(ops: list[tuple[int, str]]) -> str:
    return "".join(f"{n}{op}" for n, op in ops)


def split_read(rng: random.Random, name: str) -> list[Record]:
    """One to four alignments of one read, one of them primary; the bases differ so that sequences can be compared."""
    length = rng.choice((200, 400, 1000))
    letters = "".join(rng.choices("ACGT", k=length))
    cuts = sorted(rng.randrange(length) for _ in range(rng.choice((0, 0, 1, 2, 3))))
    bounds = list(zip([0, *cuts], [*cuts, length], strict=True))
    parts = []
    place = rng.randrange(2000, 15_000)
    for cut_before, cut_behind in bounds:
        begin = max(0, cut_before - rng.choice((0, 0, 7, 40)))
        end = min(length, cut_behind + rng.choice((0, 0, 7, -20, -70)))
        if end - begin < 1:
            continue
        middle = cigar(rng.choice(LONG_CIGARS).format(n=9)) if rng.random() < 0.5 else []
        taken = sum(n for n, op in middle if op in "MI=X")
        # The aligned part takes all bases from `begin` to `end`.
        middle = [(end - begin, "M")] if taken >= end - begin or not middle else [*middle, (end - begin - taken, "M")]
        reverse = rng.random() < 0.3
        contig = rng.choice((0, 0, 0, 0, 1))
        place += rng.choice((0, 5, 60, 300, 1000, -30, -100, -500))
        pos = place if contig == 0 else rng.randrange(500)
        around = (length - end, begin) if reverse else (begin, length - end)
        mapq = rng.choice((60, 60, 60, 20, 19, 255))
        parts.append((contig, pos, reverse, around, middle, mapq))
    if not parts:
        return []
    primary = rng.randrange(len(parts))
    order = [primary, *(i for i in range(len(parts)) if i != primary)]
    entries = {}
    for i, (contig, pos, reverse, (left, right), middle, mapq) in enumerate(parts):
        ops = [(left, "S"), *middle, (right, "S")]
        text = text_of([op for op in ops if op[0]])
        entries[i] = f"{tuple(CONTIGS)[contig]},{pos + 1},{'-' if reverse else '+'},{text},{mapq},0;"
    out = []
    complement = str.maketrans("ACGT", "TGCA")
    for i, (contig, pos, reverse, (left, right), middle, mapq) in enumerate(parts):
        hard = i != primary and rng.random() < 0.6
        ops = [o for o in ((left, "H" if hard else "S"), *middle, (right, "H" if hard else "S")) if o[0]]
        whole = letters[::-1].translate(complement) if reverse else letters
        seq = whole[left : length - right] if hard else whole
        flag = (16 if reverse else 0) | (0 if i == primary else 0x800)
        tags = "".join(entries[j] for j in order if j != i)
        if rng.random() < 0.08:
            tags = rng.choice(BAD_TAGS)
        binary = text_tag("RG", "a") if rng.random() < 0.5 else b""
        binary += text_tag("SA", tags) if len(parts) > 1 or rng.random() < 0.05 else b""
        if rng.random() < 0.01:
            binary = b"SAi" + struct.pack("<i", 5)
        if rng.random() < 0.05:
            seq = ""
        if rng.random() < 0.05:
            flag |= rng.choice((4, 0x100, 0x200, 0x400))
        out.append(Record(name, flag, pos, mapq, ops, seq, None, contig, -1, -1, 0, binary))
    return [read for read in out if rng.random() < 0.97]


def splits(path: Path, seed: int) -> Path:
    rng = random.Random(seed)
    records = [read for i in range(rng.choice((1, 5, 60, 200))) for read in split_read(rng, f"r{i}")]
    records.sort(key=lambda read: (read.contig, read.pos))
    return write_bam(path, CONTIGS, records, more_header="@RG\tID:a\tSM:s\n")
