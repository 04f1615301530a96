"""Mates and fragments where names, mate fields and TLEN mislead: `docs/semantics.md` 5.5 and 14.2."""

from pathlib import Path

import numpy as np
import pysam
import pytest

import fastcov
from fastcov import coverage

HEAD = "@HD\tVN:1.6\tSO:coordinate\n@RG\tID:a\n@RG\tID:b\n@SQ\tSN:chr1\tLN:400\n"


def read(name, flag, pos, cigar, mate=None, tlen=0, length=40, tags=""):
    there = mate if isinstance(mate, str) else f"=\t{mate}" if mate else "*\t0"
    return f"{name}\t{flag}\tchr1\t{pos}\t60\t{cigar}\t{there}\t{tlen}\t{'A' * length}\t{'I' * length}{tags}\n"


@pytest.fixture
def runs(tmp_path):
    """Depth of chr1 in a file of these records: `12-14=2` is depth 2 at positions 12 to 14, zeros are left out."""

    def depth_of(*reads, **how):
        sam, bam = tmp_path / "x.sam", tmp_path / "x.bam"
        sam.write_text(HEAD + "".join(reads))
        pysam.sort("-o", str(bam), str(sam))
        pysam.index(str(bam))
        table = coverage(bam, "chr1", runs=True, **how).to_pandas()
        return ",".join(f"{r.start + 1}-{r.end}={r.depth}" for r in table.itertuples() if r.depth)

    return depth_of


TWICE = "51-70=1,71-90=2,91-110=1"
ONCE = "51-110=1"


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        # Mates.
        (("x", 99, 51, "40M", 71, 60), ("x", 147, 71, "40M", 51, -60), ONCE),
        # Not proper, TLEN and 0x20 wrong.
        (("x", 65, 51, "40M", 71, 999), ("x", 129, 71, "40M", 51, 7), ONCE),
        # READ1 of one pair and READ2 of another.
        (("x", 99, 51, "40M", 251, 240), ("x", 147, 71, "40M", 31, -80), TWICE),
        # One of them says so.
        (("x", 99, 51, "40M", 71, 60), ("x", 147, 71, "40M", 31, -80), TWICE),
        (("x", 99, 51, "40M", "chr1\t72", 60), ("x", 147, 71, "40M", 51, -60), TWICE),
        # Both READ1, both unnumbered, a read without a mate.
        (("x", 99, 51, "40M", 71, 60), ("x", 99, 71, "40M", 51, -60), TWICE),
        (("x", 3, 51, "40M", 71, 60), ("x", 3, 71, "40M", 51, -60), TWICE),
        (("x", 99, 51, "40M", 71, 60), ("x", 16, 71, "40M"), TWICE),
        (("x", 73, 51, "40M", 71, 60), ("x", 147, 71, "40M", 51, -60), TWICE),
        # Supplementary, secondary.
        (("x", 99, 51, "40M", 71, 60), ("x", 147 | 0x800, 71, "40M", 51, -60), TWICE),
        # Other names.
        (("x", 99, 51, "40M", 71, 60), ("y", 147, 71, "40M", 51, -60), TWICE),
        # Mate fields lost: of both, of one, PNEXT alone.
        (("x", 99, 51, "40M"), ("x", 147, 71, "40M"), ONCE),
        (("x", 99, 51, "40M"), ("x", 147, 71, "40M", 51, -60), ONCE),
        (("x", 99, 51, "40M", 71, 60), ("x", 147, 71, "40M"), ONCE),
        (("x", 99, 51, "40M", "=\t0"), ("x", 147, 71, "40M", "=\t0"), ONCE),
        (("x", 99, 51, "40M"), ("x", 147, 71, "40M", 31, -80), TWICE),
    ],
)
def test_mates_are_told_by_their_fields(runs, first, second, wanted):
    assert runs(read(*first), read(*second)) == wanted


@pytest.mark.parametrize(
    ("groups", "wanted"), [(("a", "a"), ONCE), (("a", "b"), TWICE), (("a", ""), TWICE), (("", ""), ONCE)]
)
def test_mates_are_of_one_read_group(runs, groups, wanted):
    tags = [f"\tRG:Z:{group}" if group else "" for group in groups]
    reads = read("x", 99, 51, "40M", 71, 60, tags=tags[0]), read("x", 147, 71, "40M", 51, -60, tags=tags[1])
    assert runs(*reads) == wanted


def test_two_pairs_of_one_name_count_once_each(runs):
    reads = [read("x", 99, at, "40M", at + 20, 60) + read("x", 147, at + 20, "40M", at, -60) for at in (51, 61)]
    assert runs(*reads) == "51-60=1,61-110=2,111-120=1"


@pytest.mark.parametrize(
    ("reads", "how", "wanted"),
    [
        # Mates that run past each other: TLEN is from 5' end to 5' end.
        ([("p", 147, 101, "30S60M", 121, -40, 90), ("p", 99, 121, "60M30S", 101, 40, 90)], {}, "101-180=1"),
        # Introns: of both reads, and one that the other mate covers.
        (
            [("p", 163, 41, "20M40N10M", 121, 140, 30), ("p", 83, 121, "10M20N30M", 41, -140)],
            {},
            "41-60=1,101-130=1,151-180=1",
        ),
        (
            [("p", 163, 41, "20M40N10M", 121, 140, 30), ("p", 83, 121, "10M20N30M", 41, -140)],
            {"skips": True},
            "41-180=1",
        ),
        ([("p", 163, 41, "20M40N20M", 71, 70), ("p", 83, 71, "40M", 41, -70)], {}, "41-60=1,71-120=1"),
        # TLEN missing, too long, too short, of the other sign.
        *[
            ([("p", 99, 41, "40M", 141, tlen), ("p", 147, 141, "40M", 41, -tlen)], {}, "41-180=1")
            for tlen in (0, 300, 50, -140)
        ],
        # One mate is not read: PNEXT and TLEN decide, whichever reaches further.
        ([("p", 99, 41, "40M", 141, 140)], {}, "41-180=1"),
        ([("p", 147, 141, "40M", 41, -140)], {}, "41-180=1"),
        ([("p", 99, 41, "40M", 141, 0)], {}, "41-141=1"),
        ([("p", 147, 141, "40M", 41, 0)], {}, "41-180=1"),
        # Mate fields lost.
        ([("p", 99, 41, "40M", None, 140), ("p", 147, 141, "40M", None, -140)], {}, "41-180=1"),
        # Limits are about the fragment that counts.
        ([("p", 99, 41, "40M", 141, 50), ("p", 147, 141, "40M", 41, -50)], {"max_fragment": 139}, ""),
        ([("p", 99, 41, "40M", 141, 50), ("p", 147, 141, "40M", 41, -50)], {"min_fragment": 140}, "41-180=1"),
        # READ1 and READ2 of different pairs.
        (
            [("p", 99, 41, "40M", 61, 60), ("p", 147, 71, "40M", 51, -60)],
            {},
            "41-50=1,51-100=2,101-110=1",
        ),
    ],
)  # fmt: skip
def test_a_fragment_runs_from_end_to_end_of_its_reads(runs, reads, how, wanted):
    for n_cores in (1, 2):
        assert runs(*(read(*each) for each in reads), unit="fragment", n_cores=n_cores, **how) == wanted


def test_a_stranded_library_in_one_call(runs):
    """READ1 reverse and READ2 forward: of a dUTP library the transcript is on the forward strand."""
    pair = read("p", 163, 51, "40M", 71, 60), read("p", 83, 71, "40M", 51, -60)
    assert runs(*pair, strand="+", library="reverse") == ONCE
    assert runs(*pair, strand="-", library="forward") == ONCE
    assert runs(*pair, strand="-", library="reverse") == runs(*pair, strand="+", library="forward") == ""
    assert runs(*pair, strand="+", library="reverse", unit="fragment") == ONCE
    alone = read("s", 0, 51, "60M", length=60)
    assert runs(alone, strand="+", library="forward") == runs(alone, strand="-", library="reverse") == ONCE


def test_a_library_without_a_strand_is_an_error(runs):
    with pytest.raises(fastcov.errors.InvalidArgumentError, match=r"library without strand.*give strand='\+' or '-'"):
        runs(read("s", 0, 51, "40M"), library="forward")
    with pytest.raises(fastcov.errors.InvalidArgumentError, match="library=\"dUTP\" is not a choice: give 'forward'"):
        runs(read("s", 0, 51, "40M"), strand="+", library="dUTP")


def complete_pairs(bam: Path, out: Path) -> int:
    """The proper pairs of a file of which both reads are there and name each other."""
    with pysam.AlignmentFile(bam) as file:
        pairs: dict[tuple, list] = {}
        for each in file:
            if each.flag & 0x3 == 0x3 and not each.flag & 0xF0C and each.next_reference_id == each.reference_id:
                group = each.get_tag("RG") if each.has_tag("RG") else None
                places = tuple(sorted([each.reference_start, each.next_reference_start]))
                pairs.setdefault((each.query_name, group, each.reference_id, places), []).append(each)
        kept = [pair for pair in pairs.values() if len(pair) == 2 and pair[0].is_read1 != pair[1].is_read1]
        with pysam.AlignmentFile(out, "wb", template=file) as to:
            for each in sorted((r for pair in kept for r in pair), key=lambda r: (r.reference_id, r.reference_start)):
                to.write(each)
    pysam.index(str(out), catch_stdout=False)
    return len(kept)


def test_a_fragment_covers_what_its_reads_cover(real_data, tmp_path):
    """On every paired BAM of the shared data, whatever its aligner puts into TLEN."""
    checked = []
    for bam in sorted(real_data.rglob("*.bam")):
        if bam.stat().st_size > 20_000_000:
            continue
        try:
            pairs = complete_pairs(bam, tmp_path / "pairs.bam")
            fragments = coverage(tmp_path / "pairs.bam", unit="fragment").to_numpy()["depth"]
        except (OSError, ValueError, NotImplementedError, fastcov.errors.FastcovError):
            continue
        if pairs:
            bases = coverage(tmp_path / "pairs.bam").to_numpy()["depth"]
            below = np.flatnonzero(fragments < bases)
            assert not below.size, f"{bam}: {below.size} positions, the first {below[:3]}"
            checked.append(bam)
    assert len(checked) > 10
