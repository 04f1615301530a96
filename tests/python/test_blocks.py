"""``blocks`` and ``contigs``: every position once, equal work, and what the index tells."""

import itertools
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcov
import simulate
from fastcov import errors


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Three contigs of 200,000 positions: reads everywhere, a deep stretch, and none; and one of three positions."""
    contigs = {"even": 200_000, "deep": 200_000, "none": 200_000, "short": 3}
    letters = np.random.default_rng(5).choice(list("ACGT"), 400_000)

    def record(i: int, contig: int, pos: int) -> simulate.Record:
        bases = "".join(letters[pos : pos + 100])
        quality = bytes(np.random.default_rng(i).integers(2, 40, 100).tolist())
        return simulate.Record(f"r{i}", 0, pos, 60, simulate.cigar("100M"), bases, quality, contig=contig)

    places = [(0, pos) for pos in range(0, 199_000, 50)]
    places += [(1, pos) for pos in sorted([*range(0, 199_000, 500), *(100_000 + i % 20_000 for i in range(8_000))])]
    records = [record(i, contig, pos) for i, (contig, pos) in enumerate(places)]
    return simulate.write_bam(tmp_path_factory.mktemp("uneven") / "uneven.bam", contigs, records)


def positions(blocks):
    return [(chrom, pos) for chrom, start, end in blocks for pos in range(start, end + 1)]


@pytest.mark.parametrize("n", [1, 2, 7, 100, 66_000, 10_000_000])
def test_the_genome_is_tiled_once(sample, n):
    blocks = fastcov.blocks(sample[0], n)
    whole = [(name, 1, int(length)) for name, length in zip(("chr1", "chr2"), (60_000, 6_000), strict=True)]
    assert positions(blocks) == positions(whole)
    assert len(blocks) == min(max(n, 2), 66_000)


@settings(max_examples=60, deadline=None)
@given(
    places=st.lists(
        st.tuples(st.sampled_from(["chr1", "chr2"]), st.integers(1, 5_900), st.integers(0, 90)), max_size=6
    ),
    n=st.integers(1, 700),
)
def test_regions_are_tiled_once_in_their_order(sample, places, n):
    regions = [(chrom, start, start + more) for chrom, start, more in places]
    blocks = fastcov.blocks(sample[0], n, regions)
    assert positions(blocks) == positions(regions)
    assert all(start <= end for _, start, end in blocks)
    size = len(positions(regions))
    assert len(blocks) == max(min(n, size), len(regions))


def test_the_table_of_blocks_is_the_table_of_regions(sample):
    regions = ["chr2", "chr1:100-40000", "chr1:30000-31000"]
    whole = fastcov.coverage(sample[0], regions).to_pandas()
    for n in (1, 4, 50):
        assert fastcov.coverage(sample[0], fastcov.blocks(sample[0], n, regions)).to_pandas().equals(whole)


def test_blocks_are_equal_work(uneven):
    blocks = fastcov.blocks(uneven, 40)
    assert len(blocks) == 40
    names = [block.chrom for block in blocks]
    # Of the records 3,980 lie on the one contig and 8,398 on the other, and none on the third.
    assert 8 <= names.count("even") <= 16
    assert 20 <= names.count("deep") <= 30
    assert 1 <= names.count("none") <= 4
    assert names.count("short") == 1
    lengths = [b.end - b.start + 1 for b in blocks if b.chrom == "deep" and b.start >= 98_305 and b.end <= 131_072]
    assert max(lengths) < 3_000


def test_no_block_has_much_more_records_than_its_share(uneven, pysam_installed):
    import pysam

    with pysam.AlignmentFile(uneven) as file:
        counts = [file.count(b.chrom, b.start - 1, b.end) for b in fastcov.blocks(uneven, 20)]
    # Half of a window of the index is deep, and inside a window bytes are shared out evenly.
    assert max(counts) < 3 * sum(counts) / 20


def test_an_unknown_contig_and_a_missing_index(sample, tmp_path):
    with pytest.raises(errors.UnknownContigError, match="chr9"):
        fastcov.blocks(sample[0], 3, "chr9")
    with pytest.raises(errors.RegionError):
        fastcov.blocks(sample[0], 3, [("chr1", 10, 5)])
    bare = shutil.copy(sample[0], tmp_path / "bare.bam")
    with pytest.raises(errors.IndexMissingError, match="samtools index"):
        fastcov.blocks(bare, 3)
    assert fastcov.blocks(sample[0], 3, []) == []


@pytest.mark.parametrize("n", [0, -1, 10_000_001])
def test_a_number_of_blocks_that_is_none(sample, n):
    with pytest.raises(errors.InvalidArgumentError, match=f"n={n}"):
        fastcov.blocks(sample[0], n)


def test_a_region_is_a_tuple_and_a_region_string(sample):
    region = fastcov.Region("chr1", 20_001, 20_003)
    assert region == ("chr1", 20_001, 20_003)
    same = [fastcov.coverage(sample[0], place).to_pandas() for place in (region, str(region), [region])]
    assert all(a.equals(b) for a, b in itertools.pairwise(same))
    assert str(fastcov.Region("HLA:01", 1, 2)) == "{HLA:01}:1-2"


def test_contigs_are_those_of_idxstats(uneven, sample, pysam_installed):
    import pysam

    for bam in (uneven, sample[0]):
        rows = [line.split("\t") for line in pysam.idxstats(str(bam)).splitlines()][:-1]
        table = fastcov.contigs(bam)
        frame = table.to_pandas()
        assert frame["name"].tolist() == [row[0] for row in rows]
        for place, column in enumerate(("length", "mapped", "unmapped"), 1):
            assert frame[column].tolist() == [int(row[place]) for row in rows]
        assert [str(dtype) for dtype in frame.dtypes] == ["category", "int64", "float64", "float64"]


def test_contigs_without_an_index_have_no_counts(sample, tmp_path):
    bare = shutil.copy(sample[0], tmp_path / "bare.bam")
    frame = fastcov.contigs(bare).to_pandas()
    assert frame["length"].tolist() == [60_000, 6_000]
    assert frame[["mapped", "unmapped"]].isna().all(axis=None)
