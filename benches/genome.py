"""Peak memory on a genome of human size: a sparse BAM of 3.1 Gb is written, each question asked in a fresh process.

    python benches/genome.py FOLDER

FOLDER keeps the file. Every line says what was asked, its seconds, its peak memory (VmHWM, the interpreter and its
imports included), and a number by which the answer can be told to be right. The first line is the imports alone.
"""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from simulate import Record, write_bam

# About the lengths of the human chromosomes, in megabases.
MEGABASES = "249 242 198 190 182 171 159 145 138 134 135 133 114 107 102 90 83 80 59 64 47 51 156 57"
CONTIGS = {f"chr{i + 1}": int(n) * 1_000_000 for i, n in enumerate(MEGABASES.split())}
READS = 300_000
LENGTH = 100
TARGETS = 200_000
LIMIT = 250 << 20

ASK = {
    "imports": "0",
    "distribution": "round(float(fastcov.distribution(bam).to_numpy()['fraction'][-1]), 6)",
    "window_stats(1000)": "len(fastcov.window_stats(bam, 1000))",
    "window_stats(1000), mean": "len(fastcov.window_stats(bam, 1000, stats=['mean']))",
    "target_stats": "fastcov.target_stats(bam, bed).summary()['length']",
    "quantize": "len(fastcov.quantize(bam, (0, 1, 2)))",
    "iter_coverage": "sum(int(b.to_numpy()['depth'].sum()) for b in fastcov.iter_coverage(bam))",
    "iter_coverage, runs": "sum(len(b) for b in fastcov.iter_coverage(bam, runs=True, batch_rows=100_000))",
}
CHILD = """
import json, sys, time
import fastcov, numpy, pandas
bam, bed = sys.argv[1:]
begin = time.perf_counter()
answer = {ask}
seconds = time.perf_counter() - begin
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) << 10
print(json.dumps([answer, seconds, peak]))
"""


def write(folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """Reads at random places, most of the genome without any; and targets of 100 to 2,000 bases."""
    bam, bed = folder / "genome.bam", folder / "targets.bed"
    if bam.exists() and bed.exists():
        return bam, bed
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    names, lengths = list(CONTIGS), list(CONTIGS.values())

    def places(n: int) -> list[tuple[int, int]]:
        contigs = rng.choices(range(len(names)), weights=lengths, k=n)
        return sorted((contig, rng.randrange(lengths[contig] - 3_000)) for contig in contigs)

    sequence, quality = "ACGT" * (LENGTH // 4), bytes([37] * LENGTH)
    cigar = [(LENGTH, "M")]
    reads = [
        Record(f"r{i}", 0, pos, 60, cigar, sequence, quality, contig) for i, (contig, pos) in enumerate(places(READS))
    ]
    write_bam(bam, CONTIGS, reads, level=1)
    with open(bed, "w") as file:
        for contig, start in places(TARGETS):
            file.write(f"{names[contig]}\t{start}\t{start + rng.randrange(100, 2_000)}\n")
    return bam, bed


def main(folder: Path) -> int:
    bam, bed = write(folder)
    print(
        f"{sum(CONTIGS.values()):,} bases in {len(CONTIGS)} contigs, {READS:,} reads, {TARGETS:,} targets", flush=True
    )
    most = 0
    for what, ask in ASK.items():
        begin = time.perf_counter()
        child = [sys.executable, "-c", CHILD.format(ask=ask), str(bam), str(bed)]
        answer, seconds, peak = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
        whole = time.perf_counter() - begin
        print(f"{what:26} {seconds:8.2f} s {peak / 2**20:8.1f} MiB   {answer}   (process {whole:.1f} s)", flush=True)
        most = max(most, peak)
    return int(most > LIMIT)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
