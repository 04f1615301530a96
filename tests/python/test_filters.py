"""Read groups, strands, lengths, fragments and ends against pysam record by record, and against bedtools."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

import fastcov
from fastcov import coverage, distribution, errors, iter_coverage, target_stats

pysam = pytest.importorskip("pysam")

LENGTH = 3_000
GROUPS = ("a", "b", "lane 3")
DROPPED = 0x704


@pytest.fixture(scope="module")
def bam(tmp_path_factory) -> Path:
    """Pairs that face each other, overlap or hold gaps, some of them odd, in three read groups and in none."""
    rng = np.random.default_rng(5)
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": "c", "LN": LENGTH}, {"SN": "d", "LN": 1_000}],
        "RG": [{"ID": group, "SM": "s"} for group in GROUPS],
    }
    reads = []
    for i in range(400):
        contig = int(rng.random() < 0.1)
        room = (LENGTH, 1_000)[contig]
        n = int(rng.integers(30, 80))
        left, template = int(rng.integers(0, room - 420)), int(rng.integers(80, 400))
        right = left if rng.random() < 0.1 else left + template - n
        flip = rng.random() < 0.5
        proper = 0x2 if rng.random() < 0.8 else 0
        for first in (True, False):
            read = pysam.AlignedSegment()
            read.query_name = f"r{i}"
            is_left = first != flip
            read.flag = 0x1 | proper | (0x40 if first else 0x80) | (0x20 if is_left else 0x10)
            if rng.random() < 0.05:
                read.flag |= int(rng.choice([0x400, 0x100, 0x800]))
            if rng.random() < 0.05:  # a single read
                read.flag &= 0x10
            read.reference_id, read.reference_start = contig, left if is_left else right
            read.next_reference_id, read.next_reference_start = contig, right if is_left else left
            read.template_length = max(template, n) * (1 if is_left else -1)
            read.mapping_quality = int(rng.integers(0, 60))
            head = int(rng.integers(5, 20))
            gap = [(0, 0), (2, 7), (3, 40)][int(rng.integers(0, 3))]
            read.cigartuples = [(4, 3), (0, head), gap, (0, n - head)] if gap[1] else [(0, n)]
            read.query_sequence = "A" * (n + 3 if gap[1] else n)
            read.query_qualities = None
            group = rng.choice([*GROUPS, ""])
            if group:
                read.set_tag("RG", str(group))
            reads.append(read)
    reads.sort(key=lambda r: (r.reference_id, r.reference_start))
    path = tmp_path_factory.mktemp("filters") / "x.bam"
    with pysam.AlignmentFile(path, "wb", header=header) as file:
        for read in reads:
            file.write(read)
    pysam.index(str(path))
    return path


def is_reverse(read, how: dict) -> bool:
    """The strand that `strand` is about: of the read, of a fragment's READ1, of the transcript."""
    if how.get("unit") == "fragment" and is_pair(read) and read.is_read2:
        reverse = read.mate_is_reverse
    else:
        reverse = read.is_reverse ^ bool(how.get("library") and read.is_paired and read.is_read2)
    return reverse ^ (how.get("library") == "reverse")


def keeps(read, how: dict) -> bool:
    """The filters, as `docs/filters.md` words them."""
    pair = how.get("unit") == "fragment" and is_pair(read)
    group = read.get_tag("RG") if read.has_tag("RG") else None
    return (
        (how.get("read_groups") is None or group in how["read_groups"])
        and how.get("strand") in (None, "-" if is_reverse(read, how) else "+")
        and how.get("min_length", 0) <= read.query_length <= (how.get("max_length") or 10**9)
        and (pair or is_long_enough(abs(read.template_length), how))
    )


def is_long_enough(length: int, how: dict) -> bool:
    return how.get("min_fragment", 0) <= length <= (how.get("max_fragment") or 10**9)


def is_pair(read) -> bool:
    proper = read.is_paired and read.is_proper_pair and not read.flag & (0x8 | 0x100 | 0x800)
    return bool(proper and read.is_read1 != read.is_read2 and read.reference_id == read.next_reference_id)


def fragment(reads: list, how: dict) -> set[int]:
    """Positions of a fragment whose mate fields are right: of both reads, or of the one that is there."""
    first = min(read.reference_start for read in reads)
    last = max(read.reference_end for read in reads)
    if len(reads) == 1:
        read, mate, length = reads[0], reads[0].next_reference_start, abs(reads[0].template_length)
        if mate >= read.reference_start:
            last = max(last, mate + 1, first + length)
        else:
            first = min(mate, last - length)
    if not is_long_enough(last - first, how):
        return set()
    aligned, spliced = set(), set()
    for read in reads:
        at = read.reference_start
        for op, length in read.cigartuples:
            if op in (0, 2, 3, 7, 8):
                (spliced if op == 3 else aligned).update(range(at, at + length))
                at += length
    return set(range(first, last)) - (spliced - aligned)


def by_hand(
    bam: Path, contig: str, length: int, how: dict, dropped: int = DROPPED, end: int | None = None
) -> np.ndarray:
    depth = np.zeros(length, int)
    pairs: dict[tuple, list] = {}
    with pysam.AlignmentFile(bam) as file:
        for read in file.fetch(contig, 0, end):
            if read.flag & (dropped | 0x4) or not keeps(read, how):
                continue
            first, last = read.reference_start, read.reference_end
            if how.get("ends"):
                depth[first if (how["ends"] == "5prime") != read.is_reverse else last - 1] += 1
            elif how.get("unit") == "fragment" and is_pair(read):
                group = read.get_tag("RG") if read.has_tag("RG") else None
                places = tuple(sorted([(first, read.is_read2), (read.next_reference_start, read.is_read1)]))
                pairs.setdefault((read.query_name, group, places), []).append(read)
            else:
                for block in read.get_blocks():
                    depth[slice(*block)] += 1
    for reads in pairs.values():
        for position in fragment(reads, how):
            if 0 <= position < length:
                depth[position] += 1
    return depth


FILTERS = [
    {"read_groups": ["a"]},
    {"read_groups": ["lane 3", "b"]},
    {"strand": "+"},
    {"strand": "-"},
    {"min_length": 50},
    {"max_length": 49},
    {"min_length": 40, "max_length": 60},
    {"min_fragment": 150},
    {"max_fragment": 200},
    {"min_fragment": 100, "max_fragment": 300, "strand": "-", "read_groups": ["a"]},
    {"unit": "fragment"},
    {"unit": "fragment", "strand": "+"},
    {"unit": "fragment", "strand": "+", "library": "reverse"},
    {"strand": "+", "library": "forward"},
    {"strand": "+", "library": "reverse"},
    {"unit": "fragment", "strand": "-", "min_fragment": 120, "max_fragment": 350},
    {"ends": "5prime"},
    {"ends": "3prime", "strand": "-"},
]


@pytest.mark.parametrize("how", FILTERS, ids=str)
def test_filters_are_those_of_a_loop_over_the_records(bam, how):
    for contig, length in (("c", LENGTH), ("d", 1_000)):
        wanted = by_hand(bam, contig, length, how)
        assert wanted.any()
        small = {"span_bytes": 1, "part_bytes": 1}
        rules = fastcov.Rules.depth(**how)
        found = coverage(bam, contig, rules=rules).to_numpy()["depth"]
        assert found.tolist() == wanted.tolist()
        table = fastcov._fastcov.coverage(str(bam), [contig], rules, n_cores=2, **small)["table"]
        assert fastcov.Table(table, {}).to_numpy()["depth"].tolist() == wanted.tolist()
    for start, end in ((1, 10), (700, 720), (1_234, 2_345), (LENGTH, LENGTH)):
        part = coverage(bam, ("c", start, end), rules="depth", **how).to_numpy()["depth"]
        assert part.tolist() == by_hand(bam, "c", LENGTH, how, end=end)[start - 1 : end].tolist()


@pytest.mark.parametrize("how", FILTERS, ids=str)
def test_summaries_take_the_filters(bam, how):
    depth = by_hand(bam, "c", LENGTH, how)
    targets = [("c", start, start + 50) for start in range(0, LENGTH - 50, 90)]
    means = target_stats(bam, targets, rules="depth", **how).to_numpy()["mean"]
    np.testing.assert_allclose(means, [depth[start:end].mean() for _, start, end in targets])
    dist = distribution(bam, "c", rules="depth", **how).to_pandas()
    reached = dist[(dist["chrom"] == "c") & (dist["depth"] == 1)]["fraction"].item()
    assert reached == pytest.approx((depth >= 1).mean())
    batches = [batch.to_numpy()["depth"] for batch in iter_coverage(bam, "c", rules="depth", batch_rows=700, **how)]
    assert np.concatenate(batches).tolist() == depth.tolist()


@pytest.mark.parametrize("strand", [None, "+", "-"])
@pytest.mark.parametrize("what", [{}, {"ends": "5prime"}, {"ends": "3prime"}], ids=str)
def test_bedtools_counts_the_same_strands_and_ends(bam, other_peers, strand, what):
    options = ["-strand", strand] if strand else []
    options += {"5prime": ["-5"], "3prime": ["-3"]}.get(what.get("ends"), [])
    command = ["bedtools", "genomecov", "-d", "-ibam", str(bam), *options]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = coverage(bam, rules="genomecov", strand=strand, **what).to_numpy()["depth"]
    assert found.tolist() == [int(line.split("\t")[2]) for line in lines]


def test_bedtools_counts_the_same_pairs(bam, tmp_path, other_peers):
    """`-pc` goes by READ1 alone, and by its own end where that is the right one: pairs whose TLEN says the same."""
    pairs = tmp_path / "pairs.bam"
    with pysam.AlignmentFile(bam) as file, pysam.AlignmentFile(pairs, "wb", template=file) as out:
        reads: dict[str, list] = {}
        for read in file:
            if is_pair(read) and not read.flag & DROPPED:
                reads.setdefault(read.query_name, []).append(read)
        for pair in reads.values():
            # bedtools does not look at read groups.
            for read in pair:
                read.set_tag("RG", None)
            last = max(read.reference_end for read in pair)
            if len(pair) == 2 and last - pair[0].reference_start == abs(pair[0].template_length):
                for read in pair:
                    out.write(read)
    sorted_pairs = tmp_path / "sorted.bam"
    pysam.sort("-o", str(sorted_pairs), str(pairs))
    pysam.index(str(sorted_pairs))
    command = ["bedtools", "genomecov", "-d", "-pc", "-ibam", str(sorted_pairs)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    wanted = [int(line.split("\t")[2]) for line in lines]
    assert max(wanted) > 10
    assert coverage(sorted_pairs, rules="genomecov", unit="fragment").to_numpy()["depth"].tolist() == wanted


def test_samtools_view_finds_as_many_reads(bam, samtools):
    for expression, how in [
        ("length(seq) >= 50", {"min_length": 50}),
        ("length(seq) <= 45", {"max_length": 45}),
        ("tlen >= 200 || tlen <= -200", {"min_fragment": 200}),
        ('[RG] == "lane 3"', {"read_groups": "lane 3"}),
        ("flag.reverse", {"strand": "-"}),
    ]:
        n = int(samtools("view", "-c", "-F", DROPPED | 0x4, "-e", expression, bam))
        assert coverage(bam, rules="depth", **how).metadata["reads"]["used"] == n > 0


def test_dropped_reads_are_told_by_reason(bam):
    how = {"read_groups": ["a", "b"], "strand": "+", "min_length": 50, "max_fragment": 300}
    wanted = dict.fromkeys(["other_read_groups", "other_strand", "read_length", "fragment_length", "used"], 0)
    with pysam.AlignmentFile(bam) as file:
        for read in file:
            if read.flag & DROPPED:
                continue
            steps = [{"read_groups": how["read_groups"]}, {"strand": "+"}, {"min_length": 50}, {"max_fragment": 300}]
            reason = next((name for name, step in zip(wanted, steps, strict=False) if not keeps(read, step)), "used")
            wanted[reason] += 1
    metadata = coverage(bam, rules="depth", **how).metadata
    assert {name: metadata["reads"][name] for name in wanted} == wanted
    assert metadata["rules"]["read_groups"] == ("a", "b")
    assert metadata["rules"]["strand"] == "+"
    for limits in ({}, {"max_fragment": 200}):
        fragments = coverage(bam, rules="depth", unit="fragment", **limits).metadata["reads"]
        assert fragments["seen"] == fragments["used"] + fragments["excluded_flags"] + fragments["fragment_length"]
        assert (fragments["fragment_length"] > 100) == bool(limits)


def test_unknown_read_groups_are_refused(bam, sample):
    with pytest.raises(errors.InvalidArgumentError, match=r"read group 'lane3' is not in the header.*'lane 3'"):
        coverage(bam, read_groups="lane3")
    with pytest.raises(errors.InvalidArgumentError, match="read group 'a' is not in the header"):
        coverage(sample[0], read_groups=["a"])
    with pytest.raises(errors.InvalidArgumentError, match="read_groups is empty"):
        coverage(bam, read_groups=[])


def test_letters_are_those_of_reads(bam):
    for how in ({"unit": "fragment"}, {"ends": "5prime"}):
        with pytest.raises(errors.InvalidArgumentError, match="letters cannot be counted"):
            fastcov._fastcov.base_counts(str(bam), ["c"], fastcov.Rules.bases(**how))
