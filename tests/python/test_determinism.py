"""The same call gives the same table, whatever the number of threads and the size of the units of work."""

import pandas as pd
import pytest

import simulate
from fastcov import Rules, _fastcov, get_coverage

RULES = [{}, {"baq": False}, {"mates": "both", "max_depth": 0}, {"max_depth": 12}, {"rules": "depth", "mates": "once"}]


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """The sample with little data per frame, so that there are many places to cut it."""
    folder = tmp_path_factory.mktemp("frames")
    bam, ref = simulate.sample(folder, depth=60, seed=3)
    return bam, ref


@pytest.mark.filterwarnings("ignore:.*max_depth:fastcov.FastcovWarning")
@pytest.mark.parametrize("how", RULES, ids=str)
@pytest.mark.parametrize("region", [("chr1", 1, 60_000), ("chr1", 15_000, 31_000), ("chr2", 100, 200)], ids=str)
def test_same_table_for_every_number_of_threads(frames, how, region):
    bam, ref = frames
    first = get_coverage(bam, *region, ref, n_cores=1, **how)
    for n_cores in (2, 3, 5, 8, None):
        pd.testing.assert_frame_equal(get_coverage(bam, *region, ref, n_cores=n_cores, **how), first)


@pytest.mark.parametrize("rules", [Rules.mpileup(), Rules.mpileup(max_depth=12), Rules.depth(mates="once")], ids=repr)
def test_same_table_for_every_size_of_spans_and_parts(frames, rules):
    bam, ref = map(str, frames)
    region, fields = ("chr1", 15_000, 31_000), rules
    first = _fastcov.region_depth(bam, *region, fields, reference=ref, n_cores=1)["depth"]
    for span_bytes, part_bytes in ((1, 1), (1, 100_000), (30_000, 1_000), (200_000, 50_000), (10**9, 10**9)):
        sizes = {"span_bytes": span_bytes, "part_bytes": part_bytes}
        other = _fastcov.region_depth(bam, *region, fields, reference=ref, n_cores=3, **sizes)["depth"]
        assert (other == first).all(), sizes


def test_environment_sets_the_default(frames, monkeypatch):
    bam, ref = frames
    first = get_coverage(bam, "chr1", 1, 60_000, ref)
    monkeypatch.setenv("FASTCOV_NUM_THREADS", "1")
    pd.testing.assert_frame_equal(get_coverage(bam, "chr1", 1, 60_000, ref), first)


def test_sample_is_the_same_on_every_run(sample, tmp_path):
    for first, second in zip(sample, simulate.sample(tmp_path), strict=True):
        assert first.read_bytes() == second.read_bytes()
