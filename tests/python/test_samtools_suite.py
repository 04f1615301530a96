"""What samtools itself tests of `mpileup` and `depth`, with its expected outputs, where fastcov has an answer.

The files (`samtools/mpileup/`) are real data in the sense of conftest.py and not a part of the project.
"""

import gzip
import re
import shlex
import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from fastcov import FastcovWarning, get_coverage

FLAGS = {"SUPPLEMENTARY": 0x800, "QCFAIL": 0x200, "PROPER_PAIR": 0x2, "READ1": 0x40}
# Options that change other columns of the text, or nothing at all.
NO_MATTER = {"-a", "-aa", "-s", "-O", "-R", "--reverse-del", "--output-BP", "--output-BP-5", "--output-mods"}
NO_MATTER |= {"--no-output-ins", "--no-output-del", "--no-output-ends", "--no-output-ins-mods"}


class LeftOut(Exception):  # noqa: N818 - not an error
    """The test asks for something fastcov does not have: several files, BED files, -6, -E, -G."""


def flags(text: str) -> int:
    return sum(FLAGS[word] if word in FLAGS else int(word, 0) for word in text.split(","))


def one_flag(text: str) -> int:
    if flags(text).bit_count() != 1:
        raise LeftOut("any of several flags")
    return flags(text)


SWITCHES = {
    ("mpileup", "-B"): ("baq", False),
    ("mpileup", "-A"): ("orphans", True),
    ("mpileup", "-x"): ("mates", "both"),
    ("depth", "-J"): ("deletions", True),
    ("depth", "-s"): ("mates", "once"),
}
VALUES = {
    ("mpileup", "-q"): ("min_mapq", int),
    ("mpileup", "-Q"): ("min_baseq", int),
    ("mpileup", "-d"): ("max_depth", int),
    ("mpileup", "--ff"): ("exclude_flags", flags),
    ("mpileup", "--rf"): ("require_flags", one_flag),
    ("depth", "-G"): ("exclude_flags", lambda text: 0x704 | flags(text)),
    ("depth", "--excl-flags"): ("exclude_flags", lambda text: 0x704 | flags(text)),
    ("depth", "-g"): ("exclude_flags", lambda text: 0x704 & ~flags(text)),
    ("depth", "--incl-flags"): ("require_flags", one_flag),
    ("depth", "--require-flags"): ("require_flags", flags),
}


def parse(tool: str, arguments: list[str]) -> tuple[str, str | None, str | None, dict]:
    """File, reference, region and fields of `samtools TOOL ARGUMENTS`."""
    fields: dict = {}
    files: list[str] = []
    other: dict = {"-f": None, "-r": None}
    rest = [part for word in arguments for part in split(word)]
    while rest:
        word = rest.pop(0)
        if (tool, word) in SWITCHES:
            fields.update([SWITCHES[tool, word]])
        elif (tool, word) in VALUES:
            field, value = VALUES[tool, word]
            fields[field] = value(rest.pop(0))
        elif word in other:
            other[word] = rest.pop(0)
        elif word not in NO_MATTER:
            if word.startswith("-"):
                raise LeftOut(word)
            files.append(word)
    if len(files) != 1 or "[" in files[0]:
        raise LeftOut("not one file")
    return files[0], other["-f"], other["-r"], fields


def split(word: str) -> list[str]:
    """`-ABQ0` as `-A -B -Q 0`."""
    found = re.fullmatch(r"-([aABxJQqd]+)(\d*)", word)
    if found is None:
        return [word]
    letters, number = found.groups()
    return [f"-{letter}" for letter in letters] + ([number] if number else [])


def questions(folder: Path) -> list[tuple]:
    """Every test of the two scripts that asks one thing of one file."""
    out = []
    for script in ("mpileup.reg", "depth.reg"):
        for line in (folder / script).read_text().splitlines():
            found = re.fullmatch(r"P (\S+)\s+(?:\$samtools view -h (\S+) \| )?\$samtools (mpileup|depth)\s(.*)", line)
            if found is None:
                continue
            expected, piped, tool, command = found.groups()
            columns = re.search(r"\|\s*perl -lane 'print \"\$F\[0\]\\t\$F\[1\]\\t\$F\[3\]\"'$", command)
            if columns:
                command = command[: columns.start()]
            command = command.replace("$fmt", "bam")
            if piped:
                command = re.sub(r" -$", f" {piped}", command)
            if "|" in command:
                continue
            try:
                out.append((expected, tool, bool(columns), *parse(tool, shlex.split(command, comments=False))))
            except LeftOut:
                continue
    return out


def test_expected_outputs(real_data, tmp_path):
    folder = Path(shutil.copytree(real_data / "samtools" / "mpileup", tmp_path / "suite"))
    folder.chmod(0o755)
    compared = set()
    for expected, tool, three_columns, file, reference, region, fields in questions(folder):
        rows = expected_rows(folder, expected, 2 if tool == "depth" or three_columns else 3)
        if not any((folder / file).with_suffix(suffix).is_file() for suffix in (".bam", ".sam")):
            continue  # one more file the suite makes on the way
        bam, lengths = prepare(folder, file, reference)
        if not lengths:
            assert not rows, expected  # a file without contigs, and nothing is expected of it
            continue
        for chrom, length in lengths.items():
            start, end = within(region, chrom, length)
            last = max(rows[chrom], default=0)
            # Contigs are long here, and files small: what lies behind the last row is nothing.
            end = min(end, max(last, start) + 100)
            if start > end or (not rows[chrom] and reference):
                continue
            ref = folder / reference if reference and tool == "mpileup" else None
            frame = get_coverage(bam, chrom, start, end, ref, 2, rules=tool, **fields)
            got = {p: (b, d) for p, b, d in zip(frame["pos"], frame["base"], frame["coverage"], strict=True)}
            said = (expected, file, chrom, fields)
            for position, (letter, depth) in rows[chrom].items():
                if position <= end:
                    assert got[position][1] == depth, (position, *said)
                    assert letter in (None, got[position][0]), (position, *said)
            assert not [p for p, (_, depth) in got.items() if depth and p not in rows[chrom]], said
            compared.add(expected)
    assert len(compared) > 80, sorted(compared)


def test_expected_depth_over_the_cap(real_data, tmp_path):
    """The one test whose output is cut down to depths: `mpileup -x -d 8500 -B`."""
    folder = Path(shutil.copytree(real_data / "samtools" / "mpileup", tmp_path / "suite"))
    folder.chmod(0o755)
    bam, lengths = prepare(folder, "deep.bam", "mpileup.ref.fa")
    with pytest.warns(FastcovWarning, match="8500.*max_depth=0"):
        frame = get_coverage(
            bam,
            "17",
            1,
            lengths["17"],
            rules="mpileup",
            mates="both",
            max_depth=8500,
            baq=False,
            ref=folder / "mpileup.ref.fa",
        )
    wanted = [int(line) for line in (folder / "expected" / "47.out").read_text().split()]
    assert [depth for depth in frame["coverage"] if depth] == wanted


def expected_rows(folder: Path, name: str, depth_column: int) -> dict[str, dict[int, tuple[str | None, int]]]:
    rows: dict = defaultdict(dict)
    if name == "1.out":  # kept without its first two columns
        lines = gzip.decompress((folder / "expected" / "1.out.f3-6.gz").read_bytes()).decode().splitlines()
        lines = [f"CHROMOSOME_I\t{number}\t{line}" for number, line in enumerate(lines, 1)]
    else:
        lines = (folder / "expected" / name).read_text().splitlines()
    for line in lines:
        field = line.split("\t")
        rows[field[0]][int(field[1])] = (field[2] if depth_column == 3 else None, int(field[depth_column]))
    return rows


def prepare(folder: Path, file: str, reference: str | None) -> tuple[Path, dict[str, int]]:
    """The file as a sorted BAM with an index; with the reference's lengths in the header, where there is a reference.

    The suite's references are cut short, which mpileup does not mind and fastcov refuses.
    """
    import pysam

    source = folder / file
    if not source.is_file():  # the suite makes some BAM files of SAM files first
        source = source.with_suffix(".sam")
    with pysam.AlignmentFile(source, check_sq=False) as reads:
        header = reads.header.to_dict()
        if reference:
            with pysam.FastaFile(str(folder / reference)) as fasta:
                for line in header.get("SQ", []):
                    if line["SN"] in fasta.references:
                        line["LN"] = fasta.get_reference_length(line["SN"])
        target = folder / f"{file}.{reference}.prepared.bam"
        with pysam.AlignmentFile(target, "wb", header=pysam.AlignmentHeader.from_dict(header)) as out:
            for read in sorted(reads, key=lambda r: (r.reference_id & 0xFFFFFFFF, r.reference_start)):
                out.write(pysam.AlignedSegment.from_dict(read.to_dict(), out.header))
    if header.get("SQ"):
        pysam.index(str(target))
    return target, {line["SN"]: line["LN"] for line in header.get("SQ", [])}


def within(region: str | None, chrom: str, length: int) -> tuple[int, int]:
    """The part of a contig that a region of the suite asks for; empty for another contig."""
    if region is None:
        return 1, length
    contig, _, place = region.replace(",", "").partition(":")
    if contig != chrom:
        return 1, 0
    start, _, end = place.partition("-")
    return int(start or 1), min(int(end or length), length)
