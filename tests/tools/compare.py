"""Compares fastcov with the slow twin, and with samtools, on random samples.

    python tests/tools/compare.py --count 1000 --seed 1      the samples of seeds 1 to 1000
    make compare N=1000 SEED=1                         the same, with everything set up

Every sample is asked some random questions; the twin's answers come with it (`examples/generate.rs`). One batch in
`--samtools` is written so that samtools can be asked, too. Every call has another number of threads and
another size of spans. Differences are printed with their seed, and their files are kept.

With `--rules all`, mosdepth, bedtools and pysam are asked, too, and megadepth, perbase and bamCoverage where they are
on PATH; and once a batch there is a stack of reads deeper than mpileup's cap.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))

import deep_stacks
import other_tools
import peers
from fastcov import Rules, _fastcov

CHECKOUT = Path(__file__).resolve().parents[2]
BATCH = 50
# bamCoverage takes seconds to start: it runs on one sample in so many.
BAMCOVERAGE_EVERY = 25
# What samtools is asked of a deep stack.
DEEP = [
    ("mpileup", {"baq": True}),
    ("mpileup", {"baq": False}),
    ("mpileup", {"baq": False, "mates": "both", "min_baseq": 0}),
    ("mpileup", {"baq": True, "orphans": True, "max_depth": 8500}),
    ("mpileup", {"baq": True, "min_mapq": 10, "max_depth": 0}),
    ("depth", {"baq": False}),
    ("depth", {"baq": False, "mates": "once", "deletions": True}),
]


@dataclass
class Outcome:
    """What became of some samples."""

    samples: int = 0
    queries: int = 0
    positions: int = 0
    samtools_samples: int = 0
    samtools_positions: int = 0
    tool_samples: int = 0
    tool_positions: Counter = field(default_factory=Counter)
    tool_failures: Counter = field(default_factory=Counter)
    deep_samples: int = 0
    failures: list[tuple[int | str, str]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def generate(folder: Path, seed: int, count: int, *, safe: bool) -> None:
    """Writes the samples of `count` seeds from `seed` on."""
    command = ["cargo", "run", "--quiet", "--release", "--example", "generate", "--", "--dir", str(folder)]
    command += ["--seed", str(seed), "--count", str(count)] + (["--safe"] if safe else [])
    subprocess.run(command, cwd=CHECKOUT, check=True)


def check_sample(folder: Path, seed: int, *, with_samtools: bool) -> Outcome:
    """All questions of one sample."""
    outcome = Outcome(samples=1, samtools_samples=int(with_samtools))
    rng = random.Random(seed)
    for query in json.loads((folder / f"{seed}.json").read_text())["queries"]:
        if query["options"]["exclude_flags"] & query["options"]["require_flags"]:
            continue  # no record could count, which fastcov refuses to be asked
        wanted = np.repeat(*np.array(query["runs"], dtype=np.int64).reshape(-1, 2).T[::-1])
        asked = ask(folder / f"{seed}.bam", folder / f"{seed}.fa", query, rng)
        outcome.queries += 1
        outcome.positions += len(wanted)
        outcome.failures += [(seed, text) for text in differences("twin", query, asked, wanted)]
        if with_samtools:
            outcome.samtools_positions += len(wanted)
            outcome.failures += [(seed, text) for text in against_samtools(folder, seed, query, asked)]
    return outcome


def check_deep_stack(folder: Path, seed: int) -> Outcome:
    """A stack of reads in which the cap acts, by samtools and by every other tool."""
    name = f"deep{seed}"
    deep_stacks.write(folder, name, seed)
    rng = random.Random(seed)
    outcome = check_other_tools(folder, name)
    outcome.deep_samples, outcome.tool_samples = 1, 0
    for rule, options in DEEP:
        for contig, length in deep_stacks.CONTIGS.items():
            start = rng.choice((1, rng.randint(1, length)))
            place = {"contig": contig, "start": start, "end": length, "reference": rule == "mpileup"}
            query = {"rule": rule, "options": options, **place}
            asked = ask(folder / f"{name}.bam", folder / f"{name}.fa", query, rng)
            outcome.samtools_positions += length - start + 1
            outcome.failures += [(name, text) for text in against_samtools(folder, name, query, asked)]
    return outcome


def tools_for(number: int) -> list[tuple]:
    """Rules, their fields and the tools to ask, of those that are there."""
    more = other_tools.more_installed()
    if number % BAMCOVERAGE_EVERY:
        more = [tool for tool in more if tool != "bamCoverage"]
    return other_tools.RULES + [rule for tool in more for rule in other_tools.MORE_RULES[tool]]


def check_other_tools(folder: Path, seed: int | str, number: int = 0) -> Outcome:
    """All contigs of one sample, by every rule of a tool other than samtools."""
    import pysam

    outcome = Outcome(tool_samples=1)
    bam = str(folder / f"{seed}.bam")
    with pysam.AlignmentFile(bam) as file:
        contigs = dict(zip(file.references, file.lengths, strict=True))
        cigars = [read.cigartuples or [] for read in file]
    # pysam goes wrong at a P, perbase reads memory before a lone D or N (docs/semantics.md, 12).
    skipped = {"count_coverage"} if any(op == pysam.CPAD for cigar in cigars for op, _ in cigar) else set()
    if any([op for op, _ in cigar] in ([pysam.CDEL], [pysam.CREF_SKIP]) for cigar in cigars):
        skipped.add("perbase-base-depth")
    rng = random.Random(seed)
    for rule, fields, tool in tools_for(number):
        if rule in skipped:
            continue
        try:
            wanted = tool(bam, contigs)
        except RuntimeError:
            if (rule, fields, tool) in other_tools.RULES:
                raise
            outcome.tool_failures[label(rule, fields)] += 1
            continue
        rules = Rules(rule, **fields)
        for name, length in contigs.items():
            start = rng.choice((1, rng.randint(1, length)))
            end = rng.choice((length, rng.randint(start, length)))
            # pileup: as with mpileup, other reads are fetched for another region. The others: semantics.md 5.3, 5.4.
            if rule in ("pileup", "mosdepth", "megadepth"):
                start, end = 1, length
            if rule == "perbase" and "mates" in fields:
                end = max(1, length - 1)  # the last position is what perbase loses, see the same section
                start = min(start, end)
            how = {
                "n_cores": rng.randint(1, 4),
                "span_bytes": rng.choice((None, 300)),
                "part_bytes": rng.choice((None, 1)),
            }
            query = {"rule": rule, "contig": name, "start": start, "end": end, "reference": False, "options": fields}
            asked = {**_fastcov.region_depth(bam, name, start, end, rules, **how), "how": how}
            outcome.tool_positions[label(rule, fields)] += end - start + 1
            found = differences("the tool", query, asked, wanted[name][start - 1 : end])
            outcome.failures += [(seed, text) for text in found]
    return outcome


def ask(bam: Path, ref: Path, query: dict, rng: random.Random) -> dict | str:
    """Fastcov's answer, with random threads and sizes; the message where it fails."""
    fields = dict(query["options"])
    # The generator says "BAQ where there is a reference" with true.
    fields["baq"] = None if fields["baq"] else False
    tuning = {"span_bytes": rng.choice((None, 1, 300, 3_000)), "part_bytes": rng.choice((None, 1, 1_000, 20_000))}
    how = {"reference": str(ref) if query["reference"] else None, "n_cores": rng.randint(1, 4), **tuning}
    try:
        rules = Rules(query["rule"], **fields)
        region = (str(bam), query["contig"], query["start"], query["end"])
        return {**_fastcov.region_depth(*region, rules, **how), "how": how}
    except Exception as error:
        return f"{type(error).__name__}: {error} ({how})"


def label(rule: str, fields: dict) -> str:
    return " ".join([rule, *(f"{field}={value}" for field, value in fields.items())])


def against_samtools(folder: Path, seed: int | str, query: dict, asked: dict | str) -> list[str]:
    fields = dict(query["options"])
    with_baq = fields.pop("baq")
    reference = ["-f", str(folder / f"{seed}.fa")] if query["reference"] else []
    arguments = peers.options(query["rule"], fields)
    place = {"chrom": query["contig"], "start": query["start"], "end": query["end"]}
    bam = str(folder / f"{seed}.bam")
    if query["rule"] == "depth":
        return differences("samtools", query, asked, peers.depth(*arguments, bam, **place)[0])
    arguments += reference + ([] if with_baq else ["-B"])
    wanted, letters = peers.mpileup(*arguments, bam, **place)
    found = differences("samtools", query, asked, wanted)
    if not isinstance(asked, str):
        got = {p: asked["bases"][asked["base_codes"][p - query["start"]]] for p in letters}
        found += [f"letters differ from samtools: {describe(query)}" for _ in [0] if got != letters]
    return found


def differences(other: str, query: dict, asked: dict | str, wanted: np.ndarray) -> list[str]:
    if isinstance(asked, str):
        return [f"fastcov failed: {asked}: {describe(query)}"]
    depth = asked["depth"]
    if len(depth) != len(wanted):
        return [f"{len(depth)} positions, {other} has {len(wanted)}: {describe(query)}"]
    wrong = np.flatnonzero(depth != wanted)
    if wrong.size == 0:
        return []
    shown = ", ".join(f"{query['start'] + i}: {depth[i]} not {wanted[i]}" for i in wrong[:8])
    return [f"{wrong.size} positions differ from {other} ({shown}): {describe(query)} {asked['how']}"]


def describe(query: dict) -> str:
    where = f"{query['contig']}:{query['start']}-{query['end']}"
    return f"{query['rule']} {where} reference={query['reference']} {query['options']}"


def check_batch(pool: Executor, folder: Path, seeds: range, *, with_samtools: bool, with_tools: bool) -> Outcome:
    generate(folder, seeds.start, len(seeds), safe=with_samtools or with_tools)
    outcome = Outcome()
    jobs = [pool.submit(check_sample, folder, seed, with_samtools=with_samtools) for seed in seeds]
    if with_tools:
        jobs += [pool.submit(check_other_tools, folder, seed, seed) for seed in seeds]
        jobs.append(pool.submit(check_deep_stack, folder, seeds.start))
    for job in jobs:
        outcome.add(job.result())
    return outcome


def keep(folder: Path, seeds: set[int | str], to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for path in folder.glob(f"{seed}.*"):
            shutil.copy(path, to)


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    total = Outcome()
    began = said = time.monotonic()
    with ProcessPoolExecutor(args.workers, mp_context=get_context("spawn"), initializer=quiet) as pool:
        for number, first in enumerate(range(args.seed, args.seed + args.count, BATCH)):
            seeds = range(first, min(first + BATCH, args.seed + args.count))
            with tempfile.TemporaryDirectory() as folder:
                with_samtools = bool(args.samtools) and number % args.samtools == 0
                how = {"with_samtools": with_samtools, "with_tools": args.rules == "all"}
                outcome = check_batch(pool, Path(folder), seeds, **how)
                keep(Path(folder), {seed for seed, _ in outcome.failures}, args.keep)
            total.add(outcome)
            for seed, text in outcome.failures:
                print(f"DIFFERENCE seed {seed}: {text}", flush=True)
            if time.monotonic() - said > 30:
                said = time.monotonic()
                print(
                    f"… seed {seeds.stop - 1}: {total.samples:,} samples, {len(total.failures)} differences", flush=True
                )
    report(args, total, time.monotonic() - began)
    return 1 if total.failures else 0


def report(args: argparse.Namespace, total: Outcome, seconds: float) -> None:
    print(f"seeds {args.seed} to {args.seed + args.count - 1}, in {seconds:.0f} s")
    print(f"twin:     {total.samples:,} BAMs, {total.queries:,} queries, {total.positions:,} positions")
    print(f"samtools: {total.samtools_samples:,} BAMs, {total.samtools_positions:,} positions")
    if args.rules == "all":
        print(f"other tools: {total.tool_samples:,} BAMs; deep stacks, samtools too: {total.deep_samples:,} BAMs")
        for rule, positions in sorted(total.tool_positions.items()):
            print(f"    {rule}: {positions:,} positions")
        for rule, times in sorted(total.tool_failures.items()):
            print(f"    {rule}: its tool crashed on {times:,} BAMs")
        absent = [tool for tool in other_tools.MORE_RULES if tool not in other_tools.more_installed()]
        print(f"not on PATH, so not asked: {', '.join(absent) or 'none'}")
    print(f"differences: {len(total.failures)}" + (f" (files in {args.keep})" if total.failures else ""))


def quiet() -> None:
    """Workers answer; their cap warnings are not shown."""
    warnings.simplefilter("ignore")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Random comparison of fastcov with its slow twin and with samtools.")
    parser.add_argument("--count", type=int, default=1000, help="how many samples (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--samtools", type=int, default=10, metavar="EVERY", help="one batch in so many; 0 for none")
    parser.add_argument(
        "--rules", choices=("samtools", "all"), default="samtools", help="all: mosdepth and others, too"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--keep", type=Path, default=Path("compare-output"), help="where files that differ are kept")
    args = parser.parse_args(arguments)
    if args.count < 1 or args.samtools < 0 or args.workers < 1:
        parser.error("--count and --workers are at least 1, --samtools is at least 0")
    return args


if __name__ == "__main__":
    sys.exit(main())
