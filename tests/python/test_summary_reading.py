"""What summaries read of a file: the requested part, on contigs of every number and length."""

import json
import random
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import fastcov
from simulate import Record, cigar, frame, write_bam

pytestmark = pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count the bytes read")

# What one call reads, in a process of its own: bytes and calls of read, without those of the imports.
CHILD = """
import json, sys
import fastcov, numpy, pandas

def read():
    text = open("/proc/self/io").read()
    return [int(text.split(name + ": ")[1].split()[0]) for name in ("rchar", "syscr")]

bam, bed = sys.argv[1:]
bed = json.loads(bed)
before = read()
table = {call}
after = read()
print(json.dumps([b - a for a, b in zip(before, after)]))
"""
TARGETS = "fastcov.target_stats(bam, [tuple(row) for row in bed], rules='depth', n_cores=2)"
WHOLE = "fastcov.distribution(bam, rules='depth', n_cores=2)"


def read(bam: Path, call: str, bed: list = ()) -> tuple[int, int]:
    words = [sys.executable, "-c", CHILD.format(call=call), str(bam), json.dumps(list(bed))]
    return tuple(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout))


def index(bam: Path, *options: str) -> int:
    """Makes an index; its bytes."""
    pysam = pytest.importorskip("pysam")
    pysam.samtools.index(*options, str(bam))
    return bam.with_suffix(".bam.csi" if "-c" in options else ".bam.bai").stat().st_size


LENGTH, READS = 100_000_000, 150_000


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """Reads of random bases and qualities, which hardly compress, over a contig of 100 Mb."""
    folder = tmp_path_factory.mktemp("large")
    one = [Record("r", 0, 0, 60, cigar("100M"), "A" * 100, bytes([30] * 100))]
    small = write_bam(folder / "one.bam", {"c": LENGTH}, one).read_bytes()
    first = 1 + int.from_bytes(small[16:18], "little")
    record = np.frombuffer(zlib.decompress(small[first + 18 :], -15), np.uint8)
    rng = np.random.default_rng(1)
    reads = np.tile(record, (READS, 1))
    positions = np.sort(rng.integers(0, LENGTH - 100, READS)).astype("<i4")
    reads[:, 8:12] = positions.view(np.uint8).reshape(-1, 4)
    # The bin: all reads lie in one of the finest, or in the whole contig's.
    finest = np.where(positions >> 14 == (positions + 99) >> 14, 4681 + (positions >> 14), 0).astype("<u2")
    reads[:, 14:16] = finest.view(np.uint8).reshape(-1, 2)
    reads[:, -100:] = rng.integers(2, 42, (READS, 100))
    reads[:, -150:-100] = rng.choice(np.array([0x11, 0x12, 0x24, 0x48, 0x81, 0x88], np.uint8), (READS, 50))
    bam = folder / "large.bam"
    with open(bam, "wb") as file:
        file.write(small[:first])
        for at in range(0, READS, 200):
            file.write(frame(reads[at : at + 200].tobytes(), 1))
        file.write(small[-28:])
    index(bam)
    return bam


def test_a_thousand_small_targets_read_their_part_of_the_file(large):
    rng = random.Random(2)
    genes = [rng.randrange(LENGTH - 50_000) for _ in range(20)]
    bed = sorted(
        ("c", at, at + rng.randrange(50, 300)) for gene in genes for at in rng.sample(range(gene, gene + 40_000), 50)
    )
    size = large.stat().st_size + large.with_suffix(".bam.bai").stat().st_size
    whole, part = read(large, WHOLE)[0], read(large, TARGETS, bed)[0]
    assert size > 15 << 20
    assert whole >= size
    # Twenty stretches of 40 kb are 0.8 % of the contig, and each begins and ends inside a frame.
    assert part < size / 10, (part, size)
    got = fastcov.target_stats(large, bed, rules="depth", stats=["mean"]).to_pandas()
    depth = np.concatenate(
        [fastcov.coverage(large, ("c", a + 1, b), rules="depth").to_numpy()["depth"] for _, a, b in bed]
    )
    assert (got["mean"] * got["length"]).sum() == pytest.approx(depth.sum())
    assert depth.sum() > 1000


def test_contigs_that_the_index_calls_empty_cost_nothing_and_are_zeros(large, tmp_path):
    """A thousand of them beside one with reads."""
    contigs = {"c": LENGTH, **{f"empty{i}": 1000 + i for i in range(1000)}}
    one = [Record("r", 0, 5, 60, cigar("10M"), "A" * 10, bytes([30] * 10))]
    bam = write_bam(tmp_path / "x.bam", contigs, one)
    index(bam)
    bed = [(name, 0, 900) for name in contigs if name != "c"]
    opened, calls = read(bam, TARGETS, [("c", 50_000_000, 50_000_010)])
    more, more_calls = read(bam, TARGETS, bed)
    # What differs are the digits of the counters, which are read, too.
    assert more <= opened + 64
    assert more_calls <= calls + 4
    dist = fastcov.distribution(bam).to_pandas()
    empty = dist[dist["chrom"].str.startswith("empty")]
    assert empty[["depth", "fraction"]].to_numpy().tolist() == [[0, 1]] * 1000
    stats = fastcov.target_stats(bam, bed).to_pandas()
    assert (stats[["mean", "median", "min", "max", "sd", "pct_1x"]].to_numpy() == 0).all()
    windows = fastcov.window_stats(bam, 10**9, stats=["mean", "max"]).to_pandas()
    assert windows["chrom"].tolist() == list(contigs)
    assert windows["length"].tolist() == list(contigs.values())
    assert windows["max"].tolist() == [1] + [0] * 1000
    quantized = fastcov.quantize(bam, (0, 1)).to_pandas()
    assert len(quantized) == 1000 + 3
    assert quantized[quantized["chrom"].str.startswith("empty")]["label"].tolist() == ["0:1"] * 1000


def test_a_hundred_thousand_contigs(tmp_path):
    """Reads on every hundredth; what is read for a target does not follow the number of contigs."""
    n, length = 100_000, 500
    contigs = {f"scaffold_{i}": length for i in range(n)}
    covered = range(7, n, 100)
    reads = [
        Record(f"r{i}", 0, 100, 60, cigar("50M"), "A" * 50, bytes([30] * 50), i) for i in covered for _ in range(3)
    ]
    bam = write_bam(tmp_path / "many.bam", contigs, reads, level=1)
    index(bam)
    some = [(f"scaffold_{i}", 90, 200) for i in covered][:400]
    one, one_calls = read(bam, TARGETS, some[-1:])
    all_bytes, all_calls = read(bam, TARGETS, some)
    # Each of 399 further targets is a read or two of its own frames, none of the header or of other contigs.
    assert all_calls - one_calls <= 4 * len(some)
    assert all_bytes - one <= (len(some) + 4) * (2 << 16)
    stats = fastcov.target_stats(bam, some, stats=["mean", "max"]).to_pandas()
    assert (stats["max"] == 3).all()
    assert stats["mean"].to_numpy() == pytest.approx(3 * 50 / 110)
    dist = fastcov.distribution(bam).to_pandas()
    total = dist[dist["chrom"] == "total"]
    assert total["depth"].tolist() == [3, 0]
    assert total["fraction"].to_numpy() == pytest.approx([1000 * 50 / (n * length), 1])
    mine = dist[dist["chrom"] != "total"]
    assert mine["chrom"].nunique() == n
    assert set(mine[mine["depth"] == 3]["chrom"]) == {f"scaffold_{i}" for i in covered}
    windows = fastcov.window_stats(bam, 250, stats=["mean"])
    assert len(windows) == 2 * n
    assert windows.summary()["mean"] == pytest.approx(1000 * 150 / (n * length))


def test_contigs_beyond_two_to_the_29(tmp_path):
    """Which only a CSI index holds; every summary, across the edge and at the end of the contig."""
    edge, length = 1 << 29, (1 << 29) + 100_000
    starts = [10, edge - 30, edge - 20, edge + 5_000, length - 50]
    reads = [Record(f"r{i}", 0, at, 60, cigar("50M"), "ACGTA" * 10, bytes([30] * 50)) for i, at in enumerate(starts)]
    bam = write_bam(tmp_path / "long.bam", {"c": length, "d": 100}, reads)
    index(bam, "-c")
    bam.with_suffix(".bam.bai").unlink(missing_ok=True)

    def depth(start: int, end: int) -> np.ndarray:
        return sum(np.isin(np.arange(start, end), np.arange(at, at + 50)).astype(int) for at in starts)

    places = [("c", 0, 100), ("c", edge - 40, edge + 40), ("c", edge + 4_990, edge + 5_010), ("c", length - 60, length)]
    stats = fastcov.target_stats(bam, places).to_pandas()
    wanted = [depth(start, end) for _, start, end in places]
    assert stats["mean"].tolist() == pytest.approx([d.mean() for d in wanted])
    assert stats["sd"].tolist() == pytest.approx([d.std() for d in wanted])
    assert stats["max"].tolist() == [1, 2, 1, 1]
    dist = fastcov.distribution(bam).to_pandas()
    assert dist[dist["chrom"] == "c"]["depth"].tolist() == [2, 1, 0]
    assert (dist[dist["chrom"] == "c"]["fraction"] * length).tolist() == pytest.approx([40, 210, length])
    runs = fastcov.quantize(bam, (1, 2), regions="c").to_pandas()
    assert runs[["start", "end"]].to_numpy().tolist() == [
        [10, 60], [edge - 30, edge - 20], [edge - 20, edge + 20], [edge + 20, edge + 30],
        [edge + 5_000, edge + 5_050], [length - 50, length],
    ]  # fmt: skip
    windows = fastcov.window_stats(bam, edge, stats=["mean"]).to_pandas()
    assert windows[["start", "end"]].to_numpy().tolist() == [[0, edge], [edge, length], [0, 100]]
    # 50 of the first read, 30 and 20 of the next two; the rest lies beyond.
    assert (windows["mean"] * windows["length"]).tolist() == pytest.approx([100, 150, 0])
    where = ("c", edge - 40, edge + 40)
    letters = fastcov.base_counts(bam, where).to_numpy()
    assert letters["reads_all"].tolist() == depth(edge - 41, edge + 40).tolist()
    assert letters["A"].sum() * 3 == letters["C"].sum() * 6 > 0
    matrix = fastcov.coverage_matrix([bam, bam], where, names=["x", "y"]).to_numpy()
    assert (matrix["x"] == matrix["y"]).all()
    assert matrix["x"].tolist() == letters["reads_all"].tolist()
    streamed = [batch.to_numpy() for batch in fastcov.iter_coverage(bam, runs=True)]
    total = sum(int(((b["end"] - b["start"]) * b["depth"]).sum()) for b in streamed)
    assert total == 50 * len(starts)
