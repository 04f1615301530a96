"""`compare`: a column per rule, and reasons that add up to the difference."""

import itertools
import os
import pickle
import shutil

import numpy as np
import pytest

import fastcov
import simulate
from fastcov import FastcovWarning, Rules, _compare, compare, coverage
from fastcov._compare import REASONS, count
from fastcov.errors import FileChangedError, InvalidArgumentError, UnknownContigError

NAMES = fastcov._fastcov.rule_names()
ONE_OF_EACH_OPTION = {
    "mpileup -A": Rules.mpileup(orphans=True),
    "mpileup -x -B": Rules.mpileup(mates="both", baq=False),
    "mpileup -d 8": Rules.mpileup(max_depth=8),
    "mpileup strict": Rules.mpileup(min_mapq=30, min_baseq=30, exclude_flags=0xF0C, require_flags=0x2),
    "depth -s -J": Rules.depth(mates="once", deletions=True, skips=True, min_baseq=20),
    "nofilter": Rules.pileup("nofilter"),
    "all": Rules.pileup("all", min_mapq=20),
    "ignoreD": Rules.genomecov(deletions=True),
    "bases strict": Rules.bases(min_baseq=25, min_mapq=10, orphans=False),
    "nothing": Rules.mpileup(exclude_flags=0, require_flags=0x4),
}


def check(table):
    """Where two rules differ, and nowhere else, there is a row, and its reasons add up to the difference."""
    depths = table.to_numpy()
    names = [name for name in table.columns if name not in ("chrom", "pos")]
    rows = table.explain()
    assert (rows[list(REASONS)].sum(axis=1) == rows["difference"]).all()
    pos = depths["pos"]
    by_pair = dict(iter(rows.groupby(["a", "b"], observed=True)))
    for a, b in itertools.combinations(names, 2):
        differ = depths[a] != depths[b]
        group = by_pair.get((a, b), rows.iloc[:0])
        assert group["pos"].tolist() == pos[differ].tolist(), (a, b)
        assert group["depth_a"].tolist() == depths[a][differ].tolist()
        assert group["depth_b"].tolist() == depths[b][differ].tolist()
        assert group["difference"].tolist() == (depths[a] - depths[b])[differ].tolist()
    return rows


def test_columns_are_the_rules_own_numbers(sample):
    bam, ref = sample
    region = ("chr1", 19_900, 20_200)
    table = compare(bam, region, ref)
    assert table.columns == ["chrom", "pos", *NAMES]
    arrays = table.to_numpy()
    for name in NAMES:
        assert arrays[name].dtype == np.int32
        assert np.array_equal(arrays[name], coverage(bam, region, rules=name, ref=ref).to_numpy()["depth"]), name
    assert arrays["pos"].tolist() == list(range(19_900, 20_201))
    assert table.to_pandas().columns.tolist() == table.columns
    assert table.metadata["rules"]["mpileup"]["baq"] is True
    assert table.metadata["rules"]["depth"]["reads"]["seen"] > 0


@pytest.mark.filterwarnings("ignore:.*max_depth:fastcov.FastcovWarning")
@pytest.mark.parametrize("with_reference", [True, False], ids=["reference", "no reference"])
@pytest.mark.parametrize("region", ["chr1:9500-11500", "chr1:19900-21000", "chr1:51990-52003", "chr2"])
def test_reasons_add_up_on_the_sample(sample, region, with_reference):
    bam, ref = sample
    rules = {**{name: name for name in NAMES}, **ONE_OF_EACH_OPTION}
    rows = check(compare(bam, region, ref if with_reference else None, rules))
    assert len(rows) > 100


# BAM -> reference.
REAL = {
    "sarscov2/subsample1.MN908947.3.bam": "sarscov2/nCoV-2019.reference.fasta",
    "mtb/tbprofiler.test.h37rv.bam": "mtb/h37rv.fa.gz",
    "longread_small/pacbio.bam": "longread_small/reference.fasta",
    "human_rnaseq/heart_slc25a3.bam": None,
    "pysamstats/deep.bam": None,
    "yeast_rnaseq/yeast_RNASeq_excerpt.sorted.bam": None,
}


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
@pytest.mark.parametrize("bam", REAL)
def test_reasons_add_up_and_reads_are_counted_on_real_data(real_data, bam):
    pysam = pytest.importorskip("pysam", reason="pysam is not installed")
    ref = REAL[bam] and real_data / REAL[bam]
    with pysam.AlignmentFile(real_data / bam) as file:
        # A middle read and 5,000 positions from there on.
        reads = [read for read in file.fetch() if not read.is_unmapped]
        contig, start = reads[len(reads) // 2].reference_name, reads[len(reads) // 2].reference_start
        end = min(start + 5_000, file.get_reference_length(contig))
        here = list(file.fetch(contig, start, end))
    table = compare(real_data / bam, (contig, start + 1, end), ref)
    assert len(check(table)) > 0
    for name in NAMES:
        about = table.metadata["rules"][name]
        excluded = about["rules"]["exclude_flags"] | fastcov._fastcov.always_excluded(name)
        passed = [read for read in here if not read.flag & excluded]
        orphans = sum(read.is_paired and not read.is_proper_pair for read in passed)
        orphans = 0 if about["rules"]["orphans"] else orphans
        got = about["reads"]
        assert got["seen"] == len(here), name
        assert got["excluded_flags"] == len(here) - len(passed), name
        assert got["orphans"] == orphans, name
        assert got["used"] + got["capped"] == len(passed) - orphans, name


@pytest.mark.filterwarnings("ignore::fastcov.FastcovWarning")
def test_reasons_add_up_in_the_corners(micro_cases):
    options = ("mpileup -d 8", "depth -s -J", "bases strict")
    rules = {**{name: name for name in NAMES}, **{name: ONE_OF_EACH_OPTION[name] for name in options}}
    for bam in sorted(micro_cases.glob("*.bam")):
        ref = bam.with_suffix(".fa") if bam.stem not in ("fasta_missing", "fasta_short") else None
        check(compare(bam, "chrT:1-200", ref, rules))


def read(name, flag, pos, cigar, mapq=60, quality=30):
    length = sum(n for n, op in cigar if op in "MIS=X")
    return simulate.Record(name, flag, pos, mapq, cigar, "A" * length, bytes([quality] * length))


def test_each_reason_is_found(tmp_path):
    # One read per reason, each over ten positions of its own, that mpileup drops and a rule without filters does not.
    cases = {
        "secondary": read("a", 0x100, 0, [(10, "M")]),
        "qcfail": read("b", 0x200, 10, [(10, "M")]),
        "duplicate": read("c", 0x400, 20, [(10, "M")]),
        "mapq": read("d", 0, 30, [(10, "M")], mapq=3),
        "orphan": read("e", 0x1, 40, [(10, "M")]),
        "base_quality": read("f", 0, 50, [(10, "M")], quality=5),
        "unmapped": read("g", 0x4, 60, [(10, "M")]),
        "supplementary": read("h", 0x800, 70, [(10, "M")]),
    }
    bam = tmp_path / "a.bam"
    simulate.write_bam(bam, {"c": 200}, list(cases.values()))
    rules = {
        "all": Rules.perbase(),
        "strict": Rules.mpileup(min_mapq=10, exclude_flags=0xF04, baq=False),
    }
    rows = compare(bam, "c", None, rules).explain("all", "strict")
    for i, reason in enumerate(cases):
        here = rows[(rows["pos"] > 10 * i) & (rows["pos"] <= 10 * i + 10)]
        assert len(here) == 10, reason
        assert (here[reason] == 1).all(), reason
        assert (here["difference"] == 1).all(), reason


def test_mates_that_cover_nothing_leave_no_negative_depth(tmp_path):
    # mosdepth takes 1 off where neither lies, and then has no row for that position.
    mates = [simulate.Record("x", flag, 27, 60, [(10, "S")], "A" * 10, b"I" * 10, 0, 0, 27) for flag in (0x63, 0x93)]
    bam = simulate.write_bam(tmp_path / "a.bam", {"c": 100}, [read("a", 0, 0, [(24, "M")]), *mates])
    assert coverage(bam, rules="mosdepth").to_numpy()["depth"].tolist() == [1] * 24 + [0] * 76
    assert coverage(bam, rules="mosdepth", runs=True).to_numpy()["end"].tolist() == [24, 100]
    assert compare(bam, "c", rules=["mosdepth", "depth"]).explain().empty


def test_one_rule_against_all_others(sample):
    table = compare(sample[0], "chr1:20001-20010", sample[1], ["mpileup", "depth", "bases"])
    rows = table.explain(b="depth")
    assert set(rows["b"]) == {"depth"}
    assert set(rows["a"]) <= {"mpileup", "bases"}
    assert len(table.explain("depth", "depth")) == 0
    assert list(table.explain("depth", "depth").columns) == list(rows.columns)
    with pytest.raises(ValueError, match=r"'nope' is not a column.*mpileup, depth, bases"):
        table.explain("nope")


def test_rules_in_any_form(sample):
    bam, _ = sample
    where = ("chr1", 20_001, 20_010)
    table = compare(bam, where, rules=["depth", Rules.depth(deletions=True), "bases"], min_mapq=3)
    assert table.columns[2:] == ["depth", repr(Rules.depth(deletions=True, min_mapq=3)), "bases"]
    assert compare(bam, where, rules={"a": "depth", "b": Rules.bases()}).columns[2:] == ["a", "b"]
    assert compare(bam, where, rules="depth").columns[2:] == ["depth"]
    with pytest.raises(ValueError, match="twice"):
        compare(bam, where, rules=["depth", "depth", Rules.depth()])
    with pytest.raises(ValueError, match="empty"):
        compare(bam, where, rules=[])
    with pytest.raises(ValueError, match="columns already"):
        compare(bam, where, rules={"pos": "depth"})
    with pytest.raises(InvalidArgumentError, match=r"min_baseq.*mosdepth"):
        compare(bam, where, rules=["mosdepth"], min_baseq=3)
    with pytest.raises(TypeError, match="compare got an unexpected keyword argument"):
        compare(bam, where, zzz=3)
    with pytest.raises(TypeError, match="region must be one region"):
        compare(bam, [where, where])
    with pytest.raises(UnknownContigError):
        compare(bam, "chr9")


def test_a_warning_is_given_once_and_not_again(sample, recwarn):
    table = compare(sample[0], "chr2:5990-7000", rules=["depth", "bases", "genomecov"])
    assert [str(w.message).split(":")[0] for w in recwarn.list] == ["region chr2"]
    assert issubclass(recwarn.list[0].category, FastcovWarning)
    assert recwarn.list[0].filename == __file__
    table.explain()
    assert len(recwarn.list) == 1


def test_pickle_keeps_what_explain_needs(sample):
    table = compare(sample[0], "chr1:20001-20010", rules=["depth", "bases"])
    other = pickle.loads(pickle.dumps(table))
    assert other.to_pandas().equals(table.to_pandas())
    assert other.explain().equals(table.explain())


def test_plot_has_a_line_per_rule(sample, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    table = compare(sample[0], "chr1:20001-20030", rules=["depth", "bases"])
    ax = table.plot(path=tmp_path / "a.png")
    assert [line.get_label() for line in ax.get_lines()] == ["depth", "bases"]
    assert (tmp_path / "a.png").stat().st_size > 1_000


def test_more_rules_than_a_small_integer_has_values(sample):
    rules = {f"q{i}": Rules("depth", min_mapq=min(i, 255)) for i in range(300)}
    table = compare(sample[0], "chr1:20001-20003", rules=rules)
    rows = table.explain("q0", "q290")
    assert len(rows) > 0
    assert set(rows["a"]) == {"q0"}
    assert set(rows["b"]) == {"q290"}


def test_two_labels_of_one_text_are_refused(sample):
    with pytest.raises(ValueError, match="names a column twice"):
        compare(sample[0], "chr1:1-10", rules={1: "depth", "1": "bases"})


def test_a_file_that_is_replaced_between_two_rules(sample, tmp_path, monkeypatch):
    bam = shutil.copy(sample[0], tmp_path / "x.bam")
    shutil.copy(f"{sample[0]}.bai", f"{bam}.bai")

    def replaced(*args, **options):
        os.replace(shutil.copy(bam, tmp_path / "new"), bam)
        return count(*args, **options)

    monkeypatch.setattr(_compare, "count", replaced)
    with pytest.raises(FileChangedError, match="between two rules"):
        compare(bam, "chr1:1-10", rules=["depth", "bases"])
