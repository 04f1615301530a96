"""Sums of depth as `samtools depth` gives them, for files that may be broken, in a process that may lose its life."""

import gzip
import json
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

EMPTY_OPERATION = re.compile(rb"(?<!\d)0[MIDN=X]")

# A file; a region or None for all of it; "index" to let samtools look the region up, "scan" to take it from a pass over
# the whole file.
Question = tuple[str, str | None, str]


def samtools_sums(questions: list[Question]) -> list[int | None]:
    """The answer to each question; None where samtools refuses, or does not survive."""
    answers: list[int | None] = []
    while len(answers) < len(questions):
        rest = questions[len(answers) :]
        done = subprocess.run(
            [sys.executable, "-m", "depth_sums"],
            input=json.dumps(rest),
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=30 + len(rest),
            check=False,
        )
        got = [json.loads(line) for line in done.stdout.splitlines()]
        # The question after the last answer is the one it died of.
        answers += got if len(got) == len(rest) else [*got, None]
    return answers


def answer(file: str, region: str | None, way: str) -> int:
    """The sum, of positions the contigs have: samtools goes on past their ends."""
    lengths = contigs(file)
    if way == "scan":
        return total(file, None, lengths, region)
    regions = [region] if region else [f"{name.decode()}:1-{length}" for name, length in lengths.items() if length]
    return sum(total(file, each, lengths, each) for each in regions)


def total(file: str, asked: str | None, lengths: dict[bytes, int], region: str | None) -> int:
    """The sum over `region` of what samtools says about `asked`."""
    name, first, last = within(region)
    where = [] if asked is None else ["-r", asked]
    out = 0
    for row in run("depth", *where, file):
        contig, position, depth = row.split(b"\t")
        if name in {None, contig} and first <= int(position) <= min(last, lengths[contig]):
            out += int(depth)
    if not out:
        return out
    try:
        records = [row.split(b"\t") for row in run("view", "--no-PG", file, *([] if asked is None else [asked]))]
    except Exception:  # tags that cannot be written as text
        return out
    if not any(EMPTY_OPERATION.search(record[5]) or lies_before_its_contig(record) for record in records):
        return out
    # samtools depth counts what stands before an operation of length 0 again behind it, and of a record that is at no
    # position what its later operations come to; the records say what is there.
    out = 0
    for contig, start, end in (block for record in records for block in blocks(record)):
        if name in {None, contig}:
            out += max(0, min(end, last, lengths[contig]) - max(start, first) + 1)
    return out


def lies_before_its_contig(record: list[bytes]) -> bool:
    """Whether a record is mapped to a contig, but to no position of it: -1 in the file, 0 in text."""
    return record[2] != b"*" and record[3] == b"0" and not int(record[1]) & 0x4


def blocks(record: list[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Contig, first and last position of each stretch of M, = or X, of records that count."""
    start = int(record[3])
    if int(record[1]) & 0x704 or start < 1:
        return
    for length, kind in re.findall(rb"(\d+)([MIDNSHP=X])", record[5]):
        if kind in b"M=X":
            yield record[2], start, start + int(length) - 1
        if kind in b"MDN=X":
            start += int(length)


def run(*arguments: str) -> list[bytes]:
    """The lines samtools writes; through a file, since they may be no text."""
    import pysam.samtools

    pysam.set_verbosity(0)
    with tempfile.NamedTemporaryFile() as out:
        getattr(pysam.samtools, arguments[0])("-o", out.name, *arguments[1:], catch_stdout=False)
        return Path(out.name).read_bytes().splitlines()


def contigs(file: str) -> dict[bytes, int]:
    """Names and lengths in the binary header."""
    with gzip.open(file) as bam:
        bam.read(4)
        number = lambda: struct.unpack("<i", bam.read(4))[0]  # noqa: E731
        bam.read(number())
        found = {}
        for _ in range(number()):
            name = bam.read(number())
            found[name.split(b"\0")[0]] = number()
    return found


def within(region: str | None) -> tuple[bytes | None, int, int]:
    if region is None:
        return None, 1, 1 << 62
    contig, _, positions = region.rpartition(":")
    if not contig:
        return region.encode(), 1, 1 << 62
    first, last = positions.split("-")
    return contig.encode(), int(first), int(last)


def main() -> None:
    for question in json.load(sys.stdin):
        try:
            found = answer(*question)
        except Exception:  # samtools says no
            found = None
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
