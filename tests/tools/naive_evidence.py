"""Tables of evidence by plain loops over pysam, written from the docstrings and not from the code."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysam

KINDS = ("insert", "orientation", "interchromosomal")
ORIENTATIONS = ("FR", "RF", "FF", "RR")
Area = list[tuple[str, int, int]] | None


def rows(table: Any) -> list[tuple]:
    """The rows of a Table, with names for codes and None for what is missing."""
    named = table.categories
    values = [
        [None if code is None else named[name][code] for code in column.tolist()] if name in named else column.tolist()
        for name, column in table.to_numpy().items()
    ]
    return list(zip(*values, strict=True))


def records(bam: Path) -> Iterator[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(bam), check_sq=False) as file:
        yield from file.fetch(until_eof=True)


def last_of(read: pysam.AlignedSegment) -> int:
    """The last position, 0-based."""
    length = sum(n for op, n in read.cigartuples or () if op in (0, 2, 3, 7, 8))
    return read.reference_start + max(length, 1) - 1


def overlaps(read: pysam.AlignedSegment, area: Area) -> bool:
    """`area` is 1-based, inclusive."""
    if area is None:
        return True
    place = (read.reference_start + 1, last_of(read) + 1)
    return any(read.reference_name == c and place[0] <= end and place[1] >= start for c, start, end in area)


def known(mapq: int | None) -> int | None:
    return None if mapq is None or not 0 <= mapq < 255 else mapq


def tag(read: pysam.AlignedSegment, name: str, kinds: str) -> Any:
    """The value of a tag of one of these types."""
    if not read.has_tag(name):
        return None
    value, kind = read.get_tag(name, with_value_type=True)
    return value if kind in kinds else None


def five_prime(read: pysam.AlignedSegment) -> int:
    return last_of(read) if read.is_reverse else read.reference_start


def orientation(read: pysam.AlignedSegment) -> str:
    here = (read.reference_id, read.reference_start)
    mate = (read.next_reference_id, read.next_reference_start)
    strands = ["FR"[read.is_reverse], "FR"[read.mate_is_reverse]]
    if here == mate and read.is_reverse != read.mate_is_reverse:
        return "FR"
    return "".join(strands if here <= mate else strands[::-1])


def are_mates(a: pysam.AlignedSegment, b: pysam.AlignedSegment) -> bool:
    def says(read: pysam.AlignedSegment) -> tuple:
        return read.reference_id, read.reference_start, read.is_reverse

    def says_of_mate(read: pysam.AlignedSegment) -> tuple:
        return read.next_reference_id, read.next_reference_start, read.mate_is_reverse

    same_group = tag(a, "RG", "Z") == tag(b, "RG", "Z")
    fits = says(a) == says_of_mate(b) and says(b) == says_of_mate(a)
    return a.is_read1 != b.is_read1 and fits and same_group


class Usual:
    """Limit and orientation of each read group."""

    def __init__(self, reads: list, max_insert: int | str, groups: set[str]) -> None:
        self.groups = groups if len(groups) > 1 else set()
        self.max_insert = max_insert
        self.pairs = defaultdict(list)
        for read in reads:
            if read.is_proper_pair and read.is_read1 and read.reference_id == read.next_reference_id:
                self.pairs[self.group(read)].append(read)

    def group(self, read: pysam.AlignedSegment) -> str | None:
        group = tag(read, "RG", "Z")
        return group if group in self.groups else None

    def of(self, read: pysam.AlignedSegment) -> tuple[str, float | None]:
        pairs = self.pairs.get(self.group(read)) or [pair for group in self.pairs.values() for pair in group]
        counts = Counter(map(orientation, pairs))
        usual = max(ORIENTATIONS, key=lambda o: (counts[o], -ORIENTATIONS.index(o)))
        if self.max_insert != "auto":
            return usual, self.max_insert
        if not pairs:
            return usual, None
        sizes = [abs(pair.template_length) for pair in pairs]
        median = statistics.median(sizes)
        return usual, median + 5 * 1.4826 * statistics.median(abs(size - median) for size in sizes)


def discordant_pairs(  # noqa: PLR0912
    bam: Path,
    area: Area = None,
    max_insert: int | str = "auto",
    min_mapq: int = 20,
    kinds: tuple[str, ...] = KINDS,
    one_per_pair: bool = True,
    read_groups: tuple[str, ...] | None = None,
) -> list[tuple]:
    with pysam.AlignmentFile(str(bam), check_sq=False) as file:
        groups = {group["ID"] for group in file.header.to_dict().get("RG", [])}
        lengths, names = file.lengths, file.references
    counting = []
    for read in records(bam):
        if not read.flag & 1 or read.flag & 0xF0C:
            continue
        places = (
            (read.reference_id, read.reference_start),
            (read.next_reference_id, read.next_reference_start),
        )
        is_placed = all(contig >= 0 and 0 <= pos < lengths[contig] for contig, pos in places)
        if is_placed and (read_groups is None or tag(read, "RG", "Z") in read_groups):
            counting.append(read)
    reads = [read for read in counting if overlaps(read, area)]
    usual = Usual(counting if max_insert == "auto" else reads, max_insert, groups)
    by_read = {}
    waiting = defaultdict(list)
    for i, read in enumerate(reads):
        before = waiting[read.query_name]
        j = next((j for j in before if are_mates(read, reads[j])), None)
        if j is None:
            before.append(i)
        else:
            before.remove(j)
            by_read[i], by_read[j] = j, i
    rows = []
    seen = {}
    for i, read in enumerate(reads):
        mate = reads[by_read[i]] if i in by_read else None
        expected, limit = seen.setdefault(usual.group(read), None) or usual.of(read)
        seen[usual.group(read)] = (expected, limit)
        here, there = (read.reference_id, read.reference_start), (read.next_reference_id, read.next_reference_start)
        is_first = here < there or (here == there and read.is_read1)
        if here[0] != there[0]:
            size, kind = 0, "interchromosomal"
        else:
            size = abs(read.template_length) if mate is None else abs(five_prime(read) - five_prime(mate)) + 1
            kind = None
            if orientation(read) != expected:
                kind = "orientation"
            elif limit is not None and size > limit:
                kind = "insert"
        mapq = known(read.mapping_quality)
        mate_mapq = known(tag(read, "MQ", "cCsSiI") if mate is None else mate.mapping_quality)
        if kind not in kinds or any(q is not None and q < min_mapq for q in (mapq, mate_mapq)):
            continue
        own = (names[here[0]], here[1] + 1)
        other = (names[there[0]], there[1] + 1)
        rest = (size, orientation(read), kind)
        group = tag(read, "RG", "Z")
        this_first = (read.query_name, *own, *other, *rest, mapq, mate_mapq, group)
        if not one_per_pair or is_first:
            rows.append(((*here, False, i), this_first))
        elif mate is None:
            rows.append(((*there, True, i), (read.query_name, *other, *own, *rest, mate_mapq, mapq, group)))
    return [row for _, row in sorted(rows, key=lambda row: row[0])]
