"""
One call of fastcov in a process of its own. `bench.py` starts it for every measurement.

The order comes as JSON in the first argument: `function`, `bam`, `regions` (chrom, start, end; 1-based, inclusive) or
`bed`, `arguments`, `warm`: a small call first, which starts the pool and loads what is loaded late, and `calls`, of
which the median is taken. Imports come before the clock, the digest of the answer after it. The last line printed is
the result, as JSON.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd  # noqa: F401 - not counted as fastcov's import

from data import digest

began = time.perf_counter()
import fastcov  # noqa: E402

IMPORT_SECONDS = time.perf_counter() - began

import fastcov._coverage as _module  # noqa: E402


class FrameClock:
    """Time spent making frames out of the arrays of the core."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._inner = _module.to_frame
        _module.to_frame = self

    def __call__(self, parts: dict) -> object:
        began = time.perf_counter()
        frame = self._inner(parts)
        self.seconds += time.perf_counter() - began
        return frame


def frames(order: dict) -> list:
    arguments = order["arguments"]
    if order["function"] == "coverage":
        return [fastcov.coverage(order["bam"], [tuple(r) for r in order["regions"]], **arguments).to_pandas()]
    if order["function"] == "target_stats":
        return [fastcov.target_stats(order["bam"], order["bed"], **arguments).to_pandas()]
    return [fastcov.get_coverage(order["bam"], *region, **arguments) for region in order["regions"]]


def answer(order: dict, made: list) -> dict[str, int]:
    if order["function"] == "target_stats":
        return digest([np.rint(frame["mean"].to_numpy() * frame["length"].to_numpy()) for frame in made])
    column = "depth" if order["function"] == "coverage" else "coverage"
    return digest([frame[column].to_numpy() for frame in made])


def status(key: str) -> int:
    """Bytes that /proc says, 0 where there is no such file."""
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(key + ":")), 0)


def main() -> None:
    order = json.loads(sys.argv[1])
    after_import = status("VmRSS")
    if order["warm"]:
        fastcov.get_coverage(order["bam"], order["regions"][0][0], 1, 100, n_cores=order["arguments"]["n_cores"])
    clock = FrameClock()
    times = []
    for _ in range(order["calls"]):
        began = time.perf_counter()
        made = frames(order)
        times.append(time.perf_counter() - began)
    seconds = statistics.median(times)
    peak = status("VmHWM")
    out = sum(int(frame.memory_usage(index=False).sum()) for frame in made)
    result = {
        "seconds": seconds,
        "frame_seconds": clock.seconds,
        "import_seconds": IMPORT_SECONDS,
        "extra_bytes": peak - after_import - out,
        "output_bytes": out,
        "answer": answer(order, made),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
