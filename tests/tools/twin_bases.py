"""The slow twin of `base_counts`: pysam's reads, one base after the other, as the documentation reads."""

import numpy as np
import pysam

NAMES = [*"ACGTN", "deletions", "insertions", "skips"]


def count(bam, chrom, start, end, rules, reference=""):
    """
    Read by read and base by base, for rules without the pileup engine; 1-based, both ends included.

    `reference` has the letters of the contig, which "=" stands for.
    """
    counts = {
        name: np.zeros(end - start + 1, np.int64) for name in [f"{n}{s}" for n in NAMES for s in ("", "_fwd", "_rev")]
    }

    def book(position, name, strand, by=1):
        if start <= position + 1 <= end:
            counts[name][position + 1 - start] += by
            counts[f"{name}_{strand}"][position + 1 - start] += by

    waiting = []
    with pysam.AlignmentFile(bam) as file:
        for read in file.fetch(chrom, start - 1, end):
            if read.flag & rules.exclude_flags or read.flag & rules.require_flags != rules.require_flags:
                continue
            if read.mapping_quality < rules.min_mapq:
                continue
            shown = events(read, rules, reference)
            strand = "rev" if read.is_reverse else "fwd"
            for position, (names, _) in shown.items():
                for name in names:
                    book(position, name, strand)
            mate = earlier_mate(read, waiting, shown, strand) if rules.mates == "once" else None
            if mate:
                subtract(mate, (shown, strand), book)
    return counts


def events(read, rules, reference):
    """Position (0-based) -> the names of what the read shows there, and the quality that counts among mates."""
    shown, x, y = {}, read.reference_start, 0
    ops = read.cigartuples or []
    sequence, quality = read.query_sequence, read.query_qualities
    size = len(sequence or "")
    quality = [255] * size if quality is None else list(quality)
    least = rules.min_baseq
    if rules.name == "count_coverage" and least and quality[:1] == [255]:
        return shown
    for number, (op, n) in enumerate(ops):
        if op in (0, 7, 8):
            for i in range(n):
                letter = sequence[y + i] if size else "N"
                if rules.name == "count_coverage" and letter not in "ACGT":
                    continue
                if letter == "=" and x + i < len(reference):
                    letter = reference[x + i].upper()
                letter = letter if letter in "ACGT" else "N"
                q = quality[y + i] if size else 0
                if q >= least:
                    shown[x + i] = ([letter], q)
            last = x + n - 1
            rest = iter(ops[number + 1 :])
            inserted = 0
            for kind, m in rest:
                if kind not in (1, 6):
                    break
                inserted += m * (kind == 1)
            if n and inserted and last in shown:
                shown[last][0].append("insertions")
        elif op in (2, 3):
            passes = quality[y] >= least if y < size else least == 0 or rules.name == "depth"
            for i in range(n if passes else 0):
                shown[x + i] = (["deletions" if op == 2 else "skips"], -op)
        x += n if op in (0, 2, 3, 7, 8) else 0
        y += n if op in (0, 1, 4, 7, 8) else 0
    return shown


def earlier_mate(read, waiting, shown, strand):
    """The other read of its template that came before, for the rule `bases` (`docs/semantics.md` 5.5)."""
    flag = read.flag
    here = read.next_reference_id in (-1, read.reference_id)
    if flag & 0x900 or not flag & 0x1 or flag & 0x8 or bool(flag & 0x40) == bool(flag & 0x80) or not here:
        return None
    # Sorted by position: what ended before this record overlaps no later one.
    waiting[:] = [other for other in waiting if (other[0].reference_end or 0) > read.reference_start]
    free = [other for other in waiting if are_mates(other[0], read)]
    named = [other for other in free if not is_lost(other[0])]
    mate = next(iter(named or free), None)
    if mate is None:
        waiting.append((read, shown, strand))
        return None
    waiting.remove(mate)
    return mate[1:]


def is_lost(read):
    return read.next_reference_id == -1 or read.next_reference_start < 0


def names(read, mate):
    there = (read.next_reference_id, read.next_reference_start)
    return is_lost(read) or there == (mate.reference_id, mate.reference_start)


def group(read):
    return read.get_tag("RG") if read.has_tag("RG") else None


def are_mates(first, second):
    numbers = (first.flag ^ second.flag) & 0xC0 == 0xC0
    same = first.query_name == second.query_name and group(first) == group(second)
    return same and numbers and names(first, second) and names(second, first)


def subtract(first, second, book):
    for position in first[0].keys() & second[0].keys():
        (names_a, quality_a), (names_b, quality_b) = first[0][position], second[0][position]
        gaps = quality_a < 0, quality_b < 0
        if any(gaps) and quality_a != quality_b:
            continue
        names, strand = (names_a, first[1]) if quality_b > quality_a else (names_b, second[1])
        for name in names:
            book(position, name, strand, -1)
