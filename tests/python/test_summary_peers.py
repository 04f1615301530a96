"""Targets on real files: NumPy on the depths other tools give, and what the tools themselves say of intervals."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import other_tools
from fastcov import target_stats

pytestmark = pytest.mark.filterwarnings("ignore:.*(max_depth|past the end of their contig):fastcov.FastcovWarning")

FILES = [
    "mtb/tbprofiler.test.h37rv.bam",
    "sarscov2/subsample1.MN908947.3.bam",
    "bamtocov/input/phi/shotgun.bam",
    "longread_small/pacbio.bam",
    "freebayes_chr22/NA12878.chr22.tiny.bam",
]
THRESHOLDS = (1, 10, 30)


@pytest.fixture(scope="module", params=FILES, ids=lambda name: Path(name).name)
def real(request, real_data, pysam_installed, tmp_path_factory):
    """A file, a stretch of 100,000 positions at most where its reads begin, and targets there, small ones first."""
    import pysam

    folder = tmp_path_factory.mktemp("real")
    for suffix in ("", ".bai"):
        if (source := Path(f"{real_data / request.param}{suffix}")).is_file():
            shutil.copy(source, folder)
    bam = folder / Path(request.param).name
    if not Path(f"{bam}.bai").exists():
        pysam.samtools.index(str(bam))
    with pysam.AlignmentFile(str(bam)) as file:
        chrom = max(file.get_index_statistics(), key=lambda contig: contig.mapped).contig
        start = next(file.fetch(chrom)).reference_start
        length = file.get_reference_length(chrom)
    end = min(start + 100_000, length)
    rng = random.Random(request.param)
    firsts = [rng.randrange(start, end) for _ in range(60)]
    bed = [
        (chrom, at, min(at + rng.randrange(1, 10 ** rng.randrange(1, 6)), end), f"t{i}") for i, at in enumerate(firsts)
    ]
    path = folder / "targets.bed"
    path.write_text("".join("{}\t{}\t{}\t{}\n".format(*row) for row in bed))
    return bam, path, bed, (chrom, start, end, length)


def wanted(depth: np.ndarray, start: int, bed: list) -> np.ndarray:
    """Statistics of each target by NumPy, of depths that begin at `start`."""
    rows = []
    for _, first, last, _ in bed:
        d = depth[first - start : last - start]
        mean, sd = d.mean(), d.std()
        percent = [100 * (d >= t).mean() for t in THRESHOLDS]
        rows.append([len(d), mean, np.median(d), d.min(), d.max(), sd, sd / mean if mean else np.nan, *percent])
    return np.array(rows)


def from_mpileup(samtools, bam, chrom, start, end, length):
    return samtools.mpileup("-d", "0", bam, chrom=chrom, start=1, end=length)[0][start:end]


def from_depth(samtools, bam, chrom, start, end, _):
    return samtools.depth(bam, chrom=chrom, start=start + 1, end=end)[0]


def from_mosdepth(_, bam, chrom, start, end, length):
    return other_tools.mosdepth(str(bam), {chrom: length})[chrom][start:end]


def from_genomecov(_, bam, chrom, start, end, length):
    return other_tools.genomecov(str(bam), {chrom: length})[chrom][start:end]


def from_pysam(_, bam, chrom, start, end, __):
    import pysam

    with pysam.AlignmentFile(str(bam)) as file:
        return np.sum([np.asarray(four) for four in file.count_coverage(chrom, start, end)], axis=0)


TOOLS = {
    "depth": ({}, from_depth),
    "mpileup": ({"max_depth": 0}, from_mpileup),
    "mosdepth": ({}, from_mosdepth),
    "genomecov": ({}, from_genomecov),
    "count_coverage": ({}, from_pysam),
}


@pytest.mark.usefixtures("other_peers")
@pytest.mark.parametrize("rule", TOOLS)
def test_targets_equal_numpy_on_the_depths_of_the_tool(real, samtools, rule):
    bam, path, bed, where = real
    fields, depths = TOOLS[rule]
    depth = depths(samtools, bam, *where)
    got = target_stats(bam, path, rules=rule, thresholds=THRESHOLDS, **fields).to_pandas()
    np.testing.assert_allclose(
        got.loc[:, "length":].to_numpy(float), wanted(depth, where[1], bed), rtol=1e-9, atol=1e-9
    )  # fmt: skip
    assert got["max"].max() > 0 or rule == "count_coverage"  # pacbio.bam has no base of its least quality


def test_samtools_coverage_says_the_same(real, samtools):
    """Its covered bases and mean depth, printed with six digits."""
    bam, path, bed, _ = real
    got = target_stats(bam, path, rules="depth", thresholds=(1,)).to_pandas()
    for row, (chrom, start, end, _) in zip(got.itertuples(), bed[:20], strict=False):
        out = samtools("coverage", "-H", "-r", f"{chrom}:{start + 1}-{end}", bam).decode().split("\t")
        assert int(out[4]) == round(row.pct_1x * row.length / 100), (chrom, start, end)
        assert float(out[6]) == pytest.approx(row.mean, rel=1e-5), (chrom, start, end)


@pytest.mark.usefixtures("other_peers")
def test_bedtools_coverage_says_the_same(real):
    """Its covered bases and its mean; a read is there from its start to its end, as for `genomecov -ignoreD`."""
    bam, path, *_ = real
    got = target_stats(bam, path, rules="genomecov", deletions=True, thresholds=(1,)).to_pandas()
    rows = [line.split("\t") for line in other_tools.run(["bedtools", "coverage", "-a", path, "-b", bam]).splitlines()]
    assert [int(row[5]) for row in rows] == np.rint(got["pct_1x"] * got["length"] / 100).astype(int).tolist()
    rows = [
        line.split("\t")
        for line in other_tools.run(["bedtools", "coverage", "-mean", "-a", path, "-b", bam]).splitlines()
    ]
    np.testing.assert_allclose(got["mean"], [float(row[4]) for row in rows], rtol=1e-5, atol=1e-6)
