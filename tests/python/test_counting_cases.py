"""128 micro cases, one corner of the counting rules each, against what the tools themselves print for them."""

import re

import pytest

import oracle
from fastcov import _fastcov, coverage, errors, get_coverage

# Column of `tests/oracle/outputs` -> rule, fields, whether a reference is given.
COLUMNS = {
    "samtools-1.24/mpileup": ("mpileup", {}, True),
    "samtools-1.24/mpileup_q10": ("mpileup", {"min_mapq": 10}, True),
    "samtools-1.24/mpileup_B": ("mpileup", {"baq": False}, True),
    "samtools-1.24/mpileup_no_reference": ("mpileup", {}, False),
    "samtools-1.24/mpileup_A_B": ("mpileup", {"orphans": True, "baq": False}, True),
    "samtools-1.24/mpileup_x_B": ("mpileup", {"mates": "both", "baq": False}, True),
    "samtools-1.24/mpileup_x_B_Q0": ("mpileup", {"mates": "both", "baq": False, "min_baseq": 0}, True),
    "samtools-1.24/mpileup_B_Q0": ("mpileup", {"baq": False, "min_baseq": 0}, True),
    "samtools-1.24/depth": ("depth", {}, False),
    "samtools-1.24/depth_J": ("depth", {"deletions": True}, False),
    "samtools-1.24/depth_s": ("depth", {"mates": "once"}, False),
    "samtools-1.24/depth_s_J": ("depth", {"mates": "once", "deletions": True}, False),
    "samtools-1.24/depth_q13": ("depth", {"min_baseq": 13}, False),
    "samtools-1.24/depth_J_q13": ("depth", {"min_baseq": 13, "deletions": True}, False),
    "mosdepth-0.3.3/per_base": ("mosdepth", {}, False),
    "mosdepth-0.3.3/per_base_Q10": ("mosdepth", {"min_mapq": 10}, False),
    "mosdepth-0.3.3/per_base_x": ("mosdepth-fast", {}, False),
    "bedtools-2.30.0/genomecov_bga": ("genomecov", {}, False),
    "bedtools-2.30.0/genomecov_bga_split": ("genomecov-split", {}, False),
    "bedtools-2.30.0/genomecov_bga_ignoreD": ("genomecov", {"deletions": True}, False),
    "pysam-0.24.1/count_coverage": ("count_coverage", {}, False),
    "pysam-0.24.1/count_coverage_q0_nofilter": ("count_coverage", {"min_baseq": 0, "exclude_flags": 0}, False),
    "pysam-0.24.1/pileup": ("pileup", {}, False),
    "pysam-0.24.1/pileup_mq20": ("pileup", {"min_mapq": 20}, False),
    "pysam-0.24.1/pileup_all": ("pileup", {"orphans": True}, False),
    # pysam ignores min_mapping_quality with this stepper.
    "pysam-0.24.1/pileup_all_mq20": ("pileup", {"orphans": True}, False),
    "pysam-0.24.1/pileup_aligned": ("pileup", {"min_baseq": 13, "mates": "once"}, False),
    "pysam-0.24.1/pileup_aligned_reference": ("pileup", {"min_baseq": 13, "mates": "once", "baq": True}, True),
    "megadepth-1.2.0/coverage": ("megadepth", {}, False),
    "megadepth-1.2.0/coverage_double_count": ("megadepth", {"mates": "both"}, False),
    "perbase-1.4.0/only_depth": ("perbase", {}, False),
    "perbase-1.4.0/only_depth_m": ("perbase", {"mates": "once"}, False),
    "perbase-1.4.0/only_depth_x": ("perbase", {"skips": True}, False),
    "perbase-1.4.0/base_depth": ("perbase-base-depth", {}, False),
    "perbase-1.4.0/base_depth_m": ("perbase-base-depth", {"mates": "once"}, False),
    "deeptools-3.5.6/bamCoverage": ("bamcoverage", {}, False),
}
LEFT_OUT = [
    "samtools-1.16.1/.*",  # the rules follow samtools 1.24
    "samtools-1.24/mpileup_E",  # fastcov does not have mpileup -E ("redo BAQ")
    "samtools-1.24/depth_l10",  # nor depth -l, a least length of a read
    "bedtools-2.30.0/genomecov_bg_(fs30|pc)",  # nor genomecov -fs and -pc, which count fragments
    "samtools-1.24/coverage",  # samtools coverage prints no position
    "samtools-1.24/mpileup_qualities",  # tests/rust/oracle.rs compares these
    "sambamba.*",  # not a rule of fastcov
]

# Where fastcov refuses on purpose although mpileup goes on.
REFUSED = {"fasta_missing": errors.ReferenceMissingError, "fasta_short": errors.ReferenceMismatchError}


# Cases and columns (as patterns) whose recorded output is a failure of the tool, or what it found beyond a record.
NO_ANSWER = [
    ("no_seq|ov_no_seq_pair", "samtools.*q13"),  # samtools reads beyond the record where SEQ is "*"
    ("edges", "mosdepth.*"),  # mosdepth 0.3.3 crashes at a read that runs past the contig
    ("ov_no_seq_pair", "pysam.*/pileup.*"),  # pysam raises
    ("cigar_only_skip", "perbase.*/base.*"),  # for a lone N htslib's walk reads the word before the CIGAR
    ("cigar_pad|cigar_ins_pad", "pysam.*/count_coverage.*"),  # pysam raises, or goes one base too far at a P
]


@pytest.fixture(scope="module")
def recorded() -> dict[str, oracle.Column]:
    return oracle.columns()


def instead(case: str, column: str) -> str | None:
    """The column that stands for the recorded one where the tool has no answer or a bug; None where nothing does."""
    if any(re.fullmatch(cases, case) and re.fullmatch(columns, column) for cases, columns in NO_ANSWER):
        return None
    if case == "ov_no_seq_pair" and re.match("samtools.*/mpileup(?!_x)", column):
        # samtools stops at an overlapping pair with SEQ "*"; fastcov counts it unedited, which is what -x does.
        return "samtools-1.24/mpileup_x_B_Q0" if column.endswith("Q0") else "samtools-1.24/mpileup_x_B"
    if case == "cigar_zero_m" and re.match("samtools.*/depth", column):
        return column.replace("1.24", "1.16.1")  # samtools 1.21 and later count a zero-length M twice
    return column


@pytest.mark.filterwarnings("ignore:.*(max_depth|past the end of their contig):fastcov.FastcovWarning")
@pytest.mark.parametrize("column", COLUMNS)
def test_micro_cases(micro_cases, recorded, column):
    rule, fields, with_reference = COLUMNS[column]
    cases = oracle.cases()
    assert len(cases) == 128
    wrong, compared = [], 0
    for case in cases:
        bam, ref = (micro_cases / f"{case.name}.{suffix}" for suffix in ("bam", "fa"))
        how = fields | ({"max_depth": case.cap} if rule == "mpileup" and case.cap else {})
        start, end = case.interval
        call = ("chrT", start, end, ref if with_reference else None)
        if with_reference and case.name in REFUSED:
            with pytest.raises(REFUSED[case.name]):
                get_coverage(bam, *call, rules=rule, **how)
            continue
        output = instead(case.name, column)
        if output is None:
            continue
        wanted = oracle.depths(recorded[output].values[case.name], start, end)
        for n_cores in (1, 2):
            got = get_coverage(bam, *call, n_cores, rules=rule, **how)["coverage"].tolist()
            compared += 1
            if got != wanted:
                said, counted = (oracle.runs(dict(enumerate(depths, start))) for depths in (wanted, got))
                wrong.append((case.name, f"n_cores={n_cores}", f"wanted {said}", f"got {counted}", case.note))
    assert not wrong, "\n".join(map(str, wrong))
    assert compared >= 2 * (128 - 3)


def test_every_column_is_compared_or_left_out_on_purpose(recorded):
    left_out = {name for name in recorded if any(re.fullmatch(pattern, name) for pattern in LEFT_OUT)}
    letters = {name for name, column in recorded.items() if column.prints == "letter"} - left_out
    assert recorded.keys() - left_out - letters == set(COLUMNS)
    assert letters == set(LETTERS)


def test_every_rule_but_the_own_one_is_compared():
    assert {rule for rule, _, _ in COLUMNS.values()} == set(_fastcov.rule_names()) - {"bases"}


def test_a_built_case_is_its_sam_text(micro_cases, samtools):
    """Every field and tag, also where htslib would repair a record that it parses."""
    for case in oracle.cases():
        text = samtools("view", "-h", "--no-PG", micro_cases / f"{case.name}.bam").decode()
        assert text == case.sam.read_text(), case.name


# The letters of the reference beside the depths, with a reference and without.
LETTERS = {"samtools-1.24/mpileup_letters": True, "samtools-1.24/mpileup_letters_no_reference": False}


@pytest.mark.parametrize("column", LETTERS)
def test_letters_of_the_reference(micro_cases, recorded, column):
    for name, value in recorded[column].values.items():
        ref = micro_cases / f"{name}.fa" if LETTERS[column] else None
        start, end, letters = re.fullmatch(r"(\d+)-(\d+)=(\w+)", value).groups()
        table = get_coverage(micro_cases / f"{name}.bam", "chrT", int(start), int(end), ref)
        assert "".join(table["base"]) == letters


# What fastcov says of a region that samtools takes (`docs/semantics.md` 9).
TAKEN_BY_SAMTOOLS = {
    "chrT:0-30": errors.RegionError,
    "chrT:0-0": errors.RegionError,
    "chrT:201-300": errors.RegionError,
    "chrT:500-600": errors.RegionError,
    "chrT:2k-3k": errors.RegionError,
    "*": errors.UnknownContigError,
    ".": errors.UnknownContigError,
}


@pytest.mark.filterwarnings("ignore:.*ends past the contig:fastcov.FastcovWarning")
def test_regions_as_text(micro_cases):
    """`depth -a` prints a row for every position of a region, as fastcov does."""
    compared = 0
    for row in oracle.region_rows(oracle.ORACLE / "regions" / "samtools-1.24.tsv"):
        if row["command"] != "samtools depth -a -r {region} {bam}":
            continue
        region, bam = row["region"], micro_cases / "ov_same.bam"
        if row["status"] == "error" or region in TAKEN_BY_SAMTOOLS:
            with pytest.raises(TAKEN_BY_SAMTOOLS.get(region, errors.RegionError)):
                coverage(bam, region)
        else:
            positions = coverage(bam, region).to_numpy()["pos"]
            got = {"rows": str(len(positions)), "first": str(positions[0]), "last": str(positions[-1])}
            assert got.items() <= row.items()
        compared += 1
    assert compared == 23


# What changed from samtools 1.16.1 to 1.24, by the section of `docs/semantics.md` that says what happens now.
CHANGED = {
    "4": {"cigar_zero_m"},
    "5.1": {
        *("ov_del_left_x", "ov_del_left_z", "ov_del_right_x", "ov_del_right_y", "ov_del_right_z", "ov_del_lowq"),
        *("ov_skip_left", "ov_expiry_same_name_single", "cap_drops_hash_entry"),
    },
    "11": {"baq_v_short", "baq_v_split"},
}


def test_cases_in_which_versions_of_samtools_differ(recorded):
    differ = {
        case
        for name, new in recorded.items()
        if name.startswith("samtools-1.24/") and new.prints == "depth"
        for case, value in recorded[name.replace("1.24", "1.16.1")].values.items()
        if value != new.values[case]
    }
    # samtools reads beyond the record where SEQ is "*".
    assert differ - {"no_seq", "ov_no_seq_pair"} == set().union(*CHANGED.values())
