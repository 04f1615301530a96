"""Twelve positions, and what every rule says of them: draws the picture of docs/semantics.md.

    python examples/twelve_positions.py docs/twelve-positions.svg

One corner of counting a position, 100 bases apart, each with reads of its own.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import simulate
from fastcov import Comparison, FastcovWarning, Rules, compare

READ, APART, STACK = 50, 100, 9_000
PAIR = (0x63, 0x93)  # a proper pair, both mates forward for brevity

# What is there -> the reads (flag, start behind the corner's own, CIGAR, MAPQ, base quality), and the base looked at.
CORNERS = {
    "mates overlap": ([(PAIR[0], 0, "50M", 60, 37), (PAIR[1], 10, "50M", 60, 37)], 30),
    "mate inside\nits mate,\nbehind it": ([(PAIR[0], 0, "50M", 60, 37), (PAIR[1], 10, "20M", 60, 37)], 40),
    "deletion": ([(0, 0, "20M10D30M", 60, 37)], 25),
    "intron": ([(0, 0, "20M20N30M", 60, 37)], 30),
    "base\nquality 2": ([(0, 0, "50M", 60, 2)], 25),
    "mapping\nquality 5": ([(0, 0, "50M", 5, 37)], 25),
    "orphan": ([(0x41, 0, "50M", 60, 37)], 25),
    "supple-\nmentary": ([(0x800, 0, "50M", 60, 37)], 25),
    "secondary": ([(0x100, 0, "50M", 60, 37)], 25),
    "duplicate": ([(0x400, 0, "50M", 60, 37)], 25),
    "unmapped,\nplaced": ([(0x4, 0, "50M", 0, 37)], 25),
    f"{STACK:,} reads": ([(0, 0, "50M", 60, 37)] * STACK, 25),
}
# 1-based.
POSITIONS = [APART * (number + 1) + at + 1 for number, (_, at) in enumerate(CORNERS.values())]
RULES = {
    "get_coverage's default": Rules.mpileup(min_mapq=10),
    "mpileup": Rules.mpileup(),
    "depth": Rules.depth(),
    "depth, mates once": Rules.depth(mates="once"),
    "mosdepth": Rules.mosdepth(),
    "mosdepth-fast": Rules.mosdepth_fast(),
    "genomecov": Rules.genomecov(),
    "genomecov-split": Rules.genomecov_split(),
    "count_coverage": Rules.count_coverage(),
    "pileup": Rules.pileup(),
    "megadepth": Rules.megadepth(),
    "bamcoverage": Rules.bamcoverage(),
    "perbase": Rules.perbase(),
    "perbase-base-depth": Rules.perbase("base-depth"),
    "bases": Rules.bases(),
}


def write(folder: Path) -> tuple[Path, Path]:
    """The BAM and its reference, in `folder`."""
    length = APART * (len(CORNERS) + 2)
    sequence = ("ACGTTGCAAGCTATCCGATG" * length)[:length]
    records = []
    for number, (reads, _) in enumerate(CORNERS.values()):
        for at, (flag, behind, text, mapq, quality) in enumerate(reads):
            start, cigar = APART * (number + 1) + behind, simulate.cigar(text)
            letters, x = "", start
            for n, op in cigar:
                letters += sequence[x : x + n] if op == "M" else ""
                x += n
            mates = flag & 0x2
            name = f"c{number}" if mates else f"c{number}-{at}"
            mate = (0, APART * (number + 1) + reads[1 - at][1], READ + 10) if mates else (-1, -1, 0)
            qualities = bytes([quality] * len(letters))
            records.append(simulate.Record(name, flag, start, mapq, cigar, letters, qualities, 0, *mate))
    bam = simulate.write_bam(folder / "twelve.bam", {"chrT": length}, records)
    return bam, simulate.write_fasta(folder / "twelve.fa", {"chrT": sequence})


def table(bam: Path, ref: Path) -> Comparison:
    """All rules, at every base."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FastcovWarning)  # that the cap acts is what the last column is about
        return compare(bam, "chrT", ref, RULES)


def numbers(bam: Path, ref: Path) -> dict[str, list[int]]:
    """The depth at the twelve positions, by the name of the rule."""
    depths = table(bam, ref).to_numpy()
    return {name: depths[name][[position - 1 for position in POSITIONS]].tolist() for name in RULES}


def draw(rows: dict[str, list[int]], path: Path) -> None:
    """A row per rule, a column per position; equal shades are equal numbers."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # Letters stay letters, and the same picture is the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "fastcov", "font.size": 8}):
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        ax = figure.subplots()
        shades = {0: "#ffffff", 1: "#d5e5f4", 2: "#f7d9a8", STACK: "#cfe8cf"}
        colours = [[mpl.colors.to_rgb(shades.get(depth, "#e9c3c3")) for depth in row] for row in rows.values()]
        ax.imshow(colours, aspect="auto", interpolation="nearest")
        for y, row in enumerate(rows.values()):
            for x, depth in enumerate(row):
                ax.text(x, y, f"{depth:,}", ha="center", va="center")
        ax.set_xticks(range(len(POSITIONS)), CORNERS)
        ax.set_yticks(range(len(rows)), rows)
        ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        ax.set_xticks([x + 0.5 for x in range(len(POSITIONS) - 1)], minor=True)
        ax.set_yticks([y + 0.5 for y in range(len(rows) - 1)], minor=True)
        ax.grid(which="minor", color="#b0b0b0", linewidth=0.6)
        ax.tick_params(which="minor", length=0)
        figure.savefig(path, metadata={"Date": None})


def main(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        draw(numbers(*write(Path(folder))), Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
