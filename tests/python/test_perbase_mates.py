"""perbase's `-m`: equal to a count of names at each position, however the file is cut."""

import random
import shutil
from collections import defaultdict

import numpy as np
import pytest

import compare
from fastcov import Rules, _fastcov

pysam = pytest.importorskip("pysam", reason="pysam is not installed")

SEEDS = range(9_000, 9_040)
COUNTS, SPANS = {"M", "D", "=", "X"}, {"M", "D", "=", "X", "N"}


def positions(read, operations: set[str], *, engine: bool = False) -> set[int]:
    """Where these operations lie; htslib's `engine` sees an empty one for one position (docs/semantics.md, 4)."""
    at = seen = read.reference_start
    out = set()
    for number, length in read.cigartuples or ():
        if "MIDNSHP=X"[number] in SPANS:
            at += length
            until = max(at, seen + 1) if engine else at
            out |= set(range(seen, min(until, read.reference_end))) if "MIDNSHP=X"[number] in operations else set()
            seen = until
    return out


def only_depth(reads, length: int, *, fast: bool) -> np.ndarray:
    depth, names = np.zeros(length, np.int64), defaultdict(set)
    for read in reads:
        span = 1 if read.is_unmapped else max(1, read.reference_end - read.reference_start if read.reference_end else 1)
        covered = set(range(read.reference_start, read.reference_start + span)) if fast else positions(read, COUNTS)
        near = abs(read.template_length) // 2 < span or abs(read.next_reference_start - read.reference_start) < span
        if read.is_paired and read.next_reference_id == read.reference_id and near:
            names[read.query_name] |= covered
        else:
            depth[[p for p in covered if p < length]] += 1
    for covered in names.values():
        depth[[p for p in covered if p < length]] += 1
    return depth


def base_depth(reads, length: int) -> np.ndarray:
    depth, best = np.zeros(length, np.int64), {}
    for number, read in enumerate(reads):
        if not read.is_unmapped:
            counts = positions(read, COUNTS, engine=True)
            rank = (read.mapping_quality, read.is_read1, number)
            for p in positions(read, SPANS, engine=True):
                best[read.query_name, p] = max(best.get((read.query_name, p), (-1,)), (*rank, p in counts))
    for (_, p), (*_, counts) in best.items():
        depth[p] += counts and p < length
    return depth


WAYS = {
    "only-depth -m": (Rules.perbase(mates="once"), lambda reads, n: only_depth(reads, n, fast=False)),
    "only-depth -m -x": (Rules.perbase(mates="once", skips=True), lambda reads, n: only_depth(reads, n, fast=True)),
    "base-depth -m": (Rules.perbase("base-depth", mates="once"), base_depth),
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    if shutil.which("cargo") is None:
        pytest.fail("the samples' generator is a part of the crate: cargo has to be there")
    folder = tmp_path_factory.mktemp("samples")
    compare.generate(folder, SEEDS.start, len(SEEDS), safe=True)
    return [folder / f"{seed}.bam" for seed in SEEDS]


@pytest.mark.parametrize("way", WAYS)
def test_names_count_once(samples, way):
    rules, count = WAYS[way]
    differs_from_both = 0
    for bam in samples:
        rng = random.Random(bam.stem)
        with pysam.AlignmentFile(bam) as file:
            for contig, length in zip(file.references, file.lengths, strict=True):
                wanted = count(list(file.fetch(contig)), length)
                for part_bytes in (None, 1, rng.choice((100, 700, 3_000))):
                    how = {
                        "n_cores": rng.randint(1, 4),
                        "span_bytes": rng.choice((None, 300)),
                        "part_bytes": part_bytes,
                    }
                    got = _fastcov.region_depth(str(bam), contig, 1, length, rules, **how)["depth"]
                    assert got.tolist() == wanted.tolist(), (bam.name, contig, how)
                both = rules.replace(mates="both")
                differs_from_both += not np.array_equal(
                    wanted, _fastcov.region_depth(str(bam), contig, 1, length, both)["depth"]
                )
    assert differs_from_both > 20
