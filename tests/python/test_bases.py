"""`base_counts` against a slow twin, samtools mpileup's bases, pysam's count_coverage and perbase."""

import dataclasses
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import oracle
import peers
from fastcov import Rules, _fastcov, base_counts, coverage, errors
from random_reads import FIELDS, LENGTH, LETTERS, reads
from simulate import Record, cigar, write_bam, write_fasta
from twin_bases import NAMES
from twin_bases import count as twin


def differences(got, wanted, start):
    """Positions at which two sets of counts differ, at most five a column."""
    return {
        name: [(start + int(i), int(got[name][i]), int(wanted[name][i])) for i in wrong[:5]]
        for name in wanted
        if (wrong := np.flatnonzero(got[name] != wanted[name])).size
    }


def add_up(got, rules):
    """Every sum the documentation promises."""
    for name in [*NAMES, "reads"]:
        assert (got["reads_all" if name == "reads" else name] == got[f"{name}_fwd"] + got[f"{name}_rev"]).all()
    in_depth = [*"ACGTN"] + ["deletions"] * rules.deletions + ["skips"] * rules.skips
    assert (got["reads_all"] == sum(got[name] for name in in_depth)).all()


TWIN = [
    Rules.bases(),
    Rules.bases(min_baseq=20, min_mapq=10),
    Rules.bases(mates="both", min_baseq=5),
    Rules.bases(mates="both", deletions=True, skips=True, exclude_flags=0),
    Rules.depth(),
    Rules.depth(min_baseq=13, deletions=True),
    Rules("count_coverage"),
    Rules("count_coverage", min_baseq=0, exclude_flags=0),
]


@pytest.fixture(scope="module")
def ref(tmp_path_factory):
    return write_fasta(tmp_path_factory.mktemp("bases") / "ref.fa", {"c": LETTERS})


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_reads_as_the_twin(data, ref):
    records = data.draw(reads(), label="reads")
    rules = data.draw(st.sampled_from(TWIN), label="rules")
    start, end = sorted(data.draw(st.tuples(st.integers(1, LENGTH), st.integers(1, LENGTH)), label="region"))
    n_cores = data.draw(st.integers(1, 3), label="n_cores")
    with_reference = data.draw(st.booleans(), label="reference")
    with tempfile.TemporaryDirectory() as folder:
        frame_size = data.draw(st.sampled_from((60, 400)))
        bam = write_bam(Path(folder) / "x.bam", {"c": LENGTH}, records, frame_size=frame_size)
        how = {"rules": rules, "ref": ref if with_reference else None}
        got = base_counts(bam, ("c", start, end), **how, n_cores=n_cores).to_numpy()
        depth = coverage(bam, ("c", start, end), rules=rules).to_numpy()["depth"]
        wanted = twin(bam, "c", start, end, rules, LETTERS if with_reference else "")
    assert not differences(got, wanted, start)
    assert (got["reads_all"] == depth).all()
    add_up(got, rules)


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_reads_as_mpileup(data, ref, samtools):
    """Letters, insertions, deletions and skips, by strand, of mpileup's fifth column."""
    records = data.draw(reads(), label="reads")
    fields = data.draw(FIELDS["mpileup"], label="fields")
    start, end = sorted(data.draw(st.tuples(st.integers(1, LENGTH), st.integers(1, LENGTH)), label="region"))
    with_reference = data.draw(st.booleans(), label="reference")
    n_cores = data.draw(st.integers(1, 3), label="n_cores")
    rules = Rules.mpileup(**fields)
    with tempfile.TemporaryDirectory() as folder:
        frame_size = data.draw(st.sampled_from((60, 400)))
        bam = write_bam(Path(folder) / "x.bam", {"c": LENGTH}, records, frame_size=frame_size)
        arguments = peers.options("mpileup", fields) + (["-f", ref] if with_reference else [])
        wanted = samtools.letters(*arguments, bam, chrom="c", start=start, end=end)
        how = {"rules": rules, "ref": ref if with_reference else None, "n_cores": n_cores}
        got = base_counts(bam, ("c", start, end), **how).to_numpy()
        depth = coverage(bam, ("c", start, end), **how).to_numpy()["depth"]
    assert not differences(got, wanted, start)
    assert (got["reads_all"] == depth).all()
    add_up(got, rules)


MPILEUP = [
    {},
    {"baq": False},
    {"mates": "both", "min_baseq": 0, "orphans": True},
    {"max_depth": 15},
    {"min_baseq": 30, "min_mapq": 10},
]


@pytest.mark.filterwarnings("ignore:.*max_depth:fastcov.FastcovWarning")
@pytest.mark.parametrize("fields", MPILEUP, ids=str)
def test_the_sample_as_mpileup(sample, samtools, fields):
    bam, fasta = sample
    for chrom, start, end in [("chr1", 1, 60_000), ("chr2", 1, 6_000), ("chr1", 51_990, 52_003)]:
        arguments = peers.options("mpileup", fields)
        wanted = samtools.letters(*arguments, "-f", fasta, bam, chrom=chrom, start=start, end=end)
        got = base_counts(bam, (chrom, start, end), rules=Rules.mpileup(**fields), ref=fasta).to_numpy()
        assert not differences(got, wanted, start)


def matching(table):
    """`matches` and `mismatches` as the other columns of a table say."""
    got = table.to_numpy()
    letters = np.array([letter.upper() for letter in table.categories["ref"]])[got["ref"]]
    out = {}
    for strand in ("", "_fwd", "_rev"):
        counts = [got[f"{letter}{strand}"] for letter in "ACGTN"]
        same = np.select([letters == letter for letter in "ACGT"], counts[:4], counts[4])
        out |= {f"matches{strand}": same, f"mismatches{strand}": sum(counts) - same}
    return out


def test_matches_and_mismatches(sample):
    bam, fasta = sample
    for chrom in ("chr1", "chr2"):  # chr2 has lower case and N
        table = base_counts(bam, chrom, ref=fasta)
        got = table.to_numpy()
        assert not differences(got, matching(table), 1)
        assert got["matches"].sum() > 10 * got["mismatches"].sum() > 0
    assert not {"ref", "matches", "mismatches"} & set(base_counts(bam, "chr1").columns)


def test_equal_signs_are_the_letters_of_the_reference(tmp_path, ref):
    """As `samtools calmd -e` writes them."""
    there = LETTERS[70:90].upper()  # with two N, and lower case
    odd = there[:5] + ("A" if there[5] != "A" else "C") + there[6:]
    reads = [Record(name, flag, 70, 60, cigar("20M"), odd, bytes([40] * 20)) for name, flag in (("a", 0), ("b", 16))]
    short = "".join("=" if a == b else a for a, b in zip(odd, there, strict=True))
    plain = write_bam(tmp_path / "plain.bam", {"c": LENGTH}, reads)
    equal = write_bam(tmp_path / "equal.bam", {"c": LENGTH}, [dataclasses.replace(read, seq=short) for read in reads])
    got, wanted = (base_counts(bam, "c:60-100", ref=ref, rules="depth").to_numpy() for bam in (equal, plain))
    assert not differences(got, wanted, 60)
    assert (got["matches"].sum(), got["mismatches"].sum()) == (38, 2)
    without = base_counts(equal, "c:60-100", rules="depth").to_numpy()
    assert (without["N"].sum(), without["reads_all"].sum()) == (38, 40)


def test_columns_are_those_of_pysamstats(sample):
    names = ["reads_all", "reads_fwd", "reads_rev"]
    for name in ("matches", "mismatches", "deletions", "insertions", "skips", *"ACGTN"):
        names += [name, f"{name}_fwd", f"{name}_rev"]
    table = base_counts(*sample[:1], "chr2:1-10", ref=sample[1])
    assert table.columns == ["chrom", "pos", "ref", *names]
    assert {str(table.to_numpy()[name].dtype) for name in names} == {"int32"}


def test_regions_as_coverage_takes_them(sample):
    bam, _ = sample
    whole = base_counts(bam).to_numpy()
    both = base_counts(bam, ["chr1", "chr2"]).to_numpy()
    assert all((both[name] == whole[name]).all() for name in whole)
    part = base_counts(bam, [("chr2", 3, 5), "chr1:7-9"])
    assert part.to_numpy()["pos"].tolist() == [3, 4, 5, 7, 8, 9]
    with pytest.raises(errors.UnknownContigError, match="chr3"):
        base_counts(bam, "chr3")
    with pytest.raises(errors.ResourceLimitError, match="142000"):
        base_counts(bam, ("chr1", 1, 1000), ref=sample[1], max_memory=141_999)


@pytest.mark.parametrize("rules", ["mosdepth", "mosdepth-fast", "megadepth", "genomecov", "genomecov-split"])
def test_rules_that_do_not_say_whose_letter_counts(sample, rules):
    with pytest.raises(errors.InvalidArgumentError, match="letters cannot be counted"):
        base_counts(sample[0], "chr1", rules=rules)


def test_the_other_rules_add_up(sample):
    bam, fasta = sample
    plain = set(_fastcov.rule_names()) - {"mosdepth", "mosdepth-fast", "megadepth", "genomecov", "genomecov-split"}
    asked = [Rules(name) for name in plain] + [Rules("mosdepth", mates="both"), Rules("megadepth", mates="both")]
    for rules in [*asked, Rules.depth(mates="once", deletions=True), Rules("pileup", mates="once", min_baseq=13)]:
        got = base_counts(bam, rules=rules, ref=fasta).to_numpy()
        assert (got["reads_all"] == coverage(bam, rules=rules, ref=fasta).to_numpy()["depth"]).all(), rules
        add_up(got, rules)
        assert got["deletions"].any(), rules
        assert got["insertions"].any(), rules


def pysam_counts(bam, chrom, start, end, quality):
    import pysam

    with pysam.AlignmentFile(bam) as file:
        return file.count_coverage(chrom, start - 1, end, quality_threshold=quality)


@pytest.mark.parametrize("quality", [0, 15])
def test_count_coverage(sample, quality):
    bam, _ = sample
    for chrom, end in (("chr1", 60_000), ("chr2", 6_000)):
        got = base_counts(bam, (chrom, 1, end), rules="count_coverage", min_baseq=quality).to_numpy()
        four = pysam_counts(bam, chrom, 1, end, quality)
        assert not differences(got, {name: np.array(c) for name, c in zip("ACGT", four, strict=True)}, 1)
        assert (got["reads_all"] == np.sum(four, axis=0)).all()


@pytest.mark.filterwarnings("ignore:.*max_depth:fastcov.FastcovWarning")
@pytest.mark.parametrize(
    "rules",
    [
        Rules.bases(min_baseq=10),
        Rules.mpileup(),
        Rules.mpileup(max_depth=12),
        Rules.depth(mates="once"),
        Rules("pileup"),
    ],
    ids=repr,
)
def test_same_table_for_every_size_of_spans_and_parts(sample, rules):
    bam, fasta = map(str, sample)
    where, fields = [("chr1", 15_000, 31_000), "chr2"], rules
    first = base_counts(bam, where, rules=rules, ref=fasta, n_cores=1).to_numpy()
    for span_bytes, part_bytes in ((1, 1), (1, 100_000), (30_000, 1_000), (10**9, 10**9)):
        for n_cores in (1, 3):
            sizes = {"span_bytes": span_bytes, "part_bytes": part_bytes, "n_cores": n_cores}
            other = _fastcov.base_counts(bam, where, fields, reference=fasta, **sizes)["table"]
            for i, name in enumerate(other.column_names):
                buffer, dtype, _ = other.column(i)
                assert (np.frombuffer(buffer, dtype) == first[name]).all(), (name, sizes)


REAL = {
    "mtb/tbprofiler.test.h37rv.bam": "mtb/h37rv.fa.gz",
    "sarscov2/subsample1.MN908947.3.bam": "sarscov2/nCoV-2019.reference.fasta",
    "bamtocov/input/phi/shotgun.bam": "bamtocov/input/phi/phi.fa",
    "longread_small/pacbio.bam": "longread_small/reference.fasta",
    "freebayes_chr22/NA12878.chr22.tiny.bam": "freebayes_chr22/q.fa",
    "human_rnaseq/heart_slc25a3.bam": None,
}


def where_reads_lie(bam):
    """The contig with the most reads, from the first of them on; at most 200,000 positions."""
    import pysam

    with pysam.AlignmentFile(bam) as file:
        chrom = max(file.get_index_statistics(), key=lambda contig: contig.mapped).contig
        start = next(file.fetch(chrom)).reference_start
        return chrom, start + 1, min(start + 200_000, file.get_reference_length(chrom))


@pytest.mark.filterwarnings("ignore:.*(max_depth|past the end of their contig):fastcov.FastcovWarning")
@pytest.mark.parametrize("name", REAL, ids=lambda name: Path(name).name)
def test_real_files(name, real_data, samtools, tmp_path):
    """Letters of mpileup and of count_coverage, position by position, for every number of threads."""
    for file in (name, REAL[name]):
        for suffix in ("", ".bai", ".fai", ".gzi"):
            if file and Path(f"{real_data / file}{suffix}").is_file():
                shutil.copy(f"{real_data / file}{suffix}", tmp_path)
    bam, fasta = tmp_path / Path(name).name, REAL[name] and tmp_path / Path(REAL[name]).name
    chrom, start, end = where_reads_lie(bam)
    for fields in ({}, {"mates": "both", "min_baseq": 0}):
        arguments = [*peers.options("mpileup", fields), *(["-f", fasta] if fasta else [])]
        wanted = samtools.letters(*arguments, bam, chrom=chrom, start=start, end=end)
        assert sum(wanted["A"])
        for n_cores in (1, 3):
            got = base_counts(
                bam, (chrom, start, end), rules="mpileup", ref=fasta, n_cores=n_cores, **fields
            ).to_numpy()
            assert not differences(got, wanted, start), (fields, n_cores)
    four = pysam_counts(bam, chrom, start, end, 15)
    got = base_counts(bam, (chrom, start, end), rules="count_coverage").to_numpy()
    assert not differences(got, {name: np.array(c) for name, c in zip("ACGT", four, strict=True)}, start)
    assert (got["reads_all"] == np.sum(four, axis=0)).all()
    end = min(end, start + 3_000)
    for rules in (Rules.bases(), Rules.depth(min_baseq=20)):
        got = base_counts(bam, (chrom, start, end), rules=rules).to_numpy()
        assert not differences(got, twin(bam, chrom, start, end, rules), start), rules


MICRO = [
    ("mpileup", {}, True),
    ("mpileup", {"baq": False}, False),
    ("mpileup", {"baq": False, "min_baseq": 0, "orphans": True}, True),
    ("mpileup", {"mates": "both", "min_baseq": 0}, False),
    ("perbase-base-depth", "perbase-1.4.0/base_depth", False),
    ("count_coverage", "pysam-0.24.1/count_coverage", False),
]
# Cases where the tool stops, or reads beyond a record: for a lone D or N htslib's walk reads the word before the CIGAR.
NO_ANSWER = {
    "mpileup": {"ov_no_seq_pair", "fasta_missing", "fasta_short", "cigar_only_skip", "cigar_only_del"},
    "perbase-base-depth": {"cigar_only_skip"},
    "count_coverage": {"cigar_pad", "cigar_ins_pad"},
}


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@pytest.mark.parametrize(("rule", "how", "with_reference"), MICRO, ids=str)
def test_micro_cases(micro_cases, samtools, rule, how, with_reference):
    """Every case: the letters of mpileup, and what count_coverage and perbase base-depth come to."""
    recorded = oracle.columns()
    compared = 0
    for case in oracle.cases():
        if case.name in NO_ANSWER[rule]:
            continue
        bam, fasta = (micro_cases / f"{case.name}.{suffix}" for suffix in ("bam", "fa"))
        start, end = case.interval
        where = {"chrom": "chrT", "start": start, "end": end}
        if rule == "mpileup":
            fields = how | ({"max_depth": 3} if case.cap else {})
            arguments = peers.options(rule, fields) + (["-f", str(fasta)] if with_reference else [])
            wanted = samtools.letters(*arguments, bam, **where)
            got = base_counts(
                bam, tuple(where.values()), rules=rule, ref=fasta if with_reference else None, **fields
            ).to_numpy()
            assert not differences(got, wanted, start), (case.name, case.note)
        else:
            got = base_counts(bam, tuple(where.values()), rules=rule).to_numpy()
            in_sum = [*"ACGTN", "deletions"] if rule == "perbase-base-depth" else [*"ACGT"]
            depths = oracle.depths(recorded[how].values[case.name], start, end)
            assert sum(got[column] for column in in_sum).tolist() == depths, (case.name, case.note)
        compared += 1
    assert compared >= 123


PERBASE = shutil.which("perbase")
THEIRS = {
    "INS": "insertions",
    "DEL": "deletions",
    "REF_SKIP": "skips",
    "DEPTH": "reads_all",
    **{letter: letter for letter in "ACGTN"},
}


def perbase_agrees(bam, chrom, start, end, folder):
    """Whether every column of perbase base-depth, live, is that of `base_counts`; the number of rows it printed."""
    bed = folder / "perbase.bed"
    bed.write_text(f"{chrom}\t{start - 1}\t{end}\n")
    words = [PERBASE, "base-depth", "-t", "1", "-b", bed, bam]
    done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    # perbase ends with 0 after a panic.
    assert "panicked" not in done.stderr, done.stderr
    # Without a row it prints no head either.
    head, *rows = [line.split("\t") for line in done.stdout.splitlines()] or [["POS", *THEIRS]]
    columns = dict(zip(head, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(head, ())
    got = base_counts(bam, (chrom, start, end), rules="perbase-base-depth").to_numpy()
    at = np.array(columns["POS"], dtype=int) - start
    assert ((at >= 0) & (at < len(got["pos"]))).all()
    wanted = {}
    for theirs, ours in THEIRS.items():
        wanted[ours] = np.zeros(len(got["pos"]), int)
        wanted[ours][at] = np.array(columns[theirs], dtype=int)
    assert not differences(got, wanted, start), (bam, chrom)
    return len(rows)


@pytest.mark.skipif(PERBASE is None, reason="perbase is not on PATH")
def test_perbase_on_the_sample(sample, tmp_path):
    assert perbase_agrees(sample[0], "chr1", 1, 60_000, tmp_path) > 1000
    assert perbase_agrees(sample[0], "chr2", 1, 6_000, tmp_path) > 1000


@pytest.mark.skipif(PERBASE is None, reason="perbase is not on PATH")
@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@pytest.mark.parametrize("name", REAL, ids=lambda name: Path(name).name)
def test_perbase_on_real_files(name, real_data, tmp_path):
    for suffix in ("", ".bai"):
        if Path(f"{real_data / name}{suffix}").is_file():
            shutil.copy(f"{real_data / name}{suffix}", tmp_path)
    bam = tmp_path / Path(name).name
    assert perbase_agrees(bam, *where_reads_lie(bam), tmp_path) > 500


@pytest.mark.skipif(PERBASE is None, reason="perbase is not on PATH")
@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
def test_perbase_on_the_micro_cases(micro_cases, tmp_path):
    compared = 0
    # For a lone D htslib's walk reads the word before the CIGAR, so perbase says N.
    none = NO_ANSWER["perbase-base-depth"] | {"cigar_only_del"}
    for name in {case.name for case in oracle.cases()} - none:
        compared += perbase_agrees(micro_cases / f"{name}.bam", "chrT", 1, 200, tmp_path) > 0
    assert compared >= 100
