"""Other tools' numbers as arrays of depths, for the tests and `compare.py --rules all`.

Every function takes a BAM and gives `{contig: depths}` for the requested contigs, one number per position.
"""

import gzip
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

Contigs = dict[str, int]
Depths = dict[str, np.ndarray]


def mosdepth(bam: str, contigs: Contigs, *options: str) -> Depths:
    return _from_runs(mosdepth_rows(bam, *options).decode().splitlines(), contigs)


def mosdepth_rows(bam: object, *options: str) -> bytes:
    """Mosdepth's per-base file."""
    with tempfile.TemporaryDirectory() as folder:
        run(["mosdepth", *options, f"{folder}/out", bam])
        return gzip.decompress(Path(folder, "out.per-base.bed.gz").read_bytes())


def genomecov(bam: str, contigs: Contigs, *options: str) -> Depths:
    rows = run(["bedtools", "genomecov", "-bga", *options, "-ibam", bam])
    return _from_runs(rows.splitlines(), contigs)


def count_coverage(bam: str, contigs: Contigs, **options: object) -> Depths:
    import pysam

    with pysam.AlignmentFile(bam) as file:
        return {
            name: np.sum([np.asarray(base) for base in file.count_coverage(name, 0, length, **options)], axis=0)
            for name, length in contigs.items()
        }


def pileup(bam: str, contigs: Contigs, **options: object) -> Depths:
    import pysam

    out = _zeros(contigs)
    with pysam.AlignmentFile(bam) as file:
        for name, length in contigs.items():
            for column in file.pileup(name, 0, length, truncate=True, **options):
                out[name][column.reference_pos] = column.nsegments
    return out


def megadepth(bam: str, contigs: Contigs, *options: str) -> Depths:
    with tempfile.TemporaryDirectory() as folder:
        rows = run(["megadepth", bam, "--coverage", "--prefix", f"{folder}/out", *options])
    # Sums over the file are printed, too.
    return _from_runs((row for row in rows.splitlines() if row.count("\t") == 3), contigs)


def bamcoverage(bam: str, contigs: Contigs, *options: str) -> Depths:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.bedgraph"
        run(["bamCoverage", "-b", bam, "-o", out, "-of", "bedgraph", "-bs", "1", "-p", "1", *options])
        return _from_runs(out.read_text().splitlines(), contigs)


def perbase(bam: str, contigs: Contigs, mode: str, *options: str) -> Depths:
    out = _zeros(contigs)
    header, *rows = run(["perbase", mode, "-t", "1", *options, bam]).splitlines()
    columns = header.split("\t")
    for row in rows:
        fields = dict(zip(columns, row.split("\t"), strict=True))
        first = int(fields["POS"]) - 1
        out[fields["REF"]][first : int(fields["END"]) - 1 if "END" in fields else first + 1] = int(fields["DEPTH"])
    return out


# A rule's name, its fields, and the tool with the same numbers.
RULES = [
    ("mosdepth", {}, mosdepth),
    ("mosdepth", {"min_mapq": 10}, lambda bam, contigs: mosdepth(bam, contigs, "-Q", "10")),
    ("mosdepth-fast", {}, lambda bam, contigs: mosdepth(bam, contigs, "-x")),
    ("genomecov", {}, genomecov),
    ("genomecov", {"deletions": True}, lambda bam, contigs: genomecov(bam, contigs, "-ignoreD")),
    ("genomecov-split", {}, lambda bam, contigs: genomecov(bam, contigs, "-split")),
    ("count_coverage", {}, count_coverage),
    ("pileup", {}, pileup),
    ("pileup", {"orphans": True}, lambda bam, contigs: pileup(bam, contigs, stepper="all")),
]

# The same, by the program each needs: those that are not packaged everywhere.
MORE_RULES = {
    "megadepth": [
        ("megadepth", {}, megadepth),
        ("megadepth", {"mates": "both"}, lambda bam, contigs: megadepth(bam, contigs, "--double-count")),
    ],
    "perbase": [
        ("perbase", {}, lambda bam, contigs: perbase(bam, contigs, "only-depth")),
        ("perbase", {"skips": True}, lambda bam, contigs: perbase(bam, contigs, "only-depth", "-x")),
        ("perbase", {"mates": "once"}, lambda bam, contigs: perbase(bam, contigs, "only-depth", "-m")),
        (
            "perbase",
            {"mates": "once", "skips": True},
            lambda bam, contigs: perbase(bam, contigs, "only-depth", "-m", "-x"),
        ),
        ("perbase-base-depth", {}, lambda bam, contigs: perbase(bam, contigs, "base-depth")),
        ("perbase-base-depth", {"mates": "once"}, lambda bam, contigs: perbase(bam, contigs, "base-depth", "-m")),
    ],
    "bamCoverage": [("bamcoverage", {}, bamcoverage)],
}


def installed() -> bool:
    return all(shutil.which(tool) for tool in ("mosdepth", "bedtools"))


def more_installed() -> list[str]:
    """Which of the others are on PATH."""
    return [tool for tool in MORE_RULES if shutil.which(tool)]


def _zeros(contigs: Contigs) -> Depths:
    return {name: np.zeros(length, dtype=np.int64) for name, length in contigs.items()}


def _from_runs(rows, contigs: Contigs) -> Depths:
    out = _zeros(contigs)
    for row in rows:
        name, start, end, depth = row.split("\t")
        if name in out:
            out[name][int(start) : int(end)] = int(float(depth))
    return out


def run(command: list[object]) -> str:
    """What a tool prints."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **libhts()})
    # perbase ends with 0 after a panic.
    if done.returncode != 0 or "panicked at" in done.stderr:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def libhts() -> dict[str, str]:
    """Debian's mosdepth looks for libhts.so, which only the -dev package has: a link of that name does."""
    folder = Path(tempfile.gettempdir()) / f"fastcov-libhts-{os.getuid()}"
    link = folder / "libhts.so"
    if not link.exists():
        found = next(Path("/usr/lib").glob("*/libhts.so.3"), None)
        if found is None:
            return {}
        folder.mkdir(exist_ok=True)
        part = folder / f"libhts.so.{os.getpid()}"
        part.symlink_to(found)
        part.rename(link)
    return {"LD_LIBRARY_PATH": f"{folder}:{os.environ.get('LD_LIBRARY_PATH', '')}"}
