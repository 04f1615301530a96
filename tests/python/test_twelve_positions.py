"""The picture of the semantics page: its numbers are those of the rules, and those of the tools."""

import re
from pathlib import Path

import pytest

import other_tools
import twelve_positions
from fastcov import coverage

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "twelve-positions.svg"
POSITIONS = twelve_positions.POSITIONS


@pytest.fixture(scope="module")
def micro(tmp_path_factory) -> tuple[Path, Path]:
    return twelve_positions.write(tmp_path_factory.mktemp("twelve"))


@pytest.fixture(scope="module")
def numbers(micro) -> dict[str, list[int]]:
    return twelve_positions.numbers(*micro)


@pytest.mark.filterwarnings("ignore:.*max_depth:fastcov.FastcovWarning")
def test_the_numbers_are_those_of_the_rules(micro, numbers):
    bam, ref = micro
    assert len(POSITIONS) == 12
    for name, rules in twelve_positions.RULES.items():
        alone = coverage(bam, [("chrT", p, p) for p in POSITIONS], rules=rules, ref=ref).to_numpy()["depth"].tolist()
        # A region of one position fetches other reads, but none that matters here.
        assert alone == numbers[name], name
    assert len(set(map(tuple, numbers.values()))) >= 12


def test_the_numbers_are_those_of_the_tools(micro, numbers, samtools, other_peers):
    bam, ref = map(str, micro)
    contigs = {"chrT": 1_400}
    where = {"chrom": "chrT", "start": 1, "end": 1_400}
    wanted = {
        "get_coverage's default": samtools.mpileup("--min-MQ", 10, "-f", ref, bam, **where)[0],
        "mpileup": samtools.mpileup("-f", ref, bam, **where)[0],
        "depth": samtools.depth(bam, **where)[0],
        "depth, mates once": samtools.depth("-s", bam, **where)[0],
    }
    for rule, fields, tool in other_tools.RULES:
        if not fields:
            wanted[rule] = tool(bam, contigs)["chrT"]
    assert len(wanted) == 10
    for name, depths in wanted.items():
        assert [int(depths[p - 1]) for p in POSITIONS] == numbers[name], name


def test_the_picture_shows_these_numbers(numbers):
    picture = PICTURE.read_text()
    shown = [int(text.replace(",", "")) for text in re.findall(r">([\d,]+)</text>", picture)]
    assert shown == [depth for row in numbers.values() for depth in row]
    for name in numbers:
        assert f">{name}</text>" in picture.replace("&#39;", "'"), name
