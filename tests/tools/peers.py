"""samtools as pysam bundles it, and its tables as arrays; for the tests and `compare.py`, in processes of their own."""

import re
import sys
from collections.abc import Iterator

import numpy as np


def run(*arguments: str) -> bytes:
    """What `samtools ARGUMENTS` prints; SamtoolsError when it fails."""
    import pysam.samtools

    pysam.set_verbosity(0)  # what htslib thinks of odd tags is not what is asked
    out = getattr(pysam.samtools, arguments[0])(*arguments[1:], catch_stdout=True, split_lines=False)
    return out if isinstance(out, bytes) else out.encode("latin-1")


def mpileup(*arguments: str, chrom: str, start: int, end: int) -> tuple[np.ndarray, dict[int, str]]:
    """Depth at every position of a region (1-based, both included), 0 where no row is printed, and the letters."""
    rows = run("mpileup", *arguments, "-r", f"{chrom}:{start}-{end}")
    return table(rows, chrom, start, end, depth_column=3)


def depth(*arguments: str, chrom: str, start: int, end: int) -> tuple[np.ndarray, dict[int, str]]:
    """The same of `samtools depth -a`, which prints no letters."""
    rows = run("depth", "-a", *arguments, "-r", f"{chrom}:{start}-{end}")
    return table(rows, chrom, start, end, depth_column=2)


def table(rows: bytes, chrom: str, start: int, end: int, *, depth_column: int) -> tuple[np.ndarray, dict[int, str]]:
    """Rows `contig, position, [letter,] depth, …` as depths of `chrom`:start-end and letters by position."""
    depths = np.zeros(end - start + 1, dtype=np.int64)
    letters = {}
    for row in rows.splitlines():
        field = row.split(b"\t", depth_column + 1)
        position = int(field[1])
        # A read that runs past the contig's end gives rows past it, too.
        if start <= position <= end and field[0] == chrom.encode():
            depths[position - start] = int(field[depth_column])
            if depth_column == 3:
                letters[position] = field[2].decode()
    return depths, letters


LETTERS = "ACGTN"


def letters(*arguments: str, chrom: str, start: int, end: int) -> dict[str, np.ndarray]:
    """
    What the fifth column of `samtools mpileup` says of a region (1-based, both included): counts named as
    `fastcov.base_counts` names them. Letters that are none of ACGT are N; `=` and `.` need a reference to be one.
    """
    names = [*LETTERS, "deletions", "insertions", "skips"]
    counts = {f"{name}_{s}": np.zeros(end - start + 1, np.int64) for name in names for s in ("fwd", "rev")}
    rows = run("mpileup", "--reverse-del", *arguments, "-r", f"{chrom}:{start}-{end}")
    for row in rows.splitlines():
        field = row.split(b"\t")
        position = int(field[1])
        if int(field[3]) and start <= position <= end and field[0] == chrom.encode():
            for name in _symbols(field[4].decode("latin-1"), field[2].decode()):
                counts[name][position - start] += 1
    for name in names:
        counts[name] = counts[f"{name}_fwd"] + counts[f"{name}_rev"]
    return counts


def _symbols(column: str, reference: str) -> Iterator[str]:
    """The names of what a column of bases holds, one by one."""
    reference = reference.upper()
    at, behind = 0, ""
    while at < len(column):
        symbol = column[at]
        at += 1
        if symbol == "^":
            at += 1  # the mapping quality of a read that begins
        elif symbol in "+-":
            size = re.match("[0-9]+", column[at:]).group()
            at += len(size) + int(size)
            if symbol == "+" and behind:
                yield f"insertions_{behind}"
        elif symbol != "$":
            behind = ""
            if symbol in "*#":
                yield "deletions_fwd" if symbol == "*" else "deletions_rev"
            elif symbol in "><":
                yield "skips_fwd" if symbol == ">" else "skips_rev"
            else:
                behind = "rev" if symbol.islower() or symbol == "," else "fwd"
                letter = reference if symbol in ".," else symbol.upper()
                yield f"{letter if letter in LETTERS else 'N'}_{behind}"


_SWITCHES = {
    "mpileup": {("baq", False): "-B", ("orphans", True): "-A", ("mates", "both"): "-x"},
    "depth": {("deletions", True): "-J", ("mates", "once"): "-s"},
}
_WORDS = {
    "mpileup": {
        "min_mapq": "-q",
        "min_baseq": "-Q",
        "exclude_flags": "--ff",
        "require_flags": "--rf",
        "max_depth": "-d",
    },
    "depth": {"min_mapq": "-Q", "min_baseq": "-q", "require_flags": "--require-flags"},
}
_DEFAULTS = {
    "mpileup": {"baq": None, "orphans": False, "mates": "once", "deletions": True, "skips": True},
    "depth": {"baq": False, "orphans": True, "mates": "both", "deletions": False, "skips": False, "max_depth": 0},
}


def options(rule: str, fields: dict[str, object]) -> list[str]:
    """The arguments of `samtools RULE` that mean the same as `fields` of `fastcov.Rules`; ValueError where none do."""
    out: list[str] = []
    for field, value in fields.items():
        if rule == "depth" and field == "exclude_flags":
            out += ["-g", str(0x704 & ~int(value)), "-G", str(value)]
        elif field in _WORDS[rule]:
            if rule == "mpileup" and field == "require_flags" and int(value).bit_count() > 1:
                raise ValueError("mpileup's --rf asks for any of its bits, fastcov for all of them")
            out += [_WORDS[rule][field], str(value)] if value or field != "require_flags" else []
        elif (field, value) in _SWITCHES[rule]:
            out.append(_SWITCHES[rule][field, value])
        elif value != _DEFAULTS[rule][field] and (field, value) != ("baq", True):
            raise ValueError(f"samtools {rule} has no {field}={value!r}")
    return out


if __name__ == "__main__":
    sys.stdout.buffer.write(run(*sys.argv[1:]))
