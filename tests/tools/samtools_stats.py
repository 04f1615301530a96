"""What `samtools flagstat` and `samtools stats` print, as tables.

Each table is a list of rows in samtools' order. samtools is the one bundled in pysam. `samtools stats` gives up on some
files that other programs read, such as those with a mapped read that has SEQ but no CIGAR: then pysam raises
`SamtoolsError`.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

FLAGSTAT_LINE = re.compile(r"(\d+) \+ (\d+) (.+?)(?: \(QC-passed.*\)| \([^:()]+ : [^:()]+\))?")


class Tables(NamedTuple):
    flags: list[tuple[str, int, int]]  # category, passed, failed
    insert_sizes: list[tuple[int, ...]]  # insert_size, pairs, inward, outward, other; rows with pairs only
    lengths: list[tuple[int, ...]]  # read_length, reads
    mapq: list[tuple[int, ...]]  # mapq, reads
    base_quality: list[tuple[int, ...]]  # quality, bases; qualities with bases only


def tables(bam: Path, max_insert: int = 8000) -> Tables:
    return Tables(flagstat(bam), *stats(bam, max_insert))


def flagstat(bam: Path) -> list[tuple[str, int, int]]:
    import pysam

    return parse_flagstat(pysam.samtools.flagstat(str(bam)))


def stats(bam: Path, max_insert: int = 8000) -> tuple[list[tuple[int, ...]], ...]:
    import pysam

    # Of the insert sizes `-m 1.0` prints all, and not only the first 99 % of the pairs.
    text = pysam.samtools.stats("-m", "1.0", "-i", str(max_insert), str(bam))
    return insert_sizes(text), lengths(text), mapq(text), base_quality(text)


def parse_flagstat(text: str) -> list[tuple[str, int, int]]:
    """The categories without percentages."""
    lines = [FLAGSTAT_LINE.fullmatch(line) for line in text.splitlines()]
    return [(line[3], int(line[1]), int(line[2])) for line in lines]


def section(text: str, name: str) -> list[tuple[int, ...]]:
    """The numbers of the lines `name` of `samtools stats`."""
    lines = (line.split("\t") for line in text.splitlines() if line.startswith(f"{name}\t"))
    return [tuple(map(int, numbers)) for _, *numbers in lines]


def insert_sizes(text: str) -> list[tuple[int, ...]]:
    return [row for row in section(text, "IS") if row[1] > 0]


def lengths(text: str) -> list[tuple[int, ...]]:
    """Samtools reads one counter too many, at worst behind its array; such a row is longer than the longest read."""
    longest = int(re.search(r"^SN\tmaximum length:\t(\d+)", text, re.MULTILINE)[1])
    return [row for row in section(text, "RL") if row[0] <= longest]


def mapq(text: str) -> list[tuple[int, ...]]:
    return section(text, "MAPQ")


def base_quality(text: str) -> list[tuple[int, ...]]:
    """First and last fragments together, all cycles together."""
    bases = Counter()
    for _, *row in section(text, "FFQ") + section(text, "LFQ"):
        bases.update(dict(enumerate(row)))
    return sorted((quality, n) for quality, n in bases.items() if n > 0)
