"""Calls as users write them, for mypy and pyright (`make lint`); nothing here runs.

An ignore comment stands where a call must be an error: both checkers report one that ignores nothing.
"""

from pathlib import Path
from typing import Literal, assert_type

import pandas as pd

import fastcov
from fastcov import Rules, Table


def depth_of_one_region(bam: Path) -> None:
    assert_type(fastcov.get_coverage(bam, "chr1", 1, 100), pd.DataFrame)
    assert_type(fastcov.get_coverage(bam, "chr1", 1, 100, "ref.fa", 4, min_mapq=20, baq=None), pd.DataFrame)
    assert_type(fastcov.get_coverage(bam, chr="chr1", start=1, end=100, ref="ref.fa"), pd.DataFrame)
    assert_type(fastcov.get_coverage(bam_file=bam, chr="chr1", start=1, end=100, rules="depth"), pd.DataFrame)
    assert_type(fastcov.get_coverage(bam_file=bam, chrom="chr1", start=1, end=100, mates="once"), pd.DataFrame)
    fastcov.get_coverage(bam, "chr1", 1, 100, threads=4)  # type: ignore
    fastcov.get_coverage(bam, "chr1", 1, 100, min_mapq="20")  # type: ignore
    fastcov.get_coverage(bam, "chr1", "1", 100)  # type: ignore
    fastcov.get_coverage(bam)  # type: ignore


def every_function(bam: str) -> None:
    assert_type(fastcov.coverage(bam, "chr1", runs=True, n_cores=2, ends="5prime"), Table)
    assert_type(fastcov.coverage(bam, [("chr1", 1, 10), "chr2"], rules=Rules.depth(), timeout=1.5), Table)
    assert_type(fastcov.base_counts(bam, ref=Path("ref.fa"), min_baseq=20), Table)
    assert_type(fastcov.coverage_matrix([bam, Path(bam)], names=["a", "b"], read_groups=("x", "y")), Table)
    assert_type(fastcov.compare(bam, "chr1:1-10", "ref.fa", ["depth", Rules.mosdepth()]), fastcov.Comparison)
    assert_type(fastcov.target_stats(bam, "x.bed", thresholds=(1, "0.2*mean"), index="x.bai"), fastcov.TargetStats)
    assert_type(fastcov.window_stats(bam, 1000, 500, skips=True), fastcov.TargetStats)
    assert_type(fastcov.distribution(bam, progress=True), Table)
    assert_type(fastcov.quantize(bam, (0, 1, 5), allow_truncated=True), Table)
    assert_type(fastcov.flag_summary(bam, n_cores=None), Table)
    assert_type(fastcov.insert_sizes(bam, 1000, max_memory=10**9), Table)
    assert_type(fastcov.qc(bam, windows=1000, exclude_flags=0x704), fastcov.QcReport)
    with fastcov.iter_coverage(bam, batch_rows=10, strand="+") as batches:
        assert_type(next(batches), Table)
    fastcov.coverage(bam, ends="left")  # type: ignore
    fastcov.coverage(bam, cores=2)  # type: ignore
    fastcov.coverage(bam, rules=3)  # type: ignore
    fastcov.coverage_matrix([bam], index=3)  # type: ignore
    fastcov.flag_summary(bam, min_mapq=3)  # type: ignore


def rules() -> None:
    rule = Rules.mpileup(min_mapq=10)
    assert_type(rule, Rules)
    assert_type(rule.replace(orphans=True), Rules)
    assert_type(rule.min_mapq, int)
    assert_type(rule.max_length, int | None)
    assert_type(rule.mates, Literal["once", "both"])
    rule.min_mapq = 3  # type: ignore
    Rules("depth", min_mapping_quality=3)  # type: ignore
    Rules.depth(mates="one")  # type: ignore


def results(table: Table) -> None:
    assert_type(table.to_pandas(copy=True), pd.DataFrame)
    assert_type(table.columns, list[str])
