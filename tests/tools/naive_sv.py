"""``sv_evidence`` by plain loops over pysam, written from its docstring and not from the code."""

import math
import re
import statistics
from collections import defaultdict
from pathlib import Path

import pysam

from naive_evidence import Area, known, records, tag

SOURCES = ("cigar", "split", "clip")
KINDS = ("DEL", "INS", "INV", "DUP", "BND", "CLIP")
COMPLEMENT = str.maketrans("=ACMGRSVTWYHKDBN", "=TGKCYSBAWRDMHVN")


def reference_length(cigar: list[tuple[int, str]]) -> int:
    return sum(n for n, op in cigar if op in "MDN=X")


def clip_lengths(cigar: list[tuple[int, str]]) -> tuple[int, int]:
    lengths = []
    for ops in (cigar, cigar[::-1]):
        length = 0
        for n, op in ops:
            if op not in "SH":
                break
            length += n
        lengths.append(length)
    return lengths[0], lengths[1]


def soft(cigar: list[tuple[int, str]]) -> int:
    length = 0
    for n, op in cigar:
        if op not in "SH":
            break
        length += n if op == "S" else 0
    return length


class Alignment:
    def __init__(self, contig: int, start: int, reverse: bool, cigar: list[tuple[int, str]], mapq: int | None) -> None:
        self.contig, self.start, self.reverse, self.mapq = contig, start, reverse, mapq
        self.end = start + reference_length(cigar)
        self.length = sum(n for n, op in cigar if op in "MIS=XH")
        left, right = clip_lengths(cigar)
        self.left = left
        self.read = (right, self.length - left) if reverse else (left, self.length - right)

    def key(self) -> tuple:
        return self.contig, self.start, self.end, self.read, self.reverse


def overlaps(names: tuple[str, ...], area: Area, contig: int, start: int, end: int) -> bool:
    return area is None or any(
        names[contig] == c and start < last and max(end, start + 1) > first - 1 for c, first, last in area
    )


def parse(text: str, names: tuple[str, ...], lengths: tuple[int, ...], length: int) -> list[Alignment] | None:
    parts = []
    for entry in text.removesuffix(";").split(";"):
        fields = entry.rsplit(",", 5)
        if len(fields) != 6:
            return None
        name, pos, strand, cigar, mapq, _ = fields
        numbers = re.fullmatch("[0-9]{1,10}", pos) and re.fullmatch("[0-9]{1,10}", mapq)
        if name not in names or not numbers or strand not in ("+", "-"):
            return None
        if not re.fullmatch("([0-9]{1,10}[SH])*([0-9]{1,10}[MIDNP=X])+([0-9]{1,10}[SH])*", cigar) or int(mapq) > 255:
            return None
        ops = [(int(n), op) for n, op in re.findall("([0-9]+)(.)", cigar)]
        part = Alignment(names.index(name), int(pos) - 1, strand == "-", ops, known(int(mapq)))
        if part.start < 0 or part.end == part.start or part.end > lengths[part.contig] or part.length != length:
            return None
        parts.append(part)
    return parts


def junction(last: Alignment, part: Alignment, min_size: int) -> tuple | None:
    """(type, first, second, end, size), a breakpoint being (contig, position, side)."""
    gap = part.read[0] - last.read[1]
    a = (last.contig, last.start, "-") if last.reverse else (last.contig, last.end, "+")
    b = (part.contig, part.end, "+") if part.reverse else (part.contig, part.start, "-")
    order = {"+": 0, "-": 1}

    def sort_key(point: tuple) -> tuple:
        return point[0], point[1], order[point[2]]

    first, second = sorted((a, b), key=sort_key)
    if gap < 0:
        second = (second[0], second[1] + (gap if second[2] == "+" else -gap), second[2])
        first, second = sorted((first, second), key=sort_key)
        gap = 0
    if first[0] != second[0]:
        return "BND", first, second, first[1], 0
    between = second[1] - first[1]
    strands = first[2] + second[2]
    insertion = (first[0], first[1], "+"), (first[0], first[1], "-"), first[1]
    if strands == "+-":
        if between - gap >= min_size:
            return "DEL", first, second, second[1], between - gap
        return ("INS", *insertion, gap - between) if gap - between >= min_size else None
    if strands == "-+":
        if between >= min_size:
            return "DUP", first, second, second[1], between
        return ("INS", *insertion, gap + between) if gap + between >= min_size else None
    return ("INV", first, second, second[1], between) if between >= min_size else None


def sv_evidence(  # noqa: PLR0912
    bam: Path,
    area: Area = None,
    min_size: int = 50,
    min_mapq: int = 20,
    sources: tuple[str, ...] = SOURCES,
    merge_within: int = 0,
    sequence: bool = False,
    read_groups: tuple[str, ...] | None = None,
) -> list[tuple]:
    with pysam.AlignmentFile(str(bam), check_sq=False) as file:
        names, lengths = file.references, file.lengths
    rows = []

    def give(read, kind, first, second, end, size, mapq, source, bases) -> None:
        touches = overlaps(names, area, first[0], first[1], end)
        if touches or (second and overlaps(names, area, second[0], second[1], second[1])):
            mate = (names[second[0]], second[1], second[2]) if second else (None, None, None)
            text = bases if sequence else None
            rows.append(
                (kind, names[first[0]], first[1], end, size, *mate, read.query_name, mapq, first[2], source, text)
            )

    for read in records(bam):
        mapq = known(read.mapping_quality)
        if read.flag & 0x704 or (mapq is not None and mapq < min_mapq):
            continue
        cigar = [(n, "MIDNSHP=X"[op]) for op, n in read.cigartuples or ()]
        contig, start = read.reference_id, read.reference_start
        if contig < 0 or start < 0 or start >= lengths[contig] or start + reference_length(cigar) > lengths[contig]:
            continue
        if read_groups is not None and tag(read, "RG", "Z") not in read_groups:
            continue
        own = Alignment(contig, start, read.is_reverse, cigar, mapq)
        if not overlaps(names, area, contig, start, own.end):
            continue
        seq = read.query_sequence or ""
        if "cigar" in sources:
            for event in from_cigar(cigar, contig, start, seq, min_size, merge_within):
                give(read, *event[:5], mapq, "cigar", event[5])
        parts = None
        if "split" in sources and read.has_tag("SA"):
            text = tag(read, "SA", "Z")
            others = None if text is None or own.end == own.start else parse(text, names, lengths, own.length)
            parts = None if others is None else [own, *others]
        if parts and speaks(read, parts, names, area):
            for event in from_split(own, parts, cigar, seq, min_size, min_mapq, lengths):
                give(read, *event[:6], "split", event[6])
        if "clip" in sources and not read.is_supplementary and own.end > own.start:
            left, right = clip_lengths(cigar)
            softs = soft(cigar), soft(cigar[::-1])
            clips = [(start, "-", left, (0, left)), (own.end, "+", right, (len(seq) - right, len(seq)))]
            for i, (pos, side, size, where) in enumerate(clips):
                in_read = (0, size) if (i == 0) != own.reverse else (own.length - size, own.length)
                covered = any(p.read[0] < in_read[1] and p.read[1] > in_read[0] for p in (parts or ())[1:])
                if size >= min_size and not covered:
                    bases = seq[where[0] : where[1]] if softs[i] == size and seq else None
                    give(read, "CLIP", (contig, pos, side), None, pos, size, mapq, "clip", bases)
    return rows


def speaks(read: pysam.AlignedSegment, parts: list[Alignment], names: tuple[str, ...], area: Area) -> bool:
    def inside(part: Alignment) -> bool:
        return overlaps(names, area, part.contig, part.start, part.end)

    if not read.is_supplementary:
        return True
    own, primary, others = parts[0], parts[1], parts[2:]
    return not inside(primary) and all(own.key() < other.key() for other in others if inside(other))


def from_cigar(cigar, contig, start, seq, min_size, merge_within) -> list[tuple]:
    least = min(10, min_size)
    events = []
    for kind, letter in (("DEL", "D"), ("INS", "I")):
        pos, at = start, 0
        runs = []
        for i, (n, op) in enumerate(cigar):
            if op == letter and n >= least and n > 0:
                end = pos + n if op == "D" else pos
                bases = seq[at : at + n] if op == "I" else ""
                if runs and pos - runs[-1]["end"] <= merge_within:
                    runs[-1].update(end=end, size=runs[-1]["size"] + n, bases=runs[-1]["bases"] + bases)
                else:
                    runs.append({"start": pos, "end": end, "size": n, "bases": bases, "i": i})
            pos += n if op in "MDN=X" else 0
            at += n if op in "MIS=X" else 0
        for run in runs:
            if run["size"] >= min_size:
                end = run["end"] if kind == "DEL" else run["start"]
                points = (contig, run["start"], "+"), (contig, end, "-")
                bases = run["bases"] if kind == "INS" and seq else None
                events.append((run["start"], kind == "INS", run["i"], (kind, *points, end, run["size"], bases)))
    return [event for *_, event in sorted(events, key=lambda e: e[:3])]


def from_split(own, parts, cigar, seq, min_size, min_mapq, lengths) -> list[tuple]:
    events = []
    last = None
    for part in sorted(parts, key=lambda p: (p.read, p.contig, p.start, p.end, p.reverse)):
        if last is not None:
            if part.read[1] <= last.read[1]:
                continue
            known_mapqs = [p.mapq for p in (last, part) if p.mapq is not None]
            found = junction(last, part, min_size)
            if found and all(mapq >= min_mapq for mapq in known_mapqs):
                kind, first, second, end, size = found
                if all(0 <= pos <= lengths[contig] for contig, pos, _ in (first, second)):
                    bases = inserted(own, last, part, cigar, seq) if kind == "INS" else None
                    events.append((kind, first, second, end, size, min(known_mapqs, default=None), bases))
        last = part
    return events


def inserted(own, last, part, cigar, seq) -> str | None:
    """Bases between two alignments of one strand, as they stand on the forward strand."""
    gap = part.read[0] - last.read[1]
    if gap < 0 or not seq:
        return None
    hard = own.left - soft(cigar)
    begin = (own.length - part.read[0] if own.reverse else last.read[1]) - hard
    if begin < 0 or begin + gap > len(seq):
        return None
    bases = seq[begin : begin + gap]
    return bases if own.reverse == last.reverse else bases.translate(COMPLEMENT)[::-1]


def sv_clusters(
    evidence: list[tuple], names: tuple[str, ...], max_distance: int, max_size_ratio: float, min_support: int
) -> list[tuple]:
    """Clusters of the rows of `sv_evidence`; `names` are the contigs in the order of the header."""
    groups = defaultdict(list)
    for row in evidence:
        groups[(row[0], row[1], row[5], row[10], row[7])].append(row)
    found = []
    for (kind, chrom, mate_chrom, strand, mate_strand), rows in groups.items():
        for piece in pieces(rows, max_distance, max_size_ratio):
            reads = sorted({row[8] for row in piece})
            if len(reads) < min_support:
                continue
            start, end, size = (math.floor(statistics.median(row[i] for row in piece)) for i in (2, 3, 4))
            mate_pos = None if mate_chrom is None else math.floor(statistics.median(row[6] for row in piece))
            known_mapqs = [row[9] for row in piece if row[9] is not None]
            mean = sum(known_mapqs) / len(known_mapqs) if known_mapqs else None
            place = (names.index(chrom), start, end, KINDS.index(kind))
            rest = (strand, mate_strand, size, len(reads), mean, reads)
            found.append((place, (kind, chrom, start, end, mate_chrom, mate_pos, *rest)))
    return [row for _, row in sorted(found, key=lambda item: item[0])]


def pieces(rows: list[tuple], max_distance: int, max_size_ratio: float) -> list[list[tuple]]:
    for value, near in (
        (lambda row: row[2], lambda a, b: b - a <= max_distance),
        (lambda row: row[3] if row[6] is None else row[6], lambda a, b: b - a <= max_distance),
        (lambda row: row[4], lambda a, b: b - a <= max_size_ratio * b),
    ):
        ordered = sorted(rows, key=value)
        cuts = [i for i in range(1, len(rows)) if not near(value(ordered[i - 1]), value(ordered[i]))]
        if cuts:
            bounds = zip([0, *cuts], [*cuts, len(rows)], strict=True)
            return [piece for a, b in bounds for piece in pieces(ordered[a:b], max_distance, max_size_ratio)]
    return [rows]
