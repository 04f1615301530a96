"""
The function fastcov replaces: samtools mpileup on blocks in a pool of processes. Needs pandas below 3 and samtools.

usage: original.py BAM REF CONTIG LENGTH N_CORES [more options of mpileup]. Block bounds do not overlap; otherwise it is
as it was. Prints seconds and the sum of the depths, as JSON.
"""

import io
import itertools
import json
import multiprocessing
import subprocess
import sys
import time

import numpy as np
import pandas as pd

COLUMNS = ["chr", "pos", "base", "coverage", "q", "c"]


def block(bam: str, ref: str, region: str, options: list[str]) -> pd.DataFrame:
    command = ["samtools", "mpileup", bam, "--min-MQ", "10", "-f", ref, "-r", region, *options]
    out = subprocess.check_output(command, stderr=subprocess.DEVNULL)
    if not out:
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(io.BytesIO(out), sep="\t", names=COLUMNS)


def get_coverage(bam: str, ref: str, chrom: str, length: int, n_cores: int, *options: str) -> pd.DataFrame:
    bounds = [int(b) for b in np.linspace(0, length, n_cores + 1)]
    with multiprocessing.Pool(n_cores) as pool:
        blocks = [
            pool.apply_async(block, (bam, ref, f"{chrom}:{start + 1}-{end}", list(options)))
            for start, end in itertools.pairwise(bounds)
        ]
        frame = pd.concat([b.get() for b in blocks])
    frame = frame.set_index("pos").reindex(range(1, length + 1), fill_value=0).reset_index()
    return frame[["pos", "chr", "base", "coverage"]]


if __name__ == "__main__":
    bam, ref, chrom, length, n_cores, *options = sys.argv[1:]
    began = time.perf_counter()
    frame = get_coverage(bam, ref, chrom, int(length), int(n_cores), *options)
    print(json.dumps({"seconds": time.perf_counter() - began, "sum": int(frame["coverage"].sum())}))
