"""128 micro cases, one corner of the counting rules each, against what the tools themselves said of them."""

import json
import re
import warnings

import pytest

from fastcov import _fastcov, coverage, errors, get_coverage

# Column of the recorded outputs -> rule, fields, whether a reference is given.
COLUMNS = {
    "mp": ("mpileup", {}, True),
    "mp_q10": ("mpileup", {"min_mapq": 10}, True),
    "mp_B": ("mpileup", {"baq": False}, True),
    "mp_nofa": ("mpileup", {}, False),
    "mp_A_B": ("mpileup", {"orphans": True, "baq": False}, True),
    "mp_x_B": ("mpileup", {"mates": "both", "baq": False}, True),
    "mp_x_B_Q0": ("mpileup", {"mates": "both", "baq": False, "min_baseq": 0}, True),
    "mp_B_Q0": ("mpileup", {"baq": False, "min_baseq": 0}, True),
    "depth": ("depth", {}, False),
    "depth_J": ("depth", {"deletions": True}, False),
    "depth_s": ("depth", {"mates": "once"}, False),
    "depth_s_J": ("depth", {"mates": "once", "deletions": True}, False),
    "depth_q13": ("depth", {"min_baseq": 13}, False),
    "depth_J_q13": ("depth", {"min_baseq": 13, "deletions": True}, False),
    "mosdepth": ("mosdepth", {}, False),
    "mosdepth_Q10": ("mosdepth", {"min_mapq": 10}, False),
    "mosdepth_x": ("mosdepth-fast", {}, False),
    "genomecov_bga": ("genomecov", {}, False),
    "genomecov_bga_split": ("genomecov-split", {}, False),
    "genomecov_bga_ignoreD": ("genomecov", {"deletions": True}, False),
    "pysam_count_coverage": ("count_coverage", {}, False),
    "pysam_count_coverage_q0_nofilter": ("count_coverage", {"min_baseq": 0, "exclude_flags": 0}, False),
    "pysam_nsegments_default": ("pileup", {}, False),
    "pysam_nsegments_samtools_mq20": ("pileup", {"min_mapq": 20}, False),
    "pysam_nsegments_all": ("pileup", {"orphans": True}, False),
    # pysam ignores min_mapping_quality with this stepper.
    "pysam_nsegments_all_mq20": ("pileup", {"orphans": True}, False),
    "pysam_num_aligned_default": ("pileup", {"min_baseq": 13, "mates": "once"}, False),
    "pysam_num_aligned_fa": ("pileup", {"min_baseq": 13, "mates": "once", "baq": True}, True),
    "megadepth": ("megadepth", {}, False),
    "megadepth_dc": ("megadepth", {"mates": "both"}, False),
    "perbase_only": ("perbase", {}, False),
    "perbase_only_m": ("perbase", {"mates": "once"}, False),
    "perbase_only_x": ("perbase", {"skips": True}, False),
    "perbase_base": ("perbase-base-depth", {}, False),
    "perbase_base_m": ("perbase-base-depth", {"mates": "once"}, False),
}
SAMTOOLS = re.compile("mp|depth")
LEFT_OUT = {
    "mp_E",  # mpileup -E ("redo BAQ") is an option fastcov does not have
    "depth_l10",  # nor depth -l, a least length of a read
    "genomecov_bg_fs30",  # nor genomecov -fs and -pc, which count fragments
    "genomecov_bg_pc",
    "coverage",  # samtools coverage prints no position; sambamba is no rule
    "sambamba",
    "sambamba_m",
}

# Where fastcov refuses on purpose although mpileup goes on.
REFUSED = {"fasta_missing": errors.ReferenceMissingError, "fasta_short": errors.ReferenceMismatchError}


# Cases and columns (as patterns) whose recorded output is a failure of the tool, or what it found beyond a record.
NO_ANSWER = [
    ("no_seq|ov_no_seq_pair", "depth.*q13"),  # samtools reads beyond the record where SEQ is "*"
    ("edges", "mosdepth.*"),  # mosdepth 0.3.3 crashes at a read that runs past the contig
    ("ov_no_seq_pair", "pysam_n.*"),  # pysam raises
    ("cigar_only_skip", "perbase_base(_m)?"),  # for a lone N htslib's walk reads the word before the CIGAR
    ("cigar_pad|cigar_ins_pad", "pysam_count_coverage.*"),  # pysam raises, or goes one base too far at a P
]


def instead(case: str, column: str) -> str | None:
    """The output that stands for the recorded one where the tool has no answer or a bug; None where nothing does."""
    if any(re.fullmatch(cases, case) and re.fullmatch(columns, column) for cases, columns in NO_ANSWER):
        return None
    if case == "ov_no_seq_pair" and column.startswith("mp") and not column.startswith("mp_x"):
        # samtools stops at an overlapping pair with SEQ "*"; fastcov counts it unedited, which is what -x does.
        return "mp_x_B_Q0.new" if column.endswith("Q0") else "mp_x_B.new"
    if case == "cigar_zero_m" and column.startswith("depth"):
        return f"{column}.old"  # samtools 1.21 and later count a zero-length M twice
    return f"{column}.new" if SAMTOOLS.match(column) else column


def runs(depths: list[int], start: int) -> str:
    """`1-8=1,20-22=3`: runs of equal depth, without those of 0."""
    out: list[list[int]] = []
    for position, depth in enumerate(depths, start):
        if out and out[-1][2] == depth and out[-1][1] == position - 1:
            out[-1][1] = position
        elif depth:
            out.append([position, position, depth])
    return ",".join(f"{first}-{last}={depth}" for first, last, depth in out)


def recorded(text: str, start: int, end: int) -> str:
    """The same form of a recorded output: without zeros, and cut to a region that not every tool was told of."""
    depths = [0] * (end - start + 1)
    for first, last, depth in re.findall(r"(\d+)-(\d+)=(\d+)", text):
        for position in range(max(int(first), start), min(int(last), end) + 1):
            depths[position - start] = int(depth)
    return runs(depths, start)


@pytest.mark.filterwarnings("ignore:.*(max_depth|past the end of their contig|past the contig):fastcov.FastcovWarning")
@pytest.mark.parametrize("column", COLUMNS)
def test_micro_cases(micro_cases, column):
    rule, fields, with_reference = COLUMNS[column]
    cases = json.loads((micro_cases / "outputs.json").read_text())
    assert len(cases) == 128
    wrong, compared = [], 0
    for name, case in cases.items():
        bam, ref = (micro_cases / "bam" / f"{name}.{suffix}" for suffix in ("bam", "fa"))
        how = dict(fields)
        if rule == "mpileup" and name.startswith("cap_"):
            how["max_depth"] = 3 if name == "cap_pos1" else 5
        start, end = map(int, re.fullmatch(r"chrT:(\d+)-(\d+)", case["region"] or "chrT:1-200").groups())
        call = ("chrT", start, end, ref if with_reference else None)
        if with_reference and name in REFUSED:
            with pytest.raises(REFUSED[name]):
                get_coverage(bam, *call, rules=rule, **how)
            continue
        output = instead(name, column)
        if output is None:
            continue
        for n_cores in (1, 2):
            got = runs(get_coverage(bam, *call, n_cores, rules=rule, **how)["coverage"].tolist(), start)
            wanted = recorded(case["out"][output], start, end)
            compared += 1
            if got != wanted:
                wrong.append((name, f"n_cores={n_cores}", f"wanted {wanted}", f"got {got}", case["note"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert compared >= 2 * (128 - 3)


def test_every_column_is_compared_or_left_out_on_purpose(micro_cases):
    cases = json.loads((micro_cases / "outputs.json").read_text())
    columns = {re.sub(r"\.(new|old)$", "", column) for case in cases.values() for column in case["out"]}
    assert columns == set(COLUMNS) | LEFT_OUT


def test_deeptools(micro_cases):
    lines = (micro_cases / "deeptools.txt").read_text().splitlines()
    for line in lines:
        name, status, wanted = line.split()
        assert status == "rc=0"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one read runs past the contig
            depths = coverage(micro_cases / "bam" / f"{name}.bam", "chrT", rules="bamcoverage").to_numpy()["depth"]
        assert runs(depths.tolist(), 1) == wanted.rstrip(","), name
    assert len(lines) == 12


def test_every_rule_but_the_own_one_is_compared():
    assert {rule for rule, _, _ in COLUMNS.values()} == set(_fastcov.rule_names()) - {"bases", "bamcoverage"}
