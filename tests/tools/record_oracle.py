"""Runs the commands recorded in `tests/oracle` again and shows every case where a tool now prints something else.

    python tests/tools/record_oracle.py                            all columns and tables of regions
    python tests/tools/record_oracle.py --only 'samtools-1.24/*'   some of them
    python tests/tools/record_oracle.py --write                    records the differences
    python tests/tools/record_oracle.py --anew mosdepth-0.3.3      runs its commands with the installed mosdepth and
                                                                   records them in a folder of that version

A tool runs if the recorded version is installed; samtools runs from pysam if pysam bundles the recorded version, else
from PATH. The head of each file holds the command, so a new column is a file with a head and no rows, recorded with
`--write`. Exit status 1: something differs.
"""

import argparse
import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatch
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import oracle
import other_tools
import peers
from oracle import CONTIG, ORACLE, Case, Column

PROGRAMS = {"deeptools": "bamCoverage"}
# These print every position or interval of the contig. The zeros are not recorded.
DENSE = re.compile(r"mosdepth|bedtools|megadepth|bamCoverage|perbase only-depth|\{.*count_coverage")
# Here a tool reads memory beyond the record, so its output can change from run to run.
UNSTABLE = [
    ("no_seq|ov_no_seq_pair", "samtools-*/depth*_q13"),
    ("cigar_only_skip", "perbase-*/base_depth*"),
]

Rows = list[list[str]]


class ToolError(Exception):
    """A tool failed; the message is the last line it printed."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", metavar="PATTERN")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--anew", metavar="FOLDER")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        oracle.build(Path(folder))
        runner = Runner(Path(folder), pool)
        if options.anew:
            return anew(runner, options.anew)
        differences = columns(runner, options.only, write=options.write)
        differences += regions(runner, options.only, write=options.write)
    return int(differences > 0)


def columns(runner: "Runner", only: str, *, write: bool) -> int:
    """The number of cases that differ from the recorded columns."""
    differences = 0
    for name, column in oracle.columns().items():
        if not fnmatch(name, only) or not can_run(name, column.tool):
            continue
        values = runner.values(column)
        unstable = "|".join(cases for cases, pattern in UNSTABLE if fnmatch(name, pattern))
        differ = [
            case for case in values if values[case] != column.values.get(case) and not re.fullmatch(unstable, case)
        ]
        for case in differ:
            print(f"{name}: {case}: recorded {column.values.get(case)}, now {values[case]}")
        if write and differ:
            column.values |= {case: values[case] for case in differ}
            column.write(ORACLE / "outputs" / f"{name}.tsv")
        print(f"{name}: {len(values)} cases, {len(differ)} differ")
        differences += len(differ)
    return differences


def regions(runner: "Runner", only: str, *, write: bool) -> int:
    """The number of rows that differ from the recorded tables of regions."""
    differences = 0
    for path in sorted((ORACLE / "regions").glob("*.tsv")):
        name, tool = f"regions/{path.stem}", path.stem.replace("-", " ")
        if not fnmatch(name, only) or not can_run(name, tool):
            continue
        recorded = oracle.region_rows(path)
        rows = [runner.region(tool, row["command"], row["region"]) for row in recorded]
        differ = [(old, new) for old, new in zip(recorded, rows, strict=True) if old != new]
        for old, new in differ:
            print(f"{name}: recorded {list(old.values())}, now {list(new.values())}")
        if write and differ:
            table = [list(rows[0]), *(row.values() for row in rows)]
            path.write_text("".join("\t".join(cells) + "\n" for cells in table))
        print(f"{name}: {len(rows)} commands, {len(differ)} differ")
        differences += len(differ)
    return differences


def anew(runner: "Runner", folder: str) -> int:
    """Records the columns of a folder with the installed version of its tool."""
    tool = folder.rpartition("-")[0]
    version = installed_version(tool)
    if version is None:
        sys.exit(f"{tool} is not installed")
    for name, column in oracle.columns().items():
        if fnmatch(name, f"{folder}/*"):
            column.tool = f"{tool} {version}"
            column.values = runner.values(column)
            column.write(ORACLE / "outputs" / f"{tool}-{version}" / f"{Path(name).name}.tsv")
    print(f"recorded {tool} {version}")
    return 0


class Runner:
    """Runs commands on the cases built in `folder`; pysam's samtools runs in `pool`."""

    def __init__(self, folder: Path, pool: ProcessPoolExecutor) -> None:
        self.folder = folder
        self.pool = pool

    def values(self, column: Column) -> dict[str, str]:
        """The value of each recorded case, of every case if the column has no rows yet."""
        return {c.name: self.value(c, column) for c in oracle.cases() if not column.values or c.name in column.values}

    def value(self, case: Case, column: Column) -> str:
        try:
            if column.tool.startswith("pysam "):
                return depths(column.command, self.evaluate(case, column.command))
            rows = self.run(case, column.tool, column.command)
            return READERS[column.prints](column.command, rows)
        except ToolError as error:
            return f"error: {error}"

    def evaluate(self, case: Case, expression: str) -> dict[int, int]:
        """The value of a column's Python expression; the files of the repository are trusted code."""
        import pysam

        pysam.set_verbosity(0)
        start, end = case.interval
        bam, fasta = (str(self.folder / f"{case.name}.{suffix}") for suffix in ("bam", "fa"))
        with pysam.AlignmentFile(bam) as reads, pysam.FastaFile(fasta) as reference:
            names = {"bam": reads, "fasta": reference, "contig": CONTIG, "start": start, "end": end}
            try:
                return eval(expression, names)
            except (IndexError, OSError, ValueError) as error:
                raise ToolError(str(error)) from error

    def run(self, case: Case, tool: str, command: str, region: str | None = None) -> Rows:
        """The rows a command prints, or writes to `{out}`."""
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch) / "out"
            values = {
                "bam": self.folder / f"{case.name}.bam",
                "fasta": self.folder / f"{case.name}.fa",
                "region": shlex.quote(region or case.region),
                "cap": "" if case.cap is None else f"-d {case.cap}",
                "out": out,
            }
            text = self.printed(tool, shlex.split(command.format_map(values)), scratch)
            per_base = out.with_name("out.per-base.bed.gz")
            if per_base.exists():
                text = gzip.decompress(per_base.read_bytes()).decode()
            elif out.exists():
                text = out.read_text()
        return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]

    def printed(self, tool: str, words: list[str], folder: str) -> str:
        if tool == f"samtools {bundled_samtools()}":
            import pysam

            try:
                return self.pool.submit(peers.run, *words[1:]).result().decode("latin-1")
            except pysam.SamtoolsError as error:
                raise ToolError(self.last_line(str(error.args[0]).partition("stderr=")[2])) from error
        done = run_tool(words, cwd=folder)
        # perbase ends with 0 after a panic.
        if done.returncode or "panicked at" in done.stderr:
            raise ToolError(self.last_line(done.stderr))
        return done.stdout

    def last_line(self, text: str) -> str:
        return text.strip().splitlines()[-1].replace(f"{self.folder}/", "").strip().removeprefix("Error: ")

    def region(self, tool: str, command: str, region: str) -> dict[str, str]:
        """What a command prints for a region: the number of rows, the first position and the last."""
        (case,) = [case for case in oracle.cases() if case.name == "ov_same"]
        row = {"command": command, "region": region}
        try:
            rows = self.run(case, tool, command, region)
        except ToolError as error:
            return row | {"status": "error", "rows": "0", "first": "-", "last": "-", "message": str(error)}
        first, last = (rows[0][1], rows[-1][1]) if rows else ("-", "-")
        return row | {"status": "ok", "rows": str(len(rows)), "first": first, "last": last, "message": "-"}


def depths(command: str, found: dict[int, int]) -> str:
    if DENSE.match(command):
        found = {position: depth for position, depth in found.items() if depth}
    return oracle.runs(found)


def by_position(command: str, rows: Rows) -> dict[int, int]:
    """Depth by position, 1-based, from what a command prints."""
    tool, *words = command.split()
    if tool == "samtools":
        at = 3 if words[0] == "mpileup" else 2
        return {int(row[1]): int(row[at]) for row in rows}
    if tool == "sambamba":
        return {int(row[1]) + 1: int(row[2]) for row in rows if row[0] == CONTIG}
    if tool == "perbase":
        named = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        spans = [[row["REF"], int(row["POS"]) - 1, int(row.get("END", 0)) - 1, row["DEPTH"]] for row in named]
        spans = [[name, start, max(end, start + 1), depth] for name, start, end, depth in spans]
    else:
        # bedGraph. megadepth prints sums over the file, too.
        spans = [row for row in rows if len(row) == 4]
    spans = [(int(start), int(end), int(float(depth))) for name, start, end, depth in spans if name == CONTIG]
    return {position + 1: depth for start, end, depth in spans for position in range(start, end)}


def stretches(cells: dict[int, str], separator: str) -> str:
    """`21-23=A C G,30-31=T T`: the cells of each stretch of positions in a row."""
    out: list[list[int]] = []
    for position in sorted(cells):
        if out and out[-1][-1] == position - 1:
            out[-1].append(position)
        else:
            out.append([position])
    texts = [f"{found[0]}-{found[-1]}={separator.join(cells[p] for p in found)}" for found in out]
    return ",".join(texts) or "-"


def qualities(_: str, rows: Rows) -> str:
    """The base qualities of a pileup, of cases without two reads at one position."""
    return stretches({int(row[1]): str(ord(row[5]) - 33) for row in rows}, " ")


def letters(_: str, rows: Rows) -> str:
    """The reference letters of a pileup."""
    return stretches({int(row[1]): row[2] for row in rows}, "")


def summary(_: str, rows: Rows) -> str:
    return " ".join(f"numreads={row[3]} covbases={row[4]} meandepth={row[6]}" for row in rows)


READERS: dict[str, Callable[[str, Rows], str]] = {
    "depth": lambda command, rows: depths(command, by_position(command, rows)),
    "quality": qualities,
    "letter": letters,
    "summary": summary,
}


def run_tool(words: list[str], **how: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **other_tools.libhts(), "LC_ALL": "C"}
    return subprocess.run(words, env=environment, capture_output=True, encoding="latin-1", check=False, **how)


def can_run(name: str, tool: str) -> bool:
    program, version = tool.split()
    found = {installed_version(program), bundled_samtools() if program == "samtools" else None} - {None}
    if version not in found:
        print(f"{name}: not run, installed: {', '.join(sorted(found)) or 'none'}")
    return version in found


@cache
def bundled_samtools() -> str:
    """The version of the samtools in pysam."""
    import pysam.version

    return pysam.version.__samtools_version__


@cache
def installed_version(tool: str) -> str | None:
    if tool == "pysam":
        import pysam

        return pysam.__version__
    program = PROGRAMS.get(tool, tool)
    if shutil.which(program) is None:
        return None
    done = run_tool([program, "--version"])
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found.group() if found else None


if __name__ == "__main__":
    sys.exit(main())
