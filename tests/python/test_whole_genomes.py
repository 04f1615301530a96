"""Every BAM of the real data, whole genome: no position differs from samtools, mosdepth and bedtools.

samtools is 1.24 as pysam bundles it, the others are what is installed (Debian 12: mosdepth 0.3.3, bedtools 2.30.0).
Depths are compared as runs: the contigs of some files have more than a thousand million positions. mosdepth and
bedtools hold a number for each of them: they, and fastcov beside them, are asked for copies in which long contigs begin
shortly before their reads and end behind them.
"""

import gzip
import io
import re
import shutil
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import other_tools
from fastcov import coverage
from fastcov.errors import FastcovError

pysam = pytest.importorskip("pysam", reason="pysam is not installed")

LONGEST = 2_000_000
RUN = ["chrom", "start", "end", "depth"]

# Where no tool applies, or a tool and fastcov differ: files (a pattern), rules, why.
NOT_COMPARED = [
    ("*unsorted.bam", ".*", "not sorted by position"),
    ("bamtocov/input/mininame.bam", ".*", "sorted by name"),
    ("corrupt/*", ".*", "broken as found: no EOF block, cut off"),
    ("corrupt_derived/*", ".*", "broken on purpose"),
    ("htslib/mpileup/small.bam", ".*", "mates at negative positions: a CorruptFileError, the tools go on"),
    ("longread_small/normal.bam", ".*", "the same"),
    ("samtools/mpileup/xx#minimal.bam", "depth", "samtools 1.21 and later miscount empty matches (semantics.md, 12)"),
    ("bamtocov/datasets/errors/outref.bam", "mosdepth.*", "a read runs past its contig: mosdepth crashes"),
    ("samtools/mpileup/xx#triplet.bam", "mosdepth.*", "the same"),
    ("large_coords_headers/cho.bam", "mosdepth.*", "28,751 contigs: mosdepth takes minutes"),
    ("rust-htslib/test_unmapped.bam", "mosdepth.*", "no read is placed: mosdepth crashes"),
    ("samtools/mpileup/ce#unmap.bam", "mosdepth.*", "the same"),
    ("samtools/quickcheck/*", ".*", "broken on purpose: no EOF block, no contigs, no BAM"),
    ("large_coords_headers/large_coords.bam", ".*", "its reads lie far behind the end of their contig"),
    ("megadepth/long_reads.bam", ".*", "the same: the contig has length 0"),
    ("megadepth/test.bam", ".*", "no BAM: a link's text"),
    ("oxbow/malformed.bam", ".*", "broken on purpose"),
]


@pytest.fixture(scope="module")
def bams(real_data, samtools, tmp_path_factory):
    """By their paths in the data folder: copies of all BAMs, indexed anew, and of those with short contigs."""
    folder = tmp_path_factory.mktemp("bams")
    copies, refused = {}, {}
    pysam.set_verbosity(0)
    for number, path in enumerate(sorted(real_data.rglob("*.bam"))):
        name = path.relative_to(real_data).as_posix()
        copy = Path(shutil.copyfile(path, folder / f"{number}.bam"))
        try:
            samtools("index", "-c", copy)
            near = near_the_start(copy)
            if near != copy:
                samtools("index", near)
            copies[name] = copy, near
        except Exception as error:
            refused[name] = f"{type(error).__name__}: {error}"
    return copies, refused


def near_the_start(bam: Path) -> Path:
    """A copy in which long contigs begin shortly before their reads and end behind them; `bam` where none is long."""
    with pysam.AlignmentFile(bam, check_sq=False) as file:
        # Only the contigs: some headers hold what pysam does not read.
        contigs = zip(file.references, file.lengths, strict=True)
        header = {"SQ": [{"SN": name, "LN": length} for name, length in contigs]}
        if max(file.lengths, default=0) <= LONGEST:
            return bam
        reads = list(file)
    shift = [0] * len(header["SQ"])
    for number, contig in enumerate(header["SQ"]):
        if contig["LN"] > LONGEST:
            here = [read for read in reads if read.reference_id == number]
            shift[number] = max(0, min((read.reference_start for read in here), default=0) - 100)
            end = max((read.reference_end or read.reference_start for read in here), default=0) - shift[number]
            contig["LN"] = min(contig["LN"], end + 200)
    copy = bam.with_name(f"near-{bam.name}")
    with pysam.AlignmentFile(copy, "wb", header=header) as file:
        for read in reads:
            if read.reference_id >= 0:
                read.reference_start -= shift[read.reference_id]
            if read.next_reference_id >= 0:
                # A mate's position may be wrong, but not negative.
                read.next_reference_start = max(-1, read.next_reference_start - shift[read.next_reference_id])
            file.write(read)
    return copy


def runs(rows: pd.DataFrame, bam: Path) -> pd.DataFrame:
    """Runs of equal depth as long as they can be, without those of depth 0, cut at the ends of the contigs."""
    with pysam.AlignmentFile(bam, check_sq=False) as file:
        lengths = dict(zip(file.references, file.lengths, strict=True))
    rows = rows[rows["depth"] != 0]
    chrom = rows["chrom"].astype(object).to_numpy()
    start, end, depth = (rows[name].to_numpy().astype(np.int64) for name in RUN[1:])
    end = np.minimum(end, np.array([lengths[name] for name in chrom], np.int64))
    inside = start < end
    chrom, start, end, depth = (column[inside] for column in (chrom, start, end, depth))
    first = np.ones(len(depth), bool)
    first[1:] = (chrom[1:] != chrom[:-1]) | (start[1:] != end[:-1]) | (depth[1:] != depth[:-1])
    last = np.append(first[1:], True)[: len(depth)]
    found = pd.DataFrame({"chrom": chrom[first], "start": start[first], "end": end[last], "depth": depth[first]})
    # Tools do not agree on the order of contigs.
    return found.sort_values(["chrom", "start"], kind="stable", ignore_index=True)


def table(text: bytes, names: list[str]) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(text), sep="\t", names=names, dtype={"chrom": str}, keep_default_na=False)


def by_position(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows `chrom, pos, depth` as runs of one position."""
    return rows.assign(start=rows["pos"] - 1, end=rows["pos"])[RUN]


def ask(rule: str, bam: Path, samtools) -> pd.DataFrame:
    if rule == "depth":
        return by_position(table(samtools("depth", bam), ["chrom", "pos", "depth"]))
    if rule == "genomecov":
        return table(other_tools.run(["bedtools", "genomecov", "-bga", "-ibam", bam]).encode(), RUN)
    return table(other_tools.mosdepth_rows(bam, *["--fast-mode"][: rule == "mosdepth-fast"]), RUN)


def answer(function, *arguments):
    """What it gives, or what it says instead."""
    try:
        return function(*arguments)
    except (FastcovError, RuntimeError, pysam.utils.SamtoolsError) as error:
        return f"{type(error).__name__}: {error}"


def excused(name: str, rule: str) -> bool:
    return any(fnmatch(name, files) and re.fullmatch(rules, rule) for files, rules, _ in NOT_COMPARED)


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@pytest.mark.parametrize("rule", ["depth", "mosdepth", "mosdepth-fast", "genomecov"])
def test_no_position_differs(bams, samtools, other_peers, rule):
    wrong, equal = [], 0
    for name, (original, near) in bams[0].items():
        if excused(name, rule):
            continue
        bam = original if rule == "depth" else near
        wanted = answer(lambda bam=bam: runs(ask(rule, bam, samtools), bam))
        got = answer(lambda bam=bam: runs(coverage(bam, rules=rule, runs=True).to_pandas(), bam))
        if (
            not isinstance(got, str)
            and not isinstance(wanted, str)
            and got.to_numpy().tolist() == wanted.to_numpy().tolist()
        ):
            equal += 1
        else:
            wrong.append(f"{name}: {rule} says\n{got}\nand the tool\n{wanted}")
    assert not wrong, "\n".join(wrong)
    assert equal > 200


def test_what_cannot_be_indexed_is_known(bams):
    copies, refused = bams
    assert [f"{name}: {why}" for name, why in refused.items() if not excused(name, "any")] == []
    assert len(copies) > 200


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
def test_the_stored_depths_of_polars_bio(real_data):
    """Made by another project with samtools."""
    folder = real_data / "polars-bio" / "io" / "bam"
    stored = table(
        gzip.decompress((folder / "NA12878_10k_samtools_depth.tsv.gz").read_bytes()), ["chrom", "pos", "depth"]
    )
    bam = folder / "NA12878_10k.bam"
    wanted = runs(by_position(stored), bam)
    got = runs(coverage(bam, rules="depth", runs=True).to_pandas(), bam)
    assert got.to_numpy().tolist() == wanted.to_numpy().tolist()
    assert len(got) > 2_000
