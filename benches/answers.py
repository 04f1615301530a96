"""
What is right: depths of the sets by the tools whose numbers are meant, computed once and kept beside the data.

`answers.json` in the data folder holds, for each set, the digest of the BAM it is about and the sum and CRC-32 of the
depths (int32, contig after contig) for each question. A file whose BAM or whose own checksum differs is computed anew.
"""

import csv
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import other_tools
from data import Set, digest

Answer = dict[str, int]


class ToolMissingError(Exception):
    """The tool that knows an answer is not installed."""


class Answers:
    """The answers of one folder of data."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "answers.json"
        self._known: dict[str, dict] = {}
        if self._path.exists():
            kept = json.loads(self._path.read_text())
            if kept["checksum"] == _checksum(kept["sets"]):
                self._known = kept["sets"]
        self._digests: dict[Path, str] = {}

    def get(self, data: Set, question: str) -> Answer:
        """The answer to a question of QUESTIONS, or to `depth -r REGION`; ToolMissingError."""
        identity = self._digest(data.bam)
        if self._known.get(data.name, {}).get("bam") != identity:
            self._known[data.name] = {"bam": identity, "answers": {}}
        answers = self._known[data.name]["answers"]
        if question not in answers:
            print(f"answer of {data.name}: {question}", file=sys.stderr, flush=True)
            ask = QUESTIONS.get(question) or _depth_of_region(question)
            self.put(data, question, digest(ask(data)))
        return answers[question]

    def put(self, data: Set, question: str, answer: Answer) -> None:
        self._known[data.name]["answers"][question] = answer
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps({"checksum": _checksum(self._known), "sets": self._known}, indent=1))
        part.replace(self._path)

    def _digest(self, bam: Path) -> str:
        if bam not in self._digests:
            with bam.open("rb") as file:
                self._digests[bam] = hashlib.file_digest(file, "blake2b").hexdigest()[:32]
        return self._digests[bam]


def _checksum(sets: dict) -> int:
    return zlib.crc32(json.dumps(sets, sort_keys=True).encode())


# pysam's samtools in a process of its own, which writes to its standard output as samtools does.
SAMTOOLS = [
    sys.executable,
    "-c",
    "import sys, pysam.samtools as s; getattr(s, sys.argv[1])(*sys.argv[2:], save_stdout='/dev/stdout')",
]


def _printed(command: list[str], columns: list[int] | None = None) -> Iterator[pd.DataFrame]:
    """What a tool prints, or some columns of it, in blocks of rows."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield from _blocks(process.stdout, columns)
        if process.wait() != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")


def _blocks(source: object, columns: list[int] | None = None) -> Iterator[pd.DataFrame]:
    return pd.read_csv(source, sep="\t", header=None, usecols=columns, quoting=csv.QUOTE_NONE, chunksize=1 << 20)


def _runs(blocks: Iterator[pd.DataFrame]) -> Iterator[np.ndarray]:
    """Runs `contig, start, end, depth` that leave no position out, position by position."""
    for block in blocks:
        yield np.repeat(block[3].to_numpy(), block[2] - block[1])


def _depth(data: Set) -> Iterator[np.ndarray]:
    for block in _printed([*SAMTOOLS, "depth", "-a", str(data.bam)]):
        yield block[2].to_numpy()


def _depth_of_region(question: str) -> Callable[[Set], Iterator[np.ndarray]]:
    region = question.removeprefix("depth -r ")
    command = [*SAMTOOLS, "depth", "-a", "-r", region]
    return lambda data: (block[2].to_numpy() for block in _printed([*command, str(data.bam)]))


def _mpileup(*options: str) -> Callable[[Set], Iterator[np.ndarray]]:
    def ask(data: Set) -> Iterator[np.ndarray]:
        for name, length in data.contigs.items():
            depths = np.zeros(length, dtype=np.int32)
            where = ["--min-MQ", "10", "-f", str(data.reference), "-r", name]
            for block in _printed([*SAMTOOLS, "mpileup", *options, *where, str(data.bam)], [1, 3]):
                depths[block[1] - 1] = block[3]
            yield depths

    return ask


def _mosdepth(*options: str) -> Callable[[Set], Iterator[np.ndarray]]:
    def ask(data: Set) -> Iterator[np.ndarray]:
        _needs("mosdepth")
        with tempfile.TemporaryDirectory() as folder:
            other_tools.run(["mosdepth", *options, f"{folder}/out", data.bam])
            yield from _runs(_blocks(f"{folder}/out.per-base.bed.gz"))

    return ask


def _genomecov(data: Set) -> Iterator[np.ndarray]:
    _needs("bedtools")
    yield from _runs(_printed(["bedtools", "genomecov", "-bga", "-ibam", str(data.bam)]))


def _needs(tool: str) -> None:
    if not shutil.which(tool):
        raise ToolMissingError(f"the answer needs {tool}, which is not installed")


def _bases(data: Set) -> Iterator[np.ndarray]:
    """The rule `bases` with its defaults as `docs/semantics.md`, 5.5, says it, read by read."""
    import pysam

    with pysam.AlignmentFile(data.bam) as file:
        for name, length in data.contigs.items():
            events = np.zeros(length + 1, dtype=np.int32)
            waiting: dict[tuple[str, bool], list[tuple[int, int]]] = {}
            for read in file.fetch(name):
                if not read.flag & 0x704:
                    _book(read, waiting, events)
            yield np.cumsum(events[:-1], dtype=np.int32)


def _book(read, waiting: dict, events: np.ndarray) -> None:
    """Adds a read, and takes away what a mate that came before covers too."""
    blocks = read.get_blocks()
    for start, end in blocks:
        events[start] += 1
        events[end] -= 1
    if (
        read.flag & 0x909 != 1
        or read.next_reference_id != read.reference_id
        or bool(read.flag & 64) == bool(read.flag & 128)
    ):
        return
    me, other = (read.query_name, read.is_read1), (read.query_name, not read.is_read1)
    if me in waiting:
        return
    waiting[me] = blocks
    for a, b in waiting.get(other, ()):
        for start, end in blocks:
            if max(a, start) < min(b, end):
                events[max(a, start)] -= 1
                events[min(b, end)] += 1


def _targets(data: Set) -> Iterator[np.ndarray]:
    """Sum of the depths of every target, in their order."""
    targets = pd.read_csv(data.targets, sep="\t", header=None, names=["chrom", "start", "end"])
    offsets = dict(zip(data.contigs, np.cumsum([0, *data.contigs.values()]), strict=False))
    depths = np.concatenate(list(_depth(data)))
    yield np.array([depths[offsets[t.chrom] + t.start : offsets[t.chrom] + t.end].sum() for t in targets.itertuples()])


QUESTIONS: dict[str, Callable[[Set], Iterator[np.ndarray]]] = {
    "depth": _depth,
    "mosdepth": _mosdepth(),
    "mosdepth-fast": _mosdepth("-x"),
    "genomecov": _genomecov,
    "bases": _bases,
    "mpileup -B": _mpileup("-B"),
    "mpileup": _mpileup(),
    "targets": _targets,
}
