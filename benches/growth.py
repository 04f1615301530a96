"""
How the time of `get_coverage` grows: with depth, length, threads, read length and the alphabet of qualities.

`python benches/growth.py` builds small sets beside the data of `make bench`, times each beside the floor on as many
threads, and prints a row for each. Each figure is the median of `--rounds` rounds.
"""

import argparse
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

import data
import report
from answers import Answers
from tasks import Call, Floor

PAGE = data.CHECKOUT / "docs" / "performance.md"
# What grows: name, and the sets and threads on the way. A set: length of the contig in parts of mtb's, and words of
# `examples/reads`: kind, depth, seed, qualities, ploidy.
BASE = (0.25, "short", 50, 1, "nova", 1)
SWEEPS = {
    "depth": [((0.25, "short", depth, 1, "nova", 1), 1) for depth in (12, 50, 200)],
    "length": [((scale, "short", 50, 1, "nova", 1), 1) for scale in (0.1, 0.25, 1.0)],
    "threads": [(BASE, 1), (BASE, 2)],
    "read length": [(BASE, 1), ((0.25, "long", 50, 1, "nova", 1), 1)],
    "qualities": [((0.25, "short", 50, 1, name, 1), 1) for name in ("nova", "hiseq", "ont")],
}
WHATS = ("depth", "mpileup, no BAQ")


@dataclass(frozen=True)
class Grown(data.Set):
    """A set of its own size, under a name that says what it is."""

    scale: float

    @property
    def reference(self) -> Path:
        return self.folder / f"mtb.{self.scale}.fa"


def build(spec: tuple, folder: Path) -> Grown:
    scale, *words = spec
    name = "grown." + ".".join(map(str, spec))
    data.SPECS.setdefault(name, ("mtb", *words))
    return data.complete(Grown(name, folder, scale), scale)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=data.FOLDER)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    subprocess.run(["cargo", "build", "--quiet", "--release", "--example", "floor"], cwd=data.CHECKOUT, check=True)
    answers = Answers(arguments.data)
    lines = [
        "| grows | set | threads | floor, ms | depth, × floor | mpileup without BAQ, × floor |",
        "|---|---|---|---|---|---|",
    ]
    for what, steps in SWEEPS.items():
        for spec, threads in steps:
            made = build(spec, arguments.data)
            tasks = [Floor(made, threads), *(Call(made, call, threads) for call in WHATS)]
            rounds = [[task.run(answers).seconds for task in tasks] for _ in range(arguments.rounds)]
            floor = statistics.median(r[0] for r in rounds)
            ratios = [statistics.median(r[i] / r[0] for r in rounds) for i in (1, 2)]
            _, kind, depth, _, qualities, _ = spec
            place = f"{sum(made.contigs.values()):,} bp, {depth}x, {kind} reads, {qualities} qualities"
            lines.append(f"| {what} | {place} | {threads} | {1000 * floor:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
            print(lines[-1], flush=True)
    if arguments.write:
        note = f"`python benches/growth.py --write`, medians of {arguments.rounds} rounds, {report.machine()}."
        report.write(PAGE, "\n".join([*lines, "", note]), "growth")


if __name__ == "__main__":
    main()
