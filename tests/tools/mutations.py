"""Good files made bad at random, by the thousand: an error, or the sum samtools gives.

    python tests/tools/mutations.py --count 20000 --seed 1

What is wrong with an answer is printed with its number, and the file is kept in `--keep`. A number makes the same
mutation everywhere.
"""

import argparse
import os
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import fastcov
from bad_inputs.build import H, bgzf, good, head, packed, rec, text
from bad_inputs.record import cg
from depth_sums import samtools_sums

# Files on disk at a time.
BATCH = 500
SECONDS = 2


@dataclass(frozen=True)
class Good:
    """A file that is as it should be."""

    name: str
    inflated: bytes
    frame: int
    level: int
    contig: str
    length: int

    @property
    def bam(self) -> bytes:
        return bgzf(self.inflated, self.frame, level=self.level)


@cache
def good_files() -> tuple[Good, ...]:
    rng = random.Random(1)
    reads = []
    for contig, length in ((0, 10_000), (1, 5_000)):
        for start in sorted(rng.randrange(length - 200) for _ in range(60)):
            cigar = rng.choice(["50M", "20M5D25M", "10S40M", "25M100N25M", "10M3I30M", "20=1X20M5H"])
            flag = rng.choice([0, 16, 99, 147, 4, 1024, 256, 2048, 512])
            reads.append(rec(f"m{start}", contig, start, cigar, flag, rng.randrange(61), nref=contig, npos=start))
    unplaced = [rec(f"u{i}", -1, -1, "", 4, 0, seqlen=30) for i in range(5)]
    mixed = H + b"".join(reads + unplaced)
    pile = H + b"".join(rec(f"p{i % 90}", 0, 700, "100M", 99) for i in range(300))
    long = rec("c", 0, 300, "50S80N", aux=b"NMi\0\0\0\0" + cg([(20, 0), (30, 2), (30, 0)])) + rec(
        "d", 0, 500, "9M4000N9M"
    )
    contigs = [(f"c{i}", 500) for i in range(200)]
    many = head(contigs, text(contigs)) + b"".join(rec("x", i, i % 400, "40M") for i in range(0, 200, 3))
    over = H + b"".join([*good(3), rec("o", 2, 80, "50M")])
    lists = rec("l", 1, 9, rawcig=packed([(3, 0), (2, 8), (1, 1), (4, 7)]), seqlen=10, aux=b"BQBC\2\0\0\0ab")
    return (
        Good("plain", H + b"".join(good()), 4000, 6, "chr1", 10_000),
        Good("tiny", H + b"".join(good(20)), 60, 6, "chr1", 10_000),
        Good("stored", H + b"".join(good()), 60_000, 0, "chr1", 10_000),
        Good("mixed", mixed, 1500, 6, "chr2", 5_000),
        Good("mixed_stored", mixed, 700, 0, "chr1", 10_000),
        Good("pile", pile, 3000, 6, "chr1", 10_000),
        Good("long", H + long + lists, 300, 6, "chr1", 10_000),
        Good("long_stored", H + long + lists, 65_280, 0, "chr1", 10_000),
        Good("many", many, 1000, 6, "c99", 500),
        Good("past_end", over, 500, 6, "chrM", 100),
        Good("no_text", head(txt="") + b"".join(good(30)), 900, 1, "chr1", 10_000),
        Good("no_reads", H, 100, 6, "chr1", 10_000),
    )


def mutate(data: bytes, rng: random.Random) -> bytes:
    """`data` with one to three places flipped, cut, inserted, repeated, or filled from another file."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(out) or 1)
        size = rng.choice([1, 1, 2, 4, 8, 30, 200])
        match rng.choice(["flip", "flip", "flip", "cut", "end", "insert", "splice", "number"]):
            case "flip" if out:
                out[at] ^= 1 << rng.randrange(8)
            case "cut":
                del out[at : at + size]
            case "end":
                del out[at:]
            case "insert":
                out[at:at] = rng.randbytes(size)
            case "splice":
                other = rng.choice(good_files()).inflated
                start = rng.randrange(len(other))
                out[at : at + size] = other[start : start + size]
            case "number":
                out[at : at + 4] = rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(out)]).to_bytes(
                    4, "little"
                )
    return bytes(out)


@dataclass
class Mutant:
    number: int
    what: str
    path: Path
    region: str | None
    # The answer, where the file itself is good.
    truth: int | None = None
    answer: int | None = None
    error: str = ""
    wrong: str = ""


def make(number: int, folder: Path, indexes: dict[str, bytes], sums: dict[str, int]) -> Mutant:
    """The mutant of that number, on disk."""
    rng = random.Random(number)
    seed = rng.choice(good_files())
    path = folder / f"{number}.bam"
    place = rng.randrange(seed.length)
    region = f"{seed.contig}:{place + 1}-{min(seed.length, place + rng.choice([1, 50, 1000, 9000]))}"
    kind = rng.choice(["raw", "raw", "payload", "payload", "payload", "index"])
    if kind == "index":
        path.write_bytes(seed.bam)
        path.with_suffix(".bam.bai").write_bytes(mutate(indexes[seed.name], rng))
        return Mutant(number, f"{seed.name} index", path, None, truth=sums[seed.name])
    if kind == "raw":
        path.write_bytes(mutate(seed.bam, rng))
    else:
        path.write_bytes(bgzf(mutate(seed.inflated, rng), seed.frame, level=seed.level))
    how = rng.choice(["swept", "swept", "indexed", "region"])
    if how != "swept":
        path.with_suffix(".bam.bai").write_bytes(indexes[seed.name])
    return Mutant(number, f"{seed.name} {kind} {how}", path, region if how == "region" else None)


def ask(mutant: Mutant) -> None:
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastcov.FastcovWarning)
        try:
            columns = fastcov.coverage(mutant.path, mutant.region, rules="depth", runs=True).to_numpy()
            mutant.answer = int(((columns["end"] - columns["start"]) * columns["depth"].astype("int64")).sum())
        except fastcov.errors.InternalError as error:
            mutant.wrong = f"a bug: {error}"
        except fastcov.errors.FastcovError as error:
            mutant.error = f"{type(error).__name__}: {error}"
            if str(mutant.path) not in mutant.error or "\n" in mutant.error:
                mutant.wrong = f"no file or several lines: {mutant.error}"
        except BaseException as error:
            mutant.wrong = f"{type(error).__name__}: {error}"
    seconds = time.process_time() - began
    if seconds > SECONDS:
        mutant.wrong = mutant.wrong or f"took {seconds:.1f} s"


def compare(mutants: list[Mutant]) -> None:
    """Holds every answer against the truth: what samtools finds in the whole file, or through the index."""
    asked = [m for m in mutants if m.answer is not None and m.truth is None]
    whole = samtools_sums([(str(m.path), m.region, "scan") for m in asked])
    for mutant, truth in zip(asked, whole, strict=True):
        mutant.truth = truth
    # What an index does not lead to does not concern a call that uses it.
    regions = [m for m in asked if m.truth is None and m.path.with_suffix(".bam.bai").exists()]
    for mutant, truth in zip(regions, samtools_sums([(str(m.path), m.region, "index") for m in regions]), strict=True):
        mutant.truth = truth
    for mutant in mutants:
        if mutant.answer is not None and mutant.answer != mutant.truth:
            said = "refuses" if mutant.truth is None else f"counts {mutant.truth}"
            mutant.wrong = mutant.wrong or f"counts {mutant.answer}, samtools {said}"


def run(count: int, first: int, keep: Path | None) -> Counter[str]:
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="fastcov-mutations-") as name:
        folder = Path(name)
        indexes, sums = index_good_files(folder)
        for start in range(first, first + count, BATCH):
            mutants = []
            for number in range(start, min(start + BATCH, first + count)):
                mutant = make(number, folder, indexes, sums)
                # Where a crash leaves no other trace.
                (folder / "now").write_text(f"{number} {mutant.what}")
                ask(mutant)
                mutants.append(mutant)
            compare(mutants)
            for mutant in mutants:
                outcome = "wrong" if mutant.wrong else "error" if mutant.error else "same"
                tally[outcome] += 1
                if mutant.wrong:
                    print(f"{mutant.number} {mutant.what} {mutant.region or ''}: {mutant.wrong}", flush=True)
                for file in (mutant.path, mutant.path.with_suffix(".bam.bai")):
                    if mutant.wrong and keep and file.exists():
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / file.name).write_bytes(file.read_bytes())
                    file.unlink(missing_ok=True)
    return tally


def index_good_files(folder: Path) -> tuple[dict[str, bytes], dict[str, int]]:
    """The index of each good file, and the sum of its depths."""
    import pysam

    indexes = {}
    for seed in good_files():
        path = folder / f"{seed.name}.bam"
        path.write_bytes(seed.bam)
        pysam.index(str(path))
        indexes[seed.name] = path.with_suffix(".bam.bai").read_bytes()
    found = samtools_sums([(str(folder / f"{seed.name}.bam"), None, "scan") for seed in good_files()])
    assert None not in found
    return indexes, dict(zip(indexes, found, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    tally = run(options.count, options.seed, options.keep)
    print(
        f"{options.count} mutations from {options.seed} on: "
        + ", ".join(f"{n} {what}" for what, n in sorted(tally.items()))
    )
    return int(tally["wrong"] > 0 or tally["same"] == 0)


if __name__ == "__main__":
    os.environ.setdefault("FASTCOV_NUM_THREADS", "2")
    sys.exit(main())
