"""samtools as pysam bundles it, and its tables as arrays; for the tests and `compare.py`, in processes of their own."""

import sys

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
