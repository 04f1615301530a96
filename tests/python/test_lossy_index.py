"""An index that has lost a part or has it in the wrong place: an error, or the right numbers, never too few reads."""

import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pysam
import pytest

import fastcov
from fastcov import errors

# BAI: the bin of read counts, and how many others there are.
COUNTS, BINS = 37_450, 37_449
STEP = 6_000

Chunks = list[tuple[int, int]]


@dataclass
class Contig:
    """The index of a contig."""

    bins: dict[int, Chunks]
    linear: list[int]

    @staticmethod
    def read(data: bytes) -> tuple[list["Contig"], bytes]:
        """The contigs of a BAI, and what follows them."""
        at = 8
        contigs = []

        def numbers(what: str, n: int = 1) -> tuple[int, ...]:
            nonlocal at
            found = struct.unpack_from(f"<{n}{what}", data, at)
            at += struct.calcsize(f"<{n}{what}")
            return found

        for _ in range(struct.unpack_from("<I", data, 4)[0]):
            bins = {}
            for _ in range(*numbers("I")):
                number, n = numbers("I", 2)
                offsets = numbers("Q", 2 * n)
                bins[number] = list(zip(offsets[::2], offsets[1::2], strict=True))
            contigs.append(Contig(bins, list(numbers("Q", *numbers("I")))))
        return contigs, data[at:]

    def bytes(self) -> bytes:
        out = struct.pack("<I", len(self.bins))
        for number, chunks in self.bins.items():
            out += struct.pack("<II", number, len(chunks)) + b"".join(struct.pack("<QQ", *chunk) for chunk in chunks)
        return out + struct.pack(f"<I{len(self.linear)}Q", len(self.linear), *self.linear)

    def damaged(self) -> Iterator["Contig"]:
        """Without one of its chunks, without one of its bins, and with nothing in it."""
        for number, chunks in self.bins.items():
            if number == COUNTS:
                continue
            rest = {other: kept for other, kept in self.bins.items() if other != number}
            yield Contig(rest, self.linear)
            for i in range(len(chunks)):
                yield Contig({**rest, number: chunks[:i] + chunks[i + 1 :]}, self.linear)
        yield Contig({}, [])

    def moved(self) -> Iterator["Contig"]:
        """With the chunks of one bin in another."""
        for number in self.bins:
            for bit in range(15):
                to = number ^ 1 << bit
                if number < BINS and to < BINS and to not in self.bins:
                    yield Contig({to if other == number else other: c for other, c in self.bins.items()}, self.linear)


@pytest.fixture
def indexed(sample, tmp_path) -> tuple[Path, list[Contig], bytes]:
    """A BAM, its index and the end of that."""
    bam = Path(shutil.copy(sample[0], tmp_path / "x.bam"))
    index = Path(shutil.copy(f"{sample[0]}.bai", tmp_path / "x.bam.bai"))
    return bam, *Contig.read(index.read_bytes())


def sums(bam: Path) -> list[int | None]:
    """Sums of depth of places side by side; None where there is an error."""
    found, messages = [], set()
    for contig, length in (("chr1", 60_000), ("chr2", 6_000)):
        for start in range(1, length, STEP):
            place = (contig, start, start + STEP - 1)
            try:
                columns = fastcov.coverage(bam, [place], rules="depth", runs=True).to_numpy()
            except errors.FastcovError as error:
                messages.add(str(error))
                found.append(None)
            else:
                found.append(int(((columns["end"] - columns["start"]) * columns["depth"].astype("int64")).sum()))
    assert all(str(bam) in message and "samtools index" in message for message in messages), messages
    return found


@pytest.mark.parametrize("damage", [Contig.damaged, Contig.moved])
def test_an_index_that_lost_something_gives_no_fewer_reads(indexed, damage):
    bam, contigs, end = indexed
    index = Path(f"{bam}.bai")
    expected = sums(bam)
    assert None not in expected
    assert min(expected) > 0
    tried = 0
    for i, contig in enumerate(contigs):
        for changed in damage(contig):
            parts = [*contigs[:i], changed, *contigs[i + 1 :]]
            index.write_bytes(b"BAI\1" + struct.pack("<I", len(parts)) + b"".join(part.bytes() for part in parts) + end)
            for got, wanted in zip(sums(bam), expected, strict=True):
                assert got in {None, wanted}, (i, changed)
            tried += 1
    assert tried > 50


def write_reads(path: Path, starts: list[int], mode: str) -> None:
    """Reads of 50 bases whose records all have one length, by pysam, with an index."""
    header = pysam.AlignmentHeader.from_references(["chr1"], [1_000_000])
    with pysam.AlignmentFile(str(path), mode, header=header) as file:
        for number, start in enumerate(starts):
            read = pysam.AlignedSegment(header)
            read.query_name, read.reference_id, read.reference_start = f"r{number:03}", 0, start
            read.mapping_quality, read.cigarstring, read.query_sequence = 60, "50M", "ACGTA" * 10
            file.write(read)
    pysam.index(str(path))


@pytest.mark.parametrize("seed", range(12))
def test_the_index_of_another_small_file_is_refused(tmp_path, seed):
    """Two files of one header whose first reads agree: the offsets of one index are places of records in both."""
    rng = random.Random(seed)
    count, first = rng.randrange(2, 300), rng.choice([[1_000], []])

    def starts() -> list[int]:
        begin, width = rng.randrange(2_000, 900_000), rng.choice([1_000, 50_000, 90_000])
        return first + sorted(min(999_900, begin + rng.randrange(width)) for _ in range(count))

    one, two, here = tmp_path / "one.bam", tmp_path / "two.bam", starts()
    mode = rng.choice(["wb", "wbu"])
    write_reads(one, starts(), mode)
    write_reads(two, here, mode)
    for start in (rng.choice(here), here[-1]):
        region = ("chr1", start + 1, start + 10)
        assert fastcov.coverage(two, region, rules="depth").to_numpy()["depth"].sum() > 0
        with pytest.raises(errors.IndexMismatchError):
            fastcov.coverage(two, region, rules="depth", index=f"{one}.bai")
