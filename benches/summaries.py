"""
Summaries of the set wgs beside the floor: seconds and CPU seconds, in rounds that run everything once.

    python benches/summaries.py [ROUNDS]

The set is that of `make bench` (`data.py` says where it lies). Every figure is the median, over the rounds, of what a
call took divided by what the floor took in the same round; a call is timed in a process that has made it once on a
small region, where pools start and modules load.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))
from data import FOLDER, Set, build
from tasks import FLOOR

TARGETS, LONGEST, SEED = 200_000, 400, 3
AIM = 1.3
ASK = {
    "distribution": "fastcov.distribution(bam, {where} rules={rules!r}, n_cores={threads})",
    "window_stats(1000)": "fastcov.window_stats(bam, 1000, regions={region}, rules={rules!r}, n_cores={threads})",
    "quantize": "fastcov.quantize(bam, (0, 1, 5, 20), regions={region}, rules={rules!r}, n_cores={threads})",
    "target_stats": "fastcov.target_stats(bam, {bed}, rules={rules!r}, n_cores={threads})",
}
CHILD = """
import json, sys, time
import fastcov
bam, bed = sys.argv[1:]
small = [tuple(open(bed).readline().split())]
small = [(name, int(start), int(end)) for name, start, end in small]
{small}
wall, cpu = time.perf_counter(), time.process_time()
{whole}
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""


def write_targets(data: Set, folder: Path) -> Path:
    rng = random.Random(SEED)
    contigs = list(data.contigs.items())
    names = rng.choices(contigs, weights=[length for _, length in contigs], k=TARGETS)
    starts = sorted((name, rng.randrange(length - LONGEST)) for name, length in names)
    bed = folder / "targets.bed"
    bed.write_text("".join(f"{name}\t{at}\t{at + rng.randrange(50, LONGEST)}\n" for name, at in starts))
    return bed


def floor(data: Set, threads: int) -> tuple[float, float]:
    """Seconds and CPU seconds of libdeflate over every frame."""
    before = os.times()
    said = json.loads(subprocess.run([FLOOR, data.bam, str(threads)], check=True, capture_output=True).stdout)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return said["seconds"], cpu


def call(data: Set, bed: Path, ask: str, rules: str, threads: int) -> tuple[float, float]:
    first = next(iter(data.contigs))
    fill = {"rules": rules, "threads": threads}
    small = ask.format(where=f"('{first}', 1, 1000),", region=f"('{first}', 1, 1000)", bed="small", **fill)
    whole = ask.format(where="", region="None", bed="bed", **fill)
    words = [sys.executable, "-c", CHILD.format(small=small, whole=whole), str(data.bam), str(bed)]
    seconds, cpu = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return seconds, cpu


def main(rounds: int, rules: tuple[str, ...] = ("depth", "bases")) -> int:
    data = build("wgs", FOLDER)
    rows = [(what, rule, threads) for threads in (1, 2) for rule in rules for what in ASK]
    found: dict[tuple, list[tuple[float, float]]] = {row: [] for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        bed = write_targets(data, Path(folder))
        for _ in range(rounds):
            for threads in (1, 2):
                base = floor(data, threads)
                for row in (row for row in rows if row[2] == threads):
                    took = call(data, bed, ASK[row[0]], row[1], threads)
                    found[row].append((took[0] / base[0], took[1] / base[1]))
    missed = 0
    for (what, rule, threads), ratios in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*ratios, strict=True))
        missed += cpu > AIM
        print(f"{what:20} {rule:8} n_cores={threads}  {wall:5.2f} x floor, wall  {cpu:5.2f} x floor, CPU", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
