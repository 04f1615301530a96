"""The micro cases of `tests/oracle` and what other tools print for them.

`tests/oracle/README.md` describes the files. `python tests/tools/oracle.py FOLDER` writes every case as NAME.bam and
NAME.fa, each with an index.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ORACLE = Path(__file__).resolve().parents[1] / "oracle"
CONTIG = "chrT"


@dataclass(frozen=True)
class Case:
    """A few reads that show one corner of the rules. `cap` is the depth cap mpileup runs with, None for its default."""

    name: str
    region: str
    cap: int | None
    note: str

    @cached_property
    def interval(self) -> tuple[int, int]:
        """First and last position of the region, 1-based."""
        if self.region != CONTIG:
            start, end = re.fullmatch(rf"{CONTIG}:(\d+)-(\d+)", self.region).groups()
            return int(start), int(end)
        return 1, int(re.search(rf"^@SQ\tSN:{CONTIG}\tLN:(\d+)$", self.sam.read_text(), re.MULTILINE)[1])

    @property
    def sam(self) -> Path:
        return ORACLE / "cases" / f"{self.name}.sam"

    @property
    def fasta(self) -> Path:
        own = self.sam.with_suffix(".fa")
        return own if own.exists() else ORACLE / "cases" / "reference.fa"


def cases() -> list[Case]:
    rows = [line.split("\t") for line in (ORACLE / "cases.tsv").read_text().splitlines()[1:]]
    return [Case(name, region, None if cap == "-" else int(cap), note) for name, region, cap, note in rows]


@dataclass
class Column:
    """What one command of a tool prints for every case, or for those where the question makes sense."""

    tool: str
    command: str
    prints: str
    values: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Column":
        tool, command, head, *rows = path.read_text().splitlines()
        return cls(
            tool.removeprefix("# tool: "),
            command.removeprefix("# command: "),
            head.removeprefix("case\t"),
            dict(row.split("\t") for row in rows),
        )

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = "".join(f"{case}\t{value}\n" for case, value in self.values.items())
        path.write_text(f"# tool: {self.tool}\n# command: {self.command}\ncase\t{self.prints}\n{rows}")


def columns() -> dict[str, Column]:
    """Every column by its name, such as `samtools-1.24/depth_J`."""
    files = sorted((ORACLE / "outputs").glob("*/*.tsv"))
    return {f"{path.parent.name}/{path.stem}": Column.read(path) for path in files}


def region_rows(path: Path) -> list[dict[str, str]]:
    """A table of `tests/oracle/regions`: what a command prints for a region."""
    head, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def runs(depths: dict[int, int]) -> str:
    """Depths by position as `1-8=1,20-22=3`, runs of equal depth; `-` where there is none."""
    out: list[list[int]] = []
    for position, depth in sorted(depths.items()):
        if out and out[-1][1:] == [position - 1, depth]:
            out[-1][1] = position
        else:
            out.append([position, position, depth])
    return ",".join(f"{first}-{last}={depth}" for first, last, depth in out) or "-"


def depths(text: str, start: int, end: int) -> list[int]:
    """The depth at every position from `start` to `end` that `runs` wrote, 0 where it has none."""
    out = [0] * (end - start + 1)
    for first, last, depth in re.findall(r"(\d+)-(\d+)=(\d+)", text):
        for position in range(max(int(first), start), min(int(last), end) + 1):
            out[position - start] = int(depth)
    return out


def build(folder: Path) -> None:
    """Writes every case as NAME.bam and NAME.fa, in a process of its own: samtools keeps global state."""
    subprocess.run([sys.executable, __file__, folder], check=True)


def _write(folder: Path) -> None:
    import pysam

    pysam.set_verbosity(0)
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases():
        lines = case.sam.read_text().splitlines()
        header = pysam.AlignmentHeader.from_text("".join(f"{line}\n" for line in lines if line.startswith("@")))
        bam = folder / f"{case.name}.bam"
        with pysam.AlignmentFile(str(bam), "wb", header=header) as file:
            for line in lines[len(header.to_dict()["SQ"]) + 1 :]:
                read = pysam.AlignedSegment.fromstring(line, header)
                # htslib's parser sets 0x4 in a mapped read without CIGAR; a BAM file can hold one.
                read.flag = int(line.split("\t")[1])
                file.write(read)
        pysam.samtools.index(str(bam))
        fasta = shutil.copy(case.fasta, bam.with_suffix(".fa"))
        pysam.samtools.faidx(str(fasta))


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
