"""
The five simulated sets the benchmarks run on, built once and kept.

They lie in `bench-data/` of the checkout, or where FASTCOV_BENCH_DATA says: `NAME.bam` with its index, `REFERENCE.fa`,
and for wgs `wgs.targets.bed`. What is there already is used as it is. References come from here, reads from
`examples/reads`.
"""

import argparse
import os
import subprocess
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = Path(os.environ.get("FASTCOV_BENCH_DATA", CHECKOUT / "bench-data"))

# Contigs (name, length, GC content) of each reference.
REFERENCES = {
    "mtb": [("NC_000962.3", 4_411_532, 0.656)],
    "wgs": [("chr1", 30_000_000, 0.41), ("chr2", 20_000_000, 0.41), ("chr3", 10_000_000, 0.41)],
    "rna": [("chrR", 10_000_000, 0.45)],
    "long": [("ctg1", 10_000_000, 0.45)],
}
# Reference, then what `examples/reads` takes: kind, depth, seed, qualities, ploidy.
SPECS = {
    "mtb": ("mtb", "short", 100, 1, "nova", 1),
    "mtb_hiseq": ("mtb", "short", 100, 1, "hiseq", 1),
    "wgs": ("wgs", "short", 12, 2, "nova", 2),
    "rna": ("rna", "rna", 12, 3, "nova", 1),
    "long": ("long", "long", 20, 4, "ont", 1),
}
LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
REFERENCE_SEED = 11
TARGETS, TARGET_LENGTH, TARGET_SEED = 1000, 200, 5


@dataclass(frozen=True)
class Set:
    """A set that has been built."""

    name: str
    folder: Path

    @property
    def bam(self) -> Path:
        return self.folder / f"{self.name}.bam"

    @property
    def reference(self) -> Path:
        return self.folder / f"{SPECS[self.name][0]}.fa"

    @property
    def targets(self) -> Path:
        return self.folder / f"{self.name}.targets.bed"

    @cached_property
    def contigs(self) -> dict[str, int]:
        import pysam

        with pysam.AlignmentFile(self.bam) as file:
            return dict(zip(file.references, file.lengths, strict=True))

    @property
    def regions(self) -> list[list]:
        """Every contig whole: name, first and last position (1-based, inclusive)."""
        return [[name, 1, length] for name, length in self.contigs.items()]


def digest(depths: Iterable[np.ndarray]) -> dict[str, int]:
    """Sum and CRC-32 of depths as int32, one after another."""
    crc = total = 0
    for part in depths:
        values = np.ascontiguousarray(part, dtype="<i4")
        crc = zlib.crc32(values, crc)
        total += int(values.sum(dtype=np.int64))
    return {"sum": total, "crc": crc}


def build(name: str, folder: Path = FOLDER, scale: float = 1.0) -> Set:
    """A set of SPECS; `scale` shortens its contigs (for tests)."""
    return complete(Set(name, folder), scale)


def complete(made: Set, scale: float) -> Set:
    """Builds what is missing of a set."""
    name = made.name
    made.folder.mkdir(parents=True, exist_ok=True)
    if not made.reference.exists():
        write_reference(made.reference, SPECS[name][0], scale)
    if not made.bam.exists():
        _write_reads(made)
    if not made.bam.with_suffix(".bam.bai").exists():
        _samtools("index", made.bam)
    if name == "wgs" and not made.targets.exists():
        _write_targets(made)
    return made


def _write_reads(made: Set) -> None:
    print(f"building {made.bam}", file=sys.stderr, flush=True)
    cargo = ["cargo", "run", "--quiet", "--release", "--example", "reads", "--"]
    words = [str(word) for word in (made.reference, *SPECS[made.name][1:])]
    part = made.bam.with_suffix(".part")
    with subprocess.Popen([*cargo, *words], cwd=CHECKOUT, stdout=subprocess.PIPE) as reads:
        _samtools(
            "sort",
            "--no-PG",
            "-@",
            "2",
            "-m",
            "1G",
            "-T",
            f"{part}.tmp",
            "-O",
            "bam",
            "-o",
            part,
            "-",
            stdin=reads.stdout,
        )
    if reads.returncode != 0:
        raise RuntimeError(f"examples/reads failed for {made.name}")
    part.rename(made.bam)


def _samtools(*words: object, stdin: object = None) -> None:
    """Runs the samtools in pysam, in a process of its own."""
    code = "import sys, pysam.samtools as s; getattr(s, sys.argv[1])(*sys.argv[2:], catch_stdout=False)"
    subprocess.run([sys.executable, "-c", code, *map(str, words)], stdin=stdin, check=True)


def write_reference(path: Path, name: str, scale: float = 1.0) -> None:
    """
    Random contigs with the repeats of their kind: insertion sequences and long tandems, or short and long interspersed
    ones and microsatellites; wgs has N at both ends and in the middle.
    """
    rng = np.random.default_rng(REFERENCE_SEED)
    with path.with_suffix(".part").open("wb") as file:
        for contig, length, gc in REFERENCES[name]:
            sequence = _letters(rng, max(100_000, int(length * scale)) if scale != 1 else length, gc)
            _add_repeats(rng, sequence, name)
            n = len(sequence)
            if name == "wgs":
                for start, stop in ((0, 10_000), (n - 10_000, n), (n // 2, n // 2 + n // 60)):
                    sequence[start:stop] = ord("N")
            file.write(b">" + contig.encode() + b"\n")
            for start in range(0, n, 70):
                file.write(sequence[start : start + 70].tobytes() + b"\n")
    path.with_suffix(".part").rename(path)


def _letters(rng: np.random.Generator, n: int, gc: float) -> np.ndarray:
    at, cg = (1 - gc) / 2, gc / 2
    return LETTERS[rng.choice(4, n, p=[at, cg, cg, at])]


def _add_repeats(rng: np.random.Generator, sequence: np.ndarray, name: str) -> None:
    n = len(sequence)
    if name == "mtb":
        _scatter(rng, sequence, _letters(rng, 1355, 0.63), 16, 0.002)
        for _ in range(60):
            _scatter(rng, sequence, np.tile(_letters(rng, 45, 0.75), 20), 3, 0.05)
        return
    _scatter(rng, sequence, _letters(rng, 300, 0.6), n // 3000, 0.12)
    _scatter(rng, sequence, _letters(rng, 6000, 0.42), n // 60_000, 0.1)
    for _ in range(n // 20_000):
        _scatter(rng, sequence, np.tile(_letters(rng, int(rng.integers(1, 6)), 0.4), 12), 1, 0.01)


def _scatter(rng: np.random.Generator, sequence: np.ndarray, unit: np.ndarray, copies: int, divergence: float) -> None:
    for place in rng.integers(0, len(sequence) - len(unit), copies):
        copy = unit.copy()
        changed = rng.random(len(copy)) < divergence
        copy[changed] = LETTERS[rng.integers(0, 4, changed.sum())]
        sequence[place : place + len(copy)] = copy


def _write_targets(made: Set) -> None:
    """Targets of 200 bp spread over the whole set, in the order of the file."""
    rng = np.random.default_rng(TARGET_SEED)
    names, lengths = list(made.contigs), np.array(list(made.contigs.values()))
    which = np.sort(rng.choice(len(names), TARGETS, p=lengths / lengths.sum()))
    starts = (rng.random(TARGETS) * (lengths[which] - TARGET_LENGTH)).astype(int)
    rows = sorted(zip(which.tolist(), starts.tolist(), strict=True))
    text = "".join(f"{names[contig]}\t{start}\t{start + TARGET_LENGTH}\n" for contig, start in rows)
    made.targets.write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SPECS), help="default: all of them")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--scale", type=float, default=1.0, help="length of the contigs, for a quick look")
    arguments = parser.parse_args()
    for each in arguments.sets:
        print(build(each, arguments.folder, arguments.scale).bam)
